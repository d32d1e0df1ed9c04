import type { Change, Content } from '../core/change.ts'
import type { ObjectId } from '../core/object-id.ts'
import { PathConflictError } from './git-errors.ts'
import type { GitObject } from './git-object.ts'
import { createObject, emptyTreeId } from './git-object.ts'
import type { TimeSlice } from './time-slice.ts'
import { startTimeSlice } from './time-slice.ts'
import type { TreeEntry } from './tree.ts'
import { executableMode, fileMode, isFile, isLink, isTree, linkMode, serializeTree, treeMode } from './tree.ts'
import { splitPath } from './tree-path.ts'

export interface TreeEdit {
  /** The tree before; undefined for a repository without a commit. */
  readonly root: ObjectId | undefined
  /** Applied one after the other: of two changes of one path the later holds. */
  readonly changes: readonly Change[]
  /** Up to 32 calls run at once. What it answers is not modified. */
  readonly readTree: (id: ObjectId) => Promise<readonly TreeEntry[]>
}

export interface EditedTree {
  readonly root: ObjectId
  /** Every object that the edit made, once. Empty when the root is what it was. */
  readonly objects: GitObject[]
}

/**
 * The tree after the changes. Reads and builds only the directories on changed paths.
 *
 * A directory whose last entry is removed is removed too; one that was empty before stays. Removing what is not there
 * changes nothing. A file keeps its executable bit.
 *
 * Throws InvalidPathError for a path that may not stand in a tree, PathConflictError when a directory is needed where a
 * file stands or the other way round, and what `readTree` throws.
 */
export async function editTree({ root, changes, readTree }: TreeEdit): Promise<EditedTree> {
  const slice = startTimeSlice()
  const paths = await splitPaths(changes, slice)
  const directory = await openDirectories(root, paths, readTree, slice)
  const texts = new Map<string, GitObject>()
  for (const [index, change] of changes.entries()) {
    if (slice.isOver()) await slice.next()
    applyChange(directory, change, paths[index] ?? [], texts)
  }
  return buildTrees(directory, slice)
}

/** A directory on a changed path: what it held, and what has become different. */
interface Directory {
  /** Undefined when there was no such directory before. */
  readonly id: ObjectId | undefined
  readonly before: ReadonlyMap<string, TreeEntry>
  /** Entries that are not as before, and every open directory; undefined stands for a removed entry. */
  readonly edits: Map<string, NewEntry | Directory | undefined>
  /** How many entries it has now. */
  size: number
  isChanged: boolean
}

/** An entry together with the object that it names, where that is new. */
interface NewEntry extends TreeEntry {
  readonly object?: GitObject
}

type Standing = TreeEntry | Directory | undefined

function createDirectory(id: ObjectId | undefined, entries: readonly TreeEntry[]): Directory {
  const before = new Map(entries.map((entry) => [entry.name, entry]))
  return { id, before, edits: new Map(), size: before.size, isChanged: false }
}

function isDirectory(standing: Standing): standing is Directory {
  return standing !== undefined && 'edits' in standing
}

async function splitPaths(changes: readonly Change[], slice: TimeSlice): Promise<string[][]> {
  const paths: string[][] = []
  for (const { path } of changes) {
    if (slice.isOver()) await slice.next()
    paths.push(splitPath(path))
  }
  return paths
}

/** The directories that the paths lead through, by name, whether or not they exist. */
type DirectoryNames = Map<string, DirectoryNames>

function collectDirectoryNames(paths: readonly string[][]): DirectoryNames {
  const root: DirectoryNames = new Map()
  for (const path of paths) {
    let names = root
    for (const segment of path.slice(0, -1)) {
      let below = names.get(segment)
      if (below === undefined) names.set(segment, (below = new Map()))
      names = below
    }
  }
  return root
}

const concurrentReads = 32

/** Reads the existing directories on the paths, level by level, so that the reads of one level can run together. */
async function openDirectories(
  root: ObjectId | undefined,
  paths: readonly string[][],
  readTree: TreeEdit['readTree'],
  slice: TimeSlice,
): Promise<Directory> {
  const entries = root === undefined || paths.length === 0 ? [] : await readTree(root)
  const rootDirectory = createDirectory(root, entries)
  let level = [{ directory: rootDirectory, names: collectDirectoryNames(paths) }]
  while (level.length > 0) {
    const nextLevel: typeof level = []
    const subtrees = existingSubtrees(level)
    const readAll = async (): Promise<void> => {
      for (const { parent, entry, names } of subtrees) {
        if (slice.isOver()) await slice.next()
        const directory = createDirectory(entry.id, await readTree(entry.id))
        parent.edits.set(entry.name, directory)
        nextLevel.push({ directory, names })
      }
    }
    // They share one iterator: each takes the next subtree, and when one fails the others stop.
    await Promise.all(Array.from({ length: concurrentReads }, readAll))
    level = nextLevel
  }
  return rootDirectory
}

