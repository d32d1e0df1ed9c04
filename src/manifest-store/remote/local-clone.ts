import { mkdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { ObjectId } from '../../core/object-id.ts'
import type { CommitAuthor } from '../commit-message.ts'
import { parseCommit } from '../git/commit.ts'
import { hasCode } from '../git/durable-file.ts'
import { MalformedObjectError, ObjectMissingError } from '../git/git-errors.ts'
import { ObjectReader } from '../git/object-reader.ts'
import type { Consolidate } from '../git/pack-care.ts'
import { PackCare } from '../git/pack-care.ts'
import type { PackFile } from '../git/pack-file.ts'
import { listPacks } from '../git/pack-folder.ts'
import { moveRef, readRef } from '../git/ref-file.ts'
import { readShallowFile } from '../git/shallow-file.ts'
import type { WrittenPack } from '../git/write-pack.ts'
import { writePack } from '../git/write-pack.ts'
import type { StoreLog } from '../git-manifest-store.ts'
import { assertServable } from '../repository/assert-servable.ts'
import { findHeadBranch } from '../repository/find-head-branch.ts'
import type { InstanceClaim } from '../repository/instance-file.ts'
import { claimInstance } from '../repository/instance-file.ts'
import type { StoredObject } from '../repository/repository.ts'
import type { PackFigures } from '../store-observer.ts'
import { takeOver } from '../repository/take-over.ts'
import { RepositoryRefusedError } from '../store-errors.ts'
import type { GitRemote } from './git-remote.ts'

export interface LocalCloneOptions {
  /** Where the clone lives. Nothing but its own parts is touched in there. */
  readonly folder: string
  readonly remote: GitRemote
  /** A branch name such as `main`; undefined for the one that the remote's HEAD names. */
  readonly branch: string | undefined
  readonly committer: CommitAuthor
  readonly log: StoreLog
  /** How packs are combined; in this thread unless given. */
  readonly consolidate?: Consolidate | undefined
}

const ownCopy =
  'Stop it, or set SIGNALBOX_CLONE_PATH to a folder of its own: instances share the remote, not the copy of it.'

/** The git directory of the clone in its folder: what the remote has to be opened for. */
export function gitDirectoryIn(folder: string): string {
  return join(resolve(folder), 'clone.git')
}

/**
 * The copy of a remote on this machine's disk. It is a cache: where it is missing, damaged or of another remote it is cloned anew.
 * One process at a time uses it.
 */
export class LocalClone {
  /** Such as `main`. */
  readonly branch: string
  readonly #options: LocalCloneOptions
  readonly #gitDirectory: string
  #instance: InstanceClaim
  #reader: ObjectReader
  #packs: PackCare
  /** Counts the clones, so that whoever read while one took the other's place reads again. */
  #generation = 0

  private constructor(options: LocalCloneOptions, branch: string, instance: InstanceClaim) {
    this.branch = branch
    this.#options = options
    this.#gitDirectory = gitDirectoryIn(options.folder)
    this.#instance = instance
    this.#reader = new ObjectReader(this.#gitDirectory)
    this.#packs = this.#careForPacks()
  }

  #careForPacks(): PackCare {
    const { log, consolidate } = this.#options
    const onConsolidated = () => this.#reader.forgetRemovedPacks()
    return new PackCare({ gitDirectory: this.#gitDirectory, log, consolidate, onConsolidated })
  }

  /**
   * Takes the clone for this process, and makes it where there is none that can be used. Throws InstanceRunningError,
   * RepositoryRefusedError, and RemoteError when it cannot be cloned.
   */
  static async open(options: LocalCloneOptions): Promise<LocalClone> {
    const { folder, remote, log } = options
    await mkdir(folder, { recursive: true })
    const instance = await claim(options)
    try {
      const flaw = await findFlaw(options)
      if (flaw !== undefined) {
        log.info({ folder, remote: remote.url }, `cloning ${remote.url}: ${flaw}`)
        await cloneInto(options, options.branch)
      }
      const gitDirectory = gitDirectoryIn(folder)
      const ref = options.branch === undefined ? await findHeadBranch(gitDirectory) : toRef(options.branch)
      await takeOver(gitDirectory, ref, log)
      const clone = new LocalClone(options, ref.replace(/^refs\/heads\//u, ''), instance)
      clone.#packs.packsFound((await listPacks(gitDirectory)).size)
      return clone
    } catch (error) {
      await instance.release()
      throw error
    }
  }

  get ref(): string {
    return toRef(this.branch)
  }

  /** Where the copy has the branch. */
  head(): Promise<ObjectId | undefined> {
    return readRef(this.#gitDirectory, this.ref)
  }

  async read(id: ObjectId): Promise<StoredObject> {
    const generation = this.#generation
    try {
      return await this.#reader.read(id)
    } catch (error) {
      if (generation === this.#generation) throw error
      return this.#reader.read(id)
    }
  }

  /** Where the history of the clone ends. */
  readShallow(): Promise<ReadonlySet<ObjectId>> {
    return readShallowFile(this.#gitDirectory)
  }

  /** How often it was made anew since it was opened. */
  get renewals(): number {
    return this.#generation
  }

  findMissing(ids: readonly ObjectId[]): Promise<readonly ObjectId[]> {
    return this.#reader.findMissing(ids)
  }

  write(pack: PackFile): Promise<WrittenPack> {
    return writePack(this.#gitDirectory, pack)
  }

  /** To be called when the remote has sent some, or we wrote some: they are not to pile up. */
  packsAdded(count: number): void {
    this.#packs.packsAdded(count)
  }

  makeRoom(signal: AbortSignal): Promise<void> {
    return this.#packs.makeRoom(signal)
  }

  /** For metrics. */
  measurePacks(): Promise<PackFigures> {
    return this.#packs.measure()
  }

  /** Moves the branch of the copy, wherever it was. Nobody else does. */
  async moveTo(commit: ObjectId, ref = this.ref): Promise<void> {
    const { committer } = this.#options
    await moveRef({
      gitDirectory: this.#gitDirectory,
      ref,
      from: await readRef(this.#gitDirectory, ref),
      to: commit,
      reflog: { committer, message: 'signalbox' },
    })
    // What it moves to came in one.
    this.packsAdded(1)
  }

  /** Notes that the remote has just been asked, for `lastContact` of a later process. */
  async rememberContact(): Promise<void> {
    const now = new Date()
    // It only matters for what is said about the age of the copy.
    await utimes(originFileIn(this.#options.folder), now, now).catch(() => undefined)
  }

  /** When an earlier process last asked the remote, as far as is known. */
  async lastContact(): Promise<Date | undefined> {
    return (await stat(originFileIn(this.#options.folder)).catch(() => undefined))?.mtime
  }

  /** What is wrong with the copy, as the end of a sentence; undefined when nothing can be seen to be. */
  async findFlaw(head: ObjectId | undefined): Promise<string | undefined> {
    const flaw = await findFlaw(this.#options)
    if (flaw !== undefined || head === undefined) return flaw
    try {
      await this.read(parseCommit((await this.read(head)).data).tree)
      return undefined
    } catch (error) {
      if (error instanceof ObjectMissingError || error instanceof MalformedObjectError) {
        return `the copy on this machine is damaged: ${error.message}`
      }
      throw error
    }
  }

  /** Takes the clone for this process again where its folder was removed. Throws InstanceRunningError when another one was faster. */
  async claimAgain(): Promise<void> {
    if (await this.#instance.isHeld()) return
    await this.#instance.release()
    this.#instance = await claim(this.#options)
  }

  /** Clones anew, and puts that in the place of what there was. What can be read meanwhile is read. */
  async renew(): Promise<void> {
    // It must not remove from the new clone what it copied in the old one.
    await this.#packs.close()
    try {
      await cloneInto(this.#options, this.branch, () => {
        const old = this.#reader
        this.#reader = new ObjectReader(this.#gitDirectory)
        this.#generation += 1
        old.close()
      })
    } finally {
      this.#packs = this.#careForPacks()
    }
  }

  async close(): Promise<void> {
    await this.#packs.close()
    this.#reader.close()
    await this.#instance.release()
  }
}

function claim({ folder, log }: LocalCloneOptions): Promise<InstanceClaim> {
  return claimInstance(folder, { log, advice: ownCopy })
}

function toRef(branch: string): string {
  return `refs/heads/${branch}`
}

/** Says beside the clone what it is a clone of. */
function originFileIn(folder: string): string {
  return join(folder, 'signalbox', 'clone-of')
}

/** The branch as configured: a clone has no other, and would fetch another one with all of its history. */
function toOrigin({ remote, branch }: LocalCloneOptions): string {
  return `${remote.url}\n${branch ?? 'HEAD'}\n`
}

async function findFlaw(options: LocalCloneOptions): Promise<string | undefined> {
  const { folder } = options
  const origin = await readFile(originFileIn(folder), 'utf8').catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  })
  if (origin === undefined) return 'there is no copy on this machine yet'
  if (origin !== toOrigin(options)) return 'the copy on this machine is of another repository, or of another branch'
  try {
    await assertServable(gitDirectoryIn(folder))
    return undefined
  } catch (error) {
    if (!(error instanceof RepositoryRefusedError)) throw error
    return `the copy on this machine cannot be used: ${error.message}`
  }
}

/** The old clone goes when the new one is complete. */
async function cloneInto(
  options: LocalCloneOptions,
  branch: string | undefined,
  onReplaced: () => void = () => undefined,
): Promise<void> {
  const { folder, remote } = options
  const gitDirectory = gitDirectoryIn(folder)
  const coming = `${gitDirectory}.new`
  const leaving = `${gitDirectory}.old`
  for (const left of [coming, leaving]) await rm(left, { recursive: true, force: true })
  await remote.clone(coming, branch)
  await mkdir(join(folder, 'signalbox'), { recursive: true })
  await rm(originFileIn(folder), { force: true })
  await rename(gitDirectory, leaving).catch((error: unknown) => {
    if (!hasCode(error, 'ENOENT')) throw error
  })
  await rename(coming, gitDirectory)
  await writeFile(originFileIn(folder), toOrigin(options))
  onReplaced()
  await rm(leaving, { recursive: true, force: true })
}
