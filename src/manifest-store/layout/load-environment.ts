import type { Environment, EnvironmentApplication } from '../../core/environment.ts'
import type { Locks } from '../../core/lock.ts'
import { parseVersionLink } from '../../core/manifest-layout.ts'
import type { ApplicationName, EnvironmentName, TeamName } from '../../core/names.ts'
import { isDirectoryName } from '../../core/names.ts'
import type { Readable } from '../../core/readable.ts'
import { readable, unreadable } from '../../core/readable.ts'
import { DirectoryMemo } from './directory-memo.ts'
import { parseEnvironmentConfig } from './environment-config.ts'
import type { Piece } from './known-pieces.ts'
import type { LayoutReader } from './layout-reader.ts'
import { loadLocks } from './load-locks.ts'
import type { TreeEntry } from '../git/tree.ts'
import { isFile, isTree } from '../git/tree.ts'

type Applications = ReadonlyMap<ApplicationName, Readable<EnvironmentApplication>>

/** Loads one environment, and again when it changes: only its changed parts are read then. */
export class EnvironmentLoader {
  readonly #reader: LayoutReader
  readonly #name: EnvironmentName
  readonly #parts = new DirectoryMemo<Partial<Environment>>()
  readonly #applications = new DirectoryMemo<Readable<EnvironmentApplication>>()

  constructor(reader: LayoutReader, name: EnvironmentName) {
    this.#reader = reader
    this.#name = name
  }

  async load(entry: TreeEntry): Promise<Environment> {
    const path = `environments/${this.#name}`
    const directory = await this.#reader.attempt(path, () => {
      if (!isDirectoryName(this.#name)) this.#reader.fail(path, 'has a name under which nothing can be deployed')
      return this.#reader.directory(path, entry)
    })
    if (!directory.ok) {
      return { name: this.#name, config: directory, locks: directory, teamLocks: directory, applications: directory }
    }
    const known = [...directory.value.values()].filter(({ name }) => Object.hasOwn(partLoaders, name))
    const parts = await this.#parts.update(known, async (part) => {
      const failuresBefore = this.#reader.failures
      const value = await partLoaders[part.name as keyof typeof partLoaders](this, `${path}/${part.name}`, part)
      return { value, isFinal: this.#reader.failures === failuresBefore }
    })
    return Object.assign({ name: this.#name, ...emptyEnvironment }, ...parts.values()) as Environment
  }

  async loadConfig(path: string, entry: TreeEntry): Promise<Partial<Environment>> {
    const text = await this.#reader.attempt(path, () => this.#reader.text(path, entry))
    if (!text.ok) return { config: text }
    const config = parseEnvironmentConfig(text.value ?? '')
    return { config: config.ok ? config : unreadable(`environments/${this.#name}/${config.reason}`) }
  }

  async loadLocks(path: string, entry: TreeEntry): Promise<Partial<Environment>> {
    return { locks: await this.#reader.attempt(path, () => loadLocks(this.#reader, path, entry)) }
  }

  async loadTeams(path: string, entry: TreeEntry): Promise<Partial<Environment>> {
    const directory = await this.#reader.attempt(path, () => this.#reader.directory(path, entry))
    if (!directory.ok) return { teamLocks: directory }
    const teams = new Map<TeamName, Readable<Locks>>()
    for (const [team, teamEntry] of directory.value) {
      const locks = await this.#reader.attempt(`${path}/${team}`, async () => {
        const teamDirectory = await this.#reader.directory(`${path}/${team}`, teamEntry)
        return loadLocks(this.#reader, `${path}/${team}/locks`, teamDirectory.get('locks'))
      })
      teams.set(team as TeamName, locks)
    }
    return { teamLocks: readable(teams) }
  }

  async loadApplications(path: string, entry: TreeEntry): Promise<Partial<Environment>> {
    const entries = await this.#reader.attempt(path, () => this.#reader.entries(path, entry))
    if (!entries.ok) return { applications: entries }
    const applications = await this.#applications.update(
      entries.value,
      async (application) => {
        const failuresBefore = this.#reader.failures
        const applicationPath = `${path}/${application.name}`
        const value = await this.#reader.attempt(applicationPath, () =>
          this.#loadApplication(applicationPath, application),
        )
        return { value, isFinal: this.#reader.failures === failuresBefore }
      },
      (application) => this.#knownApplication(application),
    )
    return { applications: readable(applications as Applications) }
  }

  /** What was read of the applications there. */
  *pieces(): Generator<Piece> {
    for (const { entry, value } of this.#applications.remembered()) {
      if (value.ok) {
        yield { kind: 'environment-application', application: entry.name, tree: entry.id, value: value.value }
      }
    }
  }

  #knownApplication(entry: TreeEntry): Readable<EnvironmentApplication> | undefined {
    const known = isTree(entry) ? this.#reader.known.environmentApplication(entry.name, entry.id) : undefined
    return known && readable(known)
  }

  async #loadApplication(path: string, entry: TreeEntry): Promise<EnvironmentApplication> {
    this.#reader.piecesRead += 1
    const directory = await this.#reader.directory(path, entry)
    // A deployment writes these: what stands in their way must not fail a whole train.
    for (const name of ['deployed_by', 'deployed_by_email', 'deployed_at_utc']) {
      const file = directory.get(name)
      if (file !== undefined && !isFile(file)) this.#reader.fail(`${path}/${name}`, 'must be a file')
    }
    const manifests = directory.get('manifests')
    if (manifests !== undefined && !isTree(manifests)) this.#reader.fail(`${path}/manifests`, 'must be a directory')
    const readVersion = (name: 'version' | 'queued_version') =>
      this.#reader.attempt(`${path}/${name}`, async () => {
        const target = await this.#reader.link(`${path}/${name}`, directory.get(name))
        if (target === undefined) return undefined
        const version = parseVersionLink(entry.name as ApplicationName, target)
        if (version === undefined) {
          this.#reader.fail(`${path}/${name}`, `must link to a release of that application, not to '${target}'`)
        }
        return version
      })
    const version = await readVersion('version')
    return {
      version,
      queuedVersion: await readVersion('queued_version'),
      locks: await this.#reader.attempt(`${path}/locks`, () =>
        loadLocks(this.#reader, `${path}/locks`, directory.get('locks')),
      ),
      hasManifestOnly:
        !(version.ok && version.value !== undefined) && (await this.#hasManifest(path, directory.get('manifests'))),
    }
  }

  async #hasManifest(path: string, entry: TreeEntry | undefined): Promise<boolean> {
    const manifests = await this.#reader.attempt(path, () => this.#reader.directory(`${path}/manifests`, entry))
    return manifests.ok && manifests.value.has('manifests.yaml')
  }
}

/** What an environment's directory may hold, and who reads it. Anything else in it is ignored. */
const partLoaders: Record<
  'config.json' | 'locks' | 'teams' | 'applications',
  (loader: EnvironmentLoader, path: string, entry: TreeEntry) => Promise<Partial<Environment>>
> = {
  'config.json': (loader, path, entry) => loader.loadConfig(path, entry),
  locks: (loader, path, entry) => loader.loadLocks(path, entry),
  teams: (loader, path, entry) => loader.loadTeams(path, entry),
  applications: (loader, path, entry) => loader.loadApplications(path, entry),
}

/** An environment without a file of its own: no upstream, no group, nothing deployed (spec 1.3). */
const emptyEnvironment: Omit<Environment, 'name'> = {
  config: readable({ upstream: undefined, environmentGroup: undefined, argoCd: undefined }),
  locks: readable(new Map()),
  teamLocks: readable(new Map()),
  applications: readable(new Map()),
}
