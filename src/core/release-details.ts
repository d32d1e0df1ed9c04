import type { EnvironmentName } from './names.ts'

/** All that is known of one release: for people who look at it, not for decisions. Text that is absent is empty. */
export interface ReleaseDetails {
  readonly version: bigint
  readonly sourceCommitId: string
  readonly sourceAuthor: string
  readonly sourceMessage: string
  readonly displayVersion: string
  readonly ciLink: string
  readonly createdAt: Date | undefined
  readonly isUndeploy: boolean
  readonly isPrepublish: boolean
  /** The environments that it has a manifest for, sorted by name. */
  readonly environments: readonly EnvironmentName[]
  /** Why some of this, or all of it, cannot be read: a sentence, without a full stop. */
  readonly unreadable: string | undefined
}
