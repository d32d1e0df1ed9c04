import type { Change } from './change.ts'
import type { CommitText } from './commit-text.ts'
import type { KnownTags, TagNames } from './git-tag.ts'
import type { ObjectId } from './object-id.ts'
import type { Principal } from './principal.ts'
import type { Snapshot } from './snapshot.ts'

/** What stands at a path of the repository beyond the snapshot; `undefined` where nothing does, or a submodule. */
export type LoadedEntry =
  | { readonly kind: 'file'; readonly bytes: Uint8Array }
  | { readonly kind: 'link'; readonly target: string }
  /** The ids of the entries by name. */
  | { readonly kind: 'directory'; readonly entries: ReadonlyMap<string, ObjectId> }
  | undefined

/** What was loaded for a command, by path. */
export type Loaded = ReadonlyMap<string, LoadedEntry>

/** What a command decides from. */
export interface DecisionInput {
  readonly snapshot: Snapshot
  /** Everything that `reads` named. */
  readonly loaded: Loaded
  readonly principal: Principal
  readonly now: Date
  /** Of those that the command names. */
  readonly tags?: KnownTags
}

export interface Decision<Result> {
  /** In order; nothing is committed when together they change nothing. */
  readonly changes: readonly Change[]
  readonly text: CommitText
  readonly result: Result
  /** The git tag that its commit gets. It must be free: see `assertFree`. */
  readonly tag?: string
}

/**
 * A wish to change the repository. It may be decided more than once, each time on a newer snapshot, until its commit is
 * the branch's; so both functions are pure.
 */
export interface Command<Result> {
  /** The git tags that the decision needs to know. */
  readonly tags?: TagNames
  /**
   * The paths that the decision needs beyond the snapshot. Asked again with what has been loaded so far until it names
   * nothing new: what to read may depend on what was read.
   */
  reads(input: DecisionInput): readonly string[]
  /** Throws DomainError when the wish cannot be granted; that fails this command alone. */
  decide(input: DecisionInput): Decision<Result>
}
