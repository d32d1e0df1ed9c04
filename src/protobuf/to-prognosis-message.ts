import type Long from 'long'
import type { ObjectId } from '../core/object-id.ts'
import { heldVersion } from '../core/release-train.ts'
import type { ApplicationPrognosis, EnvironmentPrognosis, Prognosis } from '../core/release-train-prognosis.ts'
import type { ApplicationSkip, EnvironmentSkip } from '../core/skip-cause.ts'
import { describeApplicationSkip, describeEnvironmentSkip } from '../core/skip-cause.ts'
import { messageType } from './messages.ts'
import { applicationSkipCauseNumbers, environmentSkipCauseNumbers } from './skip-cause-numbers.ts'
import type { LockMessage, LocksMessage } from './to-lock-message.ts'
import { toLockMessage, toLocksMessage } from './to-lock-message.ts'
import type { TimestampMessage } from './to-timestamp-message.ts'
import { toTimestampMessage } from './to-timestamp-message.ts'
import { toUint64 } from './uint64.ts'

/** api.v1.GetReleaseTrainPrognosisResponse */
export interface PrognosisMessage {
  readonly envsPrognoses: EnvironmentPrognosesMessage
  readonly target?: string | undefined
  readonly team?: string | undefined
  readonly fingerprint?: string | undefined
  readonly commit?: string | undefined
  readonly warnings: readonly string[]
  readonly validUntil?: TimestampMessage | undefined
  readonly gitTag?: string | undefined
  readonly sourceGitTag?: string | undefined
  readonly sourceCommit?: string | undefined
}

/** By environment. */
export type EnvironmentPrognosesMessage = Readonly<Record<string, EnvironmentPrognosisMessage>>

/** api.v1.ReleaseTrainEnvPrognosis: `skipCause` or `appsPrognoses`, never both. */
export interface EnvironmentPrognosisMessage {
  readonly skipCause?: number | undefined
  readonly appsPrognoses?: { readonly prognoses: Readonly<Record<string, ApplicationPrognosisMessage>> } | undefined
  readonly envLocks: LocksMessage
  readonly upstream?: string | undefined
  readonly reason?: string | undefined
}

/** api.v1.ReleaseTrainAppPrognosis: `skipCause` or `deployedVersion`, never both. */
export interface ApplicationPrognosisMessage {
  readonly skipCause?: number | undefined
  readonly deployedVersion?: { readonly version?: Long | undefined } | undefined
  readonly appLocks: readonly LockMessage[]
  readonly teamLocks: readonly LockMessage[]
  readonly fromVersion?: Long | undefined
  readonly team?: string | undefined
  readonly reason?: string | undefined
  readonly queuedVersion?: Long | undefined
  readonly manifestDiff?: string | undefined
  readonly restored?: boolean | undefined
}

export const prognosisMessageType = messageType<PrognosisMessage>('api.v1.GetReleaseTrainPrognosisResponse')

/** By environment and application: how a train would change a manifest. */
export type ManifestDiffs = ReadonlyMap<string, ReadonlyMap<string, string>>

/** What only the edge knows of a prognosis or a train. */
export interface PrognosisContext {
  readonly fingerprint: string
  /** Of a prognosis the commit it was decided from, of a train the commit it made; undefined when there is none. */
  readonly commit: ObjectId | undefined
}

/** The prognosis as the message that answers a request for it. */
export function toPrognosisMessage(
  prognosis: Prognosis,
  { fingerprint, commit, manifestDiffs }: PrognosisContext & { readonly manifestDiffs?: ManifestDiffs | undefined },
): PrognosisMessage {
  return {
    envsPrognoses: toEnvironmentPrognosesMessage(prognosis, manifestDiffs),
    target: prognosis.target.name,
    team: prognosis.team,
    fingerprint,
    commit,
    warnings: prognosis.warnings,
    validUntil: toTimestampMessage(prognosis.validUntil),
    ...toTagFields(prognosis),
  }
}

/** What prognoses and trains say of git tags. */
export function toTagFields({
  gitTag,
  source,
}: Prognosis): Pick<PrognosisMessage, 'gitTag' | 'sourceGitTag' | 'sourceCommit'> {
  return { gitTag, sourceGitTag: source?.gitTag, sourceCommit: source?.commit }
}

/** The part that a prognosis and a train that ran have in common. */
export function toEnvironmentPrognosesMessage(
  { environments }: Prognosis,
  manifestDiffs?: ManifestDiffs,
): EnvironmentPrognosesMessage {
  return Object.fromEntries(
    environments.map((prognosis) => [
      prognosis.environment,
      toEnvironmentPrognosisMessage(prognosis, manifestDiffs?.get(prognosis.environment)),
    ]),
  )
}

export function toEnvironmentPrognosisMessage(
  { upstream, outcome }: EnvironmentPrognosis,
  manifestDiffs: ReadonlyMap<string, string> | undefined,
): EnvironmentPrognosisMessage {
  if (outcome.kind === 'skipped') {
    return {
      skipCause: environmentSkipCauseNumbers[outcome.cause],
      envLocks: toLocksMessage(environmentLocksBehind(outcome)),
      upstream,
      reason: describeEnvironmentSkip(outcome),
    }
  }
  const prognoses = Object.fromEntries(
    outcome.applications.map((prognosis) => [
      prognosis.application,
      toApplicationPrognosisMessage(prognosis, manifestDiffs?.get(prognosis.application)),
    ]),
  )
  return { appsPrognoses: { prognoses }, envLocks: {}, upstream }
}

function environmentLocksBehind(skip: EnvironmentSkip) {
  return skip.cause === 'ENV_IS_LOCKED' ? skip.locks : []
}

function toApplicationPrognosisMessage(
  prognosis: ApplicationPrognosis,
  manifestDiff: string | undefined,
): ApplicationPrognosisMessage {
  const { deployedVersion, team, outcome } = prognosis
  const fromVersion = deployedVersion === undefined ? undefined : toUint64(deployedVersion)
  if (outcome.kind === 'travels') {
    const version = toUint64(outcome.release.version)
    const restored = outcome.restored === undefined ? undefined : true
    return { deployedVersion: { version }, appLocks: [], teamLocks: [], fromVersion, team, manifestDiff, restored }
  }
  const held = heldVersion(outcome)
  return {
    skipCause: applicationSkipCauseNumbers[outcome.cause],
    ...applicationLocksBehind(outcome),
    fromVersion,
    team,
    reason: describeApplicationSkip(outcome),
    queuedVersion: held === undefined ? undefined : toUint64(held),
  }
}

function applicationLocksBehind(skip: ApplicationSkip) {
  return {
    appLocks: skip.cause === 'APP_IS_LOCKED' ? skip.locks.map(toLockMessage) : [],
    teamLocks: skip.cause === 'TEAM_IS_LOCKED' ? skip.locks.map(toLockMessage) : [],
  }
}
