import { createHash } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'

/** The entity tags of an `If-Match` or `If-None-Match` header; `*` stands for any. */
export type EntityTags = '*' | readonly string[]

/**
 * Reads a list of entity tags (RFC 9110, section 8.8.3): weak marks are dropped, and a value without quotes is taken
 * as it is, since scripts forget them and a comparison stays exact. Undefined when there is no header.
 */
export function parseEntityTags(header: string | undefined): EntityTags | undefined {
  if (header === undefined) return undefined
  if (header.trim() === '*') return '*'
  return [...header.matchAll(/(?:W\/)?"([^"]*)"|([^\s,"]+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '')
}

/** Identifies the bytes of one representation: 16 hex digits. */
export function hashOf(body: string | Uint8Array): string {
  return createHash('sha256').update(body).digest('hex').slice(0, 16)
}

const pieceLength = 256 * 1024

/** The same of several parts, which may be large: others have their turn meanwhile. Where a part ends makes a difference. */
export async function hashOfParts(parts: Iterable<string | Uint8Array>): Promise<string> {
  const hash = createHash('sha256')
  for (const part of parts) {
    const bytes = typeof part === 'string' ? Buffer.from(part) : part
    hash.update(`${bytes.length} `)
    for (let offset = 0; offset < bytes.length; offset += pieceLength) {
      hash.update(bytes.subarray(offset, offset + pieceLength))
      await nextTurn()
    }
  }
  return hash.digest('hex').slice(0, 16)
}

/** Whether `If-None-Match` says that the client has this representation already. */
export function isNotModified(header: string | undefined, entityTag: string): boolean {
  const tags = parseEntityTags(header)
  return tags === '*' || (tags?.includes(entityTag) ?? false)
}

/**
 * Whether `If-Match` allows a run with this fingerprint. A tag is `<fingerprint>.<hash of the representation>`: which
 * form of the prognosis its reader saw makes no difference to what the train does, so only the first part counts.
 */
export function allowsFingerprint(header: string | undefined, fingerprint: string): boolean {
  const tags = parseEntityTags(header)
  return tags === undefined || tags === '*' || tags.some((tag) => tag.split('.', 1)[0] === fingerprint)
}
