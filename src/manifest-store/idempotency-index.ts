import { trailerKeys } from '../core/commit-text.ts'
import type { ObjectId } from '../core/object-id.ts'
import type { CommitAuthor } from './commit-message.ts'
import { readTrailers } from './commit-trailers.ts'
import { parseCommit } from './git/commit.ts'
import { ObjectMissingError } from './git/git-errors.ts'
import type { ObjectCache } from './git/object-cache.ts'
import { startTimeSlice } from './git/time-slice.ts'
import type { Repository } from './repository/repository.ts'

/**
 * Which commits of the branch were made with an idempotency key, as their trailers say. The first question reads the history, the
 * next ones only what is new. Whoever merges makes what was the branch a second parent, so all parents are followed.
 *
 * What cannot be read is an error, except where a shallow clone ends: whoever forgets a key does twice what was to be done once.
 */
export class IdempotencyIndex {
  readonly #objects: ObjectCache
  readonly #repository: Pick<Repository, 'readShallow' | 'remote'>
  readonly #committer: CommitAuthor
  readonly #maximum: number
  #tip: ObjectId | undefined
  /** The commits that are known to lead to the tip. */
  #known = new Map<ObjectId, KnownCommit>()
  #commits = new Map<string, ObjectId>()
  /** Of the copy of a remote, when it was read. */
  #renewals: number | undefined

  /** Remembers the newest commits of the branch, `maximum` of them. */
  constructor(
    objects: ObjectCache,
    repository: Pick<Repository, 'readShallow' | 'remote'>,
    committer: CommitAuthor,
    maximum: number,
  ) {
    this.#objects = objects
    this.#repository = repository
    this.#committer = committer
    this.#maximum = maximum
  }

  /**
   * The newest commit that leads to `head` and was made with that key. One call at a time. Throws ObjectMissingError and
   * MalformedObjectError when the history has a gap.
   */
  async find(head: ObjectId | undefined, key: string): Promise<ObjectId | undefined> {
    if (head === undefined) return undefined
    // Also a copy that is made anew while it is read.
    while (head !== this.#tip || this.#renewals !== this.#repository.remote?.renewals) {
      const renewals = this.#repository.remote?.renewals
      if (renewals !== this.#renewals) this.#forget()
      await this.#update(head)
      this.#renewals = renewals
    }
    return this.#commits.get(key)
  }

  #forget(): void {
    this.#tip = undefined
    this.#known = new Map()
    this.#commits = new Map()
  }

  async #update(head: ObjectId): Promise<void> {
    let walked = await this.#walk(head, this.#known)
    if (!walked.meetsTip) {
      // The history was rewritten, or there is that much of it: what was known may not lead here.
      if (this.#known.size > 0 && walked.added.length < this.#maximum) walked = await this.#walk(head, new Map())
      this.#forget()
    }
    for (const { id, key, time } of walked.added.toReversed()) {
      this.#known.set(id, { key, time })
      if (key !== undefined) this.#commits.set(key, id)
    }
    this.#tip = head
    this.#forgetOldest()
  }

  /** By their dates: a merge may have brought more of what is old than of what is new. */
  #forgetOldest(): void {
    // Sorting takes milliseconds, which not each write is to pay for.
    const room = this.#maximum + Math.floor(this.#maximum / 20)
    if (this.#known.size <= room) return
    const oldestFirst = [...this.#known].toSorted(([, a], [, b]) => a.time - b.time)
    for (const [id, { key }] of oldestFirst.slice(0, -this.#maximum)) {
      this.#known.delete(id)
      if (key !== undefined && this.#commits.get(key) === id) this.#commits.delete(key)
    }
  }

  /**
   * The commits from `head` on that are not known, the newest first: by their dates where histories run beside each other, so that
   * a branch that was merged after years does not take the place of what is new.
   */
  async #walk(head: ObjectId, known: ReadonlyMap<ObjectId, unknown>) {
    const slice = startTimeSlice()
    const added: ReadCommit[] = []
    const missing = new Map<ObjectId, ObjectMissingError>()
    const seen = new Set<ObjectId>()
    const waiting: ReadCommit[] = []
    let meetsTip = false
    let next: readonly ObjectId[] = [head]
    for (;;) {
      for (const id of next) {
        if (seen.has(id)) continue
        seen.add(id)
        meetsTip ||= id === this.#tip
        if (known.has(id)) continue
        if (slice.isOver()) await slice.next()
        const commit = await this.#read(id)
        if (commit instanceof ObjectMissingError) missing.set(id, commit)
        else waiting.push(commit)
      }
      const newest = takeNewest(waiting)
      if (newest === undefined) break
      added.push(newest)
      if (added.length === this.#maximum) break
      next = newest.parents
    }
    if (missing.size > 0) await this.#assertShallow(head, added, missing)
    return { added, meetsTip }
  }

  /** Only what is behind the end of a shallow clone may be missing. */
  async #assertShallow(
    head: ObjectId,
    read: readonly ReadCommit[],
    missing: ReadonlyMap<ObjectId, ObjectMissingError>,
  ): Promise<void> {
    const shallow = await this.#repository.readShallow()
    const needed = read.flatMap(({ id, parents }) => (shallow.has(id) ? [] : parents))
    for (const id of [head, ...needed]) {
      const error = missing.get(id)
      if (error === undefined) continue
      this.#repository.remote?.reportGap(error.message)
      throw error
    }
  }

  async #read(id: ObjectId): Promise<ReadCommit | ObjectMissingError> {
    try {
      const commit = parseCommit(await this.#objects.readCommit(id))
      const value = readTrailers(commit, this.#committer).get(trailerKeys.idempotencyKey)
      return { id, key: value?.split(' ', 1)[0], parents: commit.parents, time: commit.committer.time.getTime() }
    } catch (error) {
      if (error instanceof ObjectMissingError) return error
      throw error
    }
  }
}

interface KnownCommit {
  readonly key: string | undefined
  /** In milliseconds. */
  readonly time: number
}

interface ReadCommit extends KnownCommit {
  readonly id: ObjectId
  readonly parents: readonly ObjectId[]
}

/** Of all that wait, which are as many as histories run beside each other. */
function takeNewest(waiting: ReadCommit[]): ReadCommit | undefined {
  let at = 0
  for (const [index, { time }] of waiting.entries()) if (time > (waiting[at]?.time ?? 0)) at = index
  return waiting.splice(at, 1)[0]
}
