import type { Application, Release } from '../../core/application.ts'
import { parseVersion } from '../../core/manifest-layout.ts'
import type { ApplicationName, EnvironmentName, TeamName } from '../../core/names.ts'
import { compareNames, isDirectoryName } from '../../core/names.ts'
import type { ObjectId } from '../../core/object-id.ts'
import type { Readable } from '../../core/readable.ts'
import { readable } from '../../core/readable.ts'
import { isSameEntry } from './directory-memo.ts'
import type { ApplicationFacts, Piece } from './known-pieces.ts'
import type { Directory, LayoutReader } from './layout-reader.ts'
import { inOrder } from './layout-reader.ts'
import type { TreeEntry } from '../git/tree.ts'
import { isFile, isTree } from '../git/tree.ts'

/** Loads one application, and again when it changes: releases whose tree is unchanged are not read again. */
export class ApplicationLoader {
  readonly #reader: LayoutReader
  readonly #name: ApplicationName
  #facts: { readonly entry: TreeEntry; readonly value: ApplicationFacts } | undefined
  #releases = new Map<bigint, { readonly entry: TreeEntry; readonly release: Readable<Release> }>()

  constructor(reader: LayoutReader, name: ApplicationName) {
    this.#reader = reader
    this.#name = name
  }

  /**
   * The application with the releases that decisions can need: see `Application.releases`.
   * `linked` are the versions that are deployed or queued somewhere.
   */
  async load(
    entry: TreeEntry,
    environments: ReadonlySet<EnvironmentName>,
    linked: ReadonlySet<bigint>,
  ): Promise<Readable<Application>> {
    const path = `applications/${this.#name}`
    return this.#reader.attempt(path, async () => {
      if (!isDirectoryName(this.#name)) this.#reader.fail(path, 'has a name under which nothing can be deployed')
      const { team, sourceRepoUrl, releases } = await this.#loadFacts(path, entry)
      const versions = [...releases.keys()]
      return {
        name: this.#name,
        team,
        sourceRepoUrl,
        versions,
        releases: await this.#loadReleases(path, releases, versions, environments, linked),
      }
    })
  }

  async #loadFacts(path: string, entry: TreeEntry): Promise<ApplicationFacts> {
    const known =
      this.#facts !== undefined && isSameEntry(this.#facts.entry, entry)
        ? this.#facts.value
        : isTree(entry)
          ? this.#reader.known.application(entry.id)
          : undefined
    const failuresBefore = this.#reader.failures
    const value = known ?? (await this.#readFacts(path, entry))
    this.#facts = this.#reader.failures === failuresBefore ? { entry, value } : undefined
    return value
  }

