import type { Release } from '../../core/application.ts'
import type { EnvironmentApplication } from '../../core/environment.ts'
import type { TeamName } from '../../core/names.ts'
import type { ObjectId } from '../../core/object-id.ts'
import type { Readable } from '../../core/readable.ts'
import type { TreeEntry } from '../git/tree.ts'

/**
 * Pieces of the layout that somebody has read before. A tree's id says all that is in it, so a piece that is known by the id of
 * its tree cannot be out of date.
 */
export interface KnownPieces {
  /** What an environment knows of an application, by the application's directory there. */
  environmentApplication(application: string, tree: ObjectId): EnvironmentApplication | undefined
  /** What stands in an application's directory, but for its releases, by that directory. */
  application(tree: ObjectId): ApplicationFacts | undefined
  /** A release, by its directory. */
  release(version: bigint, tree: ObjectId): Release | undefined
}

/** An application without what its releases are. */
export interface ApplicationFacts {
  readonly team: Readable<TeamName | undefined>
  readonly sourceRepoUrl: string | undefined
  /** In the order of their versions. */
  readonly releases: ReadonlyMap<bigint, TreeEntry>
}

export const nothingKnown: KnownPieces = {
  application: () => undefined,
  environmentApplication: () => undefined,
  release: () => undefined,
}

/** One of those pieces together with what it is known by. */
export type Piece =
  | {
      readonly kind: 'environment-application'
      readonly application: string
      readonly tree: ObjectId
      readonly value: EnvironmentApplication
    }
  | { readonly kind: 'application'; readonly tree: ObjectId; readonly value: ApplicationFacts }
  | { readonly kind: 'release'; readonly tree: ObjectId; readonly value: Release }
