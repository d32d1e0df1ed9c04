import type { CommitText } from '../core/commit-text.ts'
import { trailerKeys } from '../core/commit-text.ts'
import type { ObjectId } from '../core/object-id.ts'
import type { CommitAuthor } from './commit-message.ts'
import { readTrailers } from './commit-trailers.ts'
import { parseCommit } from './git/commit.ts'
import type { ObjectCache } from './git/object-cache.ts'
import type { Idempotency } from './manifest-store.ts'

/** A commit that was made with an idempotency key, with what is needed to decide it again. */
export interface KeyedCommit {
  readonly id: ObjectId
  readonly parent: ObjectId | undefined
  /** See `Idempotency`. */
  readonly request: string
  readonly requestId: string
  /** To the millisecond, which the commit's own time is not. */
  readonly decidedAt: Date
  /** What the tag of a replay led to. */
  readonly sourceCommit: ObjectId | undefined
}

/** Has the commit say with which key it was made, for which request, and when exactly. */
export function withKey(text: CommitText, idempotency: Idempotency | undefined, now: Date): CommitText {
  if (idempotency === undefined) return text
  const value = `${idempotency.key} ${idempotency.request} ${now.toISOString()}`
  return { ...text, trailers: [...text.trailers, { key: trailerKeys.idempotencyKey, value }] }
}

/** Reads what `withKey` wrote. Throws what reading throws. */
export async function readKeyedCommit(
  objects: ObjectCache,
  id: ObjectId,
  committer: CommitAuthor,
): Promise<KeyedCommit> {
  const commit = parseCommit(await objects.readCommit(id))
  const trailers = readTrailers(commit, committer)
  const [, request = '', decidedAt = ''] = trailers.get(trailerKeys.idempotencyKey)?.split(' ') ?? []
  return {
    id,
    parent: commit.parents[0],
    request,
    requestId: trailers.get(trailerKeys.request) ?? '',
    decidedAt: new Date(decidedAt),
    sourceCommit: trailers.get(trailerKeys.sourceTag)?.split(' ')[1],
  }
}
