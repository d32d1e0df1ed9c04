import { dirname, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { OpenFile } from './disk.ts'
import { link, lstat, mkdir, readdir, rename, rm, rmdir } from './disk.ts'
import { createDurably, hasCode, isSameFile, noHardLinks, syncFolder } from './durable-file.ts'
import { PathConflictError, RefLockedError, RefNotDurableError } from './git-errors.ts'

/**
 * git's lock of a ref is the file `<ref>.lock`, created by whoever wants to move the ref and renamed to it. Ours is a
 * hard link to a private file, so that after a crash the lock is known to be ours: it is the same file.
 */
export interface RefLock {
  /**
   * Makes the content of the lock the ref's, durably. Throws PathConflictError when refs stand below this name and
   * RefNotDurableError when the ref has moved, but maybe not for good.
   */
  commit(): Promise<void>
  /** Gives the lock back unless it became the ref. Never throws: it must not hide what happened before. */
  release(): Promise<void>
}

export interface RefLockRequest {
  readonly gitDirectory: string
  readonly ref: string
  /** What the ref is to hold. It is on disk before the lock is taken. */
  readonly content: string
  /** How long to wait for somebody else's lock, in milliseconds. */
  readonly timeout: number
  /** The name of the private file behind the lock. */
  readonly privateName?: string
}

/**
 * Takes the lock of a ref. In one process only one call per repository and private file may be under way or hold its lock. Throws
 * RefLockedError when somebody else does not give it back in time, PathConflictError when a ref stands above this name.
 */
export async function takeRefLock(request: RefLockRequest): Promise<RefLock> {
  const { gitDirectory, ref, timeout } = request
  const lockFile = lockFileOf(gitDirectory, ref)
  const privateFile = privateFileOf(gitDirectory, request.privateName)
  const deadline = performance.now() + timeout
  for (let pause = 5; !(await tryLock(request, privateFile)); pause = Math.min(2 * pause, 200)) {
    const remaining = deadline - performance.now()
    if (remaining <= 0) throw new RefLockedError(ref, lockFile, await ageOf(lockFile))
    await setTimeout(Math.min(pause, remaining))
  }

  let isHeld = true
  return {
    commit: async () => {
      await renameToRef(lockFile, gitDirectory, ref)
      isHeld = false
      await syncFoldersOf(gitDirectory, ref)
    },
    release: async () => {
      if (isHeld) await rm(lockFile, { force: true }).catch(() => undefined)
      await rm(privateFile, { force: true }).catch(() => undefined)
    },
  }
}

export function lockFileOf(gitDirectory: string, ref: string): string {
  return join(gitDirectory, `${ref}.lock`)
}

function privateFileOf(gitDirectory: string, name = 'ref-lock'): string {
  return join(gitDirectory, 'signalbox', name)
}

async function tryLock({ gitDirectory, ref, content }: RefLockRequest, privateFile: string): Promise<boolean> {
  const lockFile = lockFileOf(gitDirectory, ref)
  // Saves writing a file, in vain, every time that somebody else's lock is looked at.
  if (await exists(lockFile)) return false
  await createFolderOf(gitDirectory, ref)
  const file = await writePrivateFile(privateFile, content)
  let isOurs = false
  try {
    await link(privateFile, lockFile)
    try {
      // Open files keep their number, so this cannot be a later file. It is another one only if a second instance, which
      // should not be, wrote the private file meanwhile: then the lock would publish that instance's commit as ours.
      isOurs = await isSameFile(file, lockFile)
    } finally {
      if (!isOurs) await rm(lockFile, { force: true })
    }
    return isOurs
  } catch (error) {
    // EEXIST: somebody was faster. ENOENT: git has removed the empty folder, or a second instance our private file.
    if (hasCode(error, 'EEXIST', 'ENOENT')) return false
    if (hasCode(error, ...noHardLinks)) return await lockWithoutLink(lockFile, content)
    throw error
  } finally {
    await file.close()
    if (!isOurs) await rm(privateFile, { force: true })
  }
}

/** As good a lock, only that nobody will know it to be ours after a crash. */
async function lockWithoutLink(lockFile: string, content: string): Promise<boolean> {
  try {
    const file = await createDurably(lockFile, content)
    await file.close()
    return true
  } catch (error) {
    if (hasCode(error, 'EEXIST', 'ENOENT')) return false
    throw error
  }
}

async function writePrivateFile(privateFile: string, content: string): Promise<OpenFile> {
  await mkdir(dirname(privateFile), { recursive: true })
  // Never written anew: after a crash at the wrong moment it is the same file as the ref.
  await rm(privateFile, { force: true })
  return createDurably(privateFile, content)
}

async function createFolderOf(gitDirectory: string, ref: string): Promise<void> {
  try {
    await mkdir(dirname(join(gitDirectory, ref)), { recursive: true })
  } catch (error) {
    if (!hasCode(error, 'EEXIST', 'ENOTDIR')) throw error
    throw new PathConflictError(ref, await findFileAbove(gitDirectory, ref))
  }
}

async function findFileAbove(gitDirectory: string, ref: string): Promise<string> {
  const segments = ref.split('/')
  for (let length = 1; length < segments.length; length += 1) {
    const above = segments.slice(0, length).join('/')
    const stats = await lstat(join(gitDirectory, above))
    if (!stats.isDirectory()) return above
  }
  return dirname(ref)
}

/** Makes a lock its ref, even where git left empty folders. Throws PathConflictError when refs stand below that name. */
export async function renameToRef(lockFile: string, gitDirectory: string, ref: string): Promise<void> {
  const refFile = join(gitDirectory, ref)
  try {
    await rename(lockFile, refFile)
  } catch (error) {
    if (!hasCode(error, 'EISDIR', 'EEXIST', 'ENOTEMPTY')) throw error
    // Packing refs can leave folders without refs behind.
    if (!(await removeEmptyFolders(refFile))) throw new PathConflictError(ref, ref)
    await rename(lockFile, refFile)
  }
}

async function removeEmptyFolders(folder: string): Promise<boolean> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (!entry.isDirectory() || !(await removeEmptyFolders(join(folder, entry.name)))) return false
  }
  await rmdir(folder)
  return true
}

