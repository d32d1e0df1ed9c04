import { trailerKeys } from '../../core/commit-text.ts'
import type { DeploymentEvent, DeploymentHistory } from '../../core/deployment-history.ts'
import { applicationsDirectory, environmentsDirectory, parseVersionLink } from '../../core/manifest-layout.ts'
import type { ApplicationName, EnvironmentName } from '../../core/names.ts'
import type { ObjectId } from '../../core/object-id.ts'
import { claimedMark } from '../commit-message.ts'
import { readTrailers } from '../commit-trailers.ts'
import type { ParsedCommit, Person } from '../git/commit.ts'
import { parseCommit } from '../git/commit.ts'
import { MalformedObjectError, ObjectMissingError } from '../git/git-errors.ts'
import type { ObjectCache } from '../git/object-cache.ts'
import { startTimeSlice } from '../git/time-slice.ts'
import type { TreeEntry } from '../git/tree.ts'
import { isLink, isTree, treeMode } from '../git/tree.ts'
import { isSameEntry } from './directory-memo.ts'

export interface HistoryOptions {
  readonly environment: EnvironmentName
  readonly application: ApplicationName
  /** How many events there are at most. */
  readonly pageSize: number
  /** How many commits are looked at. */
  readonly maximumCommits: number
  /** Whose trailers are believed. */
  readonly committer: Person
}

/**
 * The commits from `start` on that changed the `version` link of an application in an environment: what
 * `git log --first-parent` finds for that path. Of each commit only those trees on the path are read that its neighbour
 * does not share. Throws ObjectMissingError when `start` does not exist, MalformedObjectError when it is no commit.
 */
export async function readDeploymentHistory(
  objects: ObjectCache,
  start: ObjectId,
  options: HistoryOptions,
): Promise<DeploymentHistory> {
  const { environment, application, pageSize, maximumCommits, committer } = options
  // Not split from a text: a name that holds a slash is no step of any path.
  const path = [environmentsDirectory, environment, applicationsDirectory, application, 'version']
  const slice = startTimeSlice()
  const events: DeploymentEvent[] = []
  let id = start
  let commit = parseCommit(await objects.readCommit(start))
  let steps = await findSteps(objects, commit.tree, path, undefined)
  for (let looked = 1; ; looked += 1) {
    if (slice.isOver()) await slice.next()
    const [parentId] = commit.parents
    const parent = parentId === undefined ? undefined : await readParent(objects, parentId)
    if (parentId !== undefined && parent === undefined) return { events, next: undefined, isTruncated: true }
    const before = parent && (await findSteps(objects, parent.tree, path, steps))
    if (!isSameEntry(steps.at(-1), before?.at(-1))) {
      events.push({
        version: await readVersion(objects, application, steps.at(-1)),
        fromVersion: await readVersion(objects, application, before?.at(-1)),
        commit: id,
        ...describe(commit, committer),
      })
    }
    if (parentId === undefined || parent === undefined || before === undefined) {
      return { events, next: undefined, isTruncated: false }
    }
    if (events.length === pageSize || looked === maximumCommits) return { events, next: parentId, isTruncated: false }
    id = parentId
    commit = parent
    steps = before
  }
}

/** Undefined when the repository does not hold it: a shallow clone ends like that. */
async function readParent(objects: ObjectCache, id: ObjectId): Promise<ParsedCommit | undefined> {
  try {
    return parseCommit(await objects.readCommit(id))
  } catch (error) {
    if (error instanceof ObjectMissingError) return undefined
    throw error
  }
}

/** What stands at each step of the path, from the root on. */
type Steps = readonly (TreeEntry | undefined)[]

/** As soon as a step is that of the neighbour, so is all below it. */
async function findSteps(
  objects: ObjectCache,
  root: ObjectId,
  path: readonly string[],
  neighbour: Steps | undefined,
): Promise<Steps> {
  let above: TreeEntry | undefined = { mode: treeMode, name: '', id: root }
  const steps: (TreeEntry | undefined)[] = [above]
  for (const name of path) {
    if (neighbour !== undefined && isSameEntry(above, neighbour[steps.length - 1])) {
      return [...steps, ...neighbour.slice(steps.length)]
    }
    above = above !== undefined && isTree(above) ? await objects.findInTree(above.id, name) : undefined
    steps.push(above)
  }
  return steps
}

/** The version that a link names; undefined when it is none, or leads to no release. */
async function readVersion(
  objects: ObjectCache,
  application: ApplicationName,
  entry: TreeEntry | undefined,
): Promise<bigint | undefined> {
  if (entry === undefined || !isLink(entry)) return undefined
  try {
    const bytes = await objects.readBlob(entry.id)
    return parseVersionLink(application, Buffer.from(bytes).toString('utf8', 0, maximumLinkBytes))
  } catch (error) {
    if (error instanceof ObjectMissingError || error instanceof MalformedObjectError) return undefined
    throw error
  }
}

/** No path is longer. */
const maximumLinkBytes = 4096

const maximumSubjectLength = 500

function describe(
  commit: ParsedCommit,
  committer: Person,
): Omit<DeploymentEvent, 'version' | 'fromVersion' | 'commit'> {
  const { author, message } = commit
  const trailers = readTrailers(commit, committer)
  const command = trailers.get(trailerKeys.command)
  const isTrain = command === 'release-train'
  const gitTag = trailers.get(trailerKeys.tag)
  const sourceGitTag = trailers.get(trailerKeys.sourceTag)?.split(' ', 1)[0]
  const [subject = ''] = message.slice(0, maximumSubjectLength).split('\n', 1)
  return {
    by: { name: author.name, email: author.email },
    at: author.time,
    // Not half of a character.
    subject: subject.replace(/[\ud800-\udbff]$/u, ''),
    command,
    trainTarget: isTrain ? trailers.get(trailerKeys.target) : undefined,
    trainTeam: isTrain ? trailers.get(trailerKeys.team) : undefined,
    requestId: trailers.get(trailerKeys.request),
    ...(gitTag !== undefined && { gitTag }),
    ...(sourceGitTag !== undefined && { sourceGitTag }),
    ...(trailers.get(trailerKeys.principal)?.endsWith(claimedMark) === true && { isClaimed: true as const }),
  }
}
