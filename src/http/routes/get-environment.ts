import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { findEnvironment } from '../../core/find.ts'
import { environmentMessageType, toEnvironmentMessage } from '../../protobuf/to-environment-message.ts'
import { registerEndpoint } from '../endpoint.ts'
import { messageForms, readResponses, sendMessage } from '../send-message.ts'
import type { ServerContext } from '../server-context.ts'

/** What is deployed, queued and locked in one environment. */
export function getEnvironment(app: FastifyInstance, { store }: ServerContext): void {
  registerEndpoint(app, {
    method: 'GET',
    url: '/api/environments/:environment',
    operationId: 'getEnvironment',
    access: 'authenticated',
    tag: 'Environments',
    summary: 'What is deployed, queued and locked in an environment',
    params: z.strictObject({ environment: z.string().describe("The environment's name.") }),
    forms: messageForms,
    responses: {
      ...readResponses('The environment.', 'Environment'),
      404: { description: 'There is no such environment.' },
    },
    handle: async ({ params, form, request }, reply) => {
      const snapshot = await store.snapshot()
      const environment = findEnvironment(snapshot, params.environment)
      return sendMessage(request, reply, form, environmentMessageType, toEnvironmentMessage(snapshot, environment))
    },
  })
}
