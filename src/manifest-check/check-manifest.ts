import { isUtf8 } from 'node:buffer'
import { createHash } from 'node:crypto'
import type { ObjectId } from '../core/object-id.ts'
import type { ManifestProblem } from './manifest-checker.ts'
import { splitYaml } from './split-yaml.ts'
import { readDocuments } from './yaml-documents.ts'

/** The id of the blob that git would make of these bytes. */
export function blobId(bytes: Uint8Array): ObjectId {
  return createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex')
}

/** The first reason why these bytes are no YAML in UTF-8; undefined when all their documents are. */
export function findManifestProblem(bytes: Uint8Array): ManifestProblem | undefined {
  if (!isUtf8(bytes)) return toEncodingProblem(bytes)
  let offset = 0
  const text = toText(bytes)
  for (const piece of splitYaml(text)) {
    for (const one of readDocuments(piece)) {
      if (!('problem' in one)) continue
      const linesBefore = text.slice(0, offset).split('\n').length - 1
      return { ...one.problem, line: linesBefore + one.problem.line }
    }
    offset += piece.length
  }
  return undefined
}

export function toText({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('utf8')
}

function toEncodingProblem(bytes: Uint8Array): ManifestProblem {
  const offset = endOfUtf8(bytes)
  const before = toText(bytes.subarray(0, offset))
  const line = before.split('\n').length
  return {
    message: `Not UTF-8: the byte at offset ${offset} (0x${bytes[offset]?.toString(16).padStart(2, '0')}) begins no character`,
    line,
    column: before.length - (before.lastIndexOf('\n') + 1) + 1,
  }
}

/** How many bytes from the start are UTF-8. Decoding and encoding again changes the first sequence that is not. */
function endOfUtf8(bytes: Uint8Array): number {
  const again = Buffer.from(toText(bytes))
  let offset = 0
  while (bytes[offset] === again[offset]) offset += 1
  // The sequence may have begun well.
  while (!isUtf8(bytes.subarray(0, offset))) offset -= 1
  return offset
}
