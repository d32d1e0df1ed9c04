import type { Change } from './change.ts'
import type { CommitText } from './commit-text.ts'
import type { Principal } from './principal.ts'
import type { Snapshot } from './snapshot.ts'

/** What a command decides from. */
export interface DecisionInput {
  readonly snapshot: Snapshot
  /** The files that `reads` named, by path; a path without a file is absent. */
  readonly loaded: ReadonlyMap<string, Uint8Array>
  readonly principal: Principal
  readonly now: Date
}

export interface Decision<Result> {
  /** In order; nothing is committed when together they change nothing. */
  readonly changes: readonly Change[]
  readonly text: CommitText
  readonly result: Result
}

/**
 * A wish to change the repository. It may be decided more than once, each time on a newer snapshot, until its commit is
 * the branch's; so both functions are pure.
 */
export interface Command<Result> {
  /** The paths of the files that the decision needs beyond the snapshot. */
  reads(snapshot: Snapshot): readonly string[]
  /** Throws DomainError when the wish cannot be granted; that fails this command alone. */
  decide(input: DecisionInput): Decision<Result>
}
