import type { HeldStep } from './deployment-changes.ts'
import type { Environment } from './environment.ts'
import type { ListedLock } from './list-locks.ts'
import type { Locks } from './lock.ts'
import { locksHolding, noLocks } from './lock.ts'
import type { ApplicationName, TeamName } from './names.ts'
import type { Readable } from './readable.ts'
import { readable } from './readable.ts'
import { applicationIn } from './snapshot.ts'

/**
 * The locks that hold at `now` and stand in the way of a deployment: the environment's, then the application's, then its
 * team's, each in the order of their ids. Unreadable when not all of them can be known.
 */
export function locksInTheWay(
  environment: Environment,
  application: ApplicationName,
  team: Readable<TeamName | undefined>,
  now: Date,
): Readable<readonly ListedLock[]> {
  const entry = applicationIn(environment, application)
  if (!environment.locks.ok) return environment.locks
  if (!entry.ok) return entry
  const applicationLocks = entry.value?.locks ?? readable(noLocks)
  if (!applicationLocks.ok) return applicationLocks
  if (!team.ok) return team
  if (!environment.teamLocks.ok) return environment.teamLocks
  const teamLocks =
    (team.value === undefined ? undefined : environment.teamLocks.value.get(team.value)) ?? readable(noLocks)
  if (!teamLocks.ok) return teamLocks

  const listed = (kind: ListedLock['kind'], name: ListedLock['name'], locks: Locks): readonly ListedLock[] =>
    locksHolding(locks, now).map((lock) => ({ kind, environment: environment.name, name, lock, hasEnded: false }))
  return readable([
    ...listed('environment', undefined, environment.locks.value),
    ...listed('application', application, applicationLocks.value),
    ...listed('team', team.value, teamLocks.value),
  ])
}

/** The one of several locks that the record of a prevented deployment names: the first, as for Kuberpult (spec 6.3). */
export function lockForTheRecord([first]: readonly ListedLock[]): HeldStep['lock'] {
  return first === undefined ? undefined : { kind: first.kind, message: first.lock.message }
}
