import type { Answer } from '../network/exchange.ts'
import type { MessageType } from '../protobuf/messages.ts'
import { fromBinary, fromJson } from '../protobuf/messages.ts'
import type { ProblemMessage } from './messages.ts'
import { messages } from './messages.ts'

export const protobufMediaType = 'application/x-protobuf'

/** The headers of a request for a message. A server that knows no protobuf ignores them, and its answer is shown as it is. */
export const acceptsMessage = { Accept: protobufMediaType } as const

export function mediaTypeOf({ headers }: Answer): string {
  const [mediaType = ''] = String(headers['content-type'] ?? '').split(';')
  return mediaType.trim().toLowerCase()
}

/** The message in the answer; undefined when it is something else, or cannot be read. */
export function messageOf<Message extends object>(answer: Answer, type: MessageType<Message>): Message | undefined {
  if (mediaTypeOf(answer) !== protobufMediaType) return undefined
  try {
    return fromBinary(type, answer.body)
  } catch {
    return undefined
  }
}

/** The refusal of a Signalbox; undefined for what anybody else answers. */
export function problemOf(answer: Answer): ProblemMessage | undefined {
  if (mediaTypeOf(answer) !== 'application/problem+json') return undefined
  try {
    const problem = fromJson(messages.problem, answer.body.toString())
    return problem.code === undefined || problem.code === '' ? undefined : problem
  } catch {
    return undefined
  }
}

/** A page for a browser, such as that of a login, which no API answers. */
export function isPage(answer: Answer): boolean {
  return mediaTypeOf(answer).includes('html') || /^\s*<(!doctype|html)/iu.test(answer.body.toString('utf8', 0, 1000))
}

/** What an answer that is no message says to people: plain text as it is, of a page its words. */
export function textOf(answer: Answer): string {
  const text = answer.body.toString().trim()
  if (!isPage(answer)) return text
  // Of a page its beginning is enough, and what a hostile one can cost.
  return text
    .slice(0, 10_000)
    .replaceAll(/<(script|style|head)\b[^]*?<\/\1>/giu, ' ')
    .replaceAll(/<[^>]*>/gu, ' ')
    .replaceAll(/\s+/gu, ' ')
    .trim()
}
