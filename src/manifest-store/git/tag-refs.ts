import { dirname, join } from 'node:path'
import type { TagState } from '../../core/git-tag.ts'
import type { ObjectId } from '../../core/object-id.ts'
import type { NewTag, StoredObject } from '../repository/repository.ts'
import { lstat, readFile, rm } from './disk.ts'
import { hasCode, syncFolder } from './durable-file.ts'
import { followTag } from './follow-tag.ts'
import { MalformedRefError, PathConflictError } from './git-errors.ts'
import { isObjectId } from './git-object.ts'
import { assertNoPackedConflict, listRefFiles, readRef } from './ref-file.ts'
import type { RefLock } from './ref-lock.ts'
import { lockFileOf, renameToRef, takeRefLock } from './ref-lock.ts'

export const tagPrefix = 'refs/tags/'

/** How long to wait for somebody else's lock of a tag, in milliseconds. One that is older is not waited for at all. */
const lockTimeout = 1000

/** What stands at the name of a tag of a repository on disk. Throws what `read` throws, and what the file system throws. */
export async function readTagRef(
  gitDirectory: string,
  name: string,
  read: (id: ObjectId) => Promise<StoredObject>,
): Promise<TagState> {
  const ref = `${tagPrefix}${name}`
  try {
    const id = await readRef(gitDirectory, ref)
    if (id !== undefined) return await followTag(id, read)
    await assertNoConflict(gitDirectory, ref)
  } catch (error) {
    if (error instanceof PathConflictError) return { kind: 'unusable', reason: `cannot stand beside ${error.obstacle}` }
    if (error instanceof MalformedRefError) return { kind: 'unusable', reason: `is no ref of git's: ${error.message}` }
    throw error
  }
  const lockFile = lockFileOf(gitDirectory, ref)
  if ((await ageOf(lockFile)) <= lockTimeout) return { kind: 'absent' }
  return {
    kind: 'unusable',
    reason: `is locked by ${lockFile}. A git command may be running: let it finish. If there is none, remove that file`,
  }
}

/** Throws PathConflictError when a loose ref stands at this name, and when any stands above or below it. */
async function assertNoConflict(gitDirectory: string, ref: string): Promise<void> {
  await assertNoPackedConflict(gitDirectory, ref)
  const segments = ref.split('/')
  for (let length = 3; length <= segments.length; length += 1) {
    const above = segments.slice(0, length).join('/')
    if ((await statOrUndefined(join(gitDirectory, above)))?.isFile() === true) throw new PathConflictError(ref, above)
  }
  // A lock below it is none, and the folders of tags that are packed or gone stay behind.
  const below = (await listRefFiles(gitDirectory, ref)).find((file) => !file.endsWith('.lock'))
  if (below !== undefined) throw new PathConflictError(ref, below)
}

/** Locks of tags that do not exist yet: nobody else can create them until these are given back. */
export interface TagLocks {
  /** Creates the tags. Those that cannot be created stay locked, and are completed at the next start: `onFailure` is told. */
  commit(onFailure: (name: string, error: unknown) => void): Promise<void>
  /** Gives back what did not become a tag, unless `commit` was called. Never throws. */
  release(): Promise<void>
}

/**
 * Locks the names of new tags, durably: after a crash the locks tell what was to be created (see `completeTags`). Undefined when
 * one of them exists already or cannot. Throws RefLockedError, and what the file system throws.
 */
export async function lockTags(gitDirectory: string, tags: readonly NewTag[]): Promise<TagLocks | undefined> {
  const locks: { readonly name: string; readonly lock: RefLock }[] = []
  let isCommitted = false
  const release = async () => {
    if (!isCommitted) for (const { lock } of locks) await lock.release()
  }
  try {
    for (const [index, { name, id }] of tags.entries()) {
      const ref = `${tagPrefix}${name}`
      await assertNoConflict(gitDirectory, ref)
      const privateName = `tag-lock-${index}`
      locks.push({
        name,
        lock: await takeRefLock({ gitDirectory, ref, content: `${id}\n`, timeout: lockTimeout, privateName }),
      })
      if ((await readRef(gitDirectory, ref)) !== undefined) throw new PathConflictError(ref, ref)
      await syncFolders(gitDirectory, ref)
    }
  } catch (error) {
    await release()
    if (error instanceof PathConflictError) return undefined
    throw error
  }
  return {
    commit: async (onFailure) => {
      isCommitted = true
      for (const { name, lock } of locks) {
        try {
          await lock.commit()
          await lock.release()
        } catch (error) {
          onFailure(name, error)
        }
      }
    },
    release,
  }
}

/** Up to `refs/tags`: without their entries the lock would be lost with them. */
async function syncFolders(gitDirectory: string, ref: string): Promise<void> {
  for (let folder = dirname(ref); folder.length >= tagPrefix.length - 1; folder = dirname(folder)) {
    await syncFolder(join(gitDirectory, folder))
  }
}

/** A lock of a tag that somebody left. */
export interface LeftLock {
  /** Of the tag, without `refs/tags/`. */
  readonly name: string
  /** What the tag was to name. */
  readonly id: ObjectId
  /** Makes it the tag, durably, if there is none by now. */
  complete(): Promise<void>
  remove(): Promise<void>
}

/** The locks of tags that hold an object id. */
export async function findTagLocks(gitDirectory: string): Promise<readonly LeftLock[]> {
  const files = await listRefFiles(gitDirectory, tagPrefix.slice(0, -1))
  const locks: LeftLock[] = []
  for (const file of files.filter((name) => name.endsWith('.lock'))) {
    const ref = file.slice(0, -'.lock'.length)
    const path = join(gitDirectory, file)
    const id = (await readFile(path, 'utf8').catch(() => '')).trimEnd()
    if (!isObjectId(id)) continue
    const remove = () => rm(path, { force: true })
    locks.push({
      name: ref.slice(tagPrefix.length),
      id,
      remove,
      complete: async () => {
        if ((await readRef(gitDirectory, ref)) !== undefined) return remove()
        await renameToRef(path, gitDirectory, ref)
        await syncFolders(gitDirectory, ref)
      },
    })
  }
  return locks
}

async function ageOf(path: string): Promise<number> {
  const stats = await statOrUndefined(path)
  return stats === undefined ? 0 : Math.max(0, Date.now() - stats.mtimeMs)
}

async function statOrUndefined(path: string) {
  try {
    return await lstat(path)
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined
    throw error
  }
}
