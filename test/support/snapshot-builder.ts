import { createHash } from 'node:crypto'
import type { Application, Release } from '../../src/core/application.ts'
import type { ArgoCdDestinations } from '../../src/core/argo-cd-config.ts'
import type { Environment, EnvironmentApplication, EnvironmentConfig, Upstream } from '../../src/core/environment.ts'
import type { Lock, Locks } from '../../src/core/lock.ts'
import type { ApplicationName, EnvironmentName, TeamName } from '../../src/core/names.ts'
import { compareNames } from '../../src/core/names.ts'
import type { ObjectId } from '../../src/core/object-id.ts'
import type { Readable } from '../../src/core/readable.ts'
import { readable, unreadable } from '../../src/core/readable.ts'
import type { Snapshot } from '../../src/core/snapshot.ts'

export type Unreadable = ReturnType<typeof unreadable>

export interface EnvironmentFacts {
  /** `latest`, the name of an environment, or what a config can say of both. */
  readonly upstream?: string | { readonly environment?: string; readonly latest?: boolean }
  readonly group?: string
  readonly argoCd?: ArgoCdDestinations
  readonly locks?: readonly Lock[]
  readonly teamLocks?: Readonly<Record<string, readonly Lock[] | Unreadable>>
  /** The parts that cannot be read, each with its reason. */
  readonly unreadable?: Readonly<Partial<Record<'config' | 'locks' | 'teamLocks' | 'applications', string>>>
}

export interface ApplicationFacts {
  readonly team?: string | Unreadable
  readonly sourceRepoUrl?: string
  /** By version: the environments that the release has a manifest for, or more about it. */
  readonly releases?: Readonly<Record<string, readonly string[] | ReleaseFacts | Unreadable>>
}

export interface ReleaseFacts {
  readonly manifests?: readonly string[]
  /** Environments whose manifest is a file without content. */
  readonly emptyManifests?: readonly string[]
  readonly isPrepublish?: boolean
  readonly isUndeploy?: boolean
}

/** The commit of every snapshot that the builder makes. */
export const snapshotCommit: ObjectId = toObjectId('commit')

/** git's id of a file without content. */
export const emptyManifest: ObjectId = 'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391'

/** The made-up blob id of a release's manifest: always the same for the same three. */
export function manifestOf(application: string, version: bigint | number, environment: string): ObjectId {
  return toObjectId(`manifest of ${application} ${version} for ${environment}`)
}

/** The made-up id of a release's directory. */
export function treeOf(application: string, version: bigint | number): ObjectId {
  return toObjectId(`directory of ${application} ${version}`)
}

export function aLock(id: string, facts: Partial<Omit<Lock, 'id'>> = {}): Lock {
  return {
    id,
    message: '',
    createdBy: { name: 'Keeper', email: 'keeper@example.com' },
    createdAt: new Date('2025-03-01T08:00:00Z'),
    ciLink: undefined,
    suggestedLifetime: undefined,
    expiresAt: undefined,
    ...facts,
  }
}

/** A snapshot without anything in it: say what there is, then `build`. */
export function aSnapshot(): SnapshotBuilder {
  return new SnapshotBuilder({
    environments: new Map(),
    applications: new Map(),
    entries: new Map(),
    absent: new Set(),
    problems: [],
  })
}

interface Entry {
  readonly version?: Readable<bigint>
  readonly queuedVersion?: Readable<bigint>
  readonly locks?: Readable<Locks>
  readonly hasManifestOnly?: boolean
  readonly unreadable?: string
}

interface Facts {
  readonly environments: ReadonlyMap<string, EnvironmentFacts>
  readonly applications: ReadonlyMap<string, ApplicationFacts | Unreadable>
  /** By environment, then by application. */
  readonly entries: ReadonlyMap<string, ReadonlyMap<string, Entry>>
  /** What is missing on purpose: `environment x`, `application y`, `release 3 of z`. */
  readonly absent: ReadonlySet<string>
  readonly problems: readonly string[]
}

/**
 * Describes a repository in the words of the domain. Each method returns a new builder, so a common start can be
 * continued in several ways. It refuses what no repository can hold, and whatever refers to something that nobody
 * described: where that is meant, `noEnvironment`, `noApplication` and `noRelease` say so.
 */
export class SnapshotBuilder {
  readonly #facts: Facts

  constructor(facts: Facts) {
    this.#facts = facts
  }

