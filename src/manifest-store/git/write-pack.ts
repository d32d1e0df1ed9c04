import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { mkdir, readFile, rename, rm, stat, writeFile } from './disk.ts'
import { createDurably, hasCode, syncFolder } from './durable-file.ts'
import type { PackFile } from './pack-file.ts'
import { listFolder, ownTemporaryFile, packFolder } from './pack-folder.ts'

/** A pack on disk that no ref reaches yet, and that git keeps nevertheless. */
export interface WrittenPack {
  /** To be called when the ref has moved: from now on the pack is like any other. */
  release(): Promise<void>
  /** To be called when the ref will not move: removes what was written. Does nothing after `release`. */
  discard(): Promise<void>
}

export interface WritePackOptions {
  /** False leaves it to the caller to sync `objects/pack` before the ref moves. True unless given. */
  readonly syncsFolder?: boolean
}

/**
 * Puts a pack into the repository so that it survives a power failure and a `git gc --prune=now`: a `.keep` file first,
 * then the pack, then the index that makes it visible, then the folder. Files that are there already are left alone, by
 * `discard` too. Throws what the file system throws, after removing what was written.
 */
export async function writePack(
  gitDirectory: string,
  { name, pack, index }: PackFile,
  { syncsFolder = true }: WritePackOptions = {},
): Promise<WrittenPack> {
  const folder = packFolder(gitDirectory)
  const path = join(folder, `pack-${name}`)
  const keepFile = `${path}.keep`
  /** What this attempt has made, in order. */
  const made: string[] = []

  async function discard(): Promise<void> {
    // Last made, first removed: nobody sees an index without its pack.
    for (const file of made.splice(0).toReversed()) await rm(file, { force: true })
  }

  try {
    await createPackFolder(folder)
    if (await createKeepFile(keepFile)) made.push(keepFile)
    if (await placeFile(folder, 'tmp_pack_', `${path}.pack`, pack)) made.push(`${path}.pack`)
    if (await placeFile(folder, 'tmp_idx_', `${path}.idx`, index)) made.push(`${path}.idx`)
    if (syncsFolder) await syncFolder(folder)
  } catch (error) {
    await discard().catch(() => undefined)
    throw error
  }
  return {
    discard,
    release: async () => {
      if (made.splice(0).includes(keepFile)) await rm(keepFile, { force: true })
    },
  }
}

/** git makes it when it is needed. `objects` is always there, unless the repository is gone: then nothing may be begun in its place. */
async function createPackFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder)
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error
  }
}

const keepText = 'signalbox: this pack is being put in place. Without a running Signalbox this file can be removed.\n'

/** False when somebody else keeps this pack: then it is not ours to release. */
export async function createKeepFile(keepFile: string): Promise<boolean> {
  try {
    // Not synced: without it a crash leaves a pack that nobody needs, and git may remove that.
    await writeFile(keepFile, keepText, { flag: 'wx', mode: 0o444 })
    return true
  } catch (error) {
    // An attempt that was cut short leaves a file that this one takes over.
    if (hasCode(error, 'EEXIST')) return isOurs(keepFile)
    await rm(keepFile, { force: true }).catch(() => undefined)
    throw error
  }
}

/** Whether there was one of ours. */
export async function removeKeepFile(keepFile: string): Promise<boolean> {
  if (!(await isOurs(keepFile))) return false
  await rm(keepFile, { force: true })
  return true
}

async function isOurs(keepFile: string): Promise<boolean> {
  try {
    const text = await readFile(keepFile, 'utf8')
    if (text !== '') return text.startsWith('signalbox:')
    // A power failure can take the text, but not the mode; git's own are writable.
    return ((await stat(keepFile)).mode & 0o222) === 0
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false
    throw error
  }
}

/** How often a temporary file may vanish under our hands: a `git prune --expire=now` beside us removes them. */
const maximumAttempts = 3

/** Answers whether it wrote: a file of this name and length has this content, because the name is its checksum. */
export async function placeFile(folder: string, prefix: string, target: string, content: Uint8Array): Promise<boolean> {
  if (await hasLength(target, content.length)) return false
  for (let attempt = 1; ; attempt += 1) {
    // The prefixes are git's own, so that `git gc` removes what a crash leaves.
    const temporaryFile = join(folder, `${prefix}${ownTemporaryFile}${randomBytes(6).toString('hex')}`)
    try {
      const file = await createDurably(temporaryFile, content, 0o444)
      await file.close()
      await rename(temporaryFile, target)
      return true
    } catch (error) {
      await rm(temporaryFile, { force: true }).catch(() => undefined)
      if (attempt === maximumAttempts || !hasCode(error, 'ENOENT')) throw error
    }
  }
}

async function hasLength(path: string, length: number): Promise<boolean> {
  try {
    return (await stat(path)).size === length
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false
    throw error
  }
}

/** Never throws: what the pack was written for has happened, or has not, and the next start removes what stays behind. */
export async function releaseQuietly(
  written: WrittenPack,
  log: { warn(details: object, message: string): void },
): Promise<void> {
  try {
    await written.release()
  } catch (error) {
    log.warn({ err: error }, 'a .keep file could not be removed: git does not repack its pack until it is gone')
  }
}

/**
 * Releases the packs of attempts that a crash cut short, so that git may treat them like any other. To be called at
 * start, when no other instance lives. Answers how many there were.
 */
export async function releaseStalePacks(gitDirectory: string): Promise<number> {
  const folder = packFolder(gitDirectory)
  let released = 0
  const names = await listFolder(folder)
  for (const name of names) {
    if (!name.endsWith('.keep') || !(await isOurs(join(folder, name)))) continue
    const pack = name.replace(/keep$/, 'pack')
    // Without an index nobody has seen the pack, and nobody would clear it away.
    if (!names.includes(name.replace(/keep$/, 'idx'))) await rm(join(folder, pack), { force: true })
    await rm(join(folder, name), { force: true })
    released += 1
  }
  return released
}
