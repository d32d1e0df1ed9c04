import type { ObjectId } from '../../core/object-id.ts'
import { MalformedObjectError } from './git-errors.ts'
import { decodeName, encodeName, isNameText } from './tree-name.ts'

export interface TreeEntry {
  /** Octal, as it stands in the tree: `100644`, `40000`, `120000` and the like. */
  readonly mode: string
  /** Bytes that are not valid UTF-8 stand in it as `tree-name.ts` says. */
  readonly name: string
  readonly id: ObjectId
}

export const fileMode = '100644'
export const executableMode = '100755'
export const linkMode = '120000'
export const treeMode = '40000'

export function isTree(entry: TreeEntry): boolean {
  // Some old tools wrote the leading zero, and git reads it.
  return entry.mode === treeMode || entry.mode === '040000'
}

export function isFile(entry: TreeEntry): boolean {
  // git itself wrote group-writable files in its first weeks.
  return entry.mode === fileMode || entry.mode === executableMode || entry.mode === '100664'
}

export function isLink(entry: TreeEntry): boolean {
  return entry.mode === linkMode
}

/**
 * The entries of a tree object, in its order. Throws MalformedObjectError when the data is cut off, or an entry has no
 * octal mode, an empty name, a name with a slash, or the name of an earlier one.
 */
export function parseTree(data: Uint8Array): TreeEntry[] {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.length)
  const entries: TreeEntry[] = []
  for (let at = 0; at < bytes.length;) {
    const space = at + (bytes[at + 5] === spaceByte ? 5 : 6)
    const mode = bytes.toString('latin1', at, space)
    if (bytes[space] !== spaceByte || !isMode(mode)) throw malformed(`no mode at byte ${at}`)
    const end = bytes.indexOf(0, space)
    const next = end + 1 + idLength
    if (end < 0 || next > bytes.length) throw malformed(`cut off in the entry at byte ${at}`)
    const name = decodeName(bytes.subarray(space + 1, end))
    if (name === '' || name.includes('/')) throw malformed(`${JSON.stringify(name)} is no name`)
    entries.push({ mode, name, id: bytes.toString('hex', end + 1, next) })
    at = next
  }
  if (!assertDistinct(entries)) unordered.add(entries)
  return entries
}

/**
 * One entry of a tree object, without the work of reading the others: for trees of which nothing else is wanted.
 * Throws MalformedObjectError when the data is cut off before it.
 */
export function findTreeEntry(data: Uint8Array, name: string): TreeEntry | undefined {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.length)
  const wanted = encodeName(name)
  for (let at = 0; at < bytes.length;) {
    const space = bytes.indexOf(spaceByte, at)
    const end = bytes.indexOf(0, space)
    const next = end + 1 + idLength
    if (space < 0 || end < 0 || next > bytes.length) throw malformed(`cut off in the entry at byte ${at}`)
    if (end - space - 1 === wanted.length && bytes.compare(wanted, 0, wanted.length, space + 1, end) === 0) {
      return { mode: bytes.toString('latin1', at, space), name, id: bytes.toString('hex', end + 1, next) }
    }
    at = next
  }
  return undefined
}

/** Where the entry of that name is; -1 when there is none. Fast where the entries are in git's order, as in nearly all trees. */
export function findIndex(entries: readonly TreeEntry[], name: string): number {
  if (entries.length <= fewEntries || !isInOrder(entries)) return entries.findIndex((entry) => entry.name === name)
  const file = search(entries, { name, mode: fileMode, id: '' })
  return file >= 0 ? file : search(entries, { name, mode: treeMode, id: '' })
}

/** Among so few nothing is faster than to look at each. */
const fewEntries = 16

/** Whether entries of `parseTree`, `sortEntries` or `editEntries` are in git's order: those of a tree that something else wrote may not be. */
export function isInOrder(entries: readonly TreeEntry[]): boolean {
  return !unordered.has(entries)
}

const unordered = new WeakSet<readonly TreeEntry[]>()

function search(entries: readonly TreeEntry[], wanted: TreeEntry): number {
  let low = 0
  let high = entries.length - 1
  while (low <= high) {
    const middle = (low + high) >>> 1
    const difference = compareEntries(entries[middle] as TreeEntry, wanted)
    if (difference === 0) return middle
    if (difference < 0) low = middle + 1
    else high = middle - 1
  }
  return -1
}

