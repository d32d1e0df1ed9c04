import type { ArgoCdSource } from './argo-cd-file.ts'
import { writeArgoCdFiles } from './argo-cd-file.ts'
import type { Change } from './change.ts'
import { deployedApplications, knownTeamOf, withDeployed } from './deployed-applications.ts'
import type { Environment } from './environment.ts'
import { applicationDirectoryIn, manifestFileIn, versionLinkTarget } from './manifest-layout.ts'
import type { ApplicationName, TeamName } from './names.ts'
import type { ObjectId } from './object-id.ts'
import { emptyBlobId } from './object-id.ts'
import type { Principal } from './principal.ts'
import type { Snapshot } from './snapshot.ts'
import { applicationIn } from './snapshot.ts'

/** A version that a command deploys. */
export interface DeploymentStep {
  readonly environment: Environment
  readonly application: ApplicationName
  readonly version: bigint
  readonly manifest: ObjectId
  /** The version deployed before; undefined when there was none, or it cannot be read. */
  readonly from: bigint | undefined
}

/** A version that a command remembers, because locks hold it back. */
export interface HeldStep {
  readonly environment: Environment
  readonly application: ApplicationName
  readonly version: bigint
  /** The lock that Kuberpult would name, for the record. */
  readonly lock: { readonly kind: 'environment' | 'application' | 'team'; readonly message: string } | undefined
}

/**
 * Deploys a version with its manifest: link, manifest, who and when (spec 6.3). One that is deployed already keeps who and
 * when: mostly that changes nothing, but a manifest that is not the release's is put right.
 */
export function deploy(
  { environment: { name: environment }, application, version, manifest, from }: DeploymentStep,
  principal: Pick<Principal, 'name' | 'email'>,
  deployedAt: string,
): readonly Change[] {
  const directory = applicationDirectoryIn(environment, application)
  const signature: readonly Change[] = [
    { path: `${directory}/deployed_by`, content: { kind: 'text', text: principal.name } },
    { path: `${directory}/deployed_by_email`, content: { kind: 'text', text: principal.email } },
    { path: `${directory}/deployed_at_utc`, content: { kind: 'text', text: deployedAt } },
  ]
  return [
    {
      path: `${directory}/version`,
      content: { kind: 'link', target: versionLinkTarget(application, version) },
    },
    {
      path: manifestFileIn(environment, application),
      // An empty manifest is written as one space: Argo CD and Kuberpult's readers rely on a file that is not empty.
      content: manifest === emptyBlobId ? { kind: 'text', text: ' ' } : { kind: 'blob', id: manifest },
    },
    ...(version === from ? [] : signature),
    { path: `${directory}/queued_version`, content: { kind: 'absent' } },
  ]
}

/** Whether the version waits there already: then holding it back again is nothing new. */
export function isQueued({ environment, application, version }: HeldStep): boolean {
  const entry = applicationIn(environment, application)
  const queued = entry.ok ? entry.value?.queuedVersion : entry
  return queued?.ok === true && queued.value === version
}

/** Remembers the version that a lock holds back; no change when it is remembered already. */
export function queue(step: HeldStep): readonly Change[] {
  if (isQueued(step)) return []
  const { environment, application, version } = step
  const path = `${applicationDirectoryIn(environment.name, application)}/queued_version`
  return [{ path, content: { kind: 'link', target: versionLinkTarget(application, version) } }]
}

/** What is different from the snapshot in an environment's Argo CD files. */
export interface ArgoCdEdit {
  readonly deployed?: readonly ApplicationName[]
  readonly removed?: readonly ApplicationName[]
  /** The teams of applications that get another one. */
  readonly teams?: ReadonlyMap<ApplicationName, TeamName | undefined>
}

/**
 * The environment's Argo CD files as they must be after an edit. They depend on which applications are deployed, not on
 * versions, so mostly they come out as they were and change nothing.
 */
export function renderArgoCdFiles(
  snapshot: Snapshot,
  environment: Environment,
  { deployed: deployedNow = [], removed = [], teams }: ArgoCdEdit,
  source: ArgoCdSource,
): readonly Change[] {
  if (!environment.config.ok || environment.config.value.argoCd === undefined) return []
  const before = deployedApplications(snapshot, environment)
  const added = new Set(deployedNow)
  const after = withDeployed(before, [...added, ...(teams?.keys() ?? [])], (name) => {
    if (!before.has(name) && !added.has(name)) return undefined
    return { team: teams?.has(name) ? teams.get(name) : knownTeamOf(snapshot, name) }
  })
  const deployed = withDeployed(after, removed, () => undefined)
  return writeArgoCdFiles(environment.name, environment.config.value.argoCd, deployed, source)
}
