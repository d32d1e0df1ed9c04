import { Readable } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { MessageType } from '../protobuf/messages.ts'
import { toBinary, toJson } from '../protobuf/messages.ts'
import { hashOf, isNotModified } from './conditional.ts'
import type { ResponseDescription } from './endpoint.ts'

/** The forms of every message that Kuberpult does not have. */
export const messageForms = [{ mediaType: 'application/json' }, { mediaType: 'application/x-protobuf' }] as const

export type MessageForm = (typeof messageForms)[number]

/** How a message in these forms is described in OpenAPI. */
export function messageContent(schema: string): NonNullable<ResponseDescription['content']> {
  return { 'application/json': { $ref: `${schema}#` }, 'application/x-protobuf': binarySchema }
}

export const binarySchema = { type: 'string', format: 'binary' }

export const notModified: ResponseDescription = {
  description: 'The representation in `If-None-Match` is still the current one.',
}

/** What a read can answer, beside its own refusals: a message, or a body of its own. */
export function readResponses(description: string, body: string | NonNullable<ResponseDescription['content']>) {
  return {
    200: {
      description,
      content: typeof body === 'string' ? messageContent(body) : body,
      headers: {
        ETag: 'Identifies this representation: send it as `If-None-Match` to be answered only when it changed.',
      },
    },
    304: notModified,
    400: { description: 'A part of the request is invalid.' },
    406: { description: 'None of the forms is acceptable.' },
    500: { description: 'A fault of Signalbox.' },
    503: { description: 'The repository cannot be read.' },
  } satisfies Record<number, ResponseDescription>
}

/** Answers with a message in the form that was negotiated, or with 304 when the client has just that already. */
export function sendMessage<Message extends object>(
  request: FastifyRequest,
  reply: FastifyReply,
  form: MessageForm,
  type: MessageType<Message>,
  message: NoInfer<Message>,
): FastifyReply {
  return form.mediaType === 'application/json'
    ? sendRepresentation(request, reply, 'application/json; charset=utf-8', toJson(type, message))
    : sendRepresentation(request, reply, form.mediaType, toBinary(type, message))
}

/** Answers a write with a message in the form that was negotiated; the status is the caller's. */
export function sendResult<Message extends object>(
  reply: FastifyReply,
  form: MessageForm,
  type: MessageType<Message>,
  message: NoInfer<Message>,
): FastifyReply {
  reply.header('Cache-Control', 'no-store')
  return form.mediaType === 'application/json'
    ? reply.type('application/json; charset=utf-8').send(toJson(type, message))
    : reply.type(form.mediaType).send(toBinary(type, message))
}

/**
 * Answers a GET with one representation and its entity tag; `fingerprint` makes up the tag's first part where there
 * is one. Caches may keep it, but must ask each time.
 */
export function sendRepresentation(
  request: FastifyRequest,
  reply: FastifyReply,
  contentType: string,
  body: string | Uint8Array,
  fingerprint?: string,
): FastifyReply {
  const hash = hashOf(body)
  const entityTag = fingerprint === undefined ? hash : `${fingerprint}.${hash}`
  return sendTagged(request, reply, { contentType, entityTag }, () => body)
}

/** The same where the entity tag is known before the body is made: one that nobody needs is not made at all. */
export function sendTagged(
  request: FastifyRequest,
  reply: FastifyReply,
  { contentType, entityTag }: { readonly contentType: string; readonly entityTag: string },
  toBody: () => string | Uint8Array | Readable,
): FastifyReply {
  reply
    .header('ETag', `"${entityTag}"`)
    .header('Cache-Control', 'private, no-cache')
    .header('Vary', 'Accept, Authorization')
  if (isNotModified(request.headers['if-none-match'], entityTag)) return reply.code(304).send()
  return reply.type(contentType).send(toBody())
}

/** A body that is made piece by piece while it is sent, and others have their turn in between. */
export function toStream(pieces: Iterable<string | Uint8Array>): Readable {
  async function* inTurns() {
    for (const piece of pieces) {
      yield piece
      await nextTurn()
    }
  }
  return Readable.from(inTurns(), { objectMode: false })
}
