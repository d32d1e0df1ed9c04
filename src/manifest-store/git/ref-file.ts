import { constants, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { ObjectId } from '../../core/object-id.ts'
import type { Person } from './commit.ts'
import { formatIdentity } from './commit.ts'
import { appendFile, readdir } from './disk.ts'
import { hasCode } from './durable-file.ts'
import { MalformedRefError, PathConflictError } from './git-errors.ts'
import { isObjectId } from './git-object.ts'
import { findPackedRef, packedRefNames, readPackedRefs } from './packed-refs.ts'
import { removeStaleLock, takeRefLock } from './ref-lock.ts'

/**
 * The commit that a ref names, through symbolic refs; undefined when there is no such ref. Throws MalformedRefError when
 * the name is none, or the ref holds what git would not have written, or leads through more than five others.
 */
export async function readRef(gitDirectory: string, ref: string): Promise<ObjectId | undefined> {
  const { value } = await followRef(gitDirectory, ref)
  return value
}

/** The full name of the branch that HEAD points to, whether or not it exists. Throws MalformedRefError if there is none. */
export async function readHeadBranch(gitDirectory: string): Promise<string> {
  const head = await readLooseRef(gitDirectory, 'HEAD')
  if (head === undefined) throw new MalformedRefError('HEAD', `${gitDirectory} has none: it is not a git repository`)
  if (head.kind === 'id') throw new MalformedRefError('HEAD', 'it names a commit and no branch')
  return head.ref
}

/** The full names of all branches, sorted by code unit; readable or not. */
export async function listBranches(gitDirectory: string): Promise<string[]> {
  const loose = await listRefFiles(gitDirectory, branchPrefix.slice(0, -1))
  // In this order: a branch that is packed meanwhile is found twice, not never.
  const packed = packedRefNames(await readPackedRefs(gitDirectory))
  return [...new Set([...loose, ...packed])].filter((ref) => ref.startsWith(branchPrefix) && isRefName(ref)).toSorted()
}

const branchPrefix = 'refs/heads/'

export interface RefMove {
  readonly gitDirectory: string
  readonly ref: string
  /** What the ref names now; undefined when it must not exist yet. */
  readonly from: ObjectId | undefined
  readonly to: ObjectId
  /** How long to wait for somebody else's lock, in milliseconds. 5,000 unless given. */
  readonly lockTimeout?: number
  /** What stands in the ref's log, if it has one. */
  readonly reflog?: { readonly committer: Person; readonly message: string }
}

/**
 * Moves a ref, or the ref that it points to, from one commit to another: `published` when it names the new one, durably;
 * `moved` when it did not name the old one, and nothing was done. Calls for one repository run one after the other.
 *
 * Throws RefLockedError when somebody else holds the lock for too long, PathConflictError when a ref stands where this
 * one needs a folder or the other way round, MalformedRefError for what is no name, id or ref, and what the file system
 * throws. The ref has not moved then, except with RefNotDurableError.
 */
export function moveRef(move: RefMove): Promise<'published' | 'moved'> {
  const key = resolve(move.gitDirectory)
  const result = (lastMoves.get(key) ?? Promise.resolve()).then(() => moveRefInTurn(move))
  lastMoves.set(
    key,
    result.catch(() => undefined),
  )
  return result
}

/** By repository; never rejected. */
const lastMoves = new Map<string, Promise<unknown>>()

async function moveRefInTurn(move: RefMove): Promise<'published' | 'moved'> {
  const { gitDirectory, from, to, lockTimeout = 5000 } = move
  if (!isObjectId(to)) throw new MalformedRefError(move.ref, `${JSON.stringify(to)} is no object id`)
  const { ref } = await followRef(gitDirectory, move.ref)
  const lock = await takeRefLock({ gitDirectory, ref, content: `${to}\n`, timeout: lockTimeout })
  try {
    const current = await followRef(gitDirectory, ref)
    if (current.ref !== ref || current.value !== from) return 'moved'
    if (from === undefined) await assertNoPackedConflict(gitDirectory, ref)
    await lock.commit()
  } finally {
    await lock.release()
  }
  await appendToReflog(gitDirectory, ref, move)
  return 'published'
}

/**
 * Removes the lock of this ref, or of the ref that it points to, if it is what an earlier run of ours left; answers
 * whether it did. To be called at start, when no other instance lives.
 */
export async function removeStaleRefLock(gitDirectory: string, ref: string): Promise<boolean> {
  const target = await followRef(gitDirectory, ref)
  return removeStaleLock(gitDirectory, target.ref)
}

/** How far git follows symbolic refs. */
const maximumDepth = 5

/** The ref at the end of symbolic refs, and what it names. */
async function followRef(gitDirectory: string, ref: string): Promise<{ ref: string; value: ObjectId | undefined }> {
  assertRefName(ref, ref)
  let name = ref
  for (let depth = 0; depth <= maximumDepth; depth += 1) {
    const standing = await readDirectRef(gitDirectory, name)
    if (standing?.kind !== 'symbolic') return { ref: name, value: standing?.id }
    name = standing.ref
  }
  throw new MalformedRefError(ref, `it leads through more than ${maximumDepth} symbolic refs`)
}

type RefValue = { readonly kind: 'id'; readonly id: ObjectId } | { readonly kind: 'symbolic'; readonly ref: string }

async function readDirectRef(gitDirectory: string, ref: string): Promise<RefValue | undefined> {
  const loose = await readLooseRef(gitDirectory, ref)
  if (loose !== undefined) return loose
  const id = findPackedRef(await readPackedRefs(gitDirectory), ref)
  if (id !== undefined) return { kind: 'id', id }
  // Created between the two looks. Or packed before, and unpacked between them.
  return readLooseRef(gitDirectory, ref)
}

async function readLooseRef(gitDirectory: string, ref: string): Promise<RefValue | undefined> {
  let text: string
  try {
    // Every request asks for the branch, and so short a file is read in less time than it takes to wait for another thread.
    text = readFileSync(join(gitDirectory, ref), 'utf8')
  } catch (error) {
    // The latter two: a ref stands above this name, or folders of refs stand below it.
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'EISDIR')) return undefined
    throw error
  }
  const content = text.trimEnd()
  if (isObjectId(content)) return { kind: 'id', id: content }
  const target = /^ref:\s*(.*)$/s.exec(content)?.[1]
  if (target === undefined) throw new MalformedRefError(ref, `it holds ${JSON.stringify(text.slice(0, 80))}`)
  assertRefName(target, ref)
  return { kind: 'symbolic', ref: target }
}

