import type { Environment, EnvironmentApplication } from './environment.ts'
import { environmentsByName } from './environment-group.ts'
import { endOfLifetime } from './lifetime.ts'
import type { Lock, Locks } from './lock.ts'
import { isHolding } from './lock.ts'
import type { ApplicationName, EnvironmentName, TeamName } from './names.ts'
import { compareNames } from './names.ts'
import type { Readable } from './readable.ts'
import type { Snapshot } from './snapshot.ts'
import { isKnownTeam } from './snapshot.ts'

/** What a lock can stand on, in the order in which locks are listed. */
export const lockKinds = ['environment', 'application', 'team'] as const

export type LockKind = (typeof lockKinds)[number]

/** Which locks are asked for: those that fit all of it. */
export interface LockFilter {
  readonly kind?: LockKind | undefined
  readonly environment?: string | undefined
  /** The team's own locks, and those of its applications. */
  readonly team?: string | undefined
  /** Part of the author's name or e-mail address, whatever its case. */
  readonly author?: string | undefined
  /** A lifetime such as `2w` that has passed since the lock was made. Of a lock that does not say when, nobody knows. */
  readonly olderThan?: string | undefined
}

export interface ListedLock {
  readonly kind: LockKind
  readonly environment: EnvironmentName
  /** The application or the team; undefined for the environment itself. */
  readonly name: ApplicationName | TeamName | undefined
  readonly lock: Lock
  readonly hasEnded: boolean
}

export interface LockList {
  /** Sorted by environment, kind, application or team, and id. */
  readonly locks: readonly ListedLock[]
  /** Sentences about what may be missing. */
  readonly warnings: readonly string[]
}

/** The locks that fit the filter, those that have ended included: their files are still there. */
export function listLocks(snapshot: Snapshot, filter: LockFilter, now: Date): LockList {
  const warnings = new Set([...snapshot.problems, ...unknownNames(snapshot, filter)])
  const read = <T>(piece: Readable<T>): T | undefined => {
    if (piece.ok) return piece.value
    warnings.add(piece.reason)
    return undefined
  }
  const environments = environmentsByName(snapshot).filter(
    ({ name }) => filter.environment === undefined || name === filter.environment,
  )
  const locks = environments.flatMap((environment) =>
    placesIn(snapshot, environment, filter, read).flatMap(({ kind, name, locks: found }) =>
      [...(read(found)?.values() ?? [])]
        .filter((lock) => isBy(lock, filter.author) && isOlderThan(lock, filter.olderThan, now))
        .map((lock) => ({ kind, environment: environment.name, name, lock, hasEnded: !isHolding(lock, now) })),
    ),
  )
  return { locks, warnings: [...warnings] }
}

/** A filter for something that is not there is mostly a slip of the pen. */
function unknownNames(snapshot: Snapshot, { environment, team }: LockFilter): readonly string[] {
  const warnings: string[] = []
  if (environment !== undefined && !snapshot.environments.has(environment as EnvironmentName)) {
    warnings.push(`there is no environment '${environment}'`)
  }
  if (team !== undefined && !isKnownTeam(snapshot, team)) warnings.push(`no application belongs to team '${team}'`)
  return warnings
}

type Read = <T>(piece: Readable<T>) => T | undefined

interface Place {
  readonly kind: LockKind
  readonly name: ApplicationName | TeamName | undefined
  readonly locks: Readable<Locks>
}

/** Where in the environment the locks stand that are asked for, in the order in which they are listed. */
function placesIn(snapshot: Snapshot, environment: Environment, { kind, team }: LockFilter, read: Read): Place[] {
  const places: Place[] = []
  if ((kind ?? 'environment') === 'environment' && team === undefined) {
    places.push({ kind: 'environment', name: undefined, locks: environment.locks })
  }
  if ((kind ?? 'application') === 'application') {
    for (const [name, entry] of sortedEntries(read(environment.applications))) {
      const locks = entry.ok ? entry.value.locks : entry
      if (isOfTeam(snapshot, name, entry, team, read)) places.push({ kind: 'application', name, locks })
    }
  }
  if ((kind ?? 'team') === 'team') {
    for (const [name, locks] of sortedEntries(read(environment.teamLocks))) {
      if (team === undefined || name === team) places.push({ kind: 'team', name, locks })
    }
  }
  return places
}

function sortedEntries<Name extends string, T>(map: ReadonlyMap<Name, T> | undefined): readonly (readonly [Name, T])[] {
  return [...(map ?? [])].toSorted(([a], [b]) => compareNames(a, b))
}

/** Where a team cannot be told, only an application that has locks, or may have, is worth a warning. */
function isOfTeam(
  snapshot: Snapshot,
  name: ApplicationName,
  entry: Readable<EnvironmentApplication>,
  team: string | undefined,
  read: Read,
): boolean {
  if (team === undefined) return true
  if (entry.ok && entry.value.locks.ok && entry.value.locks.value.size === 0) return false
  const known = snapshot.applications.get(name)
  const application = known === undefined ? undefined : read(known)
  return application !== undefined && read(application.team) === team
}

function isBy({ createdBy }: Lock, author: string | undefined): boolean {
  if (author === undefined) return true
  const part = author.toLowerCase()
  return [createdBy.name, createdBy.email].some((text) => text.toLowerCase().includes(part))
}

function isOlderThan({ createdAt }: Lock, lifetime: string | undefined, now: Date): boolean {
  if (lifetime === undefined) return true
  const end = createdAt && endOfLifetime(lifetime, createdAt)
  return end !== undefined && end < now
}
