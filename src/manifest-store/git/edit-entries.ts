import type { TreeEntry } from './tree.ts'
import { findIndex, isInOrder, isTree, serializeTree, sortEntries } from './tree.ts'
import { encodeName } from './tree-name.ts'

/** The entries of a tree, and the tree. */
export interface EditedEntries {
  /** In git's order. */
  readonly entries: readonly TreeEntry[]
  readonly data: Uint8Array
}

/**
 * The tree that has these entries but for the edits: other entries by name, undefined for those that are to go. Throws what
 * `serializeTree` throws.
 *
 * Mostly a few of a thousand entries get another id. Then all that stands around those ids is copied from the tree before, where that
 * was made here.
 */
export function editEntries(
  before: readonly TreeEntry[],
  edits: ReadonlyMap<string, TreeEntry | undefined>,
): EditedEntries {
  const replaced = isInOrder(before) ? findReplaced(before, edits) : undefined
  if (replaced === undefined) {
    const kept = before.filter(({ name }) => !edits.has(name))
    const added = [...edits.values()].filter((entry) => entry !== undefined)
    return remember(sortEntries([...kept, ...added]))
  }
  const entries = [...before]
  for (const { index, entry } of replaced) entries[index] = entry
  const bytes = lastBytes.get(before)
  return remember(entries, bytes && replaceIds(bytes, before, replaced))
}

/** The bytes of large trees, by their entries: gone when nobody has those any more. */
const lastBytes = new WeakMap<readonly TreeEntry[], Uint8Array>()

/** Smaller trees are made in no time. */
const fewEntries = 32

function remember(entries: readonly TreeEntry[], known?: Uint8Array): EditedEntries {
  const data = known ?? serializeTree(entries)
  if (entries.length >= fewEntries) lastBytes.set(entries, data)
  return { entries, data }
}

interface Replacement {
  readonly index: number
  readonly entry: TreeEntry
}

/** The edits, if all of them only put an entry into the place of another one; in the order of these. */
function findReplaced(
  before: readonly TreeEntry[],
  edits: ReadonlyMap<string, TreeEntry | undefined>,
): readonly Replacement[] | undefined {
  const replaced: Replacement[] = []
  for (const [name, entry] of edits) {
    const index = findIndex(before, name)
    const standing = before[index]
    if (entry === undefined && standing === undefined) continue
    if (entry === undefined || standing === undefined || isTree(entry) !== isTree(standing)) return undefined
    replaced.push({ index, entry })
  }
  return replaced.toSorted((a, b) => a.index - b.index)
}

const idLength = 20

/** Undefined where more than ids is different. */
function replaceIds(
  bytes: Uint8Array,
  before: readonly TreeEntry[],
  replaced: readonly Replacement[],
): Uint8Array | undefined {
  const copy = Buffer.from(bytes)
  let from = 0
  for (const { index, entry } of replaced) {
    const standing = before[index]
    if (standing?.mode !== entry.mode) return undefined
    const head = Buffer.concat([Buffer.from(`${entry.mode} `), encodeName(entry.name), Buffer.of(0)])
    const at = copy.indexOf(head, from) + head.length
    // An id could look like the head of an entry.
    if (at < head.length || copy.toString('hex', at, at + idLength) !== standing.id) return undefined
    if (copy.write(entry.id, at, 'hex') !== idLength || entry.id.length !== 2 * idLength) return undefined
    from = at + idLength
  }
  return copy
}
