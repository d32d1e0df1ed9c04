import type { Change } from './change.ts'
import type { Command, DecisionInput } from './command.ts'
import type { CommitSection, Trailer } from './commit-text.ts'
import { trailerKeys } from './commit-text.ts'
import type { Environment } from './environment.ts'
import { explicitMembersOf } from './environment-group.ts'
import { DomainError } from './errors.ts'
import { findEnvironment } from './find.ts'
import { endOfLifetime } from './lifetime.ts'
import type { Lock, Locks } from './lock.ts'
import { isHolding, isValidLockId, lockIdRule, noLocks } from './lock.ts'
import { applicationDirectoryIn, environmentsDirectory } from './manifest-layout.ts'
import type { ApplicationName, EnvironmentName, TeamName } from './names.ts'
import { isDirectoryName, isValidApplicationName, isValidEnvironmentName, isValidTeamName, nameRule } from './names.ts'
import { assertPermitted, assertPermittedForTeam, targetOf } from './permission.ts'
import type { ActionTarget } from './principal.ts'
import type { Readable } from './readable.ts'
import { readable } from './readable.ts'
import { toSeconds } from './rfc-3339.ts'
import type { Snapshot } from './snapshot.ts'
import { applicationIn, isKnownTeam } from './snapshot.ts'

/** What a lock is put on. */
export type LockTarget =
  | { readonly kind: 'environment'; readonly environment: string }
  | { readonly kind: 'application'; readonly environment: string; readonly application: string }
  | { readonly kind: 'team'; readonly environment: string; readonly team: string }
  /** One environment lock of the same id for each environment whose config names the group. */
  | { readonly kind: 'group'; readonly group: string }

/** What its author says about a lock. */
export interface LockText {
  readonly message: string
  readonly ciLink: string | undefined
  readonly suggestedLifetime: string | undefined
  /** When it no longer holds: a moment, or a lifetime that begins now, such as `2d`. Undefined for a lock without an end. */
  readonly end: Date | string | undefined
}

/**
 * Puts a lock on its target, in the place of one with the same id. Where it ends before that one would, that is a way to take a
 * lock away, and takes the permission for it. Throws INVALID_NAME, UNKNOWN_ENVIRONMENT, UNKNOWN_GROUP, UNKNOWN_TEAM,
 * PERMISSION_DENIED, or INVALID_END for one that would never hold.
 */
export function createLock(target: LockTarget, lockId: string, text: LockText): Command<void> {
  return {
    reads: () => [],
    decide: (input) => {
      const places = findPlaces(input, target, lockId, 'CreateLock')
      const end = endOf(text, input.now)
      const former = places.flatMap((place) => findHolding(target, place, lockId, input.now))
      for (const { place, lock } of former) {
        if (isCutShort(lock, end)) assertMayLock(input, target, 'DeleteLock', targetOf(place.environment))
      }
      return {
        changes: places.flatMap(({ directory }) => writeLock(`${directory}/locks/${lockId}`, text, end, input)),
        text: {
          subject: `Lock ${describe(target)}: ${lockId}`,
          sections: [
            quote('Message', text.message),
            ...(text.ciLink ? [quote('Started by', text.ciLink)] : []),
            ...toReplaced(former),
          ],
          trailers: toTrailers('create-lock', target),
        },
        result: undefined,
      }
    },
  }
}

/**
 * Removes a lock. One that does not exist is as good as removed: nothing changes. Versions that it held back and that
 * have been deployed since are no longer remembered as queued (spec 1.5). Throws as `createLock` does.
 */
export function deleteLock(target: LockTarget, lockId: string): Command<void> {
  return {
    reads: () => [],
    decide: (input) => {
      const places = findPlaces(input, target, lockId, 'DeleteLock')
      return {
        changes: places.flatMap(({ directory, environment }) => removeLock(target, environment, directory, lockId)),
        text: {
          subject: `Unlock ${describe(target)}: ${lockId}`,
          sections: [],
          trailers: toTrailers('delete-lock', target),
        },
        result: undefined,
      }
    },
  }
}

function endOf({ end }: LockText, now: Date): Date | undefined {
  if (end === undefined) return undefined
  const moment = typeof end === 'string' ? endOfLifetime(end, now) : end
  // A later year has more than four digits, which nobody could read again as RFC 3339.
  if (moment === undefined || !(moment.getUTCFullYear() <= 9999)) {
    throw new DomainError(
      { code: 'INVALID_END', end: moment },
      'the lock would outlast the year 9999: for one without an end leave its end out',
    )
  }
  if (moment > now) return moment
  throw new DomainError(
    { code: 'INVALID_END', end: moment },
    'the lock would have ended before it began: its end must be in the future',
  )
}

