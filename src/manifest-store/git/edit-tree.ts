import type { Change, Content } from '../../core/change.ts'
import type { ObjectId } from '../../core/object-id.ts'
import { PathConflictError } from './git-errors.ts'
import { editEntries } from './edit-entries.ts'
import type { GitObject } from './git-object.ts'
import { createObject, emptyTreeId } from './git-object.ts'
import type { TimeSlice } from './time-slice.ts'
import { startTimeSlice } from './time-slice.ts'
import type { TreeEntry } from './tree.ts'
import { executableMode, fileMode, isFile, isLink, isTree, linkMode, findIndex, treeMode } from './tree.ts'
import type { TreePath } from './tree-path.ts'
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
  /** Trees that stood where the edit made others, or none: most of them nobody reads again. */
  readonly replaced: readonly ObjectId[]
  /** Trees that were removed with everything in them, whether or not that was looked at. */
  readonly removed: readonly ObjectId[]
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
  const walk: Walk = { directories: [], chain: [directory], left: [], removed: [] }
  const texts: Texts = new Map()
  for (const [index, change] of changes.entries()) {
    if (slice.isOver()) await slice.next()
    applyChange(walk, change, paths[index] as TreePath, texts)
  }
  const built = await buildTrees(root ?? emptyTreeId, directory, slice)
  const removed = built.root === root ? [] : walk.removed
  return { ...built, replaced: [...built.replaced, ...walk.left], removed }
}

/** A directory on a changed path, open for changes: what it was, and what is different. */
interface Directory {
  /** What it was; undefined when there was no such directory. */
  readonly before: TreeEntry | undefined
  /** What stood in it, in git's order. */
  readonly entries: readonly TreeEntry[]
  /** What stands there instead, by name; undefined for what is gone. Directories that are open are here, changed or not. */
  readonly edits: Map<string, Standing>
  size: number
  isChanged: boolean
  /** What it has become; undefined until it is built. */
  after?: ObjectId
}

/** An entry together with the object that it names, where that is new. */
interface NewEntry extends TreeEntry {
  readonly object?: GitObject
}

type Standing = NewEntry | Directory | undefined

function createDirectory(before: TreeEntry | undefined, entries: readonly TreeEntry[]): Directory {
  return { before, entries, edits: new Map(), size: entries.length, isChanged: false }
}

function isDirectory(standing: Standing): standing is Directory {
  return standing !== undefined && 'edits' in standing
}

function standingIn(directory: Directory, name: string): Standing {
  const edit = directory.edits.get(name)
  if (edit !== undefined || directory.edits.has(name)) return edit
  return directory.entries[findIndex(directory.entries, name)]
}

/** Puts an entry, or nothing, into the place of what is `standing` there. */
function put(directory: Directory, name: string, standing: Standing, entry: Standing): void {
  directory.size += (entry === undefined ? 0 : 1) - (standing === undefined ? 0 : 1)
  directory.edits.set(name, entry)
}

async function splitPaths(changes: readonly Change[], slice: TimeSlice): Promise<TreePath[]> {
  const paths: TreePath[] = []
  for (const { path } of changes) {
    if (slice.isOver()) await slice.next()
    paths.push(splitPath(path, paths.at(-1)))
  }
  return paths
}

/** A directory that paths lead through, whether or not it exists, and those in it. */
interface DirectoryOnPath {
  below?: Map<string, DirectoryOnPath>
}

async function collectDirectories(paths: readonly TreePath[], slice: TimeSlice): Promise<DirectoryOnPath> {
  const root: DirectoryOnPath = {}
  let before: TreePath | undefined
  for (const path of paths) {
    if (slice.isOver()) await slice.next()
    if (path.directories === before?.directories) continue
    before = path
    let directory = root
    for (const name of path.directories) {
      directory.below ??= new Map()
      let next = directory.below.get(name)
      if (next === undefined) directory.below.set(name, (next = {}))
      directory = next
    }
  }
  return root
}

const concurrentReads = 32

