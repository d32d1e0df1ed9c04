import fc from 'fast-check'
import type { Lock } from '../../src/core/lock.ts'
import { unreadable } from '../../src/core/readable.ts'
import type { Snapshot } from '../../src/core/snapshot.ts'
import type { EnvironmentFacts, ReleaseFacts, SnapshotBuilder, Unreadable } from './snapshot-builder.ts'
import { aLock, aSnapshot } from './snapshot-builder.ts'

/** A repository as plain facts: what fast-check shrinks and prints. `toSnapshot` makes a snapshot of it. */
export interface RepositoryFacts {
  readonly environments: Readonly<Record<string, EnvironmentFacts>>
  readonly applications: Readonly<Record<string, GeneratedApplication>>
  readonly entries: readonly GeneratedEntry[]
}

export interface GeneratedApplication {
  readonly isUnreadable: boolean
  readonly team: string | Unreadable | undefined
  readonly releases: Readonly<Record<string, ReleaseFacts | Unreadable>>
}

/** What an environment knows of an application. */
export interface GeneratedEntry {
  readonly environment: string
  readonly application: string
  readonly isUnreadable: boolean
  readonly version: number | Unreadable | undefined
  readonly queuedVersion: number | Unreadable | undefined
  readonly locks: readonly Lock[] | Unreadable
}

/** The moment at which generated repositories are judged: locks end before, at and after it, or never. */
export const judgedAt = new Date('2025-03-14T12:00:00Z')

/** `alpha` is the name of an environment and, for others, of a group. */
const environmentNames = ['alpha', 'beta', 'delta', 'gamma'] as const
const groupNames = ['alpha', 'live'] as const
const applicationNames = ['cart', 'shop', 'web'] as const
export const teamNames = ['payments', 'search'] as const
const versions = [1, 2, 3, 9, 10] as const

/** Mostly a part as it should be, sometimes one that cannot be read. */
function orUnreadable<T>(readableParts: fc.Arbitrary<T>): fc.Arbitrary<T | Unreadable> {
  return fc.oneof(
    { arbitrary: readableParts, weight: 9 },
    { arbitrary: fc.constant(unreadable('unreadable on purpose')), weight: 1 },
  )
}

function seldom<T>(rare: T, usual: T): fc.Arbitrary<T> {
  return fc.oneof({ arbitrary: fc.constant(usual), weight: 14 }, { arbitrary: fc.constant(rare), weight: 1 })
}

const lockEnds = [undefined, -1, 0, 1, 60_000].map((offset) =>
  offset === undefined ? undefined : new Date(judgedAt.getTime() + offset),
)
const lock = fc.record({ id: fc.constantFrom('freeze', 'incident'), expiresAt: fc.constantFrom(...lockEnds) })
const locks = fc.oneof(
  { arbitrary: fc.constant([]), weight: 3 },
  {
    arbitrary: fc
      .uniqueArray(lock, { minLength: 1, maxLength: 2, selector: ({ id }) => id })
      .map((of) => of.map(({ id, expiresAt }) => aLock(id, { expiresAt }))),
    weight: 1,
  },
)

/** Chains, cycles, an environment's own name and names that nothing has come up by themselves. */
const upstream: fc.Arbitrary<EnvironmentFacts['upstream']> = fc.oneof(
  { arbitrary: fc.constantFrom(...environmentNames), weight: 8 },
  { arbitrary: fc.constant('latest'), weight: 4 },
  {
    arbitrary: fc.constantFrom(undefined, {}, { environment: 'alpha', latest: true }, { environment: 'nowhere' }),
    weight: 2,
  },
)

const part = fc.constant('unreadable on purpose')
const unreadableParts = fc.oneof(
  { arbitrary: fc.constant({}), weight: 9 },
  {
    arbitrary: fc.record({ config: part, locks: part, teamLocks: part, applications: part }, { requiredKeys: [] }),
    weight: 1,
  },
)

const environmentFacts: fc.Arbitrary<EnvironmentFacts> = fc
  .record({
    upstream,
    group: fc.option(fc.constantFrom(...groupNames), { nil: undefined }),
    locks,
    teamLocks: fc.record(
      { payments: orUnreadable(locks), search: orUnreadable(locks), '': locks },
      { requiredKeys: [] },
    ),
    unreadable: unreadableParts,
  })
  .map((facts) => {
    const broken: Readonly<Record<string, string>> = facts.unreadable
    return {
      ...(facts.upstream === undefined || 'config' in broken ? {} : { upstream: facts.upstream }),
      ...(facts.group === undefined || 'config' in broken ? {} : { group: facts.group }),
      ...('locks' in broken ? {} : { locks: facts.locks }),
      ...('teamLocks' in broken ? {} : { teamLocks: facts.teamLocks }),
      unreadable: broken,
    }
  })

const release: fc.Arbitrary<ReleaseFacts | Unreadable> = orUnreadable(
  fc.record({
    manifests: fc.oneof(
      { arbitrary: fc.constant([...environmentNames]), weight: 3 },
      { arbitrary: fc.subarray([...environmentNames]), weight: 2 },
    ),
    isPrepublish: seldom(true, false),
    isUndeploy: seldom(true, false),
  }),
)

