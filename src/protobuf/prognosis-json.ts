import type { ApplicationPrognosis, EnvironmentPrognosis, Prognosis } from '../core/release-train-prognosis.ts'
import { heldVersion } from '../core/release-train.ts'
import { describeApplicationSkip } from '../core/skip-cause.ts'
import { messageType, toJson } from './messages.ts'
import { toLockMessage } from './to-lock-message.ts'
import type { LockMessage } from './to-lock-message.ts'
import type { EnvironmentPrognosisMessage, PrognosisContext } from './to-prognosis-message.ts'
import { prognosisMessageType, toEnvironmentPrognosisMessage, toTagFields } from './to-prognosis-message.ts'
import { releaseTrainMessageType, toTagFieldsOfTrain } from './to-release-train-message.ts'
import { toTimestampMessage } from './to-timestamp-message.ts'

/**
 * The JSON of prognoses and trains without their messages: what `toJson` makes of `toPrognosisMessage`, many times faster,
 * because nearly all of it is what the prognosis before had, too. A test holds the two against each other.
 */

const environmentMessageType = messageType<EnvironmentPrognosisMessage>('api.v1.ReleaseTrainEnvPrognosis')
const lockMessageType = messageType<LockMessage>('api.v1.Lock')

/** What stands before the environments of a prognosis, and what behind them. */
export function prognosisFrame(
  prognosis: Prognosis,
  { fingerprint, commit }: PrognosisContext,
): readonly [string, string] {
  const rest = toJson(prognosisMessageType, {
    envsPrognoses: {},
    target: prognosis.target.name,
    team: prognosis.team,
    fingerprint,
    commit,
    warnings: prognosis.warnings,
    validUntil: toTimestampMessage(prognosis.validUntil),
    ...toTagFields(prognosis),
  })
  return ['{"envsPrognoses":{', `},${rest.slice(1)}`]
}

/** The same of a train that ran. */
export function releaseTrainFrame(
  prognosis: Prognosis,
  { fingerprint, commit }: PrognosisContext,
): readonly [string, string] {
  const { target, team, warnings } = prognosis
  const rest = toJson(releaseTrainMessageType, {
    environments: {},
    warnings,
    ...toTagFieldsOfTrain(prognosis, commit),
  })
  const head = toJson(releaseTrainMessageType, {
    target: target.name,
    team,
    commit,
    fingerprint,
    environments: {},
    warnings: [],
  })
  return [`${head.slice(0, -1)},"environments":{`, rest === '{}' ? '}}' : `},${rest.slice(1)}`]
}

/** One environment with its name, as it stands between those. */
export function environmentJson(prognosis: EnvironmentPrognosis): string {
  const name = JSON.stringify(prognosis.environment)
  const { upstream, outcome } = prognosis
  if (outcome.kind === 'skipped') {
    return `${name}:${toJson(environmentMessageType, toEnvironmentPrognosisMessage(prognosis, undefined))}`
  }
  const applications = outcome.applications.map(applicationJson)
  const prognoses = applications.length === 0 ? '' : `"prognoses":{${applications.join(',')}}`
  const rest = upstream === undefined ? '' : `,"upstream":${JSON.stringify(upstream)}`
  return `${name}:{"appsPrognoses":{${prognoses}}${rest}}`
}

/** Decisions stay the same objects from one prognosis to the next while nothing changes that they depend on. */
const applications = new WeakMap<ApplicationPrognosis, string>()

function applicationJson(prognosis: ApplicationPrognosis): string {
  let json = applications.get(prognosis)
  if (json === undefined) applications.set(prognosis, (json = toApplicationJson(prognosis)))
  return json
}

function toApplicationJson({ application, deployedVersion, team, outcome }: ApplicationPrognosis): string {
  const travels = outcome.kind === 'travels'
  let json = `${JSON.stringify(application)}:{`
  if (travels) {
    const { version } = outcome.release
    json += version === 0n ? '"deployedVersion":{}' : `"deployedVersion":{"version":"${version}"}`
  } else {
    json += `"skipCause":"${outcome.cause}"`
    if (outcome.cause === 'APP_IS_LOCKED') json += `,"appLocks":[${outcome.locks.map(lockJson).join(',')}]`
    if (outcome.cause === 'TEAM_IS_LOCKED') json += `,"teamLocks":[${outcome.locks.map(lockJson).join(',')}]`
  }
  if (deployedVersion !== undefined) json += `,"fromVersion":"${deployedVersion}"`
  if (team) json += `,"team":${JSON.stringify(team)}`
  if (!travels) {
    const reason = describeApplicationSkip(outcome)
    if (reason !== '') json += `,"reason":${JSON.stringify(reason)}`
    const held = heldVersion(outcome)
    if (held !== undefined) json += `,"queuedVersion":"${held}"`
  } else if (outcome.restored !== undefined) json += ',"restored":true'
  return `${json}}`
}

function lockJson(lock: Parameters<typeof toLockMessage>[0]): string {
  return toJson(lockMessageType, toLockMessage(lock))
}
