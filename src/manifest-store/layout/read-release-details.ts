import { applicationsDirectory, releaseDirectory } from '../../core/manifest-layout.ts'
import type { ApplicationName } from '../../core/names.ts'
import type { ObjectId } from '../../core/object-id.ts'
import type { ReleaseDetails } from '../../core/release-details.ts'
import type { LayoutReader } from './layout-reader.ts'
import { loadManifests, releaseEntries } from './load-application.ts'
import type { TreeEntry } from '../git/tree.ts'

/** All releases of an application with what is written about them (spec 1.2), newest first. */
export async function readReleaseDetails(
  reader: LayoutReader,
  root: ObjectId | undefined,
  application: ApplicationName,
): Promise<readonly ReleaseDetails[]> {
  const entries = await entriesOf(reader, root, application)
  const newestFirst = [...entries].toSorted(([a], [b]) => (a < b ? 1 : -1))
  const details: ReleaseDetails[] = []
  for (const [version, entry] of newestFirst) {
    details.push(await readOne(reader, releaseDirectory(application, version), version, entry))
  }
  return details
}

/** One release of an application; undefined when there is none of that version. */
export async function readOneRelease(
  reader: LayoutReader,
  root: ObjectId | undefined,
  application: ApplicationName,
  version: bigint,
): Promise<ReleaseDetails | undefined> {
  const entry = (await entriesOf(reader, root, application)).get(version)
  return entry && readOne(reader, releaseDirectory(application, version), version, entry)
}

async function entriesOf(
  reader: LayoutReader,
  root: ObjectId | undefined,
  application: ApplicationName,
): Promise<ReadonlyMap<bigint, TreeEntry>> {
  if (root === undefined) return new Map()
  const path = `${applicationsDirectory}/${application}`
  const entries = await reader.attempt(path, async () => {
    const top = await reader.tree(root)
    const applications = await reader.directory(applicationsDirectory, top.get(applicationsDirectory))
    return releaseEntries(reader, path, await reader.directory(path, applications.get(application)))
  })
  return entries.ok ? entries.value : new Map()
}

async function readOne(reader: LayoutReader, path: string, version: bigint, entry: TreeEntry): Promise<ReleaseDetails> {
  const details = await reader.attempt(path, async () => {
    const directory = await reader.directory(path, entry)
    const { manifests, brokenManifests } = await loadManifests(reader, path, directory)
    const text = async (name: string) => (await reader.text(`${path}/${name}`, directory.get(name))) ?? ''
    return {
      version,
      sourceCommitId: await text('source_commit_id'),
      sourceAuthor: await text('source_author'),
      sourceMessage: await text('source_message'),
      displayVersion: await text('display_version'),
      ciLink: await text('ci_link'),
      createdAt: await reader.moment(`${path}/created_at`, directory.get('created_at')),
      isUndeploy: directory.has('undeploy'),
      isPrepublish: directory.has('is_prepublish'),
      environments: [...manifests.keys()],
      unreadable: brokenManifests === undefined ? undefined : [...brokenManifests.values()].join('; '),
    }
  })
  return details.ok ? details.value : { ...unknownDetails, version, unreadable: details.reason }
}

const unknownDetails = {
  sourceCommitId: '',
  sourceAuthor: '',
  sourceMessage: '',
  displayVersion: '',
  ciLink: '',
  createdAt: undefined,
  isUndeploy: false,
  isPrepublish: false,
  environments: [],
} satisfies Partial<ReleaseDetails>
