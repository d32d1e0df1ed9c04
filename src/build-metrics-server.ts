import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { fastify, LogController } from 'fastify'
import type { Admission } from './http/admission.ts'
import { registerHostCheck } from './http/host-check.ts'
import { RequestError, sendProblem } from './http/problem.ts'
import type { MetricsSource } from './http/routes/get-metrics.ts'

export interface MetricsServerOptions {
  readonly metrics: MetricsSource
  readonly admission: Admission
  readonly publicUrl: string | undefined
  readonly logger: FastifyBaseLogger
}

/** A server for the figures alone, which asks nobody who they are: for a port that only Prometheus reaches. */
export function buildMetricsServer({ metrics, admission, publicUrl, logger }: MetricsServerOptions): FastifyInstance {
  const app = fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    forceCloseConnections: true,
    return503OnClosing: false,
  })
  registerHostCheck(app, admission, publicUrl)
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
