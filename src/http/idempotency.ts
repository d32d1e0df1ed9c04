import { createHash } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { compareNames } from '../core/names.ts'
import type { Idempotency } from '../manifest-store/manifest-store.ts'
import { callerOf } from './guard.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The `Idempotency-Key` of a write, and what of the request its endpoint has read; see `toIdempotency`. */
    keyed?: { readonly key: string; readonly said: unknown }
  }
}

export const keyHeader = 'idempotency-key'
export const replayedHeader = 'Idempotency-Replayed'

const maximumLength = 255

/**
 * The key in an `Idempotency-Key` header: in quotes, as the IETF's draft has it (a string of RFC 8941), or bare, as most send it.
 * Undefined for what is none.
 */
export function parseIdempotencyKey(header: string): string | undefined {
  const quoted = /^"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"$/.exec(header.trim())?.[1]
  const key = quoted?.replaceAll(/\\(.)/g, '$1') ?? (/^[\x21\x23-\x7e][\x21-\x7e]*$/.test(header) ? header : '')
  return key.length >= 1 && key.length <= maximumLength ? key : undefined
}

export const keyRule = `must be one text of 1 to ${maximumLength} visible ASCII characters, bare or in double quotes`

/**
 * How the store recognises a repeat of this request; undefined when it has no key. `content` is what the handler has read itself,
 * such as a form: everything that can change what is done has to be in it. Keys of others are others.
 */
export function toIdempotency(request: FastifyRequest, content?: unknown): Idempotency | undefined {
  const { keyed } = request
  if (keyed === undefined) return undefined
  const { id, principal } = callerOf(request)
  const who = principal.isClaimed === true ? [id, principal.name, principal.email] : [id]
  return {
    key: hashOf([who, keyed.key]),
    request: hashOf([request.method, request.routeOptions.url, keyed.said, request.headers['if-match'], content]),
  }
}

function hashOf(value: unknown): string {
  return createHash('sha256').update(toCanonicalJson(value)).digest('hex')
}

/** The same text for the same value, in whatever order its members were sent. */
function toCanonicalJson(value: unknown): string {
  if (value instanceof Map) return toCanonicalJson(sortByKey([...(value as Map<unknown, unknown>)]))
  if (Array.isArray(value)) return `[${value.map(toCanonicalJson).join(',')}]`
  if (typeof value === 'bigint') return String(value)
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null'
  const members = sortByKey(Object.entries(value).filter(([, member]) => member !== undefined)).map(
    ([name, member]) => `${JSON.stringify(name)}:${toCanonicalJson(member)}`,
  )
  return `{${members.join(',')}}`
}

function sortByKey<Key>(entries: readonly (readonly [Key, unknown])[]): readonly (readonly [Key, unknown])[] {
  return entries.toSorted(([a], [b]) => compareNames(String(a), String(b)))
}
