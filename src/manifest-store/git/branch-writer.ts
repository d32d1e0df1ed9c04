import type { ObjectId } from '../../core/object-id.ts'
import type { CommitAuthor } from '../commit-message.ts'
import type { StoreLog } from '../git-manifest-store.ts'
import type { NewTag } from '../repository/repository.ts'
import { RefNotDurableError } from './git-errors.ts'
import type { GitObject } from './git-object.ts'
import { buildPack } from './pack-file.ts'
import { moveRef } from './ref-file.ts'
import type { TagLocks } from './tag-refs.ts'
import { lockTags } from './tag-refs.ts'
import type { WrittenPack } from './write-pack.ts'
import { releaseQuietly, writePack } from './write-pack.ts'

/** Writes commits to one branch of a repository on this machine's disk, one call after the other. */
export interface BranchWriter {
  /** Makes the objects durable, and has git keep them until the branch has been moved, or has not. Throws what the file system throws. */
  writePack(objects: readonly GitObject[]): Promise<void>
  /**
   * Moves the branch to what was written and creates the tags. `moved` when somebody else was faster with one of them: then nothing has
   * happened. Throws what `moveRef` and `lockTags` throw.
   */
  moveBranch(move: BranchMove): Promise<'published' | 'moved'>
  close(): Promise<void>
}

export interface BranchMove {
  readonly from: ObjectId | undefined
  readonly to: ObjectId
  readonly tags: readonly NewTag[]
}

export interface WrittenBranch {
  readonly gitDirectory: string
  /** Its name in full, or that of a symbolic ref to it. */
  readonly ref: string
  /** Stands in the branch's reflog, where the repository keeps one. */
  readonly committer: CommitAuthor
}

/** The part of the store's log that writing needs. */
export type WriteLog = Pick<StoreLog, 'warn' | 'error'>

/** Does it in this thread. */
export class DiskBranchWriter implements BranchWriter {
  readonly #branch: WrittenBranch
  readonly #log: WriteLog
  readonly #kept: WrittenPack[] = []

  constructor(branch: WrittenBranch, log: WriteLog) {
    this.#branch = branch
    this.#log = log
  }

  async writePack(objects: readonly GitObject[]): Promise<void> {
    this.#kept.push(await writePack(this.#branch.gitDirectory, await buildPack(objects)))
  }

  async moveBranch({ tags, ...move }: BranchMove): Promise<'published' | 'moved'> {
    try {
      const locks = await lockTags(this.#branch.gitDirectory, tags)
      return locks === undefined ? 'moved' : await this.#move(move, locks)
    } finally {
      // Whatever became of the branch, the pack stays, for `git gc` to judge. Other gits may have relied on it: they do
      // not write what some pack has, and `git repack -a -d` leaves out what a kept pack has and then removes the rest.
      for (const pack of this.#kept.splice(0)) await releaseQuietly(pack, this.#log)
    }
  }

  /** The branch, then the tags: nobody else can create them meanwhile, and the next start completes what does not come to it here. */
  async #move(move: Omit<BranchMove, 'tags'>, tags: TagLocks): Promise<'published' | 'moved'> {
    const { gitDirectory, ref, committer } = this.#branch
    const createTags = () =>
      tags.commit((tag, error) =>
        this.#log.error({ err: error, tag }, 'a tag could not be created: the next start will try again'),
      )
    try {
      const outcome = await moveRef({ gitDirectory, ref, ...move, reflog: { committer, message: 'signalbox' } })
      if (outcome === 'published') await createTags()
      return outcome
    } catch (error) {
      if (error instanceof RefNotDurableError) await createTags()
      throw error
    } finally {
      await tags.release()
    }
  }

  async close(): Promise<void> {}
}