/** The lock that a new one would take the place of. Undefined where the locks cannot be read, so that there may be any. */
interface FormerLock {
  readonly place: Place
  readonly lock: Lock | undefined
}

function findHolding(target: LockTarget, place: Place, lockId: string, now: Date): readonly FormerLock[] {
  const locks = locksOf(target, place.environment)
  if (!locks.ok) return [{ place, lock: undefined }]
  const lock = locks.value.get(lockId)
  return lock !== undefined && isHolding(lock, now) ? [{ place, lock }] : []
}

function isCutShort(former: Lock | undefined, end: Date | undefined): boolean {
  if (end === undefined) return false
  return former?.expiresAt === undefined || end < former.expiresAt
}

function toReplaced(former: readonly FormerLock[]): readonly CommitSection[] {
  const lines = former.flatMap(({ place, lock }) => {
    if (lock === undefined) return []
    const { createdBy, expiresAt } = lock
    const end = expiresAt === undefined ? 'without an end' : `until ${expiresAt.toISOString()}`
    return [`the lock of ${createdBy.name} <${createdBy.email}> in ${place.environment.name}, ${end}`]
  })
  return lines.length === 0 ? [] : [{ heading: 'Replaces', lines }]
}

interface Place {
  readonly environment: Environment
  /** The directory whose `locks` the lock stands in. */
  readonly directory: string
}

function findPlaces(
  { snapshot, principal }: DecisionInput,
  target: LockTarget,
  lockId: string,
  action: 'CreateLock' | 'DeleteLock',
): readonly Place[] {
  const verb = action === 'CreateLock' ? 'create' : 'delete'
  const invalid = (parameter: string, value: string, rule: string) =>
    new DomainError(
      { code: 'INVALID_NAME', invalid: [{ parameter, value, rule }] },
      `cannot ${verb} ${kindNames[target.kind]}: invalid ${parameter}: '${value}'`,
    )

  const environments =
    target.kind === 'group'
      ? explicitMembersOf(snapshot, target.group)
      : [findValidEnvironment(snapshot, target.environment, invalid)]
  if (target.kind === 'group' && environments.length === 0) {
    throw new DomainError(
      { code: 'UNKNOWN_GROUP', group: target.group },
      `error: no environment found with given group '${target.group}'`,
    )
  }
  assertLockNames(snapshot, target, environments, verb, invalid)
  if (!isValidLockId(lockId)) throw invalid('lock id', lockId, lockIdRule)
  return environments.map((environment) => {
    assertMayLock({ snapshot, principal }, target, action, targetOf(environment))
    return { environment, directory: directoryOf(environment.name, target) }
  })
}

/** Throws PERMISSION_DENIED for who may not lock, or unlock, that thing in this environment. */
export function assertMayLock(
  { snapshot, principal }: Pick<DecisionInput, 'snapshot' | 'principal'>,
  target: LockTarget,
  action: 'CreateLock' | 'DeleteLock',
  place: ActionTarget,
): void {
  switch (target.kind) {
    case 'environment':
    case 'group':
      return assertPermitted(principal, action, place)
    case 'team':
      return assertPermittedForTeam(principal, action, place, readable(target.team as TeamName))
    case 'application': {
      const application = target.application as ApplicationName
      const known = snapshot.applications.get(application)
      const team = known?.ok ? known.value.team : readable(undefined)
      return assertPermittedForTeam(principal, action, { ...place, application }, team)
    }
  }
}

const kindNames = {
  environment: 'environment lock',
  application: 'environment application lock',
  team: 'environment team lock',
  group: 'environment group lock',
} as const satisfies Record<LockTarget['kind'], string>

type Invalid = (parameter: string, value: string, rule: string) => DomainError

/** Kuberpult says of a name that could not exist that it is invalid, and not that it is unknown. */
function findValidEnvironment(snapshot: Snapshot, name: string, invalid: Invalid): Environment {
  const isPossible = snapshot.environments.has(name as EnvironmentName) || isValidEnvironmentName(name)
  if (!isPossible) throw invalid('environment', name, nameRule('environment'))
  return findEnvironment(snapshot, name)
}

