import type { CreatedReleaseMessage } from './to-created-release-message.ts'
import type { ReleaseDetails } from '../core/release-details.ts'
import type { ReleaseMessage } from './to-application-message.ts'
import type { LockMessage } from './to-lock-message.ts'
import { toTexts } from './to-manifests-message.ts'
import type {
  ApplicationPrognosisMessage,
  EnvironmentPrognosisMessage,
  PrognosisMessage,
} from './to-prognosis-message.ts'
import type { ReleaseTrainMessage } from './to-release-train-message.ts'
import type { TimestampMessage } from './to-timestamp-message.ts'

/**
 * The bodies that Kuberpult's own server sends: its Go structs through `encoding/json` (spec 2.7, 2.8), byte for byte.
 * Written as text, because a version is a JSON number there, and JavaScript's numbers end at 2^53.
 */

export interface KuberpultJsonOptions {
  /**
   * `object` is what Kuberpult sends since v13.23; `number` is what it sent before, when prognoses had no locks either
   * (v13.18 to v13.22 had locks and numbers: `number` leaves their locks out).
   */
  readonly deployedVersion: 'object' | 'number'
}

/** The prognosis as Kuberpult's server sends it: the map alone, `null` when it is empty. */
export function toKuberpultPrognosisJson(
  { envsPrognoses }: PrognosisMessage,
  { deployedVersion }: KuberpultJsonOptions,
): string {
  const asNumber = deployedVersion === 'number'
  const isEmpty = Object.keys(envsPrognoses).length === 0
  return isEmpty ? 'null' : toMap(envsPrognoses, (prognosis) => toEnvironment(prognosis, asNumber))
}

/** The answer to a train as Kuberpult's server sends it: it only repeats the request. */
export function toKuberpultReleaseTrainJson({ target, team }: ReleaseTrainMessage): string {
  return toObject([
    ['target', textOrAbsent(target)],
    ['team', textOrAbsent(team)],
  ])
}

/** What came of a release as Kuberpult's server sends it: the outcome in its wrapper (spec 3.4), and a newline. */
export function toKuberpultCreatedReleaseJson(message: CreatedReleaseMessage): string {
  const { tooLong, alreadyExistsDifferent: different, missingManifest, isNoDownstream } = message
  const toList = (texts: readonly string[]) => (texts.length === 0 ? undefined : `[${texts.map(toText).join(',')}]`)
  const outcome = toObject([
    ['Success', message.success && '{}'],
    ['TooOld', message.tooOld && '{}'],
    [
      'TooLong',
      tooLong &&
        toObject([
          ['app_name', textOrAbsent(tooLong.appName)],
          ['reg_exp', toText(tooLong.regExp)],
          ['max_len', String(tooLong.maxLen)],
        ]),
    ],
    ['AlreadyExistsSame', message.alreadyExistsSame && '{}'],
    [
      'AlreadyExistsDifferent',
      different &&
        toObject([
          [
            'first_differing_field',
            different.firstDifferingField === 0 ? undefined : String(different.firstDifferingField),
          ],
          ['diff', textOrAbsent(different.diff)],
        ]),
    ],
    ['MissingManifest', missingManifest && toObject([['missing_manifest', toList(missingManifest.missingManifest)]])],
    ['IsNoDownstream', isNoDownstream && toObject([['no_downstream', toList(isNoDownstream.noDownstream)]])],
  ])
  return `${outcome}\n`
}

/**
 * A release with its manifests as Kuberpult's server sends it, in pieces of text that are made quickly; what cannot be read is told in a
 * member of ours.
 */
export function* toKuberpultManifestsJson(
  release: ReleaseMessage,
  manifests: ReadonlyMap<string, Uint8Array>,
): Generator<string> {
  yield `{"release":${toRelease(release)}`
  let before = ',"manifests":{'
  for (const [environment, bytes] of [...manifests].toSorted(([a], [b]) => compareAsGo(a, b))) {
    yield `${before}${toText(environment)}:{"environment":${toText(environment)}`
    before = ','
    if (bytes.length > 0) {
      yield ',"content":"'
      for (const text of toTexts(bytes)) yield toText(text).slice(1, -1)
      yield '"'
    }
    yield '}'
  }
  yield manifests.size === 0 ? '}' : '}}'
}

/** Which source commit is deployed, as Kuberpult's server sends it: no member when nothing is. */
export function toKuberpultCommitJson(
  release: Pick<ReleaseDetails, 'sourceAuthor' | 'sourceCommitId' | 'sourceMessage'> | undefined,
): string {
  return toObject([
    ['author', textOrAbsent(release?.sourceAuthor)],
    ['commit_id', textOrAbsent(release?.sourceCommitId)],
    ['commit_message', textOrAbsent(release?.sourceMessage)],
  ])
}

