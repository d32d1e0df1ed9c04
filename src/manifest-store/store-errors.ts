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
