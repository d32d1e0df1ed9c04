import type { ApplicationName } from '../../core/names.ts'
import type { ObjectId } from '../../core/object-id.ts'
import type { ObjectCache } from '../git/object-cache.ts'
import { startTimeSlice } from '../git/time-slice.ts'
import type { TreeEntry } from '../git/tree.ts'
import { isSameEntry } from './directory-memo.ts'
import type { ReleaseName } from '../manifest-store.ts'
import type { Directory } from './layout-reader.ts'
import { LayoutReader } from './layout-reader.ts'
import { releaseEntries } from './load-application.ts'

/** What is remembered of an application: the source commit of each release, and from which entries that was read. */
interface KnownApplication {
  readonly entry: TreeEntry
  readonly releases: ReadonlyMap<bigint, { readonly entry: TreeEntry; readonly commit: string }>
}

/**
 * Which releases were made from a source commit. The first question reads the `source_commit_id` of every release, the
 * next ones only what has changed since. Kuberpult's commit data (spec 1.7) would name the applications sooner, but it
 * need not be complete: it can be switched on and off.
 */
export class SourceCommitIndex {
  readonly #reader: LayoutReader
  readonly #applications = new Map<string, KnownApplication>()
  /** By source commit in lower case, then by application: the versions. */
  readonly #versions = new Map<string, Map<string, Set<bigint>>>()
  #running: Promise<unknown> = Promise.resolve()

  constructor(objects: ObjectCache) {
    this.#reader = new LayoutReader(objects)
  }

  /**
   * The releases by source commit: of that commit, or of each that begins with `commit` when there is none of exactly
   * that name. `commit` is in lower case. Of a piece that cannot be read nothing is known until it can.
   */
  find(root: ObjectId | undefined, commit: string): Promise<ReadonlyMap<string, readonly ReleaseName[]>> {
    // One at a time: what is known must belong to one commit of the repository when it is looked at.
    const find = async () => {
      await this.#update(root)
      return this.#find(commit)
    }
    const found = this.#running.then(find, find)
    this.#running = found
    return found
  }

  #find(commit: string): ReadonlyMap<string, readonly ReleaseName[]> {
    const commits = this.#versions.has(commit)
      ? [commit]
      : [...this.#versions.keys()].filter((known) => known.startsWith(commit))
    return new Map(
      commits.map((known) => [
        known,
        [...(this.#versions.get(known) ?? [])].flatMap(([application, versions]) =>
          [...versions].map((version) => ({ application: application as ApplicationName, version })),
        ),
      ]),
    )
  }

  async #update(root: ObjectId | undefined): Promise<void> {
    const directory = await this.#applicationsIn(root)
    const slice = startTimeSlice()
    for (const name of this.#applications.keys()) if (!directory.has(name)) this.#replace(name, undefined)
    for (const [name, entry] of directory) {
      if (slice.isOver()) await slice.next()
      const known = this.#applications.get(name)
      if (!isSameEntry(known?.entry, entry)) this.#replace(name, await this.#load(name, entry, known))
    }
  }

  async #applicationsIn(root: ObjectId | undefined): Promise<Directory> {
    if (root === undefined) return new Map()
    const directory = await this.#reader.attempt('applications', async () =>
      this.#reader.directory('applications', (await this.#reader.tree(root)).get('applications')),
    )
    return directory.ok ? directory.value : new Map()
  }

  async #load(name: string, entry: TreeEntry, known: KnownApplication | undefined): Promise<KnownApplication> {
    const path = `applications/${name}`
    const failuresBefore = this.#reader.failures
    const releases = new Map<bigint, { entry: TreeEntry; commit: string }>()
    const entries = await this.#reader.attempt(path, async () =>
      releaseEntries(this.#reader, path, await this.#reader.directory(path, entry)),
    )
    for (const [version, release] of entries.ok ? entries.value : []) {
      const before = known?.releases.get(version)
      const commit = isSameEntry(before?.entry, release)
        ? before?.commit
        : await this.#readCommit(`${path}/releases/${version}`, release)
      if (commit !== undefined) releases.set(version, { entry: release, commit })
    }
    // No entry has this id: the application is read again with the next question.
    const isComplete = this.#reader.failures === failuresBefore
    return { entry: isComplete ? entry : { ...entry, id: '' }, releases }
  }

  /** Empty where the release does not say; undefined where that cannot be read at this moment. */
  async #readCommit(path: string, entry: TreeEntry): Promise<string | undefined> {
    const failuresBefore = this.#reader.failures
    const commit = await this.#reader.attempt(path, async () => {
      const directory = await this.#reader.directory(path, entry)
      return this.#reader.text(`${path}/source_commit_id`, directory.get('source_commit_id'))
    })
    if (this.#reader.failures !== failuresBefore) return undefined
    return commit.ok ? (commit.value ?? '').trim().toLowerCase() : ''
  }

  #replace(name: string, application: KnownApplication | undefined): void {
    for (const [version, { commit }] of this.#applications.get(name)?.releases ?? []) {
      const applications = this.#versions.get(commit)
      const versions = applications?.get(name)
      versions?.delete(version)
      if (versions?.size === 0) applications?.delete(name)
      if (applications?.size === 0) this.#versions.delete(commit)
    }
    this.#applications.delete(name)
    if (application === undefined) return
    this.#applications.set(name, application)
    for (const [version, { commit }] of application.releases) {
      if (commit === '') continue
      const applications = this.#versions.get(commit) ?? new Map<string, Set<bigint>>()
      const versions = applications.get(name) ?? new Set()
      this.#versions.set(commit, applications.set(name, versions.add(version)))
    }
  }
}
