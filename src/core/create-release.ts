import type { Application } from './application.ts'
import { hasVersion, nextVersion } from './application.ts'
import type { Change } from './change.ts'
import type { Command, DecisionInput, Loaded } from './command.ts'
import { pathsOfCommit, recordCommit } from './commit-data.ts'
import type { CommitText } from './commit-text.ts'
import { trailerKeys } from './commit-text.ts'
import type { ReleaseDeployment } from './automatic-deployment.ts'
import { deployAutomatically, describeDeployment, takesLatest } from './automatic-deployment.ts'
import type { DeploymentPlan, RemovedVersions } from './deployments.ts'
import { carryOut, findInUse, readsOf, toRemovedSection, versionsWith } from './deployments.ts'
import { groupNameOf } from './environment-group.ts'
import type { InvalidName } from './errors.ts'
import { DomainError } from './errors.ts'
import { applicationsDirectory, releaseDirectory } from './manifest-layout.ts'
import type { ApplicationName, EnvironmentName, TeamName } from './names.ts'
import {
  compareNames,
  isDirectoryName,
  isValidApplicationName,
  isValidEnvironmentName,
  isValidTeamName,
  nameRule,
} from './names.ts'
import type { ObjectId } from './object-id.ts'
import { assertPermittedForTeam } from './permission.ts'
import type { Readable } from './readable.ts'
import { readable } from './readable.ts'
import { expiredVersions } from './retention.ts'
import { toSeconds } from './rfc-3339.ts'
import type { Snapshot } from './snapshot.ts'
import { isKnownTeam } from './snapshot.ts'
import type { WriteSettings } from './write-settings.ts'

/** A release as somebody hands it in. Text that is absent is undefined, never empty. */
export interface NewRelease {
  readonly application: string
  /** Undefined for the next number. */
  readonly version: bigint | undefined
  /** Undefined keeps the team that the application has. */
  readonly team: string | undefined
  readonly sourceCommitId: string | undefined
  readonly previousCommitId: string | undefined
  readonly sourceAuthor: string | undefined
  readonly sourceMessage: string | undefined
  readonly displayVersion: string | undefined
  readonly ciLink: string | undefined
  /** Announces the version: it gets no manifests, and nothing is deployed. */
  readonly isPrepublish: boolean
  /** Environments that it is to be deployed to at once, though they do not take the newest release by themselves. */
  readonly downstreamEnvironments: readonly string[]
  /** By environment. */
  readonly manifests: ReadonlyMap<string, NewManifest>
}

export interface NewManifest {
  /** The id of the bytes as a blob. */
  readonly id: ObjectId
  readonly bytes: Uint8Array
}

/** What of a release can differ, by Kuberpult's names. */
export type DifferingField =
  | 'SOURCE_COMMIT_ID'
  | 'SOURCE_AUTHOR'
  | 'SOURCE_MESSAGE'
  | 'DISPLAY_VERSION'
  | 'TEAM'
  | 'MANIFESTS'

/** What came of it; of all but `created`, nothing was changed. */
export type ReleaseOutcome =
  | {
      readonly kind: 'created'
      readonly version: bigint
      /** Sorted by environment. */
      readonly deployments: readonly ReleaseDeployment[]
      /** Older versions that retention removed. */
      readonly removed: readonly bigint[]
    }
  | { readonly kind: 'same'; readonly version: bigint }
  | {
      readonly kind: 'different'
      readonly version: bigint
      readonly field: DifferingField
      readonly difference:
        | { readonly kind: 'text'; readonly existing: string; readonly requested: string }
        /** `existing` is undefined where the release has no manifest for the environment. */
        | {
            readonly kind: 'manifest'
            readonly environment: string
            readonly existing: ObjectId | undefined
            readonly requested: NewManifest
          }
    }
  /** These manifests have other bytes than those of the release that exists: somebody must tell whether they mean the same. */
  | { readonly kind: 'undecided'; readonly pairs: readonly ManifestPair[] }
  | { readonly kind: 'too-old'; readonly version: bigint }
  | { readonly kind: 'invalid-name'; readonly maximumLength: number }
  | { readonly kind: 'missing-manifest'; readonly environments: readonly string[] }
  | { readonly kind: 'no-downstream'; readonly environments: readonly string[] }

