import type { FastifyInstance } from 'fastify'
import type { SignInMessage } from '../../protobuf/to-sign-in-message.ts'
import { signInMessageType } from '../../protobuf/to-sign-in-message.ts'
import type { Admission } from '../admission.ts'
import { registerEndpoint } from '../endpoint.ts'
import { messageForms, readResponses, sendMessage } from '../send-message.ts'

/** How a program signs somebody in. Public: whoever asks has no token yet, and all of it stands in every sign-in's address. */
export function getSignIn(app: FastifyInstance, admission: Admission): void {
  const message = toMessage(admission)
  registerEndpoint(app, {
    method: 'GET',
    url: '/api/sign-in',
    operationId: 'getSignIn',
    access: 'public',
    tag: 'Operations',
    summary: 'How to sign in: the issuer, and the public client for the terminal',
    description: 'What `signalbox login` asks first. It finds the rest at the issuer.',
    forms: messageForms,
    responses: readResponses('Whether callers are asked who they are, and by whom.', 'SignInResponse'),
    handle: async ({ form, request }, reply) => sendMessage(request, reply, form, signInMessageType, message),
  })
}

function toMessage(admission: Admission): SignInMessage {
  return admission.mode === 'none'
    ? { mode: 'none', scopes: [] }
    : { mode: 'oidc', scopes: [], ...admission.terminalSignIn }
}
