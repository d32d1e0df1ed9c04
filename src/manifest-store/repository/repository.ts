import type { ObjectId } from '../../core/object-id.ts'
import type { GitObject, ObjectType } from '../git/git-object.ts'

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
   * Makes the objects durable and moves the branch from one commit to another, or, when the branch is no longer where
   * it was, does neither and answers `moved`. A repository with a remote pushes the objects before it moves its own branch.
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
}
