import type { Application } from '../../core/application.ts'
import { hasVersion } from '../../core/application.ts'
import { changedKeys } from '../../core/changed-keys.ts'
import type { Environment } from '../../core/environment.ts'
import type { ApplicationName, EnvironmentName } from '../../core/names.ts'
import type { ObjectId } from '../../core/object-id.ts'
import type { Readable } from '../../core/readable.ts'
import type { Snapshot } from '../../core/snapshot.ts'
import { DirectoryMemo, isSameEntry } from './directory-memo.ts'
import type { KnownPieces, Piece } from './known-pieces.ts'
import { nothingKnown } from './known-pieces.ts'
import type { Directory } from './layout-reader.ts'
import { LayoutReader } from './layout-reader.ts'
import { ApplicationLoader } from './load-application.ts'
import { EnvironmentLoader } from './load-environment.ts'
import { startTimeSlice } from '../git/time-slice.ts'
import type { ObjectCache } from '../git/object-cache.ts'
import type { TreeEntry } from '../git/tree.ts'
import { isTree } from '../git/tree.ts'

export interface LoadedSnapshot {
  readonly snapshot: Snapshot
  /** False when an object could not be read: another load of the same commit may know more. */
  readonly isComplete: boolean
}

/**
 * Loads snapshots. Each load costs what differs from the load before, whichever commit that was; everything else is
 * shared. Neither history nor manifests are read.
 */
export class SnapshotLoader {
  readonly #reader: LayoutReader
  /** Told of each file in `environments/` once, when it appears. */
  readonly #onIgnored: (path: string) => void
  #ignored: ReadonlySet<string> = new Set()

