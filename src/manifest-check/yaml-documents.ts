import type { CST, Document } from 'yaml'
import { Composer, isAlias, isCollection, isMap, isScalar, isSeq, LineCounter, Parser } from 'yaml'
import type { ManifestProblem } from './manifest-checker.ts'

/** Beyond this, programs that walk manifests by recursion are in danger, ours included. */
const maximumNesting = 500

/**
 * Reads YAML document by document, so that memory is bounded by the largest. Ends with the first problem. What the library would do
 * in quadratic time, comparing the keys of a map, is done here.
 */
export function* readDocuments(
  text: string,
): Generator<{ readonly document: Document } | { readonly problem: ManifestProblem }> {
  const lines = new LineCounter()
  const composer = new Composer({ prettyErrors: false, uniqueKeys: false })
  const problemAt = (message: string, offset: number) => {
    const { line, col } = lines.linePos(offset)
    return { problem: { message, line, column: col } }
  }
  const judge = (document: Document.Parsed) => {
    const [error] = document.errors
    if (error !== undefined) return problemAt(error.message, error.pos[0])
    const fault = findFault(document.contents)
    return fault === undefined ? { document: document as Document } : problemAt(fault.message, fault.offset)
  }
  for (const token of new Parser(lines.addNewLine).parse(text)) {
    const offset = findDeepToken(token)
    if (offset !== undefined) {
      yield problemAt(`Nested more than ${maximumNesting} levels deep`, offset)
      return
    }
    for (const document of composer.next(token)) {
      const judged = judge(document)
      yield judged
      if ('problem' in judged) return
    }
  }
  // Without a single document there may still be errors, which only a document can carry.
  for (const document of composer.end(true, text.length)) yield judge(document)
}

/** Where the first token stands that is nested too deeply. Without recursion, for obvious reasons. */
function findDeepToken(root: CST.Token): number | undefined {
  const open: { readonly token: CST.Token; readonly depth: number }[] = [{ token: root, depth: 0 }]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { token, depth } = next
    if (depth > maximumNesting) return token.offset
    if (token.type === 'document') {
      if (token.value !== undefined) open.push({ token: token.value, depth: 1 })
    } else if ('items' in token) {
      for (const { key, value } of token.items) {
        if (key && 'items' in key) open.push({ token: key, depth: depth + 1 })
        if (value && 'items' in value) open.push({ token: value, depth: depth + 1 })
      }
    }
  }
  return undefined
}

interface Fault {
  readonly message: string
  readonly offset: number
}

/** A key that its map has already, or an alias of an anchor that does not stand before it. */
function findFault(contents: unknown): Fault | undefined {
  const anchors = new Set<string>()
  const open = [contents]
  while (open.length > 0) {
    const node = open.pop()
    if (isAlias(node)) {
      if (anchors.has(node.source)) continue
      return { message: `Alias of an unknown anchor: ${node.source}`, offset: node.range?.[0] ?? 0 }
    }
    if ((isScalar(node) || isCollection(node)) && node.anchor !== undefined) anchors.add(node.anchor)
    if (isMap(node)) {
      const fault = findDuplicateKey(node.items)
      if (fault !== undefined) return fault
      for (const { key, value } of node.items.toReversed()) open.push(value, key)
    } else if (isSeq(node)) {
      for (const item of node.items.toReversed()) open.push(item)
    }
  }
  return undefined
}

function findDuplicateKey(items: readonly { readonly key: unknown }[]): Fault | undefined {
  const values = new Set<unknown>()
  for (const { key } of items) {
    if (!isScalar(key)) continue
    if (values.has(key.value)) {
      return { message: `Map keys must be unique: ${JSON.stringify(key.source)}`, offset: key.range?.[0] ?? 0 }
    }
    values.add(key.value)
  }
  return undefined
}
