import type { ObjectId } from './object-id.ts'

/** A commit that changed which version of an application is deployed in an environment. */
export interface DeploymentEvent {
  /** Undefined when nothing is deployed since, or the link leads to no release. The same holds for what was before. */
  readonly version: bigint | undefined
  readonly fromVersion: bigint | undefined
  readonly commit: ObjectId
  /** The commit's author, and when that says it was made. */
  readonly by: { readonly name: string; readonly email: string }
  readonly at: Date
  /** The first line of the commit's message, cut where it is endless. */
  readonly subject: string
  /** What our own commits say of the request behind them; nothing where somebody else made the commit. */
  readonly command: string | undefined
  readonly trainTarget: string | undefined
  readonly trainTeam: string | undefined
  readonly requestId: string | undefined
  /** The tag that the commit got, and the one that its train replayed. */
  readonly gitTag?: string
  readonly sourceGitTag?: string
  /** The author is what the caller said of itself. */
  readonly isClaimed?: true
}

/** A page of the history of an application in an environment, newest first. */
export interface DeploymentHistory {
  readonly events: readonly DeploymentEvent[]
  /** Where the next page begins; undefined when there is none. */
  readonly next: ObjectId | undefined
  /** The repository goes no further back, although its history does. */
  readonly isTruncated: boolean
}