/** A name that is there already is accepted whatever it looks like; a lock may come before its application, not before its team. */
export function assertLockNames(
  snapshot: Snapshot,
  target: LockTarget,
  [environment]: readonly Environment[],
  verb: 'create' | 'delete',
  invalid: Invalid,
): void {
  if (target.kind === 'application') {
    const name = target.application as ApplicationName
    const isKnown =
      snapshot.applications.has(name) ||
      (environment?.applications.ok === true && environment.applications.value.has(name))
    // However long names may be here: a lock does not bring an application into being.
    if (!isKnown && !isValidApplicationName(name, true)) throw invalid('application', name, nameRule('application'))
  }
  if (target.kind === 'team') {
    const team = target.team as TeamName
    const isLocked = environment?.teamLocks.ok === true && environment.teamLocks.value.has(team)
    // An application may name any text as its team, and not each can be a directory.
    if (isLocked || (isKnownTeam(snapshot, team) && isDirectoryName(team))) return
    if (!isValidTeamName(team)) throw invalid('team', team, nameRule('team'))
    // A team without applications cannot be locked, but what is left of its locks can be taken away.
    if (verb === 'create') throw new DomainError({ code: 'UNKNOWN_TEAM', team }, `Team '${team}' does not exist.`)
  }
}

function directoryOf(environment: EnvironmentName, target: LockTarget): string {
  switch (target.kind) {
    case 'environment':
    case 'group':
      return `${environmentsDirectory}/${environment}`
    case 'application':
      return applicationDirectoryIn(environment, target.application as ApplicationName)
    case 'team':
      return `${environmentsDirectory}/${environment}/teams/${target.team}`
  }
}

function writeLock(
  directory: string,
  text: LockText,
  end: Date | undefined,
  { principal, now }: DecisionInput,
): readonly Change[] {
  const file = (name: string, content: string | undefined): readonly Change[] =>
    content === undefined ? [] : [{ path: `${directory}/${name}`, content: { kind: 'text', text: content } }]
  return [
    // The whole lock is replaced: an end that the old one had is not the new one's.
    { path: directory, content: { kind: 'absent' } },
    ...file('message', text.message),
    ...file('created_by_email', principal.email),
    ...file('created_by_name', principal.name),
    ...file('created_at', toSeconds(now)),
    ...file('ci_link', text.ciLink),
    ...file('suggested_lifetime', text.suggestedLifetime),
    ...file('expires_at', end?.toISOString()),
  ]
}

function removeLock(
  target: LockTarget,
  environment: Environment,
  directory: string,
  lockId: string,
): readonly Change[] {
  if (!mayHaveLock(target, environment, lockId)) return []
  return [
    { path: `${directory}/locks/${lockId}`, content: { kind: 'absent' } },
    ...freedApplications(target, environment).flatMap((application) => dequeue(environment, application)),
  ]
}

/** What cannot be read may have any lock, and removing it may be what makes it readable again. */
function mayHaveLock(target: LockTarget, environment: Environment, lockId: string): boolean {
  const locks = locksOf(target, environment)
  return !locks.ok || locks.value.has(lockId)
}

function locksOf(target: LockTarget, { locks, teamLocks, applications }: Environment): Readable<Locks> {
  switch (target.kind) {
    case 'environment':
    case 'group':
      return locks
    case 'application': {
      if (!applications.ok) return applications
      const entry = applications.value.get(target.application as ApplicationName)
      if (entry === undefined) return readable(noLocks)
      return entry.ok ? entry.value.locks : entry
    }
    case 'team':
      if (!teamLocks.ok) return teamLocks
      return teamLocks.value.get(target.team as TeamName) ?? readable(noLocks)
  }
}

/** The applications whose queues are looked at when this lock goes. */
function freedApplications(target: LockTarget, environment: Environment): readonly ApplicationName[] {
  if (target.kind === 'application') return [target.application as ApplicationName]
  if (target.kind === 'team' || !environment.applications.ok) return []
  return [...environment.applications.value.keys()]
}

/** Forgets a queued version that has been deployed. */
function dequeue(environment: Environment, application: ApplicationName): readonly Change[] {
  const entry = applicationIn(environment, application)
  if (!entry.ok || entry.value === undefined) return []
  const { version, queuedVersion } = entry.value
  if (!version.ok || !queuedVersion.ok || queuedVersion.value === undefined) return []
  if (version.value !== queuedVersion.value) return []
  return [
    { path: `${applicationDirectoryIn(environment.name, application)}/queued_version`, content: { kind: 'absent' } },
  ]
}

function describe(target: LockTarget): string {
  switch (target.kind) {
    case 'environment':
      return target.environment
    case 'application':
      return `${target.application} in ${target.environment}`
    case 'team':
      return `team ${target.team} in ${target.environment}`
    case 'group':
      return `group ${target.group}`
  }
}

function quote(heading: string, text: string): CommitSection {
  return { heading, lines: text.split('\n') }
}

function toTrailers(command: string, target: LockTarget): readonly Trailer[] {
  return [
    { key: trailerKeys.command, value: command },
    { key: trailerKeys.target, value: `${prefixes[target.kind]}${describe(target)}` },
  ]
}

/** With `describe` it is clear what kind of target is meant, as a train's trailer says it. */
const prefixes = { environment: 'environment ', application: 'application ', team: '', group: '' } as const
