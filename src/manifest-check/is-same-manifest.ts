import { isUtf8 } from 'node:buffer'
import type { Document } from 'yaml'
import { isScalar, visit } from 'yaml'
import { toText } from './check-manifest.ts'
import { splitYaml } from './split-yaml.ts'
import { readDocuments } from './yaml-documents.ts'

/** Whether two manifests say the same: see ManifestChecker. */
export function isSameManifest(existing: Uint8Array, submitted: Uint8Array): boolean {
  if (Buffer.compare(existing, submitted) === 0) return true
  if (!isUtf8(existing) || !isUtf8(submitted)) return false
  const [texts, others] = [toText(existing), toText(submitted)]
  const [pieces, otherPieces] = [splitYaml(texts), splitYaml(others)]
  if (pieces.length !== otherPieces.length) return haveSameDocuments(texts, others)
  return pieces.every((piece, index) => {
    const other = otherPieces[index] ?? ''
    return piece === other || haveSameDocuments(piece, other)
  })
}

function haveSameDocuments(text: string, otherText: string): boolean {
  const others = readDocuments(otherText)
  for (const one of readDocuments(text)) {
    const other = others.next()
    if (other.done === true || 'problem' in one || 'problem' in other.value) return false
    if (toCanonicalText(one.document) !== toCanonicalText(other.value.document)) return false
  }
  return others.next().done === true
}

/** With the numbers as they were written: `010` and `10` mean the same to YAML 1.2, but not to the readers of manifests. */
function toCanonicalText(document: Document): string {
  const numbers: string[] = []
  visit(document, (_key, node) => {
    if (isScalar(node) && typeof node.value === 'number') numbers.push(node.source ?? '')
  })
  // Whether `---` and `...` stand where they need not makes no difference.
  const { directives } = document
  if (directives !== undefined) Object.assign(directives, { docStart: null, docEnd: false })
  return `${document.toString({ lineWidth: 0 })}\0${numbers.join(' ')}`
}