/** These entries in git's order. */
export function sortEntries(entries: readonly TreeEntry[]): TreeEntry[] {
  return entries.toSorted(compareEntries)
}

/**
 * A tree object with these entries, in whatever order they come, in git's order. Throws MalformedObjectError for entries
 * that `parseTree` would not accept. Names like `..` are the caller's concern: git reads such trees.
 */
export function serializeTree(entries: readonly TreeEntry[]): Uint8Array {
  const sorted = sortEntries(entries)
  assertDistinct(sorted)
  const longest = sorted.reduce((sum, { mode, name }) => sum + mode.length + 3 * name.length + 2 + idLength, 0)
  const bytes = Buffer.allocUnsafe(longest)
  let at = 0
  for (const { mode, name, id } of sorted) {
    if (!isMode(mode)) throw malformed(`${JSON.stringify(mode)} is no mode`)
    at += bytes.write(mode, at, 'latin1')
    bytes[at] = spaceByte
    at = writeName(bytes, name, at + 1)
    bytes[at] = 0
    if (id.length !== 2 * idLength || bytes.write(id, at + 1, 'hex') !== idLength) {
      throw malformed(`${JSON.stringify(id)} is no id`)
    }
    at += 1 + idLength
  }
  // A copy of the right length: the object may be kept for long.
  return Buffer.from(bytes.subarray(0, at))
}

/** Answers whether the entries are in git's order. */
function assertDistinct(entries: readonly TreeEntry[]): boolean {
  let before: TreeEntry | undefined
  let isSorted = true
  for (let index = 0; index < entries.length; index += 1) {
    const entry = entries[index] as TreeEntry
    if (before !== undefined && isSorted) isSorted = compareEntries(before, entry) < 0
    // In git's order, all that stands between two entries of one name begins with that name.
    for (let earlier = index - 1; entries[earlier]?.name.startsWith(entry.name); earlier -= 1) {
      if (entries[earlier]?.name === entry.name) throw malformed(`two entries are named ${JSON.stringify(entry.name)}`)
    }
    before = entry
  }
  if (!isSorted && new Set(entries.map(({ name }) => name)).size < entries.length) {
    throw malformed('two entries have the same name')
  }
  return isSorted
}

/** Writes a name and answers where it ends. Nearly all names are ASCII, and a loop is then far faster than a call. */
function writeName(bytes: Buffer, name: string, start: number): number {
  for (let index = 0; index < name.length; index += 1) {
    const unit = name.charCodeAt(index)
    if (unit === 0 || unit === slashByte) throw malformed(`${JSON.stringify(name)} is no name`)
    if (unit > 0x7f) return writeOtherName(bytes, name, start)
    bytes[start + index] = unit
  }
  if (name === '') throw malformed('an entry has no name')
  return start + name.length
}

function writeOtherName(bytes: Buffer, name: string, start: number): number {
  if (!isNameText(name) || /[/\0]/.test(name)) throw malformed(`${JSON.stringify(name)} is no name`)
  return start + encodeName(name).copy(bytes, start)
}

/** git orders entries by the bytes of their names, and takes a directory's name to end with a slash. */
function compareEntries(a: TreeEntry, b: TreeEntry): number {
  const shorter = Math.min(a.name.length, b.name.length)
  for (let at = 0; at < shorter; at += 1) {
    const difference = a.name.charCodeAt(at) - b.name.charCodeAt(at)
    if (difference === 0) continue
    // Up to the surrogates, UTF-16 units and UTF-8 bytes have the same order.
    const isOrdered = a.name.charCodeAt(at) < 0xd800 && b.name.charCodeAt(at) < 0xd800
    return isOrdered ? difference : Buffer.compare(encodeName(a.name), encodeName(b.name))
  }
  return unitOrEnd(a, shorter) - unitOrEnd(b, shorter)
}

function unitOrEnd(entry: TreeEntry, at: number): number {
  if (at < entry.name.length) return entry.name.charCodeAt(at)
  return isTree(entry) ? slashByte : 0
}

function isMode(mode: string): boolean {
  return /^[0-7]{5,6}$/.test(mode)
}

function malformed(reason: string): MalformedObjectError {
  return new MalformedObjectError(`malformed tree: ${reason}`)
}

const idLength = 20
const spaceByte = 0x20
const slashByte = 0x2f
