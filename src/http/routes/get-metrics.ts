import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { registerEndpoint } from '../endpoint.ts'

/** What Prometheus reads. */
export interface MetricsSource {
  readonly contentType: string
  text(): Promise<string>
}

const mediaType = 'text/plain'

/** Figures for Prometheus. Names of environments stand in them, so it is for those who are known. */
export function getMetrics(app: FastifyInstance, metrics: MetricsSource | undefined): void {
  if (metrics === undefined) return
  registerEndpoint(app, {
    method: 'GET',
    url: '/metrics',
    operationId: 'getMetrics',
    access: 'authenticated',
    tag: 'Operations',
    summary: 'Figures for Prometheus',
    description:
      'In the text format of Prometheus. With `SIGNALBOX_METRICS_PORT` they are served on that port instead, to everybody who reaches it.',
    // Scrapers may add parameters of their own.
    query: z.object({}),
    // Prometheus asks for forms of its own first, and takes this one in the end.
    forms: [],
    responses: {
      200: { description: 'All figures at this moment.', content: { [mediaType]: { type: 'string' } } },
    },
    handle: async (_input, reply) =>
      reply
        .header('Cache-Control', 'no-store')
        .type(metrics.contentType)
        .send(await metrics.text()),
  })
}
