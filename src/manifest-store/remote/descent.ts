import type { ObjectId } from '../../core/object-id.ts'
import { parseCommit } from '../git/commit.ts'
import { ObjectMissingError } from '../git/git-errors.ts'
import type { StoredObject } from '../repository/repository.ts'

/** Reads what the clone holds itself. */
export type ReadHere = (id: ObjectId) => Promise<StoredObject>

/**
 * Whether a commit stands in the history of another one. A shallow clone ends somewhere, so that it may not be known. It is known
 * where each end of the one history stands in the other, too: nothing before an ancestor can come after it.
 */
export async function isInHistory(
  read: ReadHere,
  ancestor: ObjectId,
  descendant: ObjectId,
): Promise<'yes' | 'no' | 'unknown'> {
  const theirs = await walk(read, descendant, ancestor)
  if (theirs.isFound) return 'yes'
  if (theirs.ends.length === 0) return 'no'
  const ours = await walk(read, ancestor, undefined)
  return theirs.ends.every((end) => ours.commits.has(end)) ? 'no' : 'unknown'
}

interface Walk {
  readonly isFound: boolean
  readonly commits: ReadonlySet<ObjectId>
  /** The commits whose parents the clone does not hold, and those that it does not hold itself. */
  readonly ends: readonly ObjectId[]
}

/** Level by level, so that what was added last is found first. */
async function walk(read: ReadHere, start: ObjectId, wanted: ObjectId | undefined): Promise<Walk> {
  const commits = new Set([start])
  const ends: ObjectId[] = []
  for (const id of commits) {
    if (id === wanted) return { isFound: true, commits, ends }
    const parents = await parentsOf(read, id)
    if (parents === undefined) ends.push(id)
    else for (const parent of parents) commits.add(parent)
  }
  return { isFound: false, commits, ends }
}

async function parentsOf(read: ReadHere, id: ObjectId): Promise<readonly ObjectId[] | undefined> {
  try {
    const { type, data } = await read(id)
    return type === 'commit' ? parseCommit(data).parents : []
  } catch (error) {
    if (error instanceof ObjectMissingError) return undefined
    throw error
  }
}
