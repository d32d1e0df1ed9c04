import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { TagState } from '../../core/git-tag.ts'
import type { ObjectId } from '../../core/object-id.ts'
import { assertServable } from './assert-servable.ts'
import type { CommitAuthor } from '../commit-message.ts'
import { completeTags } from './complete-tags.ts'
import type { BranchWriter, WriteLog, WrittenBranch } from '../git/branch-writer.ts'
import { DiskBranchWriter } from '../git/branch-writer.ts'
import { RefNotDurableError, RepositoryGoneError } from '../git/git-errors.ts'
import { claimInstance } from './instance-file.ts'
import { ObjectReader } from '../git/object-reader.ts'
import type { Consolidate } from '../git/pack-care.ts'
import { PackCare } from '../git/pack-care.ts'
import { listPacks } from '../git/pack-folder.ts'
import { listBranches, readRef } from '../git/ref-file.ts'
import { readShallowFile } from '../git/shallow-file.ts'
import { readTagRef } from '../git/tag-refs.ts'
import type { BranchUpdate, Repository, StoredObject } from './repository.ts'
import type { PackFigures } from '../store-observer.ts'
import { runUnwatched } from './repository.ts'
import type { StoreLog } from '../git-manifest-store.ts'
import { OutcomeUnknownError, UnknownBranchError } from '../store-errors.ts'
import { findHeadBranch } from './find-head-branch.ts'
import { takeOver } from './take-over.ts'

export interface LocalRepositoryOptions {
  /** The path of a bare repository. */
  readonly path: string
  /** A branch name such as `main`; undefined for the one that the repository's HEAD names. */
  readonly branch: string | undefined
  /** Stands in the branch's reflog, where the repository keeps one. */
  readonly committer: CommitAuthor
  readonly log: StoreLog
  /** How packs are combined; in this thread unless given. */
  readonly consolidate?: Consolidate
  /** Who writes the branch; this thread unless given. */
  readonly createWriter?: (branch: WrittenBranch, log: WriteLog) => BranchWriter
}

/** A bare repository on this machine's disk. Others may read, write and repack it at the same time with git. */
export class LocalRepository implements Repository {
  readonly url: string
  readonly branch: string
  readonly #gitDirectory: string
  readonly #ref: string
  readonly #committer: CommitAuthor
  readonly #writer: BranchWriter
  readonly #reader: ObjectReader
  readonly #log: StoreLog
  readonly #packs: PackCare
  readonly #release: () => Promise<void>

  private constructor(
    gitDirectory: string,
    ref: string,
    options: LocalRepositoryOptions,
    release: () => Promise<void>,
  ) {
    this.url = gitDirectory
    this.branch = ref.replace(/^refs\/heads\//u, '')
    this.#gitDirectory = gitDirectory
    this.#ref = ref
    this.#committer = options.committer
    this.#log = options.log
    this.#reader = new ObjectReader(gitDirectory)
    const createWriter = options.createWriter ?? ((branch, log) => new DiskBranchWriter(branch, log))
    this.#writer = createWriter({ gitDirectory, ref, committer: options.committer }, options.log)
    this.#packs = new PackCare({
      gitDirectory,
      log: options.log,
      consolidate: options.consolidate,
      onConsolidated: () => this.#reader.forgetRemovedPacks(),
    })
    this.#release = release
  }

  /**
   * Takes the repository for this process. Throws RepositoryRefusedError when it is none that can be served, and
   * InstanceRunningError when another process serves it.
   */
  static async open(options: LocalRepositoryOptions): Promise<LocalRepository> {
    const gitDirectory = resolve(options.path)
    await assertServable(gitDirectory)
    const ref = options.branch === undefined ? await findHeadBranch(gitDirectory) : `refs/heads/${options.branch}`
    await assertBranch(gitDirectory, ref)
    const instance = await claimInstance(gitDirectory, { log: options.log })
    const repository = new LocalRepository(gitDirectory, ref, options, () => instance.release())
    try {
      await takeOver(gitDirectory, ref, options.log)
      await repository.#completeTags()
    } catch (error) {
      await repository.close()
      throw error
    }
    repository.#packs.packsFound((await listPacks(gitDirectory)).size)
    return repository
  }

  async #completeTags(): Promise<void> {
    await completeTags({
      gitDirectory: this.#gitDirectory,
      head: await this.head(),
      committer: this.#committer,
      read: (id) => this.read(id),
      log: this.#log,
    })
  }

  async head(): Promise<ObjectId | undefined> {
    const head = await readRef(this.#gitDirectory, this.#ref)
    // A repository that somebody has taken away is none without commits.
    if (head === undefined && !existsSync(join(this.#gitDirectory, 'HEAD'))) throw new RepositoryGoneError()
    return head
  }

  read(id: ObjectId): Promise<StoredObject> {
    return this.#reader.read(id)
  }

  readShallow(): Promise<ReadonlySet<ObjectId>> {
    return readShallowFile(this.#gitDirectory)
  }

  readTag(name: string): Promise<TagState> {
    return readTagRef(this.#gitDirectory, name, (id) => this.read(id))
  }

  async publish({
    from,
    to,
    objects,
    tags = [],
    runStep = runUnwatched,
  }: BranchUpdate): Promise<'published' | 'moved'> {
    // Mostly known before anything is written.
    if ((await this.head()) !== from) return 'moved'
    await runStep('write-pack', () => this.#writer.writePack(objects))
    try {
      return await runStep('move-branch', () => this.#writer.moveBranch({ from, to, tags }))
    } catch (error) {
      if (!(error instanceof RefNotDurableError)) throw error
      throw new OutcomeUnknownError(
        `commit ${to} is on branch ${this.branch}, but the disk does not confirm that it stays there. To repeat the request with ` +
          'the same Idempotency-Key is safe; without one, look at what is there first',
        { cause: error },
      )
    } finally {
      this.#packs.packsAdded(1)
    }
  }

  makeRoom(signal: AbortSignal): Promise<void> {
    return this.#packs.makeRoom(signal)
  }

  /** For metrics. */
  measurePacks(): Promise<PackFigures> {
    return this.#packs.measure()
  }

  async close(): Promise<void> {
    await this.#packs.close()
    await this.#writer.close()
    this.#reader.close()
    await this.#release()
  }
}

/** A branch that does not exist is only believed in a repository without any: anything else is a wrong name. */
async function assertBranch(gitDirectory: string, ref: string): Promise<void> {
  if ((await readRef(gitDirectory, ref)) !== undefined) return
  const branches = await listBranches(gitDirectory)
  if (branches.length > 0) throw new UnknownBranchError(gitDirectory, ref, branches)
}