  environment(name: string, facts: EnvironmentFacts = {}): SnapshotBuilder {
    assertNew(this.#facts.environments, name, 'environment')
    const broken = facts.unreadable ?? {}
    const saysConfig = facts.upstream !== undefined || facts.group !== undefined || facts.argoCd !== undefined
    if (broken.config !== undefined && saysConfig) refuse(`nobody can know what the unreadable config of ${name} says`)
    if (broken.locks !== undefined && facts.locks !== undefined) refuse(`the locks of ${name} are unreadable`)
    if (broken.teamLocks !== undefined && facts.teamLocks !== undefined) {
      refuse(`the team locks of ${name} are unreadable`)
    }
    return this.#with({ environments: new Map(this.#facts.environments).set(name, facts) })
  }

  application(name: string, facts: ApplicationFacts = {}): SnapshotBuilder {
    return this.#addApplication(name, facts)
  }

  unreadableApplication(name: string, reason: string): SnapshotBuilder {
    return this.#addApplication(name, unreadable(reason))
  }

  /** The application's `version` link, to a release or unreadable; `hasManifest` is about an unreadable one. */
  deployed(
    environment: string,
    application: string,
    version: number | bigint | Unreadable,
    { hasManifest = false }: { readonly hasManifest?: boolean } = {},
  ): SnapshotBuilder {
    if (hasManifest && typeof version !== 'object') refuse('only an unreadable version link needs a word about that')
    return this.#addToEntry(environment, application, { version: toLink(version), hasManifestOnly: hasManifest })
  }

  /** A deployed manifest without a version link. */
  manifestOnly(environment: string, application: string): SnapshotBuilder {
    return this.#addToEntry(environment, application, { hasManifestOnly: true })
  }

  /** The application's `queued_version` link. */
  queued(environment: string, application: string, version: number | bigint | Unreadable): SnapshotBuilder {
    return this.#addToEntry(environment, application, { queuedVersion: toLink(version) })
  }

  applicationLock(environment: string, application: string, ...locks: readonly Lock[]): SnapshotBuilder {
    return this.#addToEntry(environment, application, { locks: readable(toLocks(locks)) })
  }

  unreadableApplicationLocks(environment: string, application: string, reason: string): SnapshotBuilder {
    return this.#addToEntry(environment, application, { locks: unreadable(reason) })
  }

  /** All that the environment knows of the application is unreadable. */
  unreadableIn(environment: string, application: string, reason: string): SnapshotBuilder {
    if (this.#facts.entries.get(environment)?.has(application)) {
      refuse(`what ${environment} knows of ${application} is described already`)
    }
    return this.#addToEntry(environment, application, { unreadable: reason })
  }

  /** It is meant that nothing of that name exists. */
  noEnvironment(name: string): SnapshotBuilder {
    return this.#addAbsent(`environment ${name}`)
  }

  noApplication(name: string): SnapshotBuilder {
    return this.#addAbsent(`application ${name}`)
  }

  noRelease(application: string, version: number | bigint): SnapshotBuilder {
    return this.#addAbsent(`release ${version} of ${application}`)
  }

  problem(sentence: string): SnapshotBuilder {
    return this.#with({ problems: [...this.#facts.problems, sentence] })
  }

  /**
   * With `needed` the snapshot holds the releases that `Application.releases` promises and no others, with `all` every
   * one: decisions may not depend on which.
   */
  build({ releases = 'needed' }: { readonly releases?: 'needed' | 'all' } = {}): Snapshot {
    this.#assertConsistent()
    return {
      commit: snapshotCommit,
      environments: new Map(
        [...this.#facts.environments].map(([name, facts]) => [
          name as EnvironmentName,
          this.#toEnvironment(name, facts),
        ]),
      ),
      applications: new Map(
        [...this.#facts.applications].map(([name, facts]) => [
          name as ApplicationName,
          isUnreadable(facts) ? facts : readable(this.#toApplication(name, facts, releases)),
        ]),
      ),
      problems: this.#facts.problems,
    }
  }

