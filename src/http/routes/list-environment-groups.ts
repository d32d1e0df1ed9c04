import type { FastifyInstance } from 'fastify'
import { environmentGroupsMessageType, toEnvironmentGroupsMessage } from '../../protobuf/to-environment-message.ts'
import { registerEndpoint } from '../endpoint.ts'
import { readResponses, messageForms, sendMessage } from '../send-message.ts'
import type { ServerContext } from '../server-context.ts'

/** All environments in their groups. */
export function listEnvironmentGroups(app: FastifyInstance, { store }: ServerContext): void {
  registerEndpoint(app, {
    method: 'GET',
    url: '/api/environment-groups',
    operationId: 'listEnvironmentGroups',
    access: 'authenticated',
    tag: 'Environments',
    summary: 'All environments in their groups',
    description: 'With upstream, locks, and warnings about what makes a train impossible or surprising.',
    forms: messageForms,
    responses: readResponses('The groups, sorted by name.', 'ListEnvironmentGroupsResponse'),
    handle: async ({ form, request }, reply) =>
      sendMessage(
        request,
        reply,
        form,
        environmentGroupsMessageType,
        toEnvironmentGroupsMessage(await store.snapshot()),
      ),
  })
}
