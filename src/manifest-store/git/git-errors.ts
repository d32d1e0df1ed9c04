import type { ObjectId } from '../../core/object-id.ts'

/**
 * What can go wrong with git's files. Each class has a permanent `code`; the rest is data, so that nobody has to read
 * a message to find out what happened.
 */

/** The bytes of an object are not what their type demands, or an object was asked for that git would call corrupt. */
export class MalformedObjectError extends Error {
  override readonly name = 'MalformedObjectError'
  readonly code = 'MALFORMED_OBJECT'
}

/** A path that may not stand in a tree: it could leave its folder, or git would call the tree corrupt. */
export class InvalidPathError extends Error {
  override readonly name = 'InvalidPathError'
  readonly code = 'INVALID_PATH'
  readonly path: string

  constructor(path: string, reason: string) {
    super(`${JSON.stringify(path)} cannot be a path in the repository: ${reason}`)
    this.path = path
  }
}

/** A directory is needed where a file stands, or a file where a directory stands. Concerns trees and refs alike. */
export class PathConflictError extends Error {
  override readonly name = 'PathConflictError'
  readonly code = 'PATH_CONFLICT'
  /** What was to be written. */
  readonly path: string
  /** What stands in its way. */
  readonly obstacle: string

  constructor(path: string, obstacle: string) {
    super(
      path === obstacle
        ? `${JSON.stringify(path)} is a directory, so it cannot become a file`
        : `${JSON.stringify(path)} cannot be written because of ${JSON.stringify(obstacle)}`,
    )
    this.path = path
    this.obstacle = obstacle
  }
}

/** A ref, or the packed-refs file, does not hold what git would have written. */
export class MalformedRefError extends Error {
  override readonly name = 'MalformedRefError'
  readonly code = 'MALFORMED_REF'
  readonly ref: string

  constructor(ref: string, reason: string) {
    super(`${ref}: ${reason}`)
    this.ref = ref
  }
}

/** Somebody else holds the lock of a ref for longer than we were willing to wait. */
export class RefLockedError extends Error {
  override readonly name = 'RefLockedError'
  readonly code = 'REF_LOCKED'
  readonly lockFile: string
  /** How long the lock file has existed, in milliseconds. */
  readonly age: number

  constructor(ref: string, lockFile: string, age: number) {
    super(
      `${ref} is locked by ${lockFile}, which is ${Math.round(age / 1000)} s old. ` +
        'A git command may be running on this repository: let it finish. If there is none, remove that file.',
    )
    this.lockFile = lockFile
    this.age = age
  }
}

/**
 * The ref has moved, but the disk would not confirm that this survives a power failure. What the ref now names is in
 * use: it must not be taken back.
 */
export class RefNotDurableError extends Error {
  override readonly name = 'RefNotDurableError'
  readonly code = 'REF_NOT_DURABLE'
  readonly ref: string

  constructor(ref: string, cause: unknown) {
    super(`${ref} has moved, but its folder could not be synced to disk`, { cause })
    this.ref = ref
  }
}

/** Another instance uses this repository. */
export class InstanceRunningError extends Error {
  override readonly name = 'InstanceRunningError'
  readonly code = 'INSTANCE_RUNNING'
  readonly instanceFile: string

  constructor(instanceFile: string, owner: string, advice = 'Stop it, or give this one a repository of its own.') {
    super(
      `this repository is in use by another Signalbox: ${owner}. ${advice} ` +
        `If you are sure that it no longer runs, remove ${instanceFile}.`,
    )
    this.instanceFile = instanceFile
  }
}

/** The repository does not hold this object. */
export class ObjectMissingError extends Error {
  override readonly name = 'ObjectMissingError'
  readonly code = 'OBJECT_MISSING'
  readonly id: ObjectId

  constructor(id: ObjectId, options?: ErrorOptions, detail?: string) {
    super(`object ${id} is missing${detail === undefined ? '' : `: ${detail}`}`, options)
    this.id = id
  }
}

/** Where the repository was, there is none any more. */
export class RepositoryGoneError extends Error {
  override readonly name = 'RepositoryGoneError'
  readonly code = 'REPOSITORY_GONE'

  constructor() {
    super('its folder is gone. Put it back: then it is served again')
  }
}