function assertRefName(name: string, ref: string): void {
  if (!isRefName(name)) throw new MalformedRefError(ref, `${JSON.stringify(name.slice(0, 80))} is no name of a ref`)
}

/** The rules of `git check-ref-format`, for names in full. They keep names inside the repository. */
function isRefName(name: string): boolean {
  return name === 'HEAD' || (/^refs\/./.test(name) && !forbiddenInRefs.test(name))
}

const forbiddenInRefs = /[\p{Cc} ~^:?*[\\]|\.\.|@\{|\/\/|\/\.|\.lock(\/|$)|[/.]$/u

/** Throws PathConflictError when a packed ref stands above or below this name. */
export async function assertNoPackedConflict(gitDirectory: string, ref: string): Promise<void> {
  const packed = packedRefNames(await readPackedRefs(gitDirectory))
  const obstacle = packed.find((other) => other.startsWith(`${ref}/`) || ref.startsWith(`${other}/`))
  if (obstacle !== undefined) throw new PathConflictError(ref, obstacle)
}

/** The paths of all files below a folder of refs, readable as refs or not. */
export async function listRefFiles(gitDirectory: string, folder: string): Promise<string[]> {
  const refs: string[] = []
  for (const entry of await readFolder(join(gitDirectory, folder))) {
    const path = `${folder}/${entry.name}`
    if (entry.isDirectory()) refs.push(...(await listRefFiles(gitDirectory, path)))
    else refs.push(path)
  }
  return refs
}

async function readFolder(folder: string) {
  try {
    return await readdir(folder, { withFileTypes: true })
  } catch (error) {
    // git removes folders that have become empty.
    if (hasCode(error, 'ENOENT')) return []
    throw error
  }
}

/** Adds a line to the ref's log where git keeps one. The ref has moved already, so a failure is none of the move's. */
async function appendToReflog(gitDirectory: string, ref: string, { from, to, reflog }: RefMove): Promise<void> {
  const { committer, message } = reflog ?? { committer: { name: 'signalbox', email: '' }, message: 'update' }
  try {
    const identity = formatIdentity(committer, new Date())
    const line = `${from ?? zeroId} ${to} ${identity}\t${message.replaceAll(/\s+/g, ' ').trim()}\n`
    // Without O_CREAT: whoever wants a log creates it.
    await appendFile(join(gitDirectory, 'logs', ref), line, { flag: constants.O_WRONLY | constants.O_APPEND })
  } catch {
    // No log, or none that can be written.
  }
}

const zeroId = '0'.repeat(40)
