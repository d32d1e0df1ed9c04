import { environmentsByName } from './environment-group.ts'
import type { ApplicationName, EnvironmentName } from './names.ts'
import { compareNames } from './names.ts'
import type { Snapshot } from './snapshot.ts'
import { deployedVersion } from './snapshot.ts'

/** A release that was made from the commit that was asked about, and the environments that it has a manifest for. */
export interface ReleaseOfCommit {
  readonly application: ApplicationName
  readonly version: bigint
  readonly environments: readonly EnvironmentName[]
}

/** `UNKNOWN`: it never goes there, or what is there cannot be read. `DEPLOYED`: it, or a newer release, is there. */
export type CommitDeployment = 'UNKNOWN' | 'PENDING' | 'DEPLOYED'

/** Where each of these releases has arrived: by application, then by environment, both sorted by name. */
export function findCommitDeployments(
  snapshot: Snapshot,
  releases: readonly ReleaseOfCommit[],
): ReadonlyMap<ApplicationName, ReadonlyMap<EnvironmentName, CommitDeployment>> {
  const environments = environmentsByName(snapshot)
  return new Map(
    releases
      .toSorted((a, b) => compareNames(a.application, b.application))
      .map((release) => [
        release.application,
        new Map(environments.map(({ name }) => [name, findCommitDeployment(snapshot, release, name)])),
      ]),
  )
}

function findCommitDeployment(
  snapshot: Snapshot,
  release: ReleaseOfCommit,
  environmentName: EnvironmentName,
): CommitDeployment {
  const environment = snapshot.environments.get(environmentName)
  const application = snapshot.applications.get(release.application)
  if (environment === undefined || application?.ok !== true) return 'UNKNOWN'
  if (!release.environments.includes(environmentName)) return 'UNKNOWN'
  const deployed = deployedVersion(environment, application.value)
  if (!deployed.ok) return 'UNKNOWN'
  return deployed.value !== undefined && deployed.value >= release.version ? 'DEPLOYED' : 'PENDING'
}
