import type { Application } from './application.ts'
import type { Change } from './change.ts'
import type { DecisionInput } from './command.ts'
import type { EventOfCommit, SourceTrain } from './commit-data.ts'
import { applicationsOfCommit, forgetReleases, isCommitId, recordEvents } from './commit-data.ts'
import type { CommitSection } from './commit-text.ts'
import type { DeploymentStep, HeldStep } from './deployment-changes.ts'
import { isRunning } from './deployed-applications.ts'
import { deploy, isQueued, queue, renderArgoCdFiles } from './deployment-changes.ts'
import type { Environment } from './environment.ts'
import { toGoTimeText } from './go-time.ts'
import { applicationsDirectory, releaseDirectory } from './manifest-layout.ts'
import type { ApplicationName, EnvironmentName, TeamName } from './names.ts'
import { compareNames } from './names.ts'
import type { ObjectId } from './object-id.ts'
import { expiredVersions } from './retention.ts'
import type { Snapshot } from './snapshot.ts'
import { applicationIn, deployedVersion, queuedVersion } from './snapshot.ts'
import type { WriteSettings } from './write-settings.ts'

/** All that one command deploys and holds back. */
export interface DeploymentPlan {
  readonly deployed: readonly DeploymentStep[]
  readonly held: readonly HeldStep[]
  /** What the command also creates: it is not in the snapshot, but counts. */
  readonly created?: CreatedRelease
  /** Releases that had been removed, and come back. Each once. */
  readonly restored?: readonly RestoredStep[]
  readonly train?: (environment: EnvironmentName) => SourceTrain
}

/** A release that comes with the command that deploys it. */
export interface CreatedRelease {
  readonly application: ApplicationName
  readonly version: bigint
  /** The application's team from now on. */
  readonly team: TeamName | undefined
  readonly sourceCommit: string | undefined
  /** What happened to the commit before anything was deployed. */
  readonly events: readonly EventOfCommit[]
}

/** A release that comes back to be deployed. */
export interface RestoredStep {
  readonly application: ApplicationName
  readonly version: bigint
  /** Its directory. */
  readonly tree: ObjectId
  /** The application's team, where the application comes back with it. */
  readonly team: TeamName | undefined
}

/** Versions that retention removes, by application. */
export type RemovedVersions = ReadonlyMap<ApplicationName, readonly bigint[]>

/** Carries a plan out, with all that deployments bring with them: Argo CD files, retention, commit data. */
export function carryOut(
  plan: DeploymentPlan,
  input: DecisionInput,
  settings: WriteSettings,
): { readonly changes: readonly Change[]; readonly removed: RemovedVersions } {
  const { principal, now } = input
  const removed = findRemoved(plan, input.snapshot, settings)
  const deployedAt = toGoTimeText(now)
  return {
    changes: [
      ...(plan.restored ?? []).flatMap(restore),
      ...plan.deployed.flatMap((step) => deploy(step, principal, deployedAt)),
      ...plan.held.flatMap(queue),
      ...renderAll(plan, input.snapshot, settings),
      ...(settings.writesCommitData ? recordEvents(eventsOf(plan, input), now) : []),
      ...[...removed].flatMap(([application, versions]) =>
        versions.map((version): Change => ({
          path: releaseDirectory(application, version),
          content: { kind: 'absent' },
        })),
      ),
      // Last: what is forgotten must not come back with an event.
      ...forget(releasesIn(removed), input, plan.created),
    ],
    removed,
  }
}

function restore({ application, version, tree, team }: RestoredStep): readonly Change[] {
  return [
    { path: releaseDirectory(application, version), content: { kind: 'tree', id: tree } },
    ...(team === undefined
      ? []
      : [{ path: `${applicationsDirectory}/${application}/team`, content: { kind: 'text', text: team } } as const]),
  ]
}

/** The paths that `carryOut` needs, as far as they are known by now. */
export function readsOf(plan: DeploymentPlan, input: DecisionInput, settings: WriteSettings): readonly string[] {
  const paths: string[] = []
  const removed = findRemoved(plan, input.snapshot, settings)
  if (settings.writesCommitData) {
    for (const { application, version, from } of plan.deployed) {
      if (!isCreated(plan, application, version)) paths.push(sourceCommitPath(application, version))
      if (from !== undefined) paths.push(sourceCommitPath(application, from))
    }
    for (const { application, version } of plan.held) {
      if (!isCreated(plan, application, version)) paths.push(sourceCommitPath(application, version))
    }
  }
  if (removed.size > 0) paths.push(...readsToForget(releasesIn(removed), input))
  return paths
}