  async #readFacts(path: string, entry: TreeEntry): Promise<ApplicationFacts> {
    this.#reader.piecesRead += 1
    const directory = await this.#reader.directory(path, entry)
    const entries = await releaseEntries(this.#reader, path, directory)
    const releases = new Map([...entries].toSorted(([a], [b]) => (a < b ? -1 : 1)))
    const team = await this.#reader.attempt(`${path}/team`, async () => {
      const text = await this.#reader.text(`${path}/team`, directory.get('team'))
      return (text || undefined) as TeamName | undefined
    })
    const sourceRepoUrl = await optionalText(this.#reader, `${path}/sourceRepoUrl`, directory.get('sourceRepoUrl'))
    return { team, sourceRepoUrl, releases }
  }

  async #loadReleases(
    path: string,
    entries: ReadonlyMap<bigint, TreeEntry>,
    versions: readonly bigint[],
    environments: ReadonlySet<EnvironmentName>,
    linked: ReadonlySet<bigint>,
  ): Promise<ReadonlyMap<bigint, Readable<Release>>> {
    const releases = new Map<bigint, Readable<Release>>()
    const remembered = new Map<bigint, { readonly entry: TreeEntry; readonly release: Readable<Release> }>()
    const uncovered = new Set(environments)
    let isLatestKnown = false
    for (const version of versions.toReversed()) {
      if (uncovered.size === 0 && isLatestKnown && !linked.has(version)) continue
      const entry = entries.get(version)
      if (entry === undefined) continue
      const known = this.#releases.get(version)
      const failuresBefore = this.#reader.failures
      const release =
        known !== undefined && isSameEntry(known.entry, entry)
          ? known.release
          : (this.#knownRelease(version, entry) ??
            (await this.#loadRelease(`${path}/releases/${version}`, version, entry)))
      releases.set(version, release)
      if (this.#reader.failures === failuresBefore) remembered.set(version, { entry, release })
      if (!(release.ok && release.value.isPrepublish)) isLatestKnown = true
      if (!release.ok) continue
      for (const environment of release.value.manifests.keys()) uncovered.delete(environment)
    }
    this.#releases = remembered
    return releases
  }

  /** What was read of it. */
  *pieces(): Generator<Piece> {
    if (this.#facts !== undefined) yield { kind: 'application', tree: this.#facts.entry.id, value: this.#facts.value }
    for (const { entry, release } of this.#releases.values()) {
      if (release.ok) yield { kind: 'release', tree: entry.id, value: release.value }
    }
  }

  #knownRelease(version: bigint, entry: TreeEntry): Readable<Release> | undefined {
    const known = isTree(entry) ? this.#reader.known.release(version, entry.id) : undefined
    return known && readable(known)
  }

  #loadRelease(path: string, version: bigint, entry: TreeEntry): Promise<Readable<Release>> {
    return this.#reader.attempt(path, async () => {
      this.#reader.piecesRead += 1
      const directory = await this.#reader.directory(path, entry)
      return {
        version,
        ...(await loadManifests(this.#reader, path, directory)),
        isPrepublish: directory.has('is_prepublish'),
        isUndeploy: directory.has('undeploy'),
        tree: entry.id,
      }
    })
  }
}

/** The entries of an application's `releases` directory whose names are versions. */
export async function releaseEntries(
  reader: LayoutReader,
  path: string,
  application: Directory,
): Promise<ReadonlyMap<bigint, TreeEntry>> {
  const entries = new Map<bigint, TreeEntry>()
  for (const [name, entry] of await reader.directory(`${path}/releases`, application.get('releases'))) {
    const version = parseVersion(name)
    if (version !== undefined) entries.set(version, entry)
  }
  return entries
}

/**
 * The manifest's blob of each environment that a release has one for, sorted by environment, and why others cannot be
 * read: one broken manifest concerns its environment alone.
 */
export async function loadManifests(
  reader: LayoutReader,
  path: string,
  release: Directory,
): Promise<Pick<Release, 'manifests' | 'brokenManifests'>> {
  const environments = await reader.directory(`${path}/environments`, release.get('environments'))
  const manifests = new Map<EnvironmentName, ObjectId>()
  const broken = new Map<EnvironmentName, string>()
  const read = [...environments]
    .toSorted(([a], [b]) => compareNames(a, b))
    .map(async ([name, entry]) => {
      const manifestPath = `${path}/environments/${name}`
      const manifest = await reader.attempt(manifestPath, async () => {
        const file = (await reader.directory(manifestPath, entry)).get('manifests.yaml')
        if (file !== undefined && !isFile(file)) reader.fail(`${manifestPath}/manifests.yaml`, 'must be a file')
        return file?.id
      })
      return [name as EnvironmentName, manifest] as const
    })
  for (const [name, manifest] of await inOrder(read)) {
    if (!manifest.ok) broken.set(name, manifest.reason)
    else if (manifest.value !== undefined) manifests.set(name, manifest.value)
  }
  return { manifests, ...(broken.size > 0 && { brokenManifests: broken }) }
}

/** A text that nothing is decided by: when it cannot be read, it is as good as absent. */
async function optionalText(
  reader: LayoutReader,
  path: string,
  entry: TreeEntry | undefined,
): Promise<string | undefined> {
  const text = await reader.attempt(path, () => reader.text(path, entry))
  return text.ok ? text.value : undefined
}
