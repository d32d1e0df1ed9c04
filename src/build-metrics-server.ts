import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { fastify, LogController } from 'fastify'
import { RequestError, sendProblem } from './http/problem.ts'
import type { MetricsSource } from './http/routes/get-metrics.ts'
import { registerSecurityHeaders } from './http/security-headers.ts'
import { withoutSchemas } from './http/without-schemas.ts'

export interface MetricsServerOptions {
  readonly metrics: MetricsSource
  readonly logger: FastifyBaseLogger
}

/**
 * A server for the figures alone, which asks nobody who they are: for a port that only Prometheus reaches, under whatever name or
 * address. Nothing can be written here, so no page of another site could do harm.
 */
export async function buildMetricsServer({ metrics, logger }: MetricsServerOptions): Promise<FastifyInstance> {
  const app = fastify({
    loggerInstance: logger,
    schemaController: withoutSchemas,
    logController: new LogController({ disableRequestLogging: true }),
    forceCloseConnections: true,
    return503OnClosing: false,
  })
  // Nobody knows whether TLS ends before it, so it says nothing of that.
  await registerSecurityHeaders(app, undefined)
  app.setErrorHandler((error, request, reply) => sendProblem(error, request, reply))
  app.setNotFoundHandler((request, reply) =>
    sendProblem(new RequestError('NOT_FOUND', 'there is only /metrics here'), request, reply),
  )
  app.get('/metrics', async (_request, reply) =>
    reply
      .header('Cache-Control', 'no-store')
      .type(metrics.contentType)
      .send(await metrics.text()),
  )
  return app
}
