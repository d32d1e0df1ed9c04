import type { Application } from './application.ts'
import type { DecisionInput } from './command.ts'
import type { DeploymentStep, HeldStep } from './deployment-changes.ts'
import type { Environment } from './environment.ts'
import type { Lock } from './lock.ts'
import { lockForTheRecord, locksInTheWay } from './locks-in-the-way.ts'
import type { ApplicationName, EnvironmentName, TeamName } from './names.ts'
import type { ObjectId } from './object-id.ts'
import { assertPermitted, targetOf } from './permission.ts'
import type { Principal } from './principal.ts'
import type { Readable } from './readable.ts'
import { readable } from './readable.ts'
import { deployedVersion } from './snapshot.ts'

/** A release that has just been made. */
export interface FreshRelease {
  readonly name: ApplicationName
  /** Undefined when this is its first release. */
  readonly application: Application | undefined
  readonly version: bigint
  readonly team: Readable<TeamName | undefined>
  /** The manifest's blob by environment, sorted by name. */
  readonly manifests: ReadonlyMap<string, ObjectId>
  /** Where it is to be deployed although the environment does not take the newest release by itself. */
  readonly downstreamEnvironments: ReadonlySet<string>
}

/** What became of a new release in one environment. */
export interface ReleaseDeployment {
  readonly environment: EnvironmentName
  readonly from: bigint | undefined
  readonly outcome: 'deployed' | 'queued' | 'skipped'
  /** The locks that hold it back. */
  readonly locks: readonly Lock[]
  /** Why it was not deployed, as a sentence; undefined when it was. */
  readonly reason: string | undefined
}

/**
 * Where a new release goes by itself: to the environments that take the newest one, if it is that, and downstream where
 * that was asked for. A lock holds it back, and it is queued (spec 6.1, 6.3). Where nobody can tell whether it is locked, or
 * what runs there, it stays. Throws PERMISSION_DENIED.
 */
export function deployAutomatically(
  { snapshot, principal, now }: DecisionInput,
  { name, application, version, team, manifests, downstreamEnvironments }: FreshRelease,
): {
  readonly deployed: readonly DeploymentStep[]
  readonly held: readonly HeldStep[]
  readonly deployments: readonly ReleaseDeployment[]
} {
  const deployed: DeploymentStep[] = []
  const held: HeldStep[] = []
  const deployments: ReleaseDeployment[] = []
  const isLatest = version > newestPublished(application)
  for (const [environmentName, manifest] of manifests) {
    const environment = snapshot.environments.get(environmentName as EnvironmentName)
    if (environment === undefined) continue
    if (!(isLatest && takesLatest(environment)) && !downstreamEnvironments.has(environmentName)) continue
    assertMayDeployAutomatically(principal, environment, name)
    const before = application === undefined ? readable(undefined) : deployedVersion(environment, application)
    const locks = locksInTheWay(environment, name, team, now)
    const place = { environment: environment.name, from: before.ok ? before.value : undefined }
    const unreadable = before.ok ? locks : before
    if (!unreadable.ok || !locks.ok) {
      const reason = unreadable.ok ? '' : unreadable.reason
      deployments.push({ ...place, outcome: 'skipped', locks: [], reason: `unreadable: ${reason}` })
    } else if (locks.value.length > 0) {
      held.push({ environment, application: name, version, lock: lockForTheRecord(locks.value) })
      const reason = `it is locked: ${locks.value.map(({ kind, lock }) => `${kind} lock ${lock.id}`).join(', ')}`
      deployments.push({ ...place, outcome: 'queued', locks: locks.value.map(({ lock }) => lock), reason })
    } else {
      deployed.push({ environment, application: name, version, manifest, from: place.from })
      deployments.push({ ...place, outcome: 'deployed', locks: [], reason: undefined })
    }
  }
  return { deployed, held, deployments }
}

/** Throws PERMISSION_DENIED for whose releases may not go there by themselves; without a name, those of any application. */
export function assertMayDeployAutomatically(
  principal: Principal,
  environment: Environment,
  application: ApplicationName | undefined,
): void {
  assertPermitted(principal, 'DeployRelease', {
    ...targetOf(environment),
    ...(application !== undefined && { application }),
  })
}

/** One line for a commit. */
export function describeDeployment({ environment, from, outcome, reason }: ReleaseDeployment): string {
  return outcome === 'deployed' ? `${environment} from ${from ?? 'none'}` : `${outcome} for ${environment}: ${reason}`
}

/** Whether the environment takes the newest release of each application by itself. */
export function takesLatest({ config }: Environment): boolean {
  return config.ok && config.value.upstream?.latest === true
}

/** The highest version that is more than announced; -1 when there is none. */
function newestPublished(application: Application | undefined): bigint {
  const isPublished = (version: bigint) => {
    const release = application?.releases.get(version)
    return !(release?.ok && release.value.isPrepublish)
  }
  return application?.versions.findLast(isPublished) ?? -1n
}
