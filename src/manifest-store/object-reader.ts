import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { inflateSync } from 'node:zlib'
import type { ObjectId } from '../core/object-id.ts'
import { hasCode } from './durable-file.ts'
import { MalformedObjectError, ObjectMissingError } from './git-errors.ts'
import { emptyTreeId } from './git-object.ts'
import { PackReader } from './pack-reader.ts'
import type { StoredObject } from './repository.ts'
import { startTimeSlice } from './time-slice.ts'

/** How many packs are open at a time. Each takes two file descriptors. */
const maximumOpenPacks = 100

/**
 * Reads objects of a repository on disk, from packs and loose files and from the repositories that it borrows objects
 * from. Packs may be replaced at any moment (`git gc`): an object that is not where it was is looked for once more.
 */
export class ObjectReader {
  readonly #objectFolders: readonly string[]
  /** The packs that there are, the one that had the last object first. */
  #packs: PackFile[] = []
  readonly #slice = startTimeSlice()

  /** Opens nothing yet. */
  constructor(gitDirectory: string) {
    this.#objectFolders = objectFolders(join(gitDirectory, 'objects'))
  }

  /** Throws ObjectMissingError, MalformedObjectError, and what the file system throws. */
  async read(id: ObjectId): Promise<StoredObject> {
    if (this.#slice.isOver()) await this.#slice.next()
    const object = this.#find(Buffer.from(id, 'hex'), id) ?? this.#findAgain(id)
    if (object !== undefined) return object
    if (id === emptyTreeId) return { type: 'tree', data: new Uint8Array() }
    throw new ObjectMissingError(id)
  }

  close(): void {
    for (const pack of this.#packs) pack.close()
    this.#packs = []
  }

  #findAgain(id: ObjectId): StoredObject | undefined {
    this.#listPacks()
    return this.#find(Buffer.from(id, 'hex'), id)
  }

  #find(raw: Buffer, id: ObjectId): StoredObject | undefined {
    for (const [index, pack] of this.#packs.entries()) {
      const object = this.#readPacked(pack, raw)
      if (object === undefined) continue
      if (index > 0) {
        this.#packs.splice(index, 1)
        this.#packs.unshift(pack)
      }
      return object
    }
    return this.#readLoose(id)
  }

  /** Undefined also when the pack has vanished: its objects are elsewhere now. */
  #readPacked(pack: PackFile, raw: Buffer): StoredObject | undefined {
    try {
      if (!pack.isOpen) this.#closeLastUsed()
      return pack.open().read(raw, (base) => this.#find(base, base.toString('hex')))
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return undefined
      if (error instanceof MalformedObjectError)
        throw new MalformedObjectError(`${pack.path}: ${error.message}`, { cause: error })
      throw error
    }
  }

  #closeLastUsed(): void {
    const open = this.#packs.filter(({ isOpen }) => isOpen)
    if (open.length >= maximumOpenPacks) open.at(-1)?.close()
  }

  #readLoose(id: ObjectId): StoredObject | undefined {
    for (const folder of this.#objectFolders) {
      let file: Buffer
      try {
        file = readFileSync(join(folder, id.slice(0, 2), id.slice(2)))
      } catch (error) {
        if (hasCode(error, 'ENOENT', 'ENOTDIR')) continue
        throw error
      }
      return parseLoose(id, file)
    }
    return undefined
  }

  #listPacks(): void {
    const known = new Map(this.#packs.map((pack) => [pack.path, pack]))
    const paths = new Set(this.#objectFolders.flatMap((folder) => packPaths(join(folder, 'pack'))))
    for (const [path, pack] of known) if (!paths.has(path)) pack.close()
    const added = [...paths].filter((path) => !known.has(path)).map((path) => new PackFile(path))
    this.#packs = [...added, ...this.#packs.filter(({ path }) => paths.has(path))]
  }
}

/** A pack that is opened when it is first needed. */
class PackFile {
  readonly path: string
  #reader: PackReader | undefined

  constructor(path: string) {
    this.path = path
  }

  get isOpen(): boolean {
    return this.#reader !== undefined
  }

  open(): PackReader {
    return (this.#reader ??= new PackReader(this.path))
  }

  close(): void {
    this.#reader?.close()
    this.#reader = undefined
  }
}

function packPaths(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.startsWith('pack-') && name.endsWith('.idx'))
      .map((name) => join(folder, name.slice(0, -'.idx'.length)))
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return []
    throw error
  }
}

/** This folder and those that it borrows from, each once (gitrepository-layout, objects/info/alternates). */
function objectFolders(own: string): readonly string[] {
  const folders = new Set([own])
  for (const folder of folders) {
    let alternates: string
    try {
      alternates = readFileSync(join(folder, 'info', 'alternates'), 'utf8')
    } catch (error) {
      if (hasCode(error, 'ENOENT', 'ENOTDIR')) continue
      throw error
    }
    for (const line of alternates.split('\n'))
      if (line !== '' && !line.startsWith('#')) folders.add(resolve(folder, line))
  }
  return [...folders]
}

function parseLoose(id: ObjectId, file: Buffer): StoredObject {
  let bytes: Buffer
  try {
    bytes = inflateSync(file)
  } catch (error) {
    throw new MalformedObjectError(`object ${id} cannot be unpacked: ${(error as Error).message}`, { cause: error })
  }
  const end = bytes.indexOf(0)
  const header = /^(blob|tree|commit|tag) ([0-9]+)$/.exec(bytes.subarray(0, Math.max(end, 0)).toString('latin1'))
  const data = bytes.subarray(end + 1)
  if (header === null || Number(header[2]) !== data.length) throw new MalformedObjectError(`object ${id} is damaged`)
  return { type: header[1] as StoredObject['type'], data }
}
