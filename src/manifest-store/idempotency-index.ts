import { trailerKeys } from '../core/commit-text.ts'
import type { ObjectId } from '../core/object-id.ts'
import type { CommitAuthor } from './commit-message.ts'
import { readTrailers } from './commit-trailers.ts'
import { parseCommit } from './git/commit.ts'
import { MalformedObjectError, ObjectMissingError } from './git/git-errors.ts'
import type { ObjectCache } from './git/object-cache.ts'
import { startTimeSlice } from './git/time-slice.ts'

/** How many commits are remembered, the newest of the branch. */
const maximumCommits = 10_000

/**
 * Which commits of the branch were made with an idempotency key, as their trailers say. The first question reads the history, the
 * next ones only what is new. Whoever merges makes what was the branch a second parent, so all parents are followed.
 */
export class IdempotencyIndex {
  readonly #objects: ObjectCache
  readonly #committer: CommitAuthor
  readonly #maximum: number
  #tip: ObjectId | undefined
  /** The key of each commit that is known to lead to the tip, the oldest first. */
  #keys = new Map<ObjectId, string | undefined>()
  #commits = new Map<string, ObjectId>()

  constructor(objects: ObjectCache, committer: CommitAuthor, maximum = maximumCommits) {
    this.#objects = objects
    this.#committer = committer
    this.#maximum = maximum
  }

  /** The newest commit that leads to `head` and was made with that key. One call at a time. */
  async find(head: ObjectId | undefined, key: string): Promise<ObjectId | undefined> {
    if (head === undefined) return undefined
    if (head !== this.#tip) await this.#update(head)
    return this.#commits.get(key)
  }

  async #update(head: ObjectId): Promise<void> {
    let walked = await this.#walk(head, this.#keys)
    if (!walked.meetsTip) {
      // The history was rewritten, or there is that much of it: what was known may not lead here.
      if (this.#keys.size > 0 && walked.added.length < this.#maximum) walked = await this.#walk(head, new Map())
      this.#keys = new Map()
      this.#commits = new Map()
    }
    for (const { id, key } of walked.added.toReversed()) {
      this.#keys.set(id, key)
      if (key !== undefined) this.#commits.set(key, id)
    }
    this.#tip = head
    for (const [id, key] of this.#keys) {
      if (this.#keys.size <= this.#maximum) break
      this.#keys.delete(id)
      if (key !== undefined && this.#commits.get(key) === id) this.#commits.delete(key)
    }
  }

  /** The commits from `head` on that are not known, the newest first. */
  async #walk(head: ObjectId, known: ReadonlyMap<ObjectId, unknown>) {
    const slice = startTimeSlice()
    const added: { readonly id: ObjectId; readonly key: string | undefined }[] = []
    const queue = new Set([head])
    let meetsTip = false
    for (const id of queue) {
      if (known.has(id)) {
        meetsTip ||= id === this.#tip
        continue
      }
      if (added.length === this.#maximum) break
      if (slice.isOver()) await slice.next()
      const commit = await this.#read(id)
      if (commit === undefined) continue
      added.push({ id, key: commit.key })
      for (const parent of commit.parents) queue.add(parent)
    }
    return { added, meetsTip }
  }

  /** Undefined when the repository does not hold it: a shallow clone ends like that. */
  async #read(id: ObjectId): Promise<{ key: string | undefined; parents: readonly ObjectId[] } | undefined> {
    try {
      const commit = parseCommit(await this.#objects.readCommit(id))
      const value = readTrailers(commit, this.#committer).get(trailerKeys.idempotencyKey)
      return { key: value?.split(' ', 1)[0], parents: commit.parents }
    } catch (error) {
      if (error instanceof ObjectMissingError || error instanceof MalformedObjectError) return undefined
      throw error
    }
  }
}
