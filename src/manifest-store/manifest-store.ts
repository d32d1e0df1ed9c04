import type { Command } from '../core/command.ts'
import type { DeploymentHistory } from '../core/deployment-history.ts'
import type { KnownTags, TagNames } from '../core/git-tag.ts'
import type { ApplicationName, EnvironmentName } from '../core/names.ts'
import type { ObjectId } from '../core/object-id.ts'
import type { Principal } from '../core/principal.ts'
import type { Snapshot } from '../core/snapshot.ts'
import type { ReleaseDetails } from '../core/release-details.ts'

/** The port to the manifest repository: everything that Signalbox knows, and the one way to change it. */
export interface ManifestStore {
  /**
   * The state of the branch at this moment, foreign commits included. Answers with the last state that could be read
   * when the newest cannot be, and says so in `health`. Throws StoreUnavailableError when there is none at all.
   */
  snapshot(): Promise<Snapshot>

  /**
   * Asks the server that has the repository, if it is on one, what is new, so that the next snapshot is no older than this
   * call. Throws when it cannot be asked.
   */
  refresh(): Promise<void>

  /** The releases of an application with all that is known of them, newest first. Throws StoreUnavailableError. */
  readReleases(snapshot: Snapshot, application: ApplicationName): Promise<readonly ReleaseDetails[]>

  /** One of them; undefined when the application has no release of that version. Throws StoreUnavailableError. */
  readRelease(snapshot: Snapshot, application: ApplicationName, version: bigint): Promise<ReleaseDetails | undefined>

  /**
   * The releases that were made from a source commit, by that commit: those of `commit`, or, where there are none, of
   * every commit that begins with it. `commit` is in lower case. Throws StoreUnavailableError.
   */
  findReleasesOfCommit(snapshot: Snapshot, commit: string): Promise<ReadonlyMap<string, readonly ReleaseName[]>>

  /**
   * Which commits changed the version of an application in an environment, newest first, from the snapshot's commit or
   * from the given one on; undefined when that does not exist. A page may hold fewer events than asked for, although there is
   * a next one. Throws StoreUnavailableError.
   */
  readHistory(snapshot: Snapshot, request: HistoryRequest): Promise<DeploymentHistory | undefined>

  /** What stands at the names of git tags at this moment, and what was known at the commit of the source. Throws StoreUnavailableError. */
  readTags(names: TagNames): Promise<KnownTags>

  /**
   * Tells what is about to be read, so that what the copy of a remote lacks of it is fetched at one go. Never throws: what
   * cannot be had fails when it is read.
   */
  readAhead(snapshot: Snapshot, wanted: Wanted): Promise<void>

  /** The bytes of the file at a path; undefined when no file stands there. Throws StoreUnavailableError. */
  readFile(snapshot: Snapshot, path: string): Promise<Uint8Array | undefined>

  /** The bytes of a blob that a snapshot names. Throws StoreUnavailableError, also when it is missing. */
  readBlob(id: ObjectId): Promise<Uint8Array>

  /**
   * Decides the command in the one write queue. Resolves when its commit is durable and reachable from the branch, or
   * at once when it changes nothing. Throws what the command throws, StoreUnavailableError when it could not be
   * written, QueueFullError when too many wait, PushRefusedError when the server would not have it, AbandonedError when the caller
   * left before its turn, and, of a command with a key, KeyReusedError and AlreadyDoneError. A command that failed left nothing
   * behind, but for OutcomeUnknownError: that says that nobody knows.
   */
  submit<Result>(command: Command<Result>, request: CommandRequest): Promise<Submitted<Result>>

  health(): StoreHealth

  /** Takes no more commands, and refuses those that wait for their turn: answers how many. What is being written goes on. */
  refuseWaiting(): number

  /**
   * Ends all talk with the server that holds the branch, where there is one. A write that is under way there then fails with
   * OutcomeUnknownError: answers whether there was any.
   */
  breakOff(): boolean

  /** Finishes the commands that wait, then gives the repository back. Further commands are refused. */
  close(): Promise<void>
}

/** Files by path, and blobs by id. */
export interface Wanted {
  readonly paths?: readonly string[]
  readonly blobs?: readonly ObjectId[]
}

/** A release by application and version. */
export interface ReleaseName {
  readonly application: ApplicationName
  readonly version: bigint
}

export interface HistoryRequest {
  readonly environment: EnvironmentName
  readonly application: ApplicationName
  /** How many events are wanted at most. */
  readonly pageSize: number
  /** The `next` of the page before. */
  readonly from: ObjectId | undefined
}

export interface CommandRequest {
  readonly principal: Principal
  /** Stands in the log and in the commit's trailer. */
  readonly requestId: string
  /** Aborted when the caller has left. */
  readonly signal?: AbortSignal
  /** Where a trace of the request goes on; the store only passes it on. */
  readonly trace?: Trace | undefined
  /** A command that makes a commit is not carried out again for the same key: its first answer is given again. */
  readonly idempotency?: Idempotency
}

/** A request in a trace. Whoever made it knows more of it. */
export interface Trace {
  readonly traceId: string
}

/** How a repeated command is recognised: by texts without spaces that tell nothing of what they stand for. */
export interface Idempotency {
  /** Stands for the principal and the key that they chose. */
  readonly key: string
  /** Stands for all that was asked for. */
  readonly request: string
}

export interface Submitted<Result> {
  readonly result: Result
  /** The commit it made; undefined when nothing changed. */
  readonly commit: ObjectId | undefined
  /** An earlier command with the same key made that commit, and this is its answer. */
  readonly isRepeated?: true
}

export interface StoreHealth {
  readonly commit: ObjectId | undefined
  /** Whether reads can be served. */
  readonly isReadable: boolean
  /** What does not work as it should, as sentences. */
  readonly problems: readonly string[]
  /** How many commands wait for their turn. */
  readonly waitingCommands: number
  /** How many milliseconds ago this was last known to be the remote's state; undefined without a remote. */
  readonly stateAge?: number | undefined
}
