import { mkdir, readFile, rename, rm, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { choosePacks } from './choose-packs.ts'
import type { CombinedPack } from './combine-packs.ts'
import { combinePacks, DamagedPackError } from './combine-packs.ts'
import { createDurably, hasCode, syncFolder } from './durable-file.ts'
import { isTrue, readGitConfig } from './git-config.ts'
import { mergePacks } from './merge-packs.ts'
import { ObjectReader } from './object-reader.ts'
import type { PackSize } from './pack-folder.ts'
import {
  listFolder,
  listPacks,
  measurePack,
  ownTemporaryFile,
  packFolder,
  packsInMultiPackIndexes,
} from './pack-folder.ts'
import { createKeepFile, placeFile, removeKeepFile } from './write-pack.ts'

export interface ConsolidateOptions {
  readonly signal?: AbortSignal | undefined
  /** Fewer packs are left as they are. */
  readonly minimumPacks?: number
  /** Larger packs are only merged, as they are: looking for deltas takes memory for each object, and time for each byte. */
  readonly maximumObjects?: number
  readonly maximumBytes?: number
  /** Fewer of the larger packs are left as they are. */
  readonly minimumLargePacks?: number
  /** Still larger ones are left as they are in any case. */
  readonly mergedObjects?: number
  readonly mergedBytes?: number
}

/** What was done. */
export interface Consolidation {
  /** How many packs became one. */
  readonly packs: number
  readonly objects: number
  readonly bytesBefore: number
  readonly bytesAfter: number
  /** Why packs were left out that cannot be what their indexes say. */
  readonly damaged: readonly string[]
}

/**
 * Combines small packs of a repository into a larger one, as `git repack --geometric=2 -d` does, and where there are none, large ones.
 * Undefined when there is nothing to combine. To be called by one at a time; readers, writers and any git command may run beside it.
 *
 * Nothing gets lost, because each side relies only on what the other never takes away:
 * - We remove a pack only when all of its objects, reachable or not, stand in one pack that we wrote and that the disk has.
 *   Whatever relied on the old pack finds them there: another git looks through the folder again when an object is not where
 *   it was. Our pack, once seen, is never taken back, because a git beside us does not write what some pack has.
 * - A repack beside us removes only packs that it listed before it looked for what is reachable. When it listed ours, it has
 *   copied from it; when it did not, ours stays. Packs that it relies on are kept ones, which we leave alone, those that it
 *   left out, of which the first rule holds, and its own.
 * - What a publish has just written is kept (`.keep`) until the branch has moved, so neither side touches it. So is our pack until the
 *   old ones are gone.
 *
 * Left alone are packs with files that say something about them: `.keep`, bitmaps, cruft. Packs in a multi-pack-index are
 * git's to repack. Those of a partial clone's server (`.promisor`) are combined only among themselves: what their objects
 * name may be missing.
 */
export async function consolidatePacks(
  gitDirectory: string,
  options: ConsolidateOptions = {},
): Promise<Consolidation | undefined> {
  // git does not remove packs there either.
  if (isTrue((await readGitConfig(gitDirectory)).get('extensions.preciousobjects') ?? 'false')) return undefined
  await finishPlan(gitDirectory)
  const damaged = new Map<string, string>()
  for (;;) {
    const chosen = await findPacks(gitDirectory, options, new Set(damaged.keys()))
    if (chosen === undefined) return undefined
    const reader = new ObjectReader(gitDirectory)
    try {
      const work = {
        gitDirectory,
        sources: chosen.packs.map(({ name }) => name),
        modified: new Date(Math.max(...chosen.packs.map(({ modified }) => modified))),
        signal: options.signal,
      }
      const combined = chosen.isLarge
        ? await mergePacks(work)
        : await combinePacks({ ...work, readObject: (id) => reader.read(id) })
      await replacePacks(gitDirectory, chosen, combined)
      return {
        packs: chosen.packs.length,
        objects: combined.objects,
        bytesBefore: chosen.packs.reduce((sum, { bytes }) => sum + bytes, 0),
        bytesAfter: combined.bytes,
        damaged: [...damaged.values()],
      }
    } catch (error) {
      if (!(error instanceof DamagedPackError)) throw error
      damaged.set(error.pack, error.message)
    } finally {
      reader.close()
    }
  }
}

interface ChosenPacks {
  readonly isPromised: boolean
  readonly isLarge: boolean
  /** The oldest first. */
  readonly packs: readonly PackSize[]
}

async function findPacks(
  gitDirectory: string,
  options: ConsolidateOptions,
  except: ReadonlySet<string>,
): Promise<ChosenPacks | undefined> {
  const { minimumPacks = 16, maximumObjects = 100_000, maximumBytes = 256 * 1024 * 1024 } = options
  const { minimumLargePacks = 4, mergedObjects = 1_000_000, mergedBytes = 1024 ** 3 } = options
  const indexed = await packsInMultiPackIndexes(gitDirectory)
  const found: (PackSize & { readonly isPromised: boolean; readonly isLarge: boolean })[] = []
  for (const [name, endings] of await listPacks(gitDirectory)) {
    if (except.has(name) || indexed.has(name) || !isOrdinary(endings)) continue
    const size = await measurePack(gitDirectory, name)
    if (size === undefined || size.objects > mergedObjects || size.bytes > mergedBytes) continue
    const isLarge = size.objects > maximumObjects || size.bytes > maximumBytes
    found.push({ ...size, isPromised: endings.has('promisor'), isLarge })
  }
  // Few of each kind may be many together.
  const minimum = found.filter(({ isLarge }) => !isLarge).length > 2 * minimumPacks ? 2 : minimumPacks
  const byAge = (a: PackSize, b: PackSize): number => a.modified - b.modified || (a.name < b.name ? -1 : 1)
  for (const isLarge of [false, true]) {
    for (const isPromised of [false, true]) {
      const ofKind = found.filter((pack) => pack.isLarge === isLarge && pack.isPromised === isPromised)
      const chosen = choosePacks(ofKind, isLarge ? minimumLargePacks : minimum)
      const packs = isLarge ? upTo(2 * mergedObjects, 2 * mergedBytes, chosen) : chosen
      if (packs.length < 2 || (isLarge && !(await hasRoomFor(gitDirectory, packs)))) continue
      return { isPromised, isLarge, packs: packs.toSorted(byAge) }
    }
  }
  return undefined
}

/** The first of them that have no more than this together. */
function upTo(objects: number, bytes: number, packs: readonly PackSize[]): readonly PackSize[] {
  let [objectsLeft, bytesLeft] = [objects, bytes]
  const count = packs.findIndex((pack) => {
    objectsLeft -= pack.objects
    bytesLeft -= pack.bytes
    return objectsLeft < 0 || bytesLeft < 0
  })
  return count === -1 ? packs : packs.slice(0, count)
}

/** They are on the disk twice for a while, and writes need some, too. */
async function hasRoomFor(gitDirectory: string, packs: readonly PackSize[]): Promise<boolean> {
  const { bavail, bsize } = await statfs(packFolder(gitDirectory))
  return bavail * bsize > 2 * packs.reduce((sum, { bytes }) => sum + bytes, 0)
}

const ordinaryEndings = new Set(['pack', 'idx', 'rev', 'promisor'])

/** Anything else says something about this very pack. */
function isOrdinary(endings: ReadonlySet<string>): boolean {
  return [...endings].every((ending) => ordinaryEndings.has(ending))
}

/**
 * Puts the new pack where everybody sees it, then removes those that it stands for. Until they are gone it is a kept one. Else a repack
 * that starts in between might write, from the new one, a pack of the same content and name as one of the old ones, remove the new one,
 * and see its own removed by us.
 */
async function replacePacks(gitDirectory: string, chosen: ChosenPacks, combined: CombinedPack): Promise<void> {
  const name = `pack-${combined.name}`
  const sources = chosen.packs.map((pack) => pack.name)
  const keepFile = join(packFolder(gitDirectory), `${name}.keep`)
  let isKept = false
  try {
    try {
      await writePlan(gitDirectory, [name, ...sources])
      isKept = await createKeepFile(keepFile)
      await installPack(packFolder(gitDirectory), name, combined, chosen.isPromised)
    } finally {
      await rm(combined.temporaryFile, { force: true })
    }
    // From here on it is never removed, whatever fails.
    await syncFolder(packFolder(gitDirectory))
    await removePacks(
      gitDirectory,
      sources.filter((source) => source !== name),
    )
  } finally {
    if (isKept) await rm(keepFile, { force: true })
  }
  await rm(planFile(gitDirectory), { force: true })
}

/** Leaves nothing behind when it fails. */
async function installPack(folder: string, name: string, combined: CombinedPack, isPromised: boolean): Promise<void> {
  const path = join(folder, name)
  // After a crash it may be one of those that were combined: with its checksum it has its content.
  if (await exists(`${path}.idx`)) return
  try {
    if (isPromised) await placeFile(folder, 'tmp_', `${path}.promisor`, new Uint8Array())
    await rename(combined.temporaryFile, `${path}.pack`)
    await placeFile(folder, 'tmp_idx_', `${path}.idx`, combined.index)
  } catch (error) {
    if (!(await exists(`${path}.idx`))) {
      for (const ending of ['pack', 'promisor']) await rm(`${path}.${ending}`, { force: true })
    }
    throw error
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false
    throw error
  }
}

/** Removes packs whose objects stand elsewhere, those that became somebody's meanwhile excepted. */
async function removePacks(gitDirectory: string, names: readonly string[]): Promise<void> {
  const indexed = await packsInMultiPackIndexes(gitDirectory)
  const packs = await listPacks(gitDirectory)
  const removable = names.filter((name) => isOrdinary(packs.get(name) ?? new Set()) && !indexed.has(name))
  for (const name of removable) await removePack(gitDirectory, name)
  await syncFolder(packFolder(gitDirectory))
}

/** The index first: without one nobody takes the others for a pack. */
async function removePack(gitDirectory: string, name: string): Promise<void> {
  for (const ending of ['idx', 'rev', 'pack', 'promisor']) {
    await rm(join(packFolder(gitDirectory), `${name}.${ending}`), { force: true })
  }
}

/** Which packs are being added or removed: a crash may leave a part of one, and nobody else would clear that away. */
function planFile(gitDirectory: string): string {
  return join(gitDirectory, 'signalbox', 'consolidation')
}

async function writePlan(gitDirectory: string, names: readonly string[]): Promise<void> {
  await mkdir(join(gitDirectory, 'signalbox'), { recursive: true })
  await rm(planFile(gitDirectory), { force: true })
  const file = await createDurably(planFile(gitDirectory), names.map((name) => `${name}\n`).join(''))
  await file.close()
  await syncFolder(join(gitDirectory, 'signalbox'))
}

/**
 * Clears away what a consolidation or a write left that a crash cut short. To be called at start, when no other instance
 * lives. Answers how many files that were.
 */
export async function removeLeftovers(gitDirectory: string): Promise<number> {
  const folder = packFolder(gitDirectory)
  let removed = await finishPlan(gitDirectory)
  for (const file of await listFolder(folder)) {
    if (!temporaryFile.test(file)) continue
    await rm(join(folder, file), { force: true })
    removed += 1
  }
  return removed
}

/** Removes what is left of packs that an earlier consolidation did not add or remove to the end. */
async function finishPlan(gitDirectory: string): Promise<number> {
  const names = await readPlan(gitDirectory)
  if (names === undefined) return 0
  const files = await listFolder(packFolder(gitDirectory))
  const present = new Set(files)
  let removed = 0
  for (const name of names) {
    await removeKeepFile(join(packFolder(gitDirectory), `${name}.keep`))
    if (present.has(`${name}.idx`) && present.has(`${name}.pack`)) continue
    removed += files.filter((file) => file.startsWith(`${name}.`)).length
    await removePack(gitDirectory, name)
  }
  if (removed > 0) await syncFolder(packFolder(gitDirectory))
  await rm(planFile(gitDirectory), { force: true })
  return removed
}

const temporaryFile = new RegExp(`^tmp_(pack_|idx_)?${ownTemporaryFile}`)

/** Undefined where there is none. One that was cut short before its first line names nothing. */
async function readPlan(gitDirectory: string): Promise<string[] | undefined> {
  try {
    const text = await readFile(planFile(gitDirectory), 'utf8')
    // A power failure may have taken the end of it.
    return text.split('\n').filter((line) => /^pack-[0-9a-f]{40,64}$/.test(line))
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}
