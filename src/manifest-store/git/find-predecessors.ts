import type { ObjectId } from '../../core/object-id.ts'
import { parseCommit } from './commit.ts'
import { MalformedObjectError, ObjectMissingError } from './git-errors.ts'
import type { StoredObject } from '../repository/repository.ts'

/** How many trees one commit may have changed until the rest of it is left alone: a train changes thousands of small ones. */
const maximumTrees = 500

/**
 * What stood in the place of each tree and file that a commit changed, by id: read from it and its first parent, the large trees
 * at the top first. Knows less where objects are missing or broken.
 */
export async function findPredecessors(
  commit: ObjectId,
  readObject: (id: ObjectId) => Promise<StoredObject>,
): Promise<ReadonlyMap<ObjectId, ObjectId>> {
  const predecessors = new Map<ObjectId, ObjectId>()
  try {
    const { tree, parents } = parseCommit((await readObject(commit)).data)
    if (parents[0] === undefined) return predecessors
    const before = parseCommit((await readObject(parents[0])).data).tree
    if (before === tree) return predecessors
    predecessors.set(tree, before)
    const trees = [{ before, after: tree }]
    for (const pair of trees) {
      for (const change of changedEntries((await readObject(pair.before)).data, (await readObject(pair.after)).data)) {
        if (predecessors.has(change.after)) continue
        predecessors.set(change.after, change.before)
        if (change.isTree && trees.length < maximumTrees) trees.push(change)
      }
    }
  } catch (error) {
    if (!(error instanceof ObjectMissingError || error instanceof MalformedObjectError)) throw error
  }
  return predecessors
}

interface ChangedEntry {
  readonly isTree: boolean
  readonly before: ObjectId
  readonly after: ObjectId
}

/** The entries that two trees have under the same name with different ids. Compares bytes: nearly all are the same. */
function changedEntries(before: Uint8Array, after: Uint8Array): ChangedEntry[] {
  const a = new TreeCursor(before)
  const b = new TreeCursor(after)
  const changes: ChangedEntry[] = []
  while (!a.isAtEnd && !b.isAtEnd) {
    const order = a.compareNames(b)
    if (order === 0) {
      if (!a.hasSameId(b) && a.isTree === b.isTree) changes.push({ isTree: a.isTree, before: a.id(), after: b.id() })
      a.next()
      b.next()
    } else if (order < 0) a.next()
    else b.next()
  }
  return changes
}

const spaceByte = 0x20
const idLength = 20

/** Goes through the entries of a tree without making anything of those that are passed over. */
class TreeCursor {
  readonly #bytes: Buffer
  #start = 0
  #nameStart = 0
  #nameEnd = 0

  constructor(data: Uint8Array) {
    this.#bytes = Buffer.from(data.buffer, data.byteOffset, data.length)
    this.#read()
  }

  get isAtEnd(): boolean {
    return this.#start >= this.#bytes.length
  }

  get isTree(): boolean {
    return this.#nameStart - this.#start === '40000 '.length
  }

  id(): ObjectId {
    return this.#bytes.toString('hex', this.#nameEnd + 1, this.#nameEnd + 1 + idLength)
  }

  compareNames(other: TreeCursor): number {
    return this.#bytes.compare(other.#bytes, other.#nameStart, other.#nameEnd, this.#nameStart, this.#nameEnd)
  }

  hasSameId(other: TreeCursor): boolean {
    const [own, its] = [this.#nameEnd + 1, other.#nameEnd + 1]
    return this.#bytes.compare(other.#bytes, its, its + idLength, own, own + idLength) === 0
  }

  next(): void {
    this.#start = this.#nameEnd + 1 + idLength
    this.#read()
  }

  #read(): void {
    if (this.isAtEnd) return
    this.#nameStart = this.#bytes.indexOf(spaceByte, this.#start) + 1
    this.#nameEnd = this.#bytes.indexOf(0, this.#nameStart)
    if (this.#nameStart === 0 || this.#nameEnd < 0 || this.#nameEnd + 1 + idLength > this.#bytes.length) {
      throw new MalformedObjectError('malformed tree: cut off')
    }
  }
}