function toRelease(release: ReleaseMessage): string {
  const version = release.version?.toString()
  return toObject([
    ['version', version === '0' ? undefined : version],
    ['source_commit_id', textOrAbsent(release.sourceCommitId)],
    ['source_author', textOrAbsent(release.sourceAuthor)],
    ['source_message', textOrAbsent(release.sourceMessage)],
    ['created_at', toTimestamp(release.createdAt)],
    ['undeploy_version', trueOrAbsent(release.undeployVersion)],
    ['pr_number', textOrAbsent(release.prNumber)],
    ['display_version', textOrAbsent(release.displayVersion)],
    ['is_prepublish', trueOrAbsent(release.isPrepublish)],
    ['environments', release.environments.length === 0 ? undefined : `[${release.environments.map(toText).join(',')}]`],
    ['ci_link', textOrAbsent(release.ciLink)],
    ['unreadable', textOrAbsent(release.unreadable)],
  ])
}

function trueOrAbsent(value: boolean | undefined): string | undefined {
  return value === true ? 'true' : undefined
}

function toEnvironment({ skipCause, appsPrognoses, envLocks }: EnvironmentPrognosisMessage, asNumber: boolean): string {
  const toPrognoses = (application: ApplicationPrognosisMessage) => toApplication(application, asNumber)
  const prognoses = appsPrognoses && mapOrAbsent(appsPrognoses.prognoses, toPrognoses)
  return toObject([
    [
      'Outcome',
      appsPrognoses === undefined
        ? toSkipCause(skipCause)
        : toObject([['AppsPrognoses', toObject([['prognoses', prognoses]])]]),
    ],
    ['envLocks', asNumber ? undefined : mapOrAbsent(envLocks, toLock)],
  ])
}

function toApplication(application: ApplicationPrognosisMessage, asNumber: boolean): string {
  const { skipCause, deployedVersion, appLocks, teamLocks } = application
  const outcome = deployedVersion === undefined ? toSkipCause(skipCause) : undefined
  return toObject([
    ['Outcome', outcome ?? toObject([['DeployedVersion', toDeployedVersion(deployedVersion?.version, asNumber)]])],
    ['appLocks', asNumber ? undefined : listOrAbsent(appLocks)],
    ['teamLocks', asNumber ? undefined : listOrAbsent(teamLocks)],
  ])
}

/** Go writes the wrapper of a oneof's case even around a zero, and null for a oneof that is not set. */
function toSkipCause(skipCause: number | undefined): string {
  return skipCause === undefined ? 'null' : toObject([['SkipCause', String(skipCause)]])
}

function toDeployedVersion(version: { toString(): string } | undefined, asNumber: boolean): string {
  const text = version?.toString() ?? '0'
  return asNumber ? text : toObject([['version', text === '0' ? undefined : text]])
}

function toLock(lock: LockMessage): string {
  return toObject([
    ['message', textOrAbsent(lock.message)],
    ['lock_id', textOrAbsent(lock.lockId)],
    ['created_at', toTimestamp(lock.createdAt)],
    [
      'created_by',
      toObject([
        ['name', textOrAbsent(lock.createdBy?.name)],
        ['email', textOrAbsent(lock.createdBy?.email)],
      ]),
    ],
    ['ci_link', textOrAbsent(lock.ciLink)],
    ['suggested_lifetime', textOrAbsent(lock.suggestedLifetime)],
  ])
}

/** Go's time without a value is the first second of the year 1. */
const zeroTime = '-62135596800'

function toTimestamp(timestamp: TimestampMessage | undefined): string {
  const seconds = timestamp === undefined ? zeroTime : String(timestamp.seconds ?? 0)
  const nanos = String(timestamp?.nanos ?? 0)
  return toObject([
    ['seconds', seconds === '0' ? undefined : seconds],
    ['nanos', nanos === '0' ? undefined : nanos],
  ])
}

function listOrAbsent(locks: readonly LockMessage[]): string | undefined {
  return locks.length === 0 ? undefined : `[${locks.map(toLock).join(',')}]`
}

function mapOrAbsent<T>(map: Readonly<Record<string, T>>, toValue: (value: T) => string): string | undefined {
  return Object.keys(map).length === 0 ? undefined : toMap(map, toValue)
}

function toMap<T>(map: Readonly<Record<string, T>>, toValue: (value: T) => string): string {
  const entries = Object.entries(map).toSorted(([a], [b]) => compareAsGo(a, b))
  return `{${entries.map(([key, value]) => `${toText(key)}:${toValue(value)}`).join(',')}}`
}

/** Members in the order given; those without text are left out. */
function toObject(members: readonly (readonly [key: string, json: string | undefined])[]): string {
  let text = ''
  for (const [key, json] of members) {
    if (json !== undefined) text += `${text === '' ? '' : ','}"${key}":${json}`
  }
  return `{${text}}`
}

function textOrAbsent(text: string | undefined): string | undefined {
  return text === undefined || text === '' ? undefined : toText(text)
}

/** Go escapes what could end a script element, and JavaScript's own line separators. */
function toText(text: string): string {
  return JSON.stringify(text).replaceAll(
    /[<>&\u2028\u2029]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** Go sorts the keys of a map by their UTF-8 bytes, which is the order of their code points. */
function compareAsGo(a: string, b: string): number {
  for (let index = 0; index < a.length && index < b.length; index += 1) {
    const difference = rank(a.charCodeAt(index)) - rank(b.charCodeAt(index))
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

/** Half of a surrogate pair stands for a code point beyond all that fit into one unit. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit
}
