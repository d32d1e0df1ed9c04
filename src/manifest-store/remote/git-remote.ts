import type { ObjectId } from '../../core/object-id.ts'

/**
 * A git server's copy of the repository, as Signalbox talks to it. Every method has a timeout of its own and throws
 * RemoteError, and StoreUnavailableError when it is the clone, or the disk that it is on, that does not work. `fetch` and
 * `fetchObjects` work in the clone that the remote was opened for, one after the other.
 */
export interface GitRemote {
  /** What people may read of the address: without credentials. */
  readonly url: string

  /**
   * Makes a bare clone at `gitDirectory`, filtered and shallow as configured, of one branch (undefined: the one that the
   * remote's HEAD names) and without tags. A remote without commits gives a clone without commits. The folder must not
   * exist, or be empty. Leaves nothing behind when it fails.
   */
  clone(gitDirectory: string, branch: string | undefined): Promise<void>

  /**
   * Fetches the branch into `refs/remotes/origin/<branch>` of the clone, whatever it was there before, filtered like the
   * clone. Answers its commit; undefined when the remote has no such branch: then the clone does not have that ref either.
   */
  fetch(branch: string): Promise<ObjectId | undefined>

  /**
   * Fetches single objects by id that the clone lacks: a blob; a tree with everything below it that the filter lets
   * through; a commit with its tree, without its history. Throws REMOTE_REFUSED when the server does not give out objects
   * by id, or has no such object.
   */
  fetchObjects(ids: readonly ObjectId[]): Promise<void>

  /**
   * The refs whose full name begins with one of the prefixes, as the server says at this moment. An annotated tag has the
   * id of the object that it points to as `peeled`.
   */
  listRefs(prefixes: readonly string[]): Promise<ReadonlyMap<string, RemoteRef>>

  /**
   * Sends the pack and moves all refs, or none, each only from its old id. Several at once are refused by a server that
   * cannot move them together. Throws RemoteError only when nothing was changed.
   */
  push(updates: readonly RefUpdate[], pack: Uint8Array): Promise<PushOutcome>

  /** Ends what is still running; it then fails. */
  close(): Promise<void>
}

export interface RemoteRef {
  readonly id: ObjectId
  readonly peeled?: ObjectId
}

export interface RefUpdate {
  /** The full name, such as `refs/heads/main`. */
  readonly ref: string
  /** Where it must be; undefined when it must not exist. */
  readonly from: ObjectId | undefined
  readonly to: ObjectId
}

export type PushOutcome =
  | { readonly kind: 'accepted' }
  /**
   * A ref was no longer where it was, or was being moved by somebody at that moment. Nothing was changed. `reason` is the
   * server's text, cleaned.
   */
  | { readonly kind: 'moved'; readonly reason: string }
  /** The server said no for a reason of its own, such as a hook or a protected branch. Nothing was changed. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** The server could not, through no fault of what was sent: its disk is full, say. Nothing was changed. */
  | { readonly kind: 'failed'; readonly reason: string }
  /** The connection broke after the request may have arrived: only the remote can tell. */
  | { readonly kind: 'unknown'; readonly cause: unknown }

export type RemoteErrorCode =
  /** No connection, no answer in time, or an answer that only a broken server gives; also when git is missing here. */
  | 'REMOTE_UNREACHABLE'
  /** The server does not know us, or does not let us; or we do not believe that it is the server. */
  | 'REMOTE_DENIED'
  /** The server lets us in, and does not do this. */
  | 'REMOTE_REFUSED'
  /** There is no repository at this address. */
  | 'REMOTE_NOT_FOUND'

/**
 * The remote did not do what was asked. That somebody else was faster is no error, but an outcome of a push. The message says
 * what happened, and what to do about it; never a secret.
 */
export class RemoteError extends Error {
  override readonly name = 'RemoteError'
  readonly code: RemoteErrorCode

  constructor(code: RemoteErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
