import type { Change } from './change.ts'
import { changedKeys } from './changed-keys.ts'
import type { Environment, EnvironmentApplication } from './environment.ts'
import type { Locks } from './lock.ts'
import { isHolding } from './lock.ts'
import { applicationDirectoryIn, environmentsDirectory } from './manifest-layout.ts'
import type { ApplicationName, EnvironmentName } from './names.ts'
import { compareNames } from './names.ts'
import type { Readable } from './readable.ts'
import type { Snapshot } from './snapshot.ts'

/**
 * Removes the locks that have ended from the environments that these changes touch. They go with the next commit to their
 * environment, since nobody needs a commit that only says that time has passed. To be applied before the changes, so that a
 * lock that is written anew stays.
 */
export function removeEndedLocks(snapshot: Snapshot, changes: readonly Change[], now: Date): readonly Change[] {
  return touchedEnvironments(changes).flatMap((name) => {
    const environment = snapshot.environments.get(name)
    if (environment === undefined) return []
    const directory = `${environmentsDirectory}/${name}`
    const removals = removeEnded(directory, environment.locks, now)
    if (environment.teamLocks.ok) {
      for (const [team, locks] of environment.teamLocks.value) {
        removals.push(...removeEnded(`${directory}/teams/${team}`, locks, now))
      }
    }
    if (environment.applications.ok) {
      const applications = environment.applications.value
      for (const application of lockedApplications(environment.config, applications)) {
        const entry = applications.get(application)
        if (!entry?.ok) continue
        removals.push(...removeEnded(applicationDirectoryIn(name, application), entry.value.locks, now))
      }
    }
    return removals
  })
}

function touchedEnvironments(changes: readonly Change[]): readonly EnvironmentName[] {
  const names = new Set<EnvironmentName>()
  let directory: string | undefined
  for (const { path } of changes) {
    // A train has thousands of changes to each environment, one after the other.
    if (directory !== undefined && path.startsWith(directory)) continue
    const [top, name] = path.split('/', 3)
    if (top !== environmentsDirectory || name === undefined) continue
    names.add(name as EnvironmentName)
    directory = `${top}/${name}/`
  }
  return [...names]
}

type Applications = ReadonlyMap<ApplicationName, Readable<EnvironmentApplication>>

interface Locked {
  readonly applications: Applications
  readonly names: readonly ApplicationName[]
}

/** What was found last, by the config of the environment, which stays the same object from snapshot to snapshot. */
const lastLocked = new WeakMap<Environment['config'], Locked>()

/** The applications that have locks, sorted by name: few of thousands. Looks at those that have changed since it was last asked. */
function lockedApplications(config: Environment['config'], applications: Applications): readonly ApplicationName[] {
  const last = lastLocked.get(config) ?? { applications: new Map(), names: [] }
  const changed = changedKeys(last.applications, applications)
  if (changed.length === 0) return last.names
  const names = new Set(last.names)
  for (const name of changed) {
    const entry = applications.get(name)
    if (entry?.ok && hasLocks(entry.value.locks)) names.add(name)
    else names.delete(name)
  }
  const sorted = [...names].toSorted(compareNames)
  lastLocked.set(config, { applications, names: sorted })
  return sorted
}

function hasLocks(locks: Readable<Locks>): boolean {
  return locks.ok && locks.value.size > 0
}

function removeEnded(directory: string, locks: Readable<Locks>, now: Date): Change[] {
  if (!locks.ok) return []
  return [...locks.value.values()]
    .filter((lock) => !isHolding(lock, now))
    .map((lock) => ({ path: `${directory}/locks/${lock.id}`, content: { kind: 'absent' } }))
}
