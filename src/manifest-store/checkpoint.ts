import { createHash, randomBytes } from 'node:crypto'
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Release } from '../core/application.ts'
import type { EnvironmentApplication } from '../core/environment.ts'
import { noLocks } from '../core/lock.ts'
import type { EnvironmentName, TeamName } from '../core/names.ts'
import type { ObjectId } from '../core/object-id.ts'
import { readable } from '../core/readable.ts'
import { startTimeSlice } from './git/time-slice.ts'
import type { TreeEntry } from './git/tree.ts'
import { isTree, treeMode } from './git/tree.ts'
import type { ApplicationFacts, KnownPieces, Piece } from './layout/known-pieces.ts'
import { nothingKnown } from './layout/known-pieces.ts'

/**
 * A file beside the repository with what was read of it, so that the next start need not read it again. It is only a cache: what
 * is in it is known by the ids of trees, and a file that is missing, old, cut short or changed by anybody counts as none.
 */
export class CheckpointFile {
  readonly #path: string

  constructor(gitDirectory: string) {
    this.#path = join(gitDirectory, 'signalbox', 'checkpoint')
  }

  /** What the file holds. Never throws: whatever is wrong with it, the repository has everything. */
  async read(): Promise<KnownPieces> {
    try {
      const bytes = await readFile(this.#path)
      const end = bytes.indexOf('\n') + 1
      const content = bytes.subarray(end)
      if (bytes.toString('latin1', 0, end) !== headOf(content)) return nothingKnown
      return toKnownPieces(JSON.parse(content.toString('utf8')) as Content)
    } catch {
      return nothingKnown
    }
  }

  /** Replaces the file. Throws what the file system throws; then the old one is still there. */
  async write(pieces: Iterable<Piece>): Promise<void> {
    const content = await toContent(pieces)
    const temporaryFile = `${this.#path}-${randomBytes(6).toString('hex')}`
    try {
      // Not synced: one that a power failure spoils is recognised.
      await writeFile(temporaryFile, [headOf(content), content], { flag: 'wx' })
      await rename(temporaryFile, this.#path)
    } catch (error) {
      await rm(temporaryFile, { force: true }).catch(() => undefined)
      throw error
    }
  }
}

/** Changes with the form of the content. */
const form = 2

function headOf(content: Uint8Array): string {
  return `signalbox checkpoint ${form} ${createHash('sha256').update(content).digest('hex')}\n`
}

interface Content {
  /** By tree and application: the deployed and the queued version. */
  readonly environmentApplications: Readonly<Record<string, readonly [string, string?]>>
  /** By tree: the team and the source repository, then the versions with the trees of their releases. */
  readonly applications: Readonly<Record<ObjectId, readonly [string | null, string | null, ...string[]]>>
  /** By tree: flags, then the environments with their manifests. */
  readonly releases: Readonly<Record<ObjectId, readonly [flags: number, ...manifests: string[]]>>
}

const prepublish = 1
const undeploy = 2

async function toContent(pieces: Iterable<Piece>): Promise<Buffer> {
  const slice = startTimeSlice()
  const environmentApplications = new Set<string>()
  // The manifests of a release depend on its tree alone, and one tree may be several releases.
  const releases = new Set<string>()
  const applications = new Set<string>()
  for (const piece of pieces) {
    if (slice.isOver()) await slice.next()
    if (piece.kind === 'application') {
      const text = applicationText(piece.value)
      if (text !== undefined) applications.add(`"${piece.tree}":${text}`)
      continue
    }
    if (piece.kind === 'release') {
      const text = releaseText(piece.value)
      if (text !== undefined) releases.add(`"${piece.tree}":${text}`)
      continue
    }
    const text = environmentApplicationText(piece.value)
    if (text !== undefined)
      environmentApplications.add(`${JSON.stringify(keyOf(piece.tree, piece.application))}:${text}`)
  }
  const members = (texts: Iterable<string>) => [...texts].join(',\n')
  return Buffer.from(
    `{"environmentApplications":{${members(environmentApplications)}},\n"applications":{${members(applications)}},\n"releases":{${members(releases)}}}\n`,
  )
}

/** Undefined for what is seldom, and read from the repository again: locks, and what is not as it should be. */
function environmentApplicationText({
  version,
  queuedVersion,
  locks,
  hasManifestOnly,
}: EnvironmentApplication): string | undefined {
  if (!version.ok || version.value === undefined || hasManifestOnly) return undefined
  if (!queuedVersion.ok || !locks.ok || locks.value.size > 0) return undefined
  return `["${version.value}"${queuedVersion.value === undefined ? '' : `,"${queuedVersion.value}"`}]`
}

function applicationText({ team, sourceRepoUrl, releases }: ApplicationFacts): string | undefined {
  if (!team.ok || ![...releases.values()].every(isTree)) return undefined
  const trees = [...releases].flatMap(([version, { id }]) => [String(version), id])
  return JSON.stringify([team.value ?? null, sourceRepoUrl ?? null, ...trees])
}

function releaseText({ manifests, brokenManifests, isPrepublish, isUndeploy }: Release): string | undefined {
  if (brokenManifests !== undefined) return undefined
  const flags = (isPrepublish ? prepublish : 0) + (isUndeploy ? undeploy : 0)
  return JSON.stringify([flags, ...[...manifests].flat()])
}

function toKnownPieces({ environmentApplications, applications, releases }: Content): KnownPieces {
  return {
    application: (tree) => {
      const known = Object.hasOwn(applications, tree) ? applications[tree] : undefined
      if (known === undefined) return undefined
      const [team, sourceRepoUrl, ...trees] = known
      const entries = new Map<bigint, TreeEntry>()
      for (let at = 0; at < trees.length; at += 2) {
        const name = trees[at] ?? ''
        entries.set(BigInt(name), { mode: treeMode, name, id: trees[at + 1] ?? '' })
      }
      return {
        team: readable((team ?? undefined) as TeamName | undefined),
        sourceRepoUrl: sourceRepoUrl ?? undefined,
        releases: entries,
      }
    },
    environmentApplication: (application, tree) => {
      const key = keyOf(tree, application)
      const versions = Object.hasOwn(environmentApplications, key) ? environmentApplications[key] : undefined
      if (versions === undefined) return undefined
      const [version, queuedVersion] = versions
      return {
        version: readable(BigInt(version)),
        queuedVersion: readable(queuedVersion === undefined ? undefined : BigInt(queuedVersion)),
        locks: readable(noLocks),
        hasManifestOnly: false,
      }
    },
    release: (version, tree) => {
      const known = Object.hasOwn(releases, tree) ? releases[tree] : undefined
      if (known === undefined) return undefined
      const [flags, ...names] = known
      const manifests = new Map<EnvironmentName, ObjectId>()
      for (let at = 0; at < names.length; at += 2) manifests.set(names[at] as EnvironmentName, names[at + 1] ?? '')
      const kinds = { isPrepublish: (flags & prepublish) !== 0, isUndeploy: (flags & undeploy) !== 0 }
      return { version, manifests, ...kinds, tree }
    },
  }
}

/** A link is read with the name of its application, so that belongs to what it is known by. */
function keyOf(tree: ObjectId, application: string): string {
  return `${tree} ${application}`
}
