import type { OpenFile } from './disk.ts'
import { lstat, open, rm } from './disk.ts'

/** Whether an error of the file system has one of these codes. */
export function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code))
}

/** What `link` answers on file systems without hard links, with as many as they take, or between two of them. */
export const noHardLinks = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV']

/** Whether an open file is the one that stands at this path. While it is open no other file can get its number. */
export async function isSameFile(file: OpenFile, path: string): Promise<boolean> {
  try {
    const [a, b] = await Promise.all([file.stat({ bigint: true }), lstat(path, { bigint: true })])
    return a.ino === b.ino && a.dev === b.dev
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false
    throw error
  }
}

/**
 * Creates a file that must not exist yet, with this content, and waits until the disk has it. The folder entry is
 * another matter: see `syncFolder`. Answers the open file, which the caller closes; after an error there is none.
 */
export async function createDurably(path: string, content: string | Uint8Array, mode = 0o666): Promise<OpenFile> {
  const file = await open(path, 'wx', mode)
  try {
    await file.writeFile(content)
    await file.sync()
    return file
  } catch (error) {
    await file.close().catch(() => undefined)
    await rm(path, { force: true }).catch(() => undefined)
    throw error
  }
}

/** Waits until the disk has the folder's entries, that is, what was created, renamed and removed in it. */
export async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  } catch (error) {
    // Windows and some network file systems cannot sync folders; their entries are as durable as they get.
    if (!hasCode(error, 'EINVAL', 'ENOTSUP', 'EPERM', 'EISDIR')) throw error
  }
}
