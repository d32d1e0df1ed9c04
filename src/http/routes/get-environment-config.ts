import type { FastifyInstance } from 'fastify'
import { DomainError } from '../../core/errors.ts'
import type { EnvironmentName } from '../../core/names.ts'
import {
  environmentConfigMessageType,
  toEnvironmentConfigMessage,
} from '../../protobuf/to-environment-config-message.ts'
import { registerEndpoint } from '../endpoint.ts'
import { messageForms, readResponses, sendMessage } from '../send-message.ts'
import type { ServerContext } from '../server-context.ts'
import { environmentParams } from './environment-change.ts'

/** How an environment is configured, in the form in which it can be sent back. */
export function getEnvironmentConfig(app: FastifyInstance, { store }: ServerContext): void {
  registerEndpoint(app, {
    method: 'GET',
    url: '/api/environments/:environment/config',
    operationId: 'getEnvironmentConfig',
    access: 'authenticated',
    tag: 'Environments',
    summary: 'How an environment is configured',
    params: environmentParams,
    forms: messageForms,
    responses: {
      ...readResponses('The config.', 'EnvironmentConfig'),
      404: { description: 'There is no such environment.' },
      409: { description: 'The config cannot be read: the detail says why.' },
    },
    handle: async ({ params: { environment: name }, form, request }, reply) => {
      const snapshot = await store.snapshot()
      const environment = snapshot.environments.get(name as EnvironmentName)
      if (environment === undefined) {
        throw new DomainError(
          { code: 'UNKNOWN_ENVIRONMENT', environment: name },
          `there is no environment '${name}'; GET /api/environment-groups lists them`,
        )
      }
      if (!environment.config.ok) {
        throw new DomainError(
          { code: 'ENVIRONMENT_UNREADABLE', environment: name },
          `${environment.config.reason}; POST /api/environments/${name} replaces it`,
        )
      }
      const message = toEnvironmentConfigMessage(environment.config.value)
      return sendMessage(request, reply, form, environmentConfigMessageType, message)
    },
  })
}