export interface ManifestPair {
  readonly environment: string
  readonly existing: ObjectId
  readonly requested: NewManifest
}

export interface CreateReleaseOptions {
  readonly release: NewRelease
  readonly settings: WriteSettings
  readonly allowsLongNames: boolean
  /** Whether manifests that differ in their bytes mean the same, by `pairKey`; see the outcome `undecided`. */
  readonly comparisons?: ReadonlyMap<string, boolean>
}

/** The key of two manifests among `comparisons`. */
export function pairKey(existing: ObjectId, requested: ObjectId): string {
  return `${existing} ${requested}`
}

/**
 * Creates a release, and deploys it where environments take the newest release by themselves (spec 6.1). A version that
 * exists is compared instead (spec 6.2). One that was announced by a pre-publish is filled.
 *
 * Throws INVALID_NAME for names of environments and teams that cannot exist, APPLICATION_UNREADABLE,
 * VERSIONS_EXHAUSTED, and PERMISSION_DENIED.
 */
export function createRelease(options: CreateReleaseOptions): Command<ReleaseOutcome> {
  const { release, settings } = options
  return {
    reads: (input) => {
      const target = findTarget(input.snapshot, release)
      const paths = target.exists ? pathsToCompare(target, release) : []
      if (target.exists && !isAnnouncement(target, input.loaded)) return paths
      if (refuse(options, input, target) !== undefined) return paths
      const { plan } = toPlan(options, input, target)
      const commits = settings.writesCommitData ? pathsOfCommit(toCommit(release, target)) : []
      return [...paths, ...commits, ...readsOf(plan, input, settings)]
    },
    decide: (input) => {
      const target = findTarget(input.snapshot, release)
      if (target.exists && !(isAnnouncement(target, input.loaded) && !release.isPrepublish)) {
        // What differs is for those who could have made it.
        assertMayCreate(input, release, target)
        return nothing(compare(options, input, target))
      }
      const refusal = refuse(options, input, target)
      if (refusal !== undefined) return nothing(refusal)
      const { plan, deployments } = toPlan(options, input, target)
      const { changes, removed } = carryOut(plan, input, settings)
      return {
        changes: [
          ...writeRelease(release, target, input.now),
          ...(settings.writesCommitData && release.sourceCommitId !== undefined
            ? recordCommit(toCommit(release, target), input.loaded)
            : []),
          ...changes,
        ],
        text: toCommitText(release, target, deployments, removed),
        result: {
          kind: 'created',
          version: target.version,
          deployments,
          removed: removed.get(target.name) ?? [],
        },
      }
    },
  }
}

/** What is to be created, and what there is of it. */
interface Target {
  readonly name: ApplicationName
  readonly application: Application | undefined
  readonly version: bigint
  readonly exists: boolean
  /** The application's team after this release. */
  readonly team: Readable<TeamName | undefined>
}

function findTarget(
  snapshot: Snapshot,
  { application: name, version, team }: Pick<NewRelease, 'application' | 'version' | 'team'>,
): Target {
  const known = snapshot.applications.get(name as ApplicationName)
  if (known !== undefined && !known.ok) {
    throw new DomainError(
      { code: 'APPLICATION_UNREADABLE', application: name },
      `which releases application '${name}' has cannot be known: ${known.reason}`,
    )
  }
  const application = known?.value
  return {
    name: name as ApplicationName,
    application,
    version: version ?? nextVersion(name as ApplicationName, application?.versions ?? []),
    exists: version !== undefined && application !== undefined && hasVersion(application, version),
    team: team === undefined ? (application?.team ?? readable(undefined)) : readable(team as TeamName),
  }
}