/** Reads the existing directories on the paths, level by level, so that the reads of one level can run together. */
async function openDirectories(
  root: ObjectId | undefined,
  paths: readonly TreePath[],
  readTree: TreeEdit['readTree'],
  slice: TimeSlice,
): Promise<Directory> {
  const entries = root === undefined || paths.length === 0 ? [] : await readTree(root)
  const rootDirectory = createDirectory(undefined, entries)
  let level = [{ directory: rootDirectory, onPath: await collectDirectories(paths, slice) }]
  while (level.length > 0) {
    const nextLevel: typeof level = []
    const subtrees = existingSubtrees(level)
    const readAll = async (): Promise<void> => {
      for (const { parent, entry, onPath } of subtrees) {
        if (slice.isOver()) await slice.next()
        const directory = createDirectory(entry, await readTree(entry.id))
        put(parent, entry.name, entry, directory)
        nextLevel.push({ directory, onPath })
      }
    }
    // They share one iterator: each takes the next subtree, and when one fails the others stop.
    await Promise.all(Array.from({ length: concurrentReads }, readAll))
    level = nextLevel
  }
  return rootDirectory
}

function* existingSubtrees(
  level: readonly { directory: Directory; onPath: DirectoryOnPath }[],
): Generator<{ parent: Directory; entry: TreeEntry; onPath: DirectoryOnPath }> {
  for (const { directory, onPath: above } of level) {
    for (const [name, onPath] of above.below ?? []) {
      const entry = standingIn(directory, name)
      if (entry !== undefined && !isDirectory(entry) && isTree(entry)) yield { parent: directory, entry, onPath }
    }
  }
}

/** Where the last change was made. Most changes stand beside the one before them, and need not look for it again. */
interface Walk {
  directories: readonly string[]
  /** The root and the directories of these names, as far as they exist. */
  readonly chain: Directory[]
  /** What stood where directories were left empty. */
  readonly left: ObjectId[]
  /** What was removed with everything in it. */
  readonly removed: ObjectId[]
}

function applyChange(walk: Walk, { path, content }: Change, { directories, name }: TreePath, texts: Texts): void {
  const directory = enterDirectory(walk, path, directories, content.kind !== 'absent')
  const standing = directory && standingIn(directory, name)
  if (content.kind === 'absent') {
    if (standing === undefined) return
    for (const changed of walk.chain) changed.isChanged = true
    removeEntry(walk, name)
  } else {
    if (standing !== undefined && (isDirectory(standing) || !(isFile(standing) || isLink(standing)))) {
      throw new PathConflictError(path, path)
    }
    if (standing !== undefined && isFile(standing) && knownIds.get(content) === standing.id) return
    const entry = toEntry(name, content, standing, texts)
    if (standing !== undefined && entry.id === standing.id && isLink(entry) === isLink(standing)) return
    if (directory !== undefined) put(directory, name, standing, entry)
    for (const changed of walk.chain) changed.isChanged = true
  }
}

/** The directory of a change; undefined when there is none and none is to be created. */
function enterDirectory(
  walk: Walk,
  path: string,
  directories: readonly string[],
  isCreated: boolean,
): Directory | undefined {
  const { chain } = walk
  let depth = 0
  while (depth < chain.length - 1 && directories[depth] === walk.directories[depth]) depth += 1
  chain.length = depth + 1
  walk.directories = directories
  for (; depth < directories.length; depth += 1) {
    const parent = chain[depth] as Directory
    const name = directories[depth] as string
    let standing = standingIn(parent, name)
    if (standing === undefined && isCreated) {
      standing = createDirectory(undefined, [])
      put(parent, name, undefined, standing)
    }
    if (!isDirectory(standing)) {
      if (!isCreated) return undefined
      throw new PathConflictError(path, directories.slice(0, depth + 1).join('/'))
    }
    chain.push(standing)
  }
  return chain[depth]
}

