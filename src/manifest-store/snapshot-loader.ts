import type { Application } from '../core/application.ts'
import { hasVersion } from '../core/application.ts'
import type { Environment } from '../core/environment.ts'
import type { ApplicationName, EnvironmentName } from '../core/names.ts'
import type { ObjectId } from '../core/object-id.ts'
import type { Readable } from '../core/readable.ts'
import type { Snapshot } from '../core/snapshot.ts'
import { DirectoryMemo } from './directory-memo.ts'
import type { Directory } from './layout-reader.ts'
import { LayoutReader } from './layout-reader.ts'
import { ApplicationLoader } from './load-application.ts'
import { EnvironmentLoader } from './load-environment.ts'
import type { ObjectCache } from './object-cache.ts'
import { isTree } from './tree.ts'

/**
 * Loads snapshots. Each load costs what differs from the load before, whichever commit that was; everything else is
 * shared. Neither history nor manifests are read.
 */
export class SnapshotLoader {
  readonly #reader: LayoutReader
  readonly #onIgnored: (path: string) => void

  readonly #environments = new DirectoryMemo<Environment>()
  readonly #environmentLoaders = new Map<string, EnvironmentLoader>()
  readonly #applications = new DirectoryMemo<Readable<Application>>()
  readonly #applicationLoaders = new Map<string, ApplicationLoader>()
  /** Applications whose links were read anew since they were last loaded: they may need other releases now. */
  readonly #touched = new Set<ApplicationName>()
  /** What the last load answered; `id` is null when the next one may do better. */
  #lastApplications: {
    readonly id: ObjectId | undefined | null
    readonly environments: ReadonlySet<EnvironmentName>
    readonly value: ReadonlyMap<ApplicationName, Readable<Application>>
  } = { id: undefined, environments: new Set(), value: new Map() }

  /** One load at a time: what is remembered must belong to one commit when the next load compares with it. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(objects: ObjectCache, onIgnored: (path: string) => void) {
    this.#reader = new LayoutReader(objects)
    this.#onIgnored = onIgnored
  }

  /** The state in the tree `root` of `commit`; both undefined for a branch without commits. */
  load(commit: ObjectId | undefined, root: ObjectId | undefined): Promise<Snapshot> {
    const loaded = this.#last.then(
      () => this.#load(commit, root),
      () => this.#load(commit, root),
    )
    this.#last = loaded
    return loaded
  }

  async #load(commit: ObjectId | undefined, root: ObjectId | undefined): Promise<Snapshot> {
    const problems: string[] = []
    const top: Directory = root === undefined ? new Map() : await this.#reader.tree(root)
    const environments = await this.#loadEnvironments(await this.#topDirectory('environments', top, problems))
    const applications = await this.#loadApplications(top, environments, problems)
    return { commit, environments, applications, problems }
  }

  async #topDirectory(name: string, top: Directory, problems: string[]): Promise<Directory> {
    const directory = await this.#reader.attempt(name, () => this.#reader.directory(name, top.get(name)))
    if (directory.ok) return directory.value
    problems.push(directory.reason)
    return new Map()
  }

  async #loadEnvironments(directory: Directory): Promise<ReadonlyMap<EnvironmentName, Environment>> {
    const entries = [...directory.values()].filter((entry) => {
      if (!isTree(entry)) this.#onIgnored(`environments/${entry.name}`)
      return isTree(entry)
    })
    const environments = await this.#environments.update(entries, async (entry) => {
      const name = entry.name as EnvironmentName
      let loader = this.#environmentLoaders.get(name)
      if (loader === undefined) {
        loader = new EnvironmentLoader(this.#reader, name, (application) => this.#touched.add(application))
        this.#environmentLoaders.set(name, loader)
      }
      const failuresBefore = this.#reader.failures
      const value = await loader.load(entry)
      return { value, isFinal: this.#reader.failures === failuresBefore }
    })
    dropAllBut(this.#environmentLoaders, environments)
    return environments as ReadonlyMap<EnvironmentName, Environment>
  }

  async #loadApplications(
    top: Directory,
    environments: ReadonlyMap<EnvironmentName, Environment>,
    problems: string[],
  ): Promise<ReadonlyMap<ApplicationName, Readable<Application>>> {
    const names = new Set(environments.keys())
    const areNamesSame = isSameSet(names, this.#lastApplications.environments)
    for (const name of this.#touched) {
      const known = this.#applications.get(name)
      if (known?.ok && hasReleases(known.value, linkedVersions(name, environments))) this.#touched.delete(name)
    }
    const id = top.get('applications')?.id
    if (areNamesSame && this.#touched.size === 0 && id === this.#lastApplications.id)
      return this.#lastApplications.value

    const directory = await this.#topDirectory('applications', top, problems)
    for (const name of areNamesSame ? this.#touched : directory.keys()) this.#applications.forget(name)
    const failuresBefore = this.#reader.failures
    const applications = await this.#applications.update([...directory.values()], async (entry) => {
      const name = entry.name as ApplicationName
      let loader = this.#applicationLoaders.get(name)
      if (loader === undefined) {
        loader = new ApplicationLoader(this.#reader, name)
        this.#applicationLoaders.set(name, loader)
      }
      const failuresBeforeThis = this.#reader.failures
      const application = await loader.load(entry, names, linkedVersions(name, environments))
      return { value: application, isFinal: this.#reader.failures === failuresBeforeThis }
    })
    dropAllBut(this.#applicationLoaders, applications)
    this.#touched.clear()
    const value = applications as ReadonlyMap<ApplicationName, Readable<Application>>
    const isFinal = this.#reader.failures === failuresBefore && problems.length === 0
    this.#lastApplications = { id: isFinal ? id : null, environments: names, value }
    return value
  }
}

function isSameSet(a: ReadonlySet<unknown>, b: ReadonlySet<unknown>): boolean {
  return a.size === b.size && [...a].every((item) => b.has(item))
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