const applicationFacts: fc.Arbitrary<GeneratedApplication> = fc.record({
  isUnreadable: seldom(true, false),
  team: orUnreadable(fc.constantFrom(...teamNames, undefined)),
  releases: fc
    .subarray([...versions])
    .chain((some) => fc.record(Object.fromEntries(some.map((version) => [version, release])))),
})

const entry = (environment: string, application: string): fc.Arbitrary<GeneratedEntry> =>
  fc.record({
    environment: fc.constant(environment),
    application: fc.constant(application),
    isUnreadable: seldom(true, false),
    // A version that no release has is a dangling link.
    version: orUnreadable(fc.option(fc.constantFrom(...versions), { nil: undefined, freq: 4 })),
    queuedVersion: orUnreadable(fc.option(fc.constantFrom(...versions), { nil: undefined, freq: 2 })),
    locks: orUnreadable(locks),
  })

/** Repositories with all that can be in order or broken in them. */
export const repositories: fc.Arbitrary<RepositoryFacts> = fc
  .tuple(fc.subarray([...environmentNames], { minLength: 1 }), fc.subarray([...applicationNames]))
  .chain(([environments, applications]) =>
    fc.record({
      environments: fc.record(Object.fromEntries(environments.map((name) => [name, environmentFacts]))),
      applications: fc.record(Object.fromEntries(applications.map((name) => [name, applicationFacts]))),
      entries: fc
        .tuple(
          ...environments.flatMap((environment) =>
            applications.map((application) => fc.option(entry(environment, application), { nil: undefined, freq: 6 })),
          ),
        )
        .map((entries) => entries.filter((one) => one !== undefined)),
    }),
  )

/** Every name that a train can have as target: the environments and the groups that their configs name. */
export function targetsOf({ environments }: RepositoryFacts): readonly string[] {
  return [
    ...new Set([
      ...Object.keys(environments),
      ...Object.values(environments).flatMap(({ group }) => (group === undefined ? [] : [group])),
    ]),
  ]
}

/** The same repository with every lock removed. */
export function withoutLocks(facts: RepositoryFacts): RepositoryFacts {
  return {
    ...facts,
    environments: Object.fromEntries(
      Object.entries(facts.environments).map(([name, { locks: _locks, teamLocks: _teamLocks, ...rest }]) => [
        name,
        rest,
      ]),
    ),
    entries: facts.entries.map((one) => ({ ...one, locks: [] })),
  }
}

export function toSnapshot(facts: RepositoryFacts, options?: Parameters<SnapshotBuilder['build']>[0]): Snapshot {
  let builder = aSnapshot().noEnvironment('nowhere')
  for (const name of environmentNames) {
    const environment = facts.environments[name]
    builder = environment === undefined ? builder.noEnvironment(name) : builder.environment(name, environment)
  }
  for (const [name, { isUnreadable, team, releases }] of Object.entries(facts.applications)) {
    builder = isUnreadable
      ? builder.unreadableApplication(name, 'unreadable on purpose')
      : builder.application(name, { ...(team === undefined ? {} : { team }), releases })
    for (const version of versions) {
      if (isUnreadable || !(String(version) in releases)) builder = builder.noRelease(name, version)
    }
  }
  for (const one of facts.entries) {
    const { environment, application, version, queuedVersion } = one
    if (facts.environments[environment]?.unreadable?.applications !== undefined) continue
    if (one.isUnreadable) {
      builder = builder.unreadableIn(environment, application, 'unreadable on purpose')
      continue
    }
    if (version !== undefined) builder = builder.deployed(environment, application, version)
    if (queuedVersion !== undefined) builder = builder.queued(environment, application, queuedVersion)
    builder =
      'ok' in one.locks
        ? builder.unreadableApplicationLocks(environment, application, one.locks.reason)
        : builder.applicationLock(environment, application, ...one.locks)
  }
  return builder.build(options)
}

/**
 * The same snapshot with the entries of its maps in another order, each seed its own. Locks stay in the order of their
 * ids, as the type promises.
 */
export function reordered(snapshot: Snapshot, seed: number): Snapshot {
  return {
    ...snapshot,
    environments: shuffled(snapshot.environments, seed, (environment) => ({
      ...environment,
      teamLocks: environment.teamLocks.ok
        ? { ...environment.teamLocks, value: shuffled(environment.teamLocks.value, seed) }
        : environment.teamLocks,
      applications: environment.applications.ok
        ? { ...environment.applications, value: shuffled(environment.applications.value, seed) }
        : environment.applications,
    })),
    applications: shuffled(snapshot.applications, seed, (application) =>
      application.ok
        ? {
            ...application,
            value: {
              ...application.value,
              releases: shuffled(application.value.releases, seed, (one) =>
                one.ok ? { ...one, value: { ...one.value, manifests: shuffled(one.value.manifests, seed) } } : one,
              ),
            },
          }
        : application,
    ),
  }
}

function shuffled<K, V>(
  map: ReadonlyMap<K, V>,
  seed: number,
  change: (value: V) => V = (value) => value,
): ReadonlyMap<K, V> {
  // Any hash will do that mixes the seed well into short keys.
  const place = (key: K) => {
    const text = String(key)
    let hash = seed
    for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 16_777_619)
    return hash
  }
  return new Map([...map].toSorted(([a], [b]) => place(a) - place(b)).map(([key, value]) => [key, change(value)]))
}
