import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { messageType, toBinary, toJson } from '../../protobuf/messages.ts'
import { registerEndpoint } from '../endpoint.ts'
import type { MessageForm } from '../send-message.ts'
import { messageContent, messageForms } from '../send-message.ts'
import type { ServerContext } from '../server-context.ts'

/** Load balancers add parameters of their own: that must not make a process look dead. */
const anyQuery = z.object({})

const healthType = messageType('signalbox.v1.Health')

/** Whether the process lives, and whether it can do its work: for Kubernetes' probes and for people. */
export function getHealth(app: FastifyInstance, { store, problems: otherProblems }: ServerContext): void {
  registerEndpoint(app, {
    method: 'GET',
    url: '/healthz',
    operationId: 'getLiveness',
    access: 'public',
    isProbe: true,
    tag: 'Operations',
    summary: 'Whether the process lives',
    query: anyQuery,
    forms: messageForms,
    responses: {
      200: { description: 'It does.', content: messageContent('Health') },
      406: { description: 'None of the forms is acceptable.' },
    },
    handle: async ({ form }, reply) => sendHealth(reply, form, 200, { status: 'ok' }),
  })

  registerEndpoint(app, {
    method: 'GET',
    url: '/readyz',
    operationId: 'getReadiness',
    access: 'public',
    isProbe: true,
    tag: 'Operations',
    summary: 'Whether requests can be served',
    description: 'While reads are served it is ready; `degraded` with reasons says what does not work as it should.',
    query: anyQuery,
    forms: messageForms,
    responses: {
      200: { description: 'Reads are served.', content: messageContent('Health') },
      406: { description: 'None of the forms is acceptable.' },
      503: { description: 'Nothing can be served.', content: messageContent('Health') },
    },
    handle: async ({ form, request }, reply) => {
      if (app.closing.hasBegun()) {
        return sendHealth(reply, form, 503, { status: 'unavailable', reasons: ['Signalbox is shutting down'] })
      }
      await lookAtRepository(request)
      const { isReadable, problems: storeProblems, commit } = store.health()
      const problems = [...storeProblems, ...otherProblems()]
      const status = problems.length > 0 ? 'degraded' : 'ok'
      return isReadable
        ? sendHealth(reply, form, 200, { status, reasons: problems, commit })
        : sendHealth(reply, form, 503, { status: 'unavailable', reasons: problems, commit })
    },
  })

  /** Health is about this moment, not about the last request. */
  async function lookAtRepository(request: FastifyRequest): Promise<void> {
    await store.snapshot().catch((error: unknown) => request.log.debug({ err: error }, 'not ready'))
  }
}

function sendHealth(reply: FastifyReply, form: MessageForm, status: number, health: object): FastifyReply {
  const isJson = form.mediaType === 'application/json'
  return reply
    .code(status)
    .header('Cache-Control', 'no-store')
    .type(isJson ? 'application/json; charset=utf-8' : form.mediaType)
    .send(isJson ? toJson(healthType, health) : toBinary(healthType, health))
}