  #with(facts: Partial<Facts>): SnapshotBuilder {
    return new SnapshotBuilder({ ...this.#facts, ...facts })
  }

  #addApplication(name: string, facts: ApplicationFacts | Unreadable): SnapshotBuilder {
    assertNew(this.#facts.applications, name, 'application')
    return this.#with({ applications: new Map(this.#facts.applications).set(name, facts) })
  }

  #addToEntry(environment: string, application: string, facts: Entry): SnapshotBuilder {
    const inEnvironment = this.#facts.entries.get(environment) ?? new Map<string, Entry>()
    const known: Entry = inEnvironment.get(application) ?? {}
    if (known.unreadable !== undefined) refuse(`what ${environment} knows of ${application} is unreadable`)
    for (const fact of Object.keys(facts) as (keyof Entry)[]) {
      if (known[fact] !== undefined) refuse(`${fact} of ${application} in ${environment} is said twice`)
    }
    const entries = new Map(inEnvironment).set(application, { ...known, ...facts })
    return this.#with({ entries: new Map(this.#facts.entries).set(environment, entries) })
  }

  #addAbsent(what: string): SnapshotBuilder {
    return this.#with({ absent: new Set([...this.#facts.absent, what]) })
  }

  #assertConsistent(): void {
    const { environments, applications, entries, absent } = this.#facts
    const mentioned = new Set<string>()
    const exists = new Set<string>()
    for (const [name, { upstream }] of environments) {
      exists.add(`environment ${name}`)
      const source = typeof upstream === 'string' ? upstream : upstream?.environment
      if (source !== undefined && source !== 'latest') mentioned.add(`environment ${source}`)
    }
    for (const [name, facts] of applications) {
      exists.add(`application ${name}`)
      if (isUnreadable(facts)) continue
      for (const [version, release] of Object.entries(facts.releases ?? {})) {
        exists.add(`release ${version} of ${name}`)
        for (const environment of manifestsOf(release).keys()) mentioned.add(`environment ${environment}`)
      }
    }
    for (const [environment, ofEnvironment] of entries) {
      mentioned.add(`environment ${environment}`)
      if (environments.get(environment)?.unreadable?.applications !== undefined) {
        refuse(`the applications of ${environment} are unreadable`)
      }
      for (const [application, { version, queuedVersion }] of ofEnvironment) {
        mentioned.add(`application ${application}`)
        const facts = applications.get(application)
        // Nobody knows the releases of an application that is absent or unreadable: a link may name any.
        if (facts === undefined || isUnreadable(facts)) continue
        for (const link of [version, queuedVersion]) {
          if (link?.ok) mentioned.add(`release ${link.value} of ${application}`)
        }
      }
    }
    for (const what of absent) if (exists.has(what)) refuse(`${what} is said to exist, and not to`)
    for (const what of mentioned) if (!exists.has(what) && !absent.has(what)) refuse(`there is no ${what}`)
  }

  #toEnvironment(name: string, facts: EnvironmentFacts): Environment {
    const broken = facts.unreadable ?? {}
    const teamLocks = Object.entries(facts.teamLocks ?? {}).map(
      ([team, locks]) => [team as TeamName, isUnreadable(locks) ? locks : readable(toLocks(locks))] as const,
    )
    const entries = [...(this.#facts.entries.get(name) ?? [])].map(
      ([application, entry]) => [application as ApplicationName, toEnvironmentApplication(entry)] as const,
    )
    return {
      name: name as EnvironmentName,
      config: unless(broken.config, toConfig(facts)),
      locks: unless(broken.locks, toLocks(facts.locks ?? [])),
      teamLocks: unless(broken.teamLocks, new Map(teamLocks)),
      applications: unless(broken.applications, new Map(entries)),
    }
  }

  #toApplication(name: string, facts: ApplicationFacts, which: 'needed' | 'all'): Application {
    const releases = new Map(
      Object.entries(facts.releases ?? {})
        .map(([version, release]) => [BigInt(version), toRelease(name, BigInt(version), release)] as const)
        .toSorted(([a], [b]) => (a < b ? -1 : 1)),
    )
    const versions = [...releases.keys()]
    const needed = which === 'all' ? new Set(versions) : this.#neededReleases(name, versions, releases)
    return {
      name: name as ApplicationName,
      team:
        typeof facts.team === 'object'
          ? facts.team
          : readable(facts.team === undefined ? undefined : (facts.team as TeamName)),
      sourceRepoUrl: facts.sourceRepoUrl,
      versions,
      releases: new Map([...releases].filter(([version]) => needed.has(version))),
    }
  }

  /** The rule of `Application.releases`. */
  #neededReleases(
    application: string,
    versions: readonly bigint[],
    releases: ReadonlyMap<bigint, Readable<Release>>,
  ): ReadonlySet<bigint> {
    const needed = new Set<bigint>()
    const uncovered = new Set(this.#facts.environments.keys())
    let isLatestFound = false
    for (const version of versions.toReversed()) {
      if (uncovered.size === 0 && isLatestFound) break
      needed.add(version)
      const release = releases.get(version)
      if (!(release?.ok && release.value.isPrepublish)) isLatestFound = true
      if (release?.ok) for (const environment of release.value.manifests.keys()) uncovered.delete(environment)
    }
    for (const entries of this.#facts.entries.values()) {
      const entry = entries.get(application)
      for (const link of [entry?.version, entry?.queuedVersion]) if (link?.ok) needed.add(link.value)
    }
    return needed
  }
}