function nothing(result: ReleaseOutcome): { changes: []; text: CommitText; result: ReleaseOutcome } {
  return { changes: [], text: { subject: '', sections: [], trailers: [] }, result }
}

// What exists

const comparedTexts = [
  {
    file: 'source_commit_id',
    field: 'SOURCE_COMMIT_ID',
    of: (release: NewRelease) => release.sourceCommitId?.toLowerCase(),
  },
  { file: 'source_author', field: 'SOURCE_AUTHOR', of: (release: NewRelease) => release.sourceAuthor },
  { file: 'source_message', field: 'SOURCE_MESSAGE', of: (release: NewRelease) => release.sourceMessage },
  { file: 'display_version', field: 'DISPLAY_VERSION', of: (release: NewRelease) => release.displayVersion },
] as const

function pathsToCompare({ name, version }: Target, release: NewRelease): readonly string[] {
  const directory = releaseDirectory(name, version)
  return [
    `${directory}/is_prepublish`,
    ...comparedTexts.map(({ file }) => `${directory}/${file}`),
    ...[...release.manifests.keys()].map((environment) => `${directory}/environments/${environment}`),
  ]
}

function isAnnouncement({ name, version, exists }: Target, loaded: Loaded): boolean {
  return exists && loaded.get(`${releaseDirectory(name, version)}/is_prepublish`) !== undefined
}

/** Only what the request says is compared, in Kuberpult's order; the first difference decides. */
function compare(
  { release, comparisons }: CreateReleaseOptions,
  { loaded }: DecisionInput,
  target: Target,
): ReleaseOutcome {
  const { name, version } = target
  const directory = releaseDirectory(name, version)
  const differentText = (field: DifferingField, existing: string, requested: string): ReleaseOutcome => ({
    kind: 'different',
    version,
    field,
    difference: { kind: 'text', existing, requested },
  })
  for (const { file, field, of } of comparedTexts) {
    const requested = of(release)
    const existing = textOf(loaded, `${directory}/${file}`)
    if (requested !== undefined && requested !== existing) return differentText(field, existing, requested)
  }
  if (release.team !== undefined) {
    const team = target.application?.team
    const existing = team?.ok ? (team.value ?? '') : ''
    if (release.team !== existing) return differentText('TEAM', existing, release.team)
  }
  const pairs: ManifestPair[] = []
  // An announcement has no manifests, whatever comes with it.
  for (const [environment, requested] of release.isPrepublish ? [] : byName(release.manifests)) {
    const entry = loaded.get(`${directory}/environments/${environment}`)
    const existing = entry?.kind === 'directory' ? entry.entries.get('manifests.yaml') : undefined
    if (existing === requested.id) continue
    const isSame = existing === undefined ? false : comparisons?.get(pairKey(existing, requested.id))
    if (isSame === true) continue
    if (isSame === undefined && existing !== undefined) {
      pairs.push({ environment, existing, requested })
      continue
    }
    // A difference further on must not hide one that nobody has looked at yet.
    if (pairs.length > 0) break
    return {
      kind: 'different',
      version,
      field: 'MANIFESTS',
      difference: { kind: 'manifest', environment, existing, requested },
    }
  }
  return pairs.length > 0 ? { kind: 'undecided', pairs } : { kind: 'same', version }
}

/** Tools that rewrote repositories ended such files with a newline (spec 1.1). */
function textOf(loaded: Loaded, path: string): string {
  const entry = loaded.get(path)
  return entry?.kind === 'file' ? new TextDecoder().decode(entry.bytes).replace(/\n$/u, '') : ''
}

// What stands against it