/** Syncs up to `refs/heads` or `refs/tags`: folders between may be new, and without their entries the ref would be lost with them. */
async function syncFoldersOf(gitDirectory: string, ref: string): Promise<void> {
  try {
    const segments = ref.split('/')
    for (let length = segments.length - 1; length > 1; length -= 1) {
      await syncFolder(join(gitDirectory, ...segments.slice(0, length)))
    }
  } catch (error) {
    throw new RefNotDurableError(ref, error)
  }
}

/**
 * Removes the lock of a ref if it is what an earlier run of ours left, and answers whether it did. To be called when no
 * other instance lives.
 */
export async function removeStaleLock(gitDirectory: string, ref: string): Promise<boolean> {
  const [lock, own] = await Promise.all([
    statOrUndefined(lockFileOf(gitDirectory, ref)),
    statOrUndefined(privateFileOf(gitDirectory)),
  ])
  if (lock === undefined || lock.ino !== own?.ino || lock.dev !== own.dev) return false
  await rm(lockFileOf(gitDirectory, ref))
  await rm(privateFileOf(gitDirectory))
  return true
}

async function exists(path: string): Promise<boolean> {
  return (await statOrUndefined(path)) !== undefined
}

async function ageOf(path: string): Promise<number> {
  const stats = await statOrUndefined(path)
  return stats === undefined ? 0 : Math.max(0, Date.now() - Number(stats.mtimeMs))
}

async function statOrUndefined(path: string) {
  try {
    return await lstat(path, { bigint: true })
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined
    throw error
  }
}
