import type { TagState } from '../../core/git-tag.ts'
import type { ObjectId } from '../../core/object-id.ts'
import { ObjectMissingError } from '../git/git-errors.ts'
import type { GitObject } from '../git/git-object.ts'
import { followTag } from '../git/follow-tag.ts'
import type { BranchUpdate, Repository, StoredObject } from './repository.ts'

/** A repository that lasts as long as the process: for tests, and for trying things out. */
export class InMemoryRepository implements Repository {
  readonly url = 'memory:'
  readonly branch = 'main'
  readonly #objects = new Map<ObjectId, GitObject>()
  readonly #tags = new Map<string, ObjectId>()
  #head: ObjectId | undefined

  async head(): Promise<ObjectId | undefined> {
    return this.#head
  }

  async read(id: ObjectId): Promise<StoredObject> {
    const object = this.#objects.get(id)
    if (object === undefined) throw new ObjectMissingError(id)
    return object
  }

  async readShallow(): Promise<ReadonlySet<ObjectId>> {
    return new Set()
  }

  async readTag(name: string): Promise<TagState> {
    const id = this.#tags.get(name)
    if (id !== undefined) return followTag(id, (object) => this.read(object))
    const obstacle = [...this.#tags.keys()].find(
      (other) => other.startsWith(`${name}/`) || name.startsWith(`${other}/`),
    )
    return obstacle === undefined
      ? { kind: 'absent' }
      : { kind: 'unusable', reason: `cannot stand beside '${obstacle}'` }
  }

  async publish({ from, to, objects, tags = [] }: BranchUpdate): Promise<'published' | 'moved'> {
    const states = await Promise.all(tags.map(({ name }) => this.readTag(name)))
    if (this.#head !== from || states.some(({ kind }) => kind !== 'absent')) return 'moved'
    for (const object of objects) this.#objects.set(object.id, object)
    for (const { name, id } of tags) this.#tags.set(name, id)
    this.#head = to
    return 'published'
  }

  async close(): Promise<void> {
    // Nothing is held.
  }
}