function refuse(
  { release, settings, allowsLongNames }: CreateReleaseOptions,
  { snapshot }: DecisionInput,
  target: Target,
): ReleaseOutcome | undefined {
  const { application, version } = target
  if (application === undefined && !isValidApplicationName(release.application, allowsLongNames)) {
    return { kind: 'invalid-name', maximumLength: allowsLongNames ? 70 : 39 }
  }
  assertNames(snapshot, release)
  if (application !== undefined && isTooOld(snapshot, application, version, settings))
    return { kind: 'too-old', version }

  const downstream = [...new Set(release.downstreamEnvironments)].toSorted(compareNames)
  const missing = downstream.filter((name) => !release.manifests.has(name))
  if (missing.length > 0) return { kind: 'missing-manifest', environments: missing }
  const notDownstream = downstream.filter((name) => {
    const environment = snapshot.environments.get(name as EnvironmentName)
    return environment === undefined || takesLatest(environment)
  })
  return notDownstream.length > 0 ? { kind: 'no-downstream', environments: notDownstream } : undefined
}

/** A name that is there already is accepted whatever it looks like; a release may come before its environment. */
function assertNames(snapshot: Snapshot, { manifests, team }: NewRelease): void {
  const invalid: InvalidName[] = []
  for (const name of manifests.keys()) {
    if (snapshot.environments.has(name as EnvironmentName) || isValidEnvironmentName(name)) continue
    invalid.push({ parameter: `manifests[${name}]`, value: name, rule: nameRule('environment') })
  }
  if (team !== undefined && !isValidTeamName(team) && !(isKnownTeam(snapshot, team) && isDirectoryName(team))) {
    invalid.push({ parameter: 'team', value: team, rule: nameRule('team') })
  }
  if (invalid.length === 0) return
  const names = invalid.map(({ parameter, value }) => `${parameter} '${value}'`)
  throw new DomainError({ code: 'INVALID_NAME', invalid }, `these names cannot be given: ${names.join(', ')}`)
}

/** Whether retention would remove the version at once. The newest never is. */
function isTooOld(
  snapshot: Snapshot,
  application: Application,
  version: bigint,
  { releaseVersionsLimit }: WriteSettings,
): boolean {
  const versions = versionsWith(application, version)
  if (versions.at(-1) === version) return false
  const inUse = findInUse(snapshot, application, [], [])
  return inUse !== undefined && expiredVersions({ versions, ...inUse }, releaseVersionsLimit).includes(version)
}

/**
 * Asks for each environment that the release is for, and for all of them when it is for none. An environment that is not there,
 * or whose group nobody knows, takes who may do it in all groups. A release may also take an application to another team: that
 * is for those who are in both.
 */
export function assertMayCreate(
  { snapshot, principal }: Pick<DecisionInput, 'snapshot' | 'principal'>,
  { manifests }: { readonly manifests: ReadonlyMap<string, unknown> },
  target: Pick<Target, 'name' | 'application' | 'team'>,
): void {
  const names = manifests.size === 0 ? ['*'] : [...manifests.keys()]
  const teams = [target.application?.team ?? target.team, target.team]
  for (const name of names) {
    const environment = name as EnvironmentName
    const known = snapshot.environments.get(environment)
    const environmentGroup = (known && groupNameOf(known)) ?? '*'
    for (const team of teams) {
      const place = { environment, environmentGroup, application: target.name }
      assertPermittedForTeam(principal, 'CreateRelease', place, team)
    }
  }
}

/**
 * Throws PERMISSION_DENIED for what the command would refuse whatever is in the manifests, so that nobody looks into them for
 * somebody who may not hand them in. What `createRelease` throws about the application, too.
 */
export function assertMayHandIn(
  place: Pick<DecisionInput, 'snapshot' | 'principal'>,
  release: Omit<NewRelease, 'manifests'> & { readonly manifests: ReadonlyMap<string, unknown> },
): void {
  assertMayCreate(place, release, findTarget(place.snapshot, release))
}

// What it brings

