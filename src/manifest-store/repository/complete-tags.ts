import type { ObjectId } from '../../core/object-id.ts'
import { trailerKeys } from '../../core/commit-text.ts'
import type { CommitAuthor } from '../commit-message.ts'
import { readTrailers } from '../commit-trailers.ts'
import type { ParsedCommit } from '../git/commit.ts'
import { parseCommit } from '../git/commit.ts'
import { MalformedObjectError, ObjectMissingError } from '../git/git-errors.ts'
import type { LeftLock } from '../git/tag-refs.ts'
import { findTagLocks } from '../git/tag-refs.ts'
import type { StoreLog } from '../git-manifest-store.ts'
import type { StoredObject } from './repository.ts'

/** How far back others may have moved the branch since. */
const maximumCommits = 10_000

export interface InterruptedTags {
  readonly gitDirectory: string
  readonly head: ObjectId | undefined
  readonly committer: CommitAuthor
  readonly read: (id: ObjectId) => Promise<StoredObject>
  readonly log: StoreLog
}

/**
 * Completes what an earlier process of ours left when it died between moving the branch and creating a tag. A lock is ours when
 * the commit that it names is, and says so in its trailer. If the branch has got that commit, it gets the tag; else neither
 * was done. A tag that somebody deleted has no lock, and stays deleted. To be called when no other instance lives.
 */
export async function completeTags(interrupted: InterruptedTags): Promise<void> {
  const { gitDirectory, head, log } = interrupted
  const own: LeftLock[] = []
  for (const lock of await findTagLocks(gitDirectory)) if (await isOwn(lock, interrupted)) own.push(lock)
  if (own.length === 0) return
  const published = await findAncestors(head, new Set(own.map(({ id }) => id)), interrupted)
  for (const lock of own) {
    const { name, id: commit } = lock
    try {
      if (published.has(commit)) await lock.complete()
      else await lock.remove()
      const what = published.has(commit) ? 'created the tag' : 'removed the lock of the tag'
      log.warn({ tag: name, commit }, `${what} that an earlier process of ours left when it died`)
    } catch (error) {
      log.error({ err: error, tag: name, commit }, 'a tag that an earlier process of ours left cannot be completed')
    }
  }
}

async function isOwn({ name, id }: LeftLock, { committer, read }: InterruptedTags): Promise<boolean> {
  const commit = await readCommit(id, read)
  return commit !== undefined && readTrailers(commit, committer).get(trailerKeys.tag) === name
}

/** Those of `wanted` that lead to `head`. */
async function findAncestors(
  head: ObjectId | undefined,
  wanted: ReadonlySet<ObjectId>,
  { read }: InterruptedTags,
): Promise<ReadonlySet<ObjectId>> {
  const seen = new Set<ObjectId>(head === undefined ? [] : [head])
  const found = new Set<ObjectId>()
  for (const id of seen) {
    if (wanted.has(id)) found.add(id)
    if (found.size === wanted.size || seen.size > maximumCommits) break
    for (const parent of (await readCommit(id, read))?.parents ?? []) seen.add(parent)
  }
  return found
}

/** Undefined for what is none, or is not there. */
async function readCommit(id: ObjectId, read: InterruptedTags['read']): Promise<ParsedCommit | undefined> {
  try {
    const { type, data } = await read(id)
    return type === 'commit' ? parseCommit(data) : undefined
  } catch (error) {
    if (error instanceof ObjectMissingError || error instanceof MalformedObjectError) return undefined
    throw error
  }
}
