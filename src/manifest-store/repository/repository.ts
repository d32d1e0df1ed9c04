import type { TagState } from '../../core/git-tag.ts'
import type { ObjectId } from '../../core/object-id.ts'
import type { GitObject, ObjectType } from '../git/git-object.ts'
import type { RunStep } from '../store-observer.ts'

/**
 * Where the objects and the branch are kept: on a disk, in memory, or (with a remote) on a disk that follows a server.
 * Knows git's objects and nothing of manifests.
 */
export interface Repository {
  /** What Argo CD files name as the repository, unless configured otherwise. */
  readonly url: string
  readonly branch: string

  /**
   * The commit of the branch at this moment; undefined while it has none. A repository with a remote fetches here when
   * its copy is too old.
   */
  head(): Promise<ObjectId | undefined>

  /** Throws ObjectMissingError, or MalformedObjectError when it is there but not as it should be. */
  read(id: ObjectId): Promise<StoredObject>

  /**
   * What stands at the name of a tag at this moment: a name such as `v1`, without `refs/tags/`, that `isValidTagName`
   * takes. A repository with a remote asks it, and fetches the commit when its copy lacks it.
   */
  readTag(name: string): Promise<TagState>

  /**
   * Makes the objects durable, moves the branch from one commit to another and creates the tags, or, when the branch is
   * no longer where it was or a tag cannot be created any more, does nothing and answers `moved`: `readTag` then knows
   * which. A repository with a remote pushes all of it at once before it moves its own branch.
   */
  publish(update: BranchUpdate): Promise<'published' | 'moved'>

  close(): Promise<void>
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
