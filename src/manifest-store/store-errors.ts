import type { ObjectId } from '../core/object-id.ts'

/** The repository cannot be read or written at this moment. The caller may try again; nothing was left behind. */
export class StoreUnavailableError extends Error {
  override readonly name = 'StoreUnavailableError'
  readonly code = 'STORE_UNAVAILABLE'
}

/** So many commands wait that another one is not taken. The text is the one of Kuberpult (spec 2.7), for scripts that know it. */
export class QueueFullError extends Error {
  override readonly name = 'QueueFullError'
  readonly code = 'QUEUE_FULL'

  constructor(capacity: number) {
    super(`queue is full. Queue Capacity: ${capacity}. Nothing was changed; try again`)
  }
}

/** Others moved the branch again and again while a command was decided. Nothing was left behind. */
export class StoreConflictError extends Error {
  override readonly name = 'StoreConflictError'
  readonly code = 'BRANCH_KEEPS_MOVING'
}

/** Something in the repository stands where a command has to write. Nothing was left behind. */
export class PathNotWritableError extends Error {
  override readonly name = 'PathNotWritableError'
  readonly code = 'PATH_NOT_WRITABLE'
}

/** The idempotency key belongs to another request, which made a commit. Nothing was left behind. */
export class KeyReusedError extends Error {
  override readonly name = 'KeyReusedError'
  readonly code = 'IDEMPOTENCY_KEY_REUSED'
}

/** The request was carried out before, under the same idempotency key, but its answer cannot be given again. Nothing was done this time. */
export class AlreadyDoneError extends Error {
  override readonly name = 'AlreadyDoneError'
  readonly code = 'ALREADY_DONE'
  readonly commit: ObjectId

  constructor(commit: ObjectId, options?: ErrorOptions) {
    super(
      `this was done before, by commit ${commit}, and not again. What was answered then cannot be told any more: settings, ` +
        'permissions, the name of who asks, or the history that is there have changed',
      options,
    )
    this.commit = commit
  }
}

/** The caller left before its command was decided: it was dropped. */
export class AbandonedError extends Error {
  override readonly name = 'AbandonedError'
  readonly code = 'ABANDONED'
}

/** The repository is none that Signalbox can serve. The message says why, and what to do. */
export class RepositoryRefusedError extends Error {
  override readonly name = 'RepositoryRefusedError'
  readonly code = 'REPOSITORY_REFUSED'
}

/** The repository has other branches than the one that was named. */
export class UnknownBranchError extends RepositoryRefusedError {
  constructor(repository: string, ref: string, branches: readonly string[]) {
    const [missing = '', ...names] = [ref, ...branches.toSorted()].map((name) => name.replace(/^refs\/heads\//u, ''))
    super(
      `${repository} has no branch '${missing}'; it has: ${names.slice(0, 20).join(', ')}. ` +
        'Name one of them in SIGNALBOX_BRANCH',
    )
  }
}

/** The server said no to the commit, for a reason of its own. Nothing was left behind. */
export class PushRefusedError extends Error {
  override readonly name = 'PushRefusedError'
  readonly code = 'PUSH_REFUSED'
}

/**
 * The answer of the server was lost, and it cannot be asked what it did: the commit may stand on the branch, or may appear there
 * at any moment until somebody else's does. Or the disk took the move of the branch, and may lose it.
 */
export class OutcomeUnknownError extends Error {
  override readonly name = 'OutcomeUnknownError'
  readonly code = 'OUTCOME_UNKNOWN'
}

/** Somebody moved the branch by force to another history while a command was decided. Nothing was left behind. */
export class BranchRewrittenError extends Error {
  override readonly name = 'BranchRewrittenError'
  readonly code = 'BRANCH_REWRITTEN'
}