function* existingSubtrees(
  level: readonly { directory: Directory; names: DirectoryNames }[],
): Generator<{ parent: Directory; entry: TreeEntry; names: DirectoryNames }> {
  for (const { directory, names: wanted } of level) {
    for (const [name, names] of wanted) {
      const entry = directory.before.get(name)
      if (entry !== undefined && isTree(entry)) yield { parent: directory, entry, names }
    }
  }
}

function applyChange(
  root: Directory,
  { path, content }: Change,
  segments: string[],
  texts: Map<string, GitObject>,
): void {
  const name = segments.at(-1) ?? ''
  const chain = [root]
  let directory = root
  for (const [depth, segment] of segments.slice(0, -1).entries()) {
    let standing = standingAt(directory, segment)
    if (standing === undefined && content.kind !== 'absent') {
      standing = createDirectory(undefined, [])
      directory.edits.set(segment, standing)
      directory.size += 1
    }
    if (!isDirectory(standing)) {
      if (content.kind === 'absent') return
      throw new PathConflictError(path, segments.slice(0, depth + 1).join('/'))
    }
    directory = standing
    chain.push(directory)
  }

  const standing = standingAt(directory, name)
  if (content.kind === 'absent') {
    if (standing === undefined) return
    removeEntry(chain, segments)
  } else {
    if (standing !== undefined && (isDirectory(standing) || !(isFile(standing) || isLink(standing)))) {
      throw new PathConflictError(path, path)
    }
    const entry = toEntry(name, content, standing, texts)
    if (entry.id === standing?.id && isLink(entry) === isLink(standing)) return
    if (standing === undefined) directory.size += 1
    directory.edits.set(name, entry)
  }
  for (const changed of chain) changed.isChanged = true
}

function standingAt(directory: Directory, name: string): Standing {
  return directory.edits.has(name) ? directory.edits.get(name) : directory.before.get(name)
}

/** Removes the last segment, and every directory on the way that this leaves empty, but not the root. */
function removeEntry(chain: readonly Directory[], segments: readonly string[]): void {
  for (let depth = chain.length - 1; depth >= 0; depth -= 1) {
    const directory = chain[depth] as Directory
    directory.edits.set(segments[depth] as string, undefined)
    directory.size -= 1
    if (directory.size > 0) return
  }
}

function toEntry(
  name: string,
  content: Exclude<Content, { kind: 'absent' }>,
  standing: TreeEntry | undefined,
  texts: Map<string, GitObject>,
): NewEntry {
  if (content.kind === 'link') {
    const object = toBlob(content.target, texts)
    return { mode: linkMode, name, id: object.id, object }
  }
  const mode = standing?.mode === executableMode ? executableMode : fileMode
  if (content.kind === 'blob') return { mode, name, id: content.id }
  const object = toBlob(content.text, texts)
  return { mode, name, id: object.id, object }
}

/** A train writes the same few texts into thousands of directories: each is hashed once. */
function toBlob(text: string, texts: Map<string, GitObject>): GitObject {
  const known = texts.get(text)
  if (known !== undefined) return known
  const object = createObject('blob', Buffer.from(text, 'utf8'))
  texts.set(text, object)
  return object
}

async function buildTrees(root: Directory, slice: TimeSlice): Promise<EditedTree> {
  const objects = new Map<ObjectId, GitObject>()
  const ids = new Map<Directory, ObjectId>()
  // Below before above: a tree needs the ids of its subtrees.
  for (const directory of changedDirectories(root).toReversed()) {
    if (slice.isOver()) await slice.next()
    const entries = [...directory.before.values()].filter(({ name }) => !directory.edits.has(name))
    for (const [name, edit] of directory.edits) {
      if (edit === undefined) continue
      if (isDirectory(edit)) {
        const before = directory.before.get(name)
        const id = ids.get(edit) ?? edit.id
        entries.push(
          before !== undefined && before.id === id ? before : { mode: treeMode, name, id: id ?? emptyTreeId },
        )
      } else {
        entries.push(edit)
        const isNew = edit.object !== undefined && directory.before.get(name)?.id !== edit.id
        if (isNew) objects.set(edit.id, edit.object)
      }
    }
    const tree = createObject('tree', serializeTree(entries))
    ids.set(directory, tree.id)
    if (tree.id !== directory.id) objects.set(tree.id, tree)
  }
  const before = root.id ?? emptyTreeId
  const id = ids.get(root) ?? before
  return { root: id, objects: id === before ? [] : [...objects.values()] }
}

/** The root, if anything changed, and every changed directory that is still there; parents first. */
function changedDirectories(root: Directory): Directory[] {
  const directories = root.isChanged ? [root] : []
  for (const directory of directories) {
    for (const edit of directory.edits.values()) {
      if (isDirectory(edit) && edit.isChanged) directories.push(edit)
    }
  }
  return directories
}
