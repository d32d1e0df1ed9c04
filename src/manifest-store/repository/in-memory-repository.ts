import type { ObjectId } from '../../core/object-id.ts'
import { ObjectMissingError } from '../git/git-errors.ts'
import type { GitObject } from '../git/git-object.ts'
import type { BranchUpdate, Repository, StoredObject } from './repository.ts'

/** A repository that lasts as long as the process: for tests, and for trying things out. */
export class InMemoryRepository implements Repository {
  readonly url = 'memory:'
  readonly branch = 'main'
  readonly #objects = new Map<ObjectId, GitObject>()
  #head: ObjectId | undefined

  async head(): Promise<ObjectId | undefined> {
    return this.#head
  }

  async read(id: ObjectId): Promise<StoredObject> {
    const object = this.#objects.get(id)
    if (object === undefined) throw new ObjectMissingError(id)
    return object
  }

  async publish({ from, to, objects }: BranchUpdate): Promise<'published' | 'moved'> {
    if (this.#head !== from) return 'moved'
    for (const object of objects) this.#objects.set(object.id, object)
    this.#head = to
    return 'published'
  }

  async close(): Promise<void> {
    // Nothing is held.
  }
}