  readonly #environments = new DirectoryMemo<Environment>()
  readonly #environmentLoaders = new Map<string, EnvironmentLoader>()
  readonly #applications = new DirectoryMemo<Readable<Application>>()
  readonly #applicationLoaders = new Map<string, ApplicationLoader>()
  /** What the last load answered, and from which entry; null when the next one may do better. */
  #last: {
    readonly entry: TreeEntry | undefined | null
    readonly environments: ReadonlyMap<EnvironmentName, Environment>
    readonly applications: ReadonlyMap<ApplicationName, Readable<Application>>
  } = { entry: undefined, environments: new Map(), applications: new Map() }

  /** One load at a time: what is remembered must belong to one commit when the next load compares with it. */
  #running: Promise<unknown> = Promise.resolve()

  /** Answers what an earlier process has read; asked once, before the first load. */
  readonly #readKnown: (() => Promise<KnownPieces>) | undefined
  #hasLoaded = false

  constructor(objects: ObjectCache, onIgnored: (path: string) => void, readKnown?: () => Promise<KnownPieces>) {
    this.#reader = new LayoutReader(objects)
    this.#onIgnored = onIgnored
    this.#readKnown = readKnown
  }

  /** How many pieces had to be read from their objects so far. */
  get piecesRead(): number {
    return this.#reader.piecesRead
  }

  /** What was read, for the next process. */
  *pieces(): Generator<Piece> {
    for (const loader of this.#environmentLoaders.values()) yield* loader.pieces()
    for (const loader of this.#applicationLoaders.values()) yield* loader.pieces()
  }

  /** The state in the tree `root` of `commit`; both undefined for a branch without commits. */
  load(commit: ObjectId | undefined, root: ObjectId | undefined): Promise<LoadedSnapshot> {
    const load = () => (this.#hasLoaded ? this.#load(commit, root) : this.#loadFirst(commit, root))
    const loaded = this.#running.then(load, load)
    this.#running = loaded
    return loaded
  }

  /** What is known is needed only once: from then on everything is remembered. */
  async #loadFirst(commit: ObjectId | undefined, root: ObjectId | undefined): Promise<LoadedSnapshot> {
    this.#reader.known = (await this.#readKnown?.()) ?? nothingKnown
    try {
      return await this.#load(commit, root)
    } finally {
      this.#reader.known = nothingKnown
      this.#hasLoaded = true
    }
  }

  async #load(commit: ObjectId | undefined, root: ObjectId | undefined): Promise<LoadedSnapshot> {
    const problems: string[] = []
    const failuresBefore = this.#reader.failures
    this.#reader.slice = startTimeSlice()
    const top: Directory = root === undefined ? new Map() : await this.#reader.tree(root)
    const environments = await this.#loadEnvironments(await this.#topDirectory('environments', top, problems))
    const applications = await this.#loadApplications(top, environments, problems)
    return {
      snapshot: { commit, environments, applications, problems },
      isComplete: this.#reader.failures === failuresBefore,
    }
  }

  async #topDirectory(name: string, top: Directory, problems: string[]): Promise<Directory> {
    const directory = await this.#reader.attempt(name, () => this.#reader.directory(name, top.get(name)))
    if (directory.ok) return directory.value
    problems.push(directory.reason)
    return new Map()
  }

  async #loadEnvironments(directory: Directory): Promise<ReadonlyMap<EnvironmentName, Environment>> {
    this.#tellIgnored([...directory.values()].filter((entry) => !isTree(entry)))
    const environments = await this.#environments.update([...directory.values()].filter(isTree), async (entry) => {
      const name = entry.name as EnvironmentName
      let loader = this.#environmentLoaders.get(name)
      if (loader === undefined) {
        loader = new EnvironmentLoader(this.#reader, name)
        this.#environmentLoaders.set(name, loader)
      }
      const failuresBefore = this.#reader.failures
      const value = await loader.load(entry)
      return { value, isFinal: this.#reader.failures === failuresBefore }
    })
    dropAllBut(this.#environmentLoaders, environments)
    return environments as ReadonlyMap<EnvironmentName, Environment>
  }

  #tellIgnored(entries: readonly TreeEntry[]): void {
    const names = new Set(entries.map(({ name }) => name))
    for (const name of names) if (!this.#ignored.has(name)) this.#onIgnored(`environments/${name}`)
    this.#ignored = names
  }

  async #loadApplications(
    top: Directory,
    environments: ReadonlyMap<EnvironmentName, Environment>,
    problems: string[],
  ): Promise<ReadonlyMap<ApplicationName, Readable<Application>>> {
    const names = new Set(environments.keys())
    // With other environments, every application may need other releases.
    const touched = hasSameKeys(environments, this.#last.environments)
      ? findTouched(this.#last.environments, environments)
      : undefined
    for (const name of touched ?? []) {
      const known = this.#applications.get(name)
      if (known?.ok && hasReleases(known.value, linkedVersions(name, environments))) touched?.delete(name)
    }
    const entry = top.get('applications')
    if (touched?.size === 0 && this.#last.entry !== null && isSameEntry(entry, this.#last.entry)) {
      this.#last = { ...this.#last, environments }
      return this.#last.applications
    }

    const directory = await this.#topDirectory('applications', top, problems)
    for (const name of touched ?? directory.keys()) this.#applications.forget(name)
    const failuresBefore = this.#reader.failures
    const loaded = await this.#applications.update([...directory.values()], async (application) => {
      const name = application.name as ApplicationName
      let loader = this.#applicationLoaders.get(name)
      if (loader === undefined) {
        loader = new ApplicationLoader(this.#reader, name)
        this.#applicationLoaders.set(name, loader)
      }
      const failuresBeforeThis = this.#reader.failures
      const value = await loader.load(application, names, linkedVersions(name, environments))
      return { value, isFinal: this.#reader.failures === failuresBeforeThis }
    })
    dropAllBut(this.#applicationLoaders, loaded)
    const applications = loaded as ReadonlyMap<ApplicationName, Readable<Application>>
    const isFinal = this.#reader.failures === failuresBefore && problems.length === 0
    this.#last = { entry: isFinal ? entry : null, environments, applications }
    return applications
  }
}

function hasSameKeys<K>(a: ReadonlyMap<K, unknown>, b: ReadonlyMap<K, unknown>): boolean {
  return a.size === b.size && [...a.keys()].every((key) => b.has(key))
}

/** The applications whose entry in some environment is not the one that it was: they may need other releases now. */
function findTouched(
  before: ReadonlyMap<EnvironmentName, Environment>,
  after: ReadonlyMap<EnvironmentName, Environment>,
): Set<ApplicationName> {
  const touched = new Set<ApplicationName>()
  for (const [name, { applications }] of after) {
    const old = before.get(name)?.applications
    if (applications === old || !applications.ok) continue
    for (const application of changedKeys(old?.ok ? old.value : new Map(), applications.value)) {
      if (applications.value.has(application)) touched.add(application)
    }
  }
  return touched
}

/** Whether each of these versions is loaded, or does not exist. */
function hasReleases(application: Application, versions: ReadonlySet<bigint>): boolean {
  return [...versions].every((version) => application.releases.has(version) || !hasVersion(application, version))
}

/** The versions of the application that are deployed or queued somewhere. */
function linkedVersions(
  application: ApplicationName,
  environments: ReadonlyMap<EnvironmentName, Environment>,
): ReadonlySet<bigint> {
  const versions = new Set<bigint>()
  for (const { applications } of environments.values()) {
    const entry = applications.ok ? applications.value.get(application) : undefined
    if (entry === undefined || !entry.ok) continue
    for (const version of [entry.value.version, entry.value.queuedVersion]) {
      if (version.ok && version.value !== undefined) versions.add(version.value)
    }
  }
  return versions
}

function dropAllBut(loaders: Map<string, unknown>, kept: ReadonlyMap<string, unknown>): void {
  for (const name of loaders.keys()) if (!kept.has(name)) loaders.delete(name)
}
