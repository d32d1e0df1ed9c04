import type { TagState } from '../../core/git-tag.ts'
import type { ObjectId } from '../../core/object-id.ts'
import type { GitObject, ObjectType } from '../git/git-object.ts'
import type { PackFigures, RunStep } from '../store-observer.ts'

/**
 * Where the objects and the branch are kept: on a disk, in memory, or (with a remote) on a disk that follows a server.
 * Knows git's objects and nothing of manifests.
 */
export interface Repository {
  /** What Argo CD files name as the repository, unless configured otherwise. */
  readonly url: string
  readonly branch: string

  /** Where the branch is decided elsewhere: that place. */
  readonly remote?: RemoteSide | undefined

  /**
   * The commit of the branch at this moment, undefined while it has none; with a remote, as far as we know.
   */
  head(): Promise<ObjectId | undefined>

  /**
   * Throws ObjectMissingError, or MalformedObjectError when it is there but not as it should be. With a remote, what is not
   * `here` is asked for there.
   */
  read(id: ObjectId, reach?: 'here' | 'anywhere'): Promise<StoredObject>

  /** The commits whose parents it does not have, and need not: the history of a shallow clone ends there. */
  readShallow(): Promise<ReadonlySet<ObjectId>>

  /**
   * What stands at the name of a tag at this moment: a name such as `v1`, without `refs/tags/`, that `isValidTagName`
   * takes. A repository with a remote asks it, and fetches the commit when its copy lacks it.
   */
  readTag(name: string): Promise<TagState>

  /**
   * Makes the objects durable, moves the branch from one commit to another and creates the tags, or, when the branch is
   * no longer where it was or a tag cannot be created any more, does nothing and answers `moved`: `readTag` then knows
   * which. With a remote, all of it happens there first and at once; it throws PushRefusedError. After any error but
   * OutcomeUnknownError nothing has happened, nor will.
   */
  publish(update: BranchUpdate): Promise<'published' | 'moved'>

  /**
   * To be called before a batch of writes begins, by one at a time: waits while what earlier ones left is put in order, not for long, and
   * until the signal says that there is no time. Never fails.
   */
  makeRoom?(signal: AbortSignal): Promise<void>

  /** For metrics; undefined for a repository without packs. */
  measurePacks?(): Promise<PackFigures>

  close(): Promise<void>
}

/** The server that holds the branch, of which there is a copy here. */
export interface RemoteSide {
  /** Brings the copy up to what the server has at this moment. Throws when it cannot be asked. */
  refresh(): Promise<void>

  /**
   * To be called right before a write is decided: where somebody else was faster, the server was out of reach, or it is in doubt
   * whether the last write arrived, it is asked now; `by looking` in any case. Answers whether it was. Throws when it cannot be
   * asked, soon; and BranchRewrittenError.
   */
  assertWritable(how?: 'by looking'): Promise<boolean>

  /**
   * To be called between writes: where others write too, lets time pass in which one of them can. They have to look first what the
   * last write was, so that whoever made it would be the fastest again and again.
   */
  giveWay(): Promise<void>

  /** Fetches those of the objects that the copy lacks, at one go. Those that cannot be had stay missing. */
  fetchMissing(ids: readonly ObjectId[]): Promise<void>

  /** How often the copy has been made anew: its history may end elsewhere since. */
  readonly renewals: number

  /** To be told of an object that the copy lacks and has to have: it is made anew, soon. */
  reportGap(flaw: string): void

  /** Ends all talk with the server, for good: what becomes of a push that is under way is not known then. */
  breakOff(): void

  /** When the server last said that the branch is where the copy has it. */
  readonly confirmedAt: Date

  /** What does not work as it should, as sentences. */
  readonly problems: readonly string[]
}

export interface StoredObject {
  readonly type: ObjectType
  readonly data: Uint8Array
}

export interface BranchUpdate {
  readonly from: ObjectId | undefined
  readonly to: ObjectId
  readonly objects: readonly GitObject[]
  /** Lightweight tags to create: together with the branch's move, or not at all. */
  readonly tags?: readonly NewTag[]
  /** Is called when a push whose answer was lost turns out to have arrived, perhaps long after OutcomeUnknownError was thrown. */
  readonly onArrived?: (() => void) | undefined
  /** Runs the steps of the publication, where somebody watches how long each takes. */
  readonly runStep?: RunStep
}

/** For updates that nobody watches. */
export const runUnwatched: RunStep = (_step, work) => work()

export interface NewTag {
  /** Without `refs/tags/`. */
  readonly name: string
  /** The commit that gets it. */
  readonly id: ObjectId
}
