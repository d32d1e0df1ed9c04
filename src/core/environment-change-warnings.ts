import { argoCdFileNames } from './argo-cd-file.ts'
import type { Environment, EnvironmentConfig } from './environment.ts'
import { environmentsByName, explicitMembersOf, groupNameOf, groupWarnings } from './environment-group.ts'
import type { Locks } from './lock.ts'
import { isHolding } from './lock.ts'
import { argoCdFile } from './manifest-layout.ts'
import type { ApplicationName, EnvironmentName } from './names.ts'
import type { Readable } from './readable.ts'
import type { Snapshot } from './snapshot.ts'
import { upstreamWarnings } from './upstream-warnings.ts'

/**
 * What is to be said about an environment's new config, as sentences: of trains to it, and of others that the change makes
 * impossible or surprising. `asked` is the config as the caller wrote it, of which less may have been stored.
 */
export function configWarnings(
  before: Snapshot,
  after: Snapshot,
  environment: Environment,
  asked: EnvironmentConfig,
): readonly string[] {
  return [
    ...droppedUpstream(environment, asked),
    ...upstreamWarnings(after, environment),
    ...ambiguousGroups(after, environment),
    ...newTroubles(before, after, environment.name),
  ]
}

function droppedUpstream({ config }: Environment, { upstream }: EnvironmentConfig): readonly string[] {
  const stored = config.ok ? config.value.upstream : undefined
  if (upstream === undefined || (upstream.environment === stored?.environment && stored !== undefined)) return []
  return upstream.latest
    ? [`its upstream is latest: environment '${upstream.environment}' was named as well, and is not stored`]
    : ['its upstream names neither an environment nor latest, so none is stored']
}

/** A train goes to the environment on one path and to the group on another. */
function ambiguousGroups(snapshot: Snapshot, environment: Environment): readonly string[] {
  const group = groupNameOf(environment)
  const named = group === undefined ? undefined : snapshot.environments.get(group as EnvironmentName)
  const hasNamesake = explicitMembersOf(snapshot, environment.name).some(({ name }) => name !== environment.name)
  const names = new Set<string>()
  if (named !== undefined && named !== environment && isElsewhere(named)) names.add(named.name)
  if (hasNamesake && isElsewhere(environment)) names.add(environment.name)
  return [...names].map(
    (name) =>
      `'${name}' is both an environment and a group that it is not in: ` +
      'whoever sends a train there must say which one is meant',
  )
}

/** Its config names another group than one of its own name; where it names none, `groupWarnings` says so. */
function isElsewhere({ name, config }: Environment): boolean {
  return config.ok && config.value.environmentGroup !== undefined && config.value.environmentGroup !== name
}

/** Each can name every environment, as all that take part in a cycle do. */
const maximumTroubles = 20

/** What was not so before, about groups and other environments. */
function newTroubles(before: Snapshot, after: Snapshot, except: EnvironmentName): readonly string[] {
  const known = new Set([...groupWarnings(before), ...upstreamTroubles(before, except)])
  const troubles = [...groupWarnings(after), ...upstreamTroubles(after, except)].filter(
    (warning) => !known.has(warning),
  )
  const more = troubles.length - maximumTroubles
  return more > 0 ? [...troubles.slice(0, maximumTroubles), `and ${more} more like these`] : troubles
}

function upstreamTroubles(snapshot: Snapshot, except: EnvironmentName): readonly string[] {
  return environmentsByName(snapshot)
    .filter(({ name }) => name !== except)
    .flatMap((environment) =>
      upstreamWarnings(snapshot, environment).map((warning) => `environment '${environment.name}': ${warning}`),
    )
}

/** Argo CD files of the former config. Without them Argo CD would delete what runs, so they go only with the environment. */
export function leftoverWarnings(before: Environment | undefined, after: Environment): readonly string[] {
  const kept = new Set(fileNamesOf(after))
  return (before === undefined ? [] : fileNamesOf(before))
    .filter((name) => !kept.has(name))
    .map(
      (name) =>
        `${argoCdFile(name)} stays as its former config made it, and what Argo CD applies because of it: ` +
        'remove the file from the repository if that is to be deleted',
    )
}

function fileNamesOf({ name, config }: Environment): readonly string[] {
  return config.ok && config.value.argoCd !== undefined ? argoCdFileNames(name, config.value.argoCd) : []
}

/** What goes with an environment that is deleted, and what cannot be known, as sentences. */
export function deletionWarnings(
  snapshot: Snapshot,
  environment: Environment,
  deployed: readonly ApplicationName[],
  now: Date,
): readonly string[] {
  const locks = locksOf(environment, now)
  return [
    ...(deployed.length === 0 ? [] : [`what is deployed there goes with it: ${list(deployed)}`]),
    ...(locks.length === 0 ? [] : [`locks that hold there go with it: ${list(locks)}`]),
    ...(environment.applications.ok
      ? []
      : [`what is deployed there cannot be known, and goes with it: ${environment.applications.reason}`]),
    ...environmentsByName(snapshot).flatMap(({ name, config }) =>
      config.ok || name === environment.name
        ? []
        : [`whether it is the upstream of environment '${name}' cannot be known: ${config.reason}`],
    ),
  ]
}

function locksOf({ locks, teamLocks, applications }: Environment, now: Date): readonly string[] {
  const holding = (of: Readable<Locks>): readonly string[] =>
    of.ok ? [...of.value.values()].filter((lock) => isHolding(lock, now)).map(({ id }) => id) : []
  return [
    ...holding(locks),
    ...(teamLocks.ok ? [...teamLocks.value] : []).flatMap(([team, of]) =>
      holding(of).map((id) => `${id} of team ${team}`),
    ),
    ...(applications.ok ? [...applications.value] : []).flatMap(([name, entry]) =>
      entry.ok ? holding(entry.value.locks).map((id) => `${id} of application ${name}`) : [],
    ),
  ]
}

const maximumListed = 10

function list(names: readonly string[]): string {
  const more = names.length - maximumListed
  return more > 0 ? `${names.slice(0, maximumListed).join(', ')} and ${more} more` : names.join(', ')
}
