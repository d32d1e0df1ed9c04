import type { Application } from './application.ts'
import { hasVersion } from './application.ts'
import type { Environment, EnvironmentApplication } from './environment.ts'
import type { ApplicationName, EnvironmentName } from './names.ts'
import type { ObjectId } from './object-id.ts'
import type { Readable } from './readable.ts'
import { readable, unreadable } from './readable.ts'

/** Everything known at one commit. Immutable; parts that did not change since the snapshot before are the same objects. */
export interface Snapshot {
  /** Undefined while the branch has no commit yet. */
  readonly commit: ObjectId | undefined
  readonly environments: ReadonlyMap<EnvironmentName, Environment>
  readonly applications: ReadonlyMap<ApplicationName, Readable<Application>>
  /** What of the repository's top could not be read at all, as sentences for people. */
  readonly problems: readonly string[]
}

/** What `environment` knows of the application: nothing at all is readable, and reads as an entry without content. */
export function applicationIn(
  environment: Environment,
  application: ApplicationName,
): Readable<EnvironmentApplication | undefined> {
  if (!environment.applications.ok) return environment.applications
  return environment.applications.value.get(application) ?? readable(undefined)
}

/**
 * The version of the application that is deployed in the environment, undefined when none is. A link to a release that
 * does not exist is unreadable: whatever were decided from it could be wrong (spec 1.3).
 */
export function deployedVersion(environment: Environment, application: Application): Readable<bigint | undefined> {
  return linkedVersion(environment, application, 'version')
}

/** The version that a lock held back there, with the same rules as `deployedVersion`. */
export function queuedVersion(environment: Environment, application: Application): Readable<bigint | undefined> {
  return linkedVersion(environment, application, 'queuedVersion')
}

function linkedVersion(
  environment: Environment,
  application: Application,
  link: 'version' | 'queuedVersion',
): Readable<bigint | undefined> {
  const entry = applicationIn(environment, application.name)
  if (!entry.ok) return entry
  const version = entry.value?.[link]
  if (version === undefined) return readable(undefined)
  if (!version.ok || version.value === undefined || hasVersion(application, version.value)) return version
  return unreadable(
    `the ${link === 'version' ? 'version' : 'queued_version'} link of application '${application.name}' in environment ` +
      `'${environment.name}' names release ${version.value}, which does not exist`,
  )
}

/** Whether any application belongs to that team. */
export function isKnownTeam(snapshot: Snapshot, team: string): boolean {
  for (const application of snapshot.applications.values()) {
    if (application.ok && application.value.team.ok && application.value.team.value === team) return true
  }
  return false
}
