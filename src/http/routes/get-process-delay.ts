import type { FastifyInstance } from 'fastify'
import { registerEndpoint } from '../endpoint.ts'

const integer = { type: 'integer' }

/** How far the repository lags behind what was acknowledged: not at all, an answer of success means that it is there. */
export function getProcessDelay(app: FastifyInstance): void {
  registerEndpoint(app, {
    method: 'GET',
    url: '/api/process-delay',
    operationId: 'getProcessDelay',
    access: 'authenticated',
    tag: 'Operations',
    summary: 'What was acknowledged, but is not in the repository yet: always nothing',
    forms: [{ mediaType: 'application/json' }],
    responses: {
      200: {
        description: "Nothing waits. For probes that were written for Kuberpult's exporter.",
        content: {
          'application/json': { type: 'object', properties: { unprocessed_events: integer, delay_seconds: integer } },
        },
      },
      400: { description: 'A part of the request is invalid.' },
      406: { description: 'None of the forms is acceptable.' },
    },
    handle: async (_input, reply) =>
      reply
        .header('Cache-Control', 'no-store')
        .type('application/json; charset=utf-8')
        .send('{"unprocessed_events":0,"delay_seconds":0}\n'),
  })
}
