import { isUtf8 } from 'node:buffer'

/**
 * Names in a tree are bytes to git and text to us. A byte that is not part of valid UTF-8 becomes a lone surrogate,
 * U+DC00 plus the byte (Python's PEP 383): no valid UTF-8 yields one, so every name has one text and comes back byte for
 * byte.
 */

/** The text of a name's bytes. Any bytes have one, and different bytes have different ones. */
export function decodeName(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString('utf8')
  let name = ''
  for (let at = 0; at < bytes.length;) {
    const lead = bytes[at] ?? 0
    const sequence = bytes.subarray(at, at + sequenceLength(lead))
    const isValid = isUtf8(sequence)
    name += isValid ? sequence.toString('utf8') : String.fromCharCode(0xdc00 + lead)
    at += isValid ? sequence.length : 1
  }
  return name
}

function sequenceLength(lead: number): number {
  if (lead >= 0xf0) return 4
  if (lead >= 0xe0) return 3
  return lead >= 0xc0 ? 2 : 1
}

/** The bytes of a name: the inverse of `decodeName` for every text that `isNameText` accepts. */
export function encodeName(name: string): Buffer {
  // With the u flag a surrogate matches only where it stands alone.
  if (!/[\udc80-\udcff]/u.test(name)) return Buffer.from(name, 'utf8')
  return Buffer.concat(
    Array.from(name, (character) => {
      const code = character.codePointAt(0) ?? 0
      return code >= 0xdc80 && code <= 0xdcff ? Buffer.of(code - 0xdc00) : Buffer.from(character, 'utf8')
    }),
  )
}

/**
 * Whether `decodeName` could have answered this text. False for other lone surrogates, and for escaped bytes that
 * together are valid UTF-8: two texts for the same bytes would be two entries of the same name.
 */
export function isNameText(name: string): boolean {
  return !/[\ud800-\udfff]/u.test(name) || decodeName(encodeName(name)) === name
}
