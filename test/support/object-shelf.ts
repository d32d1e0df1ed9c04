import type { ObjectId } from '../../src/core/object-id.ts'
import { ObjectMissingError } from '../../src/manifest-store/git/git-errors.ts'
import type { GitObject } from '../../src/manifest-store/git/git-object.ts'
import { createObject, isObjectId } from '../../src/manifest-store/git/git-object.ts'
import type { Repository, StoredObject } from '../../src/manifest-store/repository/repository.ts'
import type { TreeEntry } from '../../src/manifest-store/git/tree.ts'
import { executableMode, fileMode, linkMode, serializeTree, treeMode } from '../../src/manifest-store/git/tree.ts'

/** An entry of any mode. The text or bytes become its blob; an id is taken as it is, whether or not such an object exists. */
export interface OddEntry {
  readonly mode: string
  readonly content: string | Uint8Array
}

/** By path: the text of a file, or something odder. */
export type Files = Readonly<Record<string, string | OddEntry>>

export function link(target: string): OddEntry {
  return { mode: linkMode, content: target }
}

export function executable(text: string): OddEntry {
  return { mode: executableMode, content: text }
}

export const submodule: OddEntry = { mode: '160000', content: 'c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00' }

/** A tree without entries: Kuberpult leaves such behind, git itself does not. */
export const emptyDirectory: OddEntry = { mode: treeMode, content: createObject('tree', new Uint8Array()).id }

/** Trees and files in memory that can be taken away and put back, and whose reads are listed. */
export class ObjectShelf implements Pick<Repository, 'read'> {
  readonly #objects = new Map<ObjectId, GitObject>()
  readonly #removed = new Set<ObjectId>()
  readonly #paths = new Map<ObjectId, string>()
  /** The paths of what was read, in order. An object that stands at several paths goes by the first. */
  reads: string[] = []
  /** Can throw in place of a read, as a broken disk would. */
  beforeRead: (path: string) => void | Promise<void> = () => {}

  constructor() {
    this.#add('', createObject('tree', new Uint8Array()))
  }

  async read(id: ObjectId): Promise<StoredObject> {
    const path = this.#paths.get(id) ?? id
    this.reads.push(path)
    await this.beforeRead(path)
    const object = this.#objects.get(id)
    if (object === undefined || this.#removed.has(id)) throw new ObjectMissingError(id)
    return object
  }

  /** Puts a tree of these files onto the shelf. Answers the id of each path, the root's under the empty path. */
  place(files: Files): ReadonlyMap<string, ObjectId> {
    const ids = new Map<string, ObjectId>()
    this.#placeDirectory(
      '',
      Object.entries(files).map(([path, content]) => [path.split('/'), content]),
      ids,
    )
    return ids
  }

  remove(id: ObjectId): void {
    this.#removed.add(id)
  }

  putBack(id: ObjectId): void {
    this.#removed.delete(id)
  }

  #placeDirectory(path: string, nodes: readonly Node[], ids: Map<string, ObjectId>): ObjectId {
    const below = new Map<string, Node[]>()
    const entries: TreeEntry[] = []
    for (const [[name = '', ...rest], content] of nodes) {
      if (rest.length === 0) entries.push(this.#placeFile(joinPath(path, name), name, content, ids))
      else below.set(name, [...(below.get(name) ?? []), [rest, content]])
    }
    for (const [name, nodesBelow] of below) {
      entries.push({ mode: treeMode, name, id: this.#placeDirectory(joinPath(path, name), nodesBelow, ids) })
    }
    const tree = createObject('tree', serializeTree(entries))
    ids.set(path, tree.id)
    this.#add(path, tree)
    return tree.id
  }

  #placeFile(path: string, name: string, content: string | OddEntry, ids: Map<string, ObjectId>): TreeEntry {
    const { mode, content: data } = typeof content === 'string' ? { mode: fileMode, content } : content
    const blob = createObject('blob', Buffer.from(data))
    const id = typeof content !== 'string' && typeof data === 'string' && isObjectId(data) ? data : blob.id
    if (id === blob.id) this.#add(path, blob)
    ids.set(path, id)
    return { mode, name, id }
  }

  #add(path: string, object: GitObject): void {
    this.#objects.set(object.id, object)
    if (!this.#paths.has(object.id)) this.#paths.set(object.id, path)
  }
}

type Node = readonly [path: string[], content: string | OddEntry]

function joinPath(path: string, name: string): string {
  return path === '' ? name : `${path}/${name}`
}