/** What `forget` needs, as far as it is known by now. */
export function readsToForget(releases: readonly ReleaseName[], input: DecisionInput): readonly string[] {
  if (input.loaded.get('commits') === undefined) return ['commits']
  const paths = ['commits']
  for (const { application, version } of releases) {
    const path = sourceCommitPath(application, version)
    const commit = readText(input, path)
    paths.push(path)
    if (commit === undefined || !isCommitId(commit)) continue
    paths.push(applicationsOfCommit(commit))
    const recorded = input.loaded.get(applicationsOfCommit(commit))
    // Only where something would be forgotten it matters what else was made from the commit.
    if (recorded?.kind !== 'directory' || !recorded.entries.has(application)) continue
    paths.push(...remainingVersions(releases, input, application).map((one) => sourceCommitPath(application, one)))
  }
  return paths
}

/**
 * Forgets in `commits/` that these releases were made, unless another release of the application that stays, or comes, was made
 * from the same commit.
 */
export function forget(
  releases: readonly ReleaseName[],
  input: DecisionInput,
  created?: CreatedRelease,
): readonly Change[] {
  const forgotten = releases.flatMap(({ application, version }) => {
    const commit = sourceCommitOf(input, application, version)?.toLowerCase()
    if (commit === undefined) return []
    const remaining = remainingVersions(releases, input, application).map((one) =>
      sourceCommitOf(input, application, one),
    )
    if (created?.application === application) remaining.push(created.sourceCommit)
    return remaining.some((one) => one?.toLowerCase() === commit) ? [] : [{ application, commit }]
  })
  return forgetReleases(forgotten, input.loaded)
}

function remainingVersions(
  removed: readonly ReleaseName[],
  { snapshot }: DecisionInput,
  name: ApplicationName,
): readonly bigint[] {
  const application = snapshot.applications.get(name)
  if (application === undefined || !application.ok) return []
  const gone = new Set(removed.flatMap((one) => (one.application === name ? [one.version] : [])))
  return application.value.versions.filter((version) => !gone.has(version))
}

function sourceCommitOf(input: DecisionInput, application: ApplicationName, version: bigint): string | undefined {
  return readText(input, sourceCommitPath(application, version))
}

function sourceCommitPath(application: ApplicationName, version: bigint): string {
  return `${releaseDirectory(application, version)}/source_commit_id`
}

function readText({ loaded }: DecisionInput, path: string): string | undefined {
  const entry = loaded.get(path)
  return entry?.kind === 'file' ? new TextDecoder().decode(entry.bytes).trim() : undefined
}

function isCreated({ created }: DeploymentPlan, application: ApplicationName, version: bigint): boolean {
  return created !== undefined && created.application === application && created.version === version
}

/** Lines about what retention removed, for the commit. */
export function toRemovedSection(removed: RemovedVersions): readonly CommitSection[] {
  if (removed.size === 0) return []
  const lines = [...removed]
    .toSorted(([a], [b]) => compareNames(a, b))
    .map(([application, versions]) => `${application} ${versions.join(', ')}`)
  return [{ heading: 'Removed releases that nothing needs any more', lines }]
}

/** Once for each application that something is deployed of, on the state after all of it (spec 6.5). */
function findRemoved(
  plan: DeploymentPlan,
  snapshot: Snapshot,
  { releaseVersionsLimit }: WriteSettings,
): RemovedVersions {
  const removed = new Map<ApplicationName, readonly bigint[]>()
  for (const [name, steps] of groupByApplication(plan.deployed)) {
    const application = snapshot.applications.get(name)
    // A new application has nothing to remove, and of one that cannot be read nobody knows what is needed.
    if (application === undefined || !application.ok) continue
    const versions = versionsWith(application.value, ...comingVersions(plan, name))
    if (versions.length < releaseVersionsLimit) continue
    const inUse = findInUse(snapshot, application.value, steps, plan.held)
    if (inUse === undefined) continue
    const expired = expiredVersions({ versions, ...inUse }, releaseVersionsLimit)
    if (expired.length > 0) removed.set(name, expired)
  }
  return removed
}

/** What comes with the plan. */
function comingVersions({ created, restored = [] }: DeploymentPlan, name: ApplicationName): readonly bigint[] {
  return [...(created === undefined ? [] : [created]), ...restored]
    .filter(({ application }) => application === name)
    .map(({ version }) => version)
}

/** An application's versions with others, oldest first. */
export function versionsWith({ versions }: Application, ...coming: readonly bigint[]): readonly bigint[] {
  const added = coming.filter((version) => !versions.includes(version))
  return added.length === 0 ? versions : [...versions, ...added].toSorted((a, b) => (a < b ? -1 : 1))
}

