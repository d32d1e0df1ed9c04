import type { FastifyInstance } from 'fastify'
import { toWhoAmIMessage, whoAmIMessageType } from '../../protobuf/to-who-am-i-message.ts'
import { registerEndpoint } from '../endpoint.ts'
import { callerOf } from '../guard.ts'
import { messageForms, readResponses, sendMessage } from '../send-message.ts'

/** Who asks, as far as this server knows, and what that allows. */
export function whoAmI(app: FastifyInstance): void {
  registerEndpoint(app, {
    method: 'GET',
    url: '/api/whoami',
    operationId: 'whoAmI',
    access: 'authenticated',
    tag: 'Operations',
    summary: 'Who you are here, and what you may do',
    description: 'Where nobody is asked who they are, everyone is `anonymous` and may do everything.',
    forms: messageForms,
    responses: readResponses('Principal, roles, teams, and the permissions that they give.', 'WhoAmIResponse'),
    handle: async ({ form, request }, reply) =>
      sendMessage(request, reply, form, whoAmIMessageType, toWhoAmIMessage(callerOf(request))),
  })
}
