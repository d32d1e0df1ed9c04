import { changedKeys } from './changed-keys.ts'
import type { Environment, EnvironmentApplication } from './environment.ts'
import type { ApplicationName, TeamName } from './names.ts'
import type { Readable } from './readable.ts'
import type { Snapshot } from './snapshot.ts'

/** What is deployed to an environment, each with its team. */
export type Deployed = ReadonlyMap<ApplicationName, TeamName | undefined>

interface Known {
  readonly applications: Snapshot['applications']
  readonly entries: ReadonlyMap<ApplicationName, Readable<EnvironmentApplication>>
  readonly deployed: Deployed
}

const nothing: Known = { applications: new Map(), entries: new Map(), deployed: new Map() }

/** What was found last, by the config of the environment, which stays the same object from snapshot to snapshot. */
const lastKnown = new WeakMap<Environment['config'], Known>()

/**
 * The applications that stand in the environment's Argo CD files. The same object as the last time where it comes out the same, which
 * it mostly does: it depends on which applications are deployed, not on versions. Looks at those alone that have changed since.
 */
export function deployedApplications(snapshot: Snapshot, environment: Environment): Deployed {
  const { applications } = snapshot
  const entries = environment.applications.ok ? environment.applications.value : nothing.entries
  const known = lastKnown.get(environment.config) ?? nothing
  const changed = new Set([...changedKeys(known.entries, entries), ...changedKeys(known.applications, applications)])
  const deployed = withDeployed(known.deployed, changed, (name) => {
    const entry = entries.get(name)
    if (entry === undefined || !isRunning(snapshot, name, entry)) return undefined
    return { team: knownTeamOf(snapshot, name) }
  })
  lastKnown.set(environment.config, { applications, entries, deployed })
  return deployed
}

/** The same with these applications deployed or not, as `find` says; the same object where that changes nothing. */
export function withDeployed(
  deployed: Deployed,
  names: Iterable<ApplicationName>,
  find: (name: ApplicationName) => { readonly team: TeamName | undefined } | undefined,
): Deployed {
  let edited: Map<ApplicationName, TeamName | undefined> | undefined
  for (const name of names) {
    const found = find(name)
    const isDeployed = deployed.has(name)
    if (found === undefined ? !isDeployed : isDeployed && deployed.get(name) === found.team) continue
    edited ??= new Map(deployed)
    if (found === undefined) edited.delete(name)
    else edited.set(name, found.team)
  }
  return edited ?? deployed
}

/**
 * Whether the application stands in the Argo CD file of an environment that knows this of it. What cannot be read does
 * not take a running application out of the file, because Argo CD would delete it; a stray file is no application.
 */
export function isRunning(snapshot: Snapshot, name: ApplicationName, entry: Readable<EnvironmentApplication>): boolean {
  if (!entry.ok) return snapshot.applications.has(name)
  const { version, hasManifestOnly } = entry.value
  return version.ok ? Boolean(version.value) : hasManifestOnly
}

export function knownTeamOf(snapshot: Snapshot, name: ApplicationName): TeamName | undefined {
  const application = snapshot.applications.get(name)
  return application?.ok && application.value.team.ok ? application.value.team.value : undefined
}