/** Removes an entry where the walk stands, and every directory on the way that this leaves empty, but not the root. */
function removeEntry({ directories, chain, left, removed: removedTrees }: Walk, name: string): void {
  const standing = standingIn(chain.at(-1) as Directory, name)
  const before = isDirectory(standing) ? standing.before : standing
  if (before !== undefined && isTree(before)) removedTrees.push(before.id)
  let removed = name
  while (true) {
    const directory = chain.at(-1) as Directory
    put(directory, removed, standingIn(directory, removed), undefined)
    if (directory.size > 0 || chain.length === 1) return
    chain.pop()
    if (directory.before !== undefined) left.push(directory.before.id)
    removed = directories[chain.length - 1] as string
  }
}

function toEntry(
  name: string,
  content: Exclude<Content, { kind: 'absent' }>,
  standing: TreeEntry | undefined,
  texts: Texts,
): NewEntry {
  if (content.kind === 'link') {
    const object = toBlob(content.target, texts)
    return { mode: linkMode, name, id: object.id, object }
  }
  if (content.kind === 'tree') return { mode: treeMode, name, id: content.id }
  const mode = standing?.mode === executableMode ? executableMode : fileMode
  if (content.kind === 'blob') return { mode, name, id: content.id }
  if (content.kind === 'bytes') {
    return { mode, name, id: content.id, object: { id: content.id, type: 'blob', data: content.bytes } }
  }
  const object = toBlob(content.text, texts)
  if (content.text.length > largeText) knownIds.set(content, object.id)
  return { mode, name, id: object.id, object }
}

/** From this length on it pays to remember a text's id. */
const largeText = 4096

/** The ids of large texts. The same content comes with one deployment after the other where it mostly stays as it is. */
const knownIds = new WeakMap<Content, ObjectId>()

/** The blobs that were made, by their text. */
type Texts = Map<string, GitObject>

/** A train writes the same few texts into thousands of directories: each is hashed once. */
function toBlob(text: string, texts: Texts): GitObject {
  const known = texts.get(text)
  if (known !== undefined) return known
  const object = createObject('blob', Buffer.from(text, 'utf8'))
  texts.set(text, object)
  return object
}

async function buildTrees(
  rootBefore: ObjectId,
  root: Directory,
  slice: TimeSlice,
): Promise<Omit<EditedTree, 'removed'>> {
  const objects = new Map<ObjectId, GitObject>()
  const replaced: ObjectId[] = []
  // Below before above: a tree needs the ids of its subtrees.
  for (const directory of changedDirectories(root).toReversed()) {
    if (slice.isOver()) await slice.next()
    const edits = new Map<string, TreeEntry | undefined>()
    for (const [name, standing] of directory.edits) {
      if (standing === undefined) edits.set(name, undefined)
      else if (isDirectory(standing)) edits.set(name, toTreeEntry(name, standing))
      else {
        edits.set(name, { mode: standing.mode, name, id: standing.id })
        if (standing.object !== undefined) objects.set(standing.id, standing.object)
      }
    }
    const { entries, data } = editEntries(directory.entries, edits)
    const tree = createObject('tree', data)
    directory.after = tree.id
    const before = directory === root ? rootBefore : directory.before?.id
    if (tree.id === before) continue
    objects.set(tree.id, { ...tree, predecessor: before, entries })
    if (before !== undefined) replaced.push(before)
  }
  const rootAfter = root.after ?? rootBefore
  return { root: rootAfter, objects: rootAfter === rootBefore ? [] : [...objects.values()], replaced }
}

function toTreeEntry(name: string, { before, after }: Directory): TreeEntry {
  if (before !== undefined && (after === undefined || after === before.id)) return before
  return { mode: treeMode, name, id: after ?? emptyTreeId }
}

/** The root, if anything changed, and every changed directory that is still there; parents first. */
function changedDirectories(root: Directory): Directory[] {
  const directories = root.isChanged ? [root] : []
  for (const directory of directories) {
    for (const standing of directory.edits.values()) {
      if (isDirectory(standing) && standing.isChanged) directories.push(standing)
    }
  }
  return directories
}