function toPlan(
  { release, settings }: CreateReleaseOptions,
  input: DecisionInput,
  target: Target,
): { readonly plan: DeploymentPlan; readonly deployments: readonly ReleaseDeployment[] } {
  assertMayCreate(input, release, target)
  const { name, version, team } = target
  const { deployed, held, deployments } = deployAutomatically(input, {
    ...target,
    manifests: new Map(release.isPrepublish ? [] : byName(release.manifests).map(([key, { id }]) => [key, id])),
    downstreamEnvironments: new Set(release.downstreamEnvironments),
  })
  const created = {
    application: name,
    version,
    team: team.ok ? team.value : undefined,
    sourceCommit: release.sourceCommitId,
    events:
      settings.writesCommitData && release.sourceCommitId !== undefined
        ? [
            {
              commit: release.sourceCommitId,
              event: {
                kind: 'new-release' as const,
                release: `${name} ${version}`,
                environments: release.isPrepublish
                  ? []
                  : byName(release.manifests).map(([environment]) => environment as EnvironmentName),
              },
            },
          ]
        : [],
  }
  return { plan: { deployed, held, created }, deployments }
}

function toCommit(release: NewRelease, { name }: Target) {
  const { sourceCommitId: commit = '', sourceMessage: message, previousCommitId: previousCommit } = release
  return { application: name, commit, message, previousCommit }
}

function writeRelease(release: NewRelease, { name, version }: Target, now: Date): readonly Change[] {
  const directory = releaseDirectory(name, version)
  const file = (path: string, text: string | undefined): readonly Change[] =>
    text === undefined ? [] : [{ path, content: { kind: 'text', text } }]
  return [
    // What an announcement said is said anew.
    { path: directory, content: { kind: 'absent' } },
    ...file(`${directory}/source_commit_id`, release.sourceCommitId?.toLowerCase()),
    ...file(`${directory}/source_author`, release.sourceAuthor),
    ...file(`${directory}/source_message`, release.sourceMessage),
    ...file(`${directory}/display_version`, release.displayVersion),
    ...file(`${directory}/ci_link`, release.ciLink),
    ...file(`${directory}/created_at`, toSeconds(now)),
    ...file(`${directory}/is_prepublish`, release.isPrepublish ? '' : undefined),
    ...file(`${applicationsDirectory}/${name}/team`, release.team),
    ...(release.isPrepublish ? [] : byName(release.manifests)).map(([environment, { id, bytes }]): Change => ({
      path: `${directory}/environments/${environment}/manifests.yaml`,
      content: { kind: 'bytes', id, bytes },
    })),
  ]
}

function byName(manifests: ReadonlyMap<string, NewManifest>): readonly (readonly [string, NewManifest])[] {
  return [...manifests].toSorted(([a], [b]) => compareNames(a, b))
}

function toCommitText(
  release: NewRelease,
  { name, version }: Target,
  deployments: readonly ReleaseDeployment[],
  removed: RemovedVersions,
): CommitText {
  const { displayVersion, sourceMessage, sourceAuthor, sourceCommitId, ciLink, isPrepublish } = release
  const title = displayVersion === undefined ? `${name} ${version}` : `${name} ${version} (${displayVersion})`
  const source = [
    ...(sourceCommitId === undefined ? [] : [`commit ${sourceCommitId.toLowerCase()}`]),
    ...(sourceAuthor === undefined ? [] : [`by ${sourceAuthor}`]),
    ...(sourceMessage === undefined ? [] : sourceMessage.split('\n')),
  ]
  return {
    subject: `${isPrepublish ? 'Announce' : 'Release'} ${title}`,
    sections: [
      ...(ciLink === undefined ? [] : [{ heading: 'Started by', lines: [ciLink] }]),
      ...(deployments.length === 0 ? [] : [{ heading: 'Deployments', lines: deployments.map(describeDeployment) }]),
      ...toRemovedSection(removed),
      ...(source.length === 0 ? [] : [{ heading: 'Source', lines: source }]),
    ],
    trailers: [
      { key: trailerKeys.command, value: 'create-release' },
      { key: trailerKeys.target, value: `application ${name}` },
    ],
  }
}