/** The versions that are deployed and queued after these steps; undefined when not all of that can be known. */
export function findInUse(
  snapshot: Snapshot,
  application: Application,
  deployedNow: readonly DeploymentStep[],
  heldNow: readonly HeldStep[],
): { readonly deployed: ReadonlySet<bigint>; readonly queued: ReadonlySet<bigint> } | undefined {
  const steps = new Map(deployedNow.map((step) => [step.environment.name, step.version]))
  const deployed = new Set<bigint>(steps.values())
  const queued = new Set<bigint>()
  for (const held of heldNow) if (held.application === application.name) queued.add(held.version)
  for (const environment of snapshot.environments.values()) {
    if (steps.has(environment.name)) continue
    const deployedThere = deployedVersion(environment, application)
    // Something runs there, and nobody knows which release it is.
    const entry = applicationIn(environment, application.name)
    if (entry.ok && entry.value?.hasManifestOnly === true) return undefined
    const queuedThere = queuedVersion(environment, application)
    if (!deployedThere.ok || !queuedThere.ok) return undefined
    if (deployedThere.value !== undefined) deployed.add(deployedThere.value)
    if (queuedThere.value !== undefined) queued.add(queuedThere.value)
  }
  return { deployed, queued }
}

function groupByApplication(steps: readonly DeploymentStep[]): ReadonlyMap<ApplicationName, readonly DeploymentStep[]> {
  const groups = new Map<ApplicationName, DeploymentStep[]>()
  for (const step of steps) {
    const group = groups.get(step.application)
    if (group === undefined) groups.set(step.application, [step])
    else group.push(step)
  }
  return groups
}

/** The Argo CD files of every environment where something is deployed, or where a deployed application has a new team. */
function renderAll(plan: DeploymentPlan, snapshot: Snapshot, { argoCd }: WriteSettings): readonly Change[] {
  if (argoCd === undefined) return []
  const { created, restored = [] } = plan
  const teams = new Map(created === undefined ? [] : [[created.application, created.team]])
  for (const { application, team } of restored) if (team !== undefined) teams.set(application, team)
  const deployed = new Map<Environment, ApplicationName[]>()
  for (const { environment, application, version } of plan.deployed) {
    const applications = deployed.get(environment) ?? []
    // Version 0 stands for nothing in the Argo CD file (spec 1.6).
    if (version > 0n) applications.push(application)
    deployed.set(environment, applications)
  }
  if (created !== undefined && hasNewTeam(snapshot, created)) {
    for (const environment of snapshot.environments.values()) {
      if (!environment.applications.ok || deployed.has(environment)) continue
      const entry = environment.applications.value.get(created.application)
      if (entry !== undefined && isRunning(snapshot, created.application, entry)) deployed.set(environment, [])
    }
  }
  return [...deployed].flatMap(([environment, applications]) =>
    renderArgoCdFiles(snapshot, environment, { deployed: applications, teams }, argoCd),
  )
}

function hasNewTeam(snapshot: Snapshot, { application: name, team }: CreatedRelease): boolean {
  const application = snapshot.applications.get(name)
  return !(application?.ok && application.value.team.ok && application.value.team.value === team)
}

/** What is recorded of a plan: events of the deployments, of what they replaced, and of what locks prevented. */
function eventsOf(plan: DeploymentPlan, input: DecisionInput): readonly EventOfCommit[] {
  const commitOf = (application: ApplicationName, version: bigint) =>
    isCreated(plan, application, version) ? plan.created?.sourceCommit : sourceCommitOf(input, application, version)
  const events: EventOfCommit[] = [...(plan.created?.events ?? [])]
  for (const { environment, application, version, from } of plan.deployed) {
    const commit = commitOf(application, version)
    if (commit === undefined || version === from) continue
    const place = { application, environment: environment.name }
    events.push({ commit, event: { kind: 'deployment', ...place, train: plan.train?.(environment.name) } })
    const replaced = from === undefined ? undefined : commitOf(application, from)
    if (replaced !== undefined) events.push({ commit: replaced, event: { kind: 'replaced-by', ...place, commit } })
  }
  for (const held of plan.held) {
    const { environment, application, version, lock } = held
    const commit = commitOf(application, version)
    if (commit === undefined || lock === undefined || isQueued(held)) continue
    events.push({
      commit,
      event: { kind: 'lock-prevented-deployment', application, environment: environment.name, lock },
    })
  }
  return events
}

/** Names one release. */
export interface ReleaseName {
  readonly application: ApplicationName
  readonly version: bigint
}

function releasesIn(removed: RemovedVersions): readonly ReleaseName[] {
  return [...removed].flatMap(([application, versions]) => versions.map((version) => ({ application, version })))
}