function toConfig({ upstream, group, argoCd }: EnvironmentFacts): EnvironmentConfig {
  return { upstream: toUpstream(upstream), environmentGroup: group, argoCd }
}

function toUpstream(upstream: EnvironmentFacts['upstream']): Upstream | undefined {
  if (upstream === undefined) return undefined
  if (upstream === 'latest') return { environment: undefined, latest: true }
  if (typeof upstream === 'string') return { environment: upstream as EnvironmentName, latest: false }
  return { environment: upstream.environment as EnvironmentName | undefined, latest: upstream.latest ?? false }
}

function toEnvironmentApplication(entry: Entry): Readable<EnvironmentApplication> {
  if (entry.unreadable !== undefined) return unreadable(entry.unreadable)
  return readable({
    version: entry.version ?? readable(undefined),
    queuedVersion: entry.queuedVersion ?? readable(undefined),
    locks: entry.locks ?? readable(toLocks([])),
    hasManifestOnly: entry.hasManifestOnly ?? false,
  })
}

function toRelease(
  application: string,
  version: bigint,
  facts: readonly string[] | ReleaseFacts | Unreadable,
): Readable<Release> {
  if (isUnreadable(facts)) return facts
  const manifests = [...manifestsOf(facts)].map(
    ([environment, isEmpty]) =>
      [
        environment as EnvironmentName,
        isEmpty ? emptyManifest : manifestOf(application, version, environment),
      ] as const,
  )
  const { isPrepublish = false, isUndeploy = false } = isList(facts) ? {} : facts
  return readable({
    version,
    manifests: new Map(manifests),
    isPrepublish,
    isUndeploy,
    tree: treeOf(application, version),
  })
}

/** Each environment that the release has a manifest for, and whether that is empty. */
function manifestsOf(facts: readonly string[] | ReleaseFacts | Unreadable): ReadonlyMap<string, boolean> {
  if (isUnreadable(facts)) return new Map()
  const { manifests = [], emptyManifests = [] } = isList(facts) ? { manifests: facts } : facts
  const all = [...manifests, ...emptyManifests]
  if (new Set(all).size < all.length) refuse(`an environment twice in one release: ${all.join(', ')}`)
  return new Map(all.map((environment) => [environment, emptyManifests.includes(environment)]))
}

/** In the order of their ids, as snapshots hold them. */
function toLocks(locks: readonly Lock[]): Locks {
  const byId = new Map(locks.toSorted((a, b) => compareNames(a.id, b.id)).map((lock) => [lock.id, lock]))
  if (byId.size < locks.length) refuse(`two locks of one id: ${locks.map(({ id }) => id).join(', ')}`)
  return byId
}

function toLink(version: number | bigint | Unreadable): Readable<bigint> {
  return typeof version === 'object' ? version : readable(BigInt(version))
}

function unless<T>(reason: string | undefined, value: T): Readable<T> {
  return reason === undefined ? readable(value) : unreadable(reason)
}

function isUnreadable(facts: object): facts is Unreadable {
  return 'ok' in facts
}

function isList(facts: readonly string[] | ReleaseFacts): facts is readonly string[] {
  return Array.isArray(facts)
}

function assertNew(known: ReadonlyMap<string, unknown>, name: string, kind: string): void {
  if (known.has(name)) refuse(`${kind} ${name} is described twice`)
}

function refuse(why: string): never {
  throw new Error(`no such snapshot: ${why}`)
}

function toObjectId(text: string): ObjectId {
  return createHash('sha1').update(text).digest('hex')
}
