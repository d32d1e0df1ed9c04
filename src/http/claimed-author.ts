import type { IncomingHttpHeaders } from 'node:http'
import type { InvalidPart } from './problem.ts'
import { RequestError } from './problem.ts'

/** As Go's encoding/base64 takes it: the standard alphabet, padded. */
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

const maximumCharacters = 256

/**
 * Who Kuberpult's client says the author is (spec 4.1, 5.4): headers `author-name` and `author-email` in base64. Undefined
 * unless both say something. Throws INVALID_REQUEST that names each header that holds no line of text. Anybody can send
 * them, and `author-role` as well, which nobody looks at.
 */
export function readClaimedAuthor(
  headers: IncomingHttpHeaders,
): { readonly name: string; readonly email: string } | undefined {
  const errors: InvalidPart[] = []
  const read = (header: string): string => {
    const value = headers[header] ?? ''
    const text = decode(String(value))
    if ('problem' in text) errors.push({ path: `header.${header}`, message: text.problem })
    return 'problem' in text ? '' : text.decoded
  }
  const name = read('author-name')
  const email = read('author-email')
  if (errors.length > 0) {
    const detail = errors.map(({ path, message }) => `${path} ${message}`).join('; ')
    throw new RequestError('INVALID_REQUEST', detail, errors)
  }
  return name === '' || email === '' ? undefined : { name, email }
}

function decode(value: string): { readonly decoded: string } | { readonly problem: string } {
  if (!base64.test(value)) return { problem: 'is not base64' }
  const bytes = Buffer.from(value, 'base64')
  let decoded: string
  try {
    decoded = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes).trim()
  } catch {
    return { problem: 'is not UTF-8 in base64' }
  }
  if (/[\p{Cc}\p{Zl}\p{Zp}]/u.test(decoded)) return { problem: 'has control characters' }
  if (decoded.length > maximumCharacters) return { problem: `is longer than ${maximumCharacters} characters` }
  return { decoded }
}
