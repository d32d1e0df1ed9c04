import { LRUCache } from 'lru-cache'
import type { ObjectId } from '../../core/object-id.ts'
import { MalformedObjectError } from './git-errors.ts'
import type { GitObject } from './git-object.ts'
import type { Repository, StoredObject } from '../repository/repository.ts'
import type { TreeEntry } from './tree.ts'
import { findTreeEntry, isTree, parseTree } from './tree.ts'

/** Parsed trees, in bytes of memory: those on the paths of the last writes, which the next ones need again. */
const maximumBytes = 40 * 1024 * 1024

/** What an entry takes, as heap snapshots show it: the object, its id, its name; and in the bytes of a tree that was made here. */
const bytesOfEntry = 200

/** What a tree takes beside its entries: its id and its place in the cache. */
const bytesOfTree = 240

/**
 * Objects as the store wants them: trees parsed and remembered by id, and objects that a running batch has made but
 * not yet written. Objects never change, so nothing here can be out of date.
 */
export class ObjectCache {
  readonly #repository: Pick<Repository, 'read'>
  readonly #trees = new LRUCache<ObjectId, readonly TreeEntry[]>({
    maxSize: maximumBytes,
    sizeCalculation: (entries) => bytesOfTree + bytesOfEntry * entries.length,
  })
  readonly #pending = new Map<ObjectId, GitObject>()

  constructor(repository: Pick<Repository, 'read'>) {
    this.#repository = repository
  }

  /** Makes objects readable that are not in the repository yet. */
  add(objects: readonly GitObject[]): void {
    for (const object of objects) this.#pending.set(object.id, object)
  }

  /** Forgets what `add` was given: it has been written, or never will be. */
  clearAdded(): void {
    this.#pending.clear()
  }

  /** Lets go of trees that others have replaced. Who reads one nevertheless reads it from the repository. */
  forgetTrees(ids: readonly ObjectId[]): void {
    for (const id of ids) this.#trees.delete(id)
  }

  /** Lets go of trees that were removed, with all below them. */
  forgetRemoved(ids: readonly ObjectId[]): void {
    for (const id of ids) {
      const entries = this.#trees.peek(id)
      if (entries === undefined) continue
      this.#trees.delete(id)
      this.forgetRemoved(entries.filter(isTree).map((entry) => entry.id))
    }
  }

  async readTree(id: ObjectId): Promise<readonly TreeEntry[]> {
    const known = this.#trees.get(id)
    if (known !== undefined) return known
    const entries = this.#pending.get(id)?.entries ?? parseTree(await this.#read(id, 'tree'))
    this.#trees.set(id, entries)
    return entries
  }

  /** The entry of that name. The tree is not remembered: history has far more of them than the present. */
  async findInTree(id: ObjectId, name: string): Promise<TreeEntry | undefined> {
    const known = this.#trees.get(id)
    return known === undefined
      ? findTreeEntry(await this.#read(id, 'tree'), name)
      : known.find((entry) => entry.name === name)
  }

  readBlob(id: ObjectId): Promise<Uint8Array> {
    return this.#read(id, 'blob')
  }

  readCommit(id: ObjectId): Promise<Uint8Array> {
    return this.#read(id, 'commit')
  }

  async #read(id: ObjectId, type: StoredObject['type']): Promise<Uint8Array> {
    // History ends where a shallow clone ends; what is still asked for of a commit is asked for by whoever needs that one.
    const reach = type === 'commit' ? 'here' : 'anywhere'
    const object = this.#pending.get(id) ?? (await this.#repository.read(id, reach))
    if (object.type !== type)
      throw new MalformedObjectError(`object ${id} is a ${object.type}, but a ${type} belongs there`)
    return object.data
  }
}
