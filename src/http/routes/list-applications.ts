import type { FastifyInstance } from 'fastify'
import { applicationsMessageType, toApplicationsMessage } from '../../protobuf/to-application-message.ts'
import { registerEndpoint } from '../endpoint.ts'
import { messageForms, readResponses, sendMessage } from '../send-message.ts'
import type { ServerContext } from '../server-context.ts'

/** All applications and where they are deployed. */
export function listApplications(app: FastifyInstance, { store }: ServerContext): void {
  registerEndpoint(app, {
    method: 'GET',
    url: '/api/applications',
    operationId: 'listApplications',
    access: 'authenticated',
    tag: 'Applications',
    summary: 'All applications, with team, latest version and deployments',
    forms: messageForms,
    responses: readResponses('The applications, sorted by name.', 'ListApplicationsResponse'),
    handle: async ({ form, request }, reply) =>
      sendMessage(request, reply, form, applicationsMessageType, toApplicationsMessage(await store.snapshot())),
  })
}
