import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { inflateSync } from 'node:zlib'
import type { ObjectId } from '../../core/object-id.ts'
import { hasCode } from './durable-file.ts'
import { MalformedObjectError, ObjectMissingError } from './git-errors.ts'
import { emptyTreeId } from './git-object.ts'
import { forgetIndex, PackIndex } from './pack-index.ts'
import { PackReader } from './pack-reader.ts'
import type { StoredObject } from '../repository/repository.ts'
import { startTimeSlice } from './time-slice.ts'

/** How often an object is looked for while others move it about: each look that counts for nothing takes them a whole repack. */
const maximumLooks = 20

/** How many packs are open at a time. Each takes two file descriptors. */
const maximumOpenPacks = 100

/**
 * Reads objects of a repository on disk, from packs and loose files and from the repositories that it borrows objects
 * from. Packs may be replaced at any moment (`git gc`): an object that is not where it was is looked for once more.
 *
 * When it is missing: packs were listed, none of them had vanished when it was opened, none had the object, it had no file of its own,
 * and packs listed anew were the same. Whoever moves an object puts it into its new place before it goes from the old one, and the
 * name of a pack stands for its content. So an object that was in a pack of the first list was found; and one that had a file of its own then,
 * and no longer when that was looked for, had a pack by then that the second list shows.
 */
export class ObjectReader {
  readonly #objectFolders: readonly string[]
  readonly #known = new Map<string, PackFile>()
  /** In the order in which they were opened. */
  readonly #openPacks = new Set<PackFile>()
  /** Packs with many objects, and damaged ones: each is asked for an object, the newest first. */
  #packs: PackFile[] = []
  /** The pack of each object in a pack with few objects. */
  readonly #smallPacks = new Map<ObjectId, PackFile>()
  /** How often a pack was gone when it was to be opened. */
  #vanished = 0
  readonly #slice = startTimeSlice()

  /** Opens nothing yet. */
  constructor(gitDirectory: string) {
    this.#objectFolders = objectFolders(join(gitDirectory, 'objects'))
  }

  /** Throws ObjectMissingError, MalformedObjectError, and what the file system throws. */
  async read(id: ObjectId): Promise<StoredObject> {
    if (this.#slice.isOver()) await this.#slice.next()
    const object = this.#tryToFind(id) ?? this.#findAgain(id)
    if (object !== undefined) return object
    if (id === emptyTreeId) return { type: 'tree', data: new Uint8Array() }
    throw new ObjectMissingError(id)
  }

  /** Those of the objects that are not here, without reading them. */
  async findMissing(ids: readonly ObjectId[]): Promise<readonly ObjectId[]> {
    let missing = ids
    for (let look = 1; look <= maximumLooks; look += 1) {
      const vanished = this.#vanished
      const absent: ObjectId[] = []
      for (const id of missing) {
        if (this.#slice.isOver()) await this.#slice.next()
        if (!this.#has(id)) absent.push(id)
      }
      missing = absent
      if (missing.length === 0) break
      const hasChanged = this.#listPacks()
      if (look > 1 && !hasChanged && vanished === this.#vanished) break
    }
    return missing
  }

  /** Lets go of packs that are gone: their space on disk is free only then. */
  forgetRemovedPacks(): void {
    this.#listPacks()
  }

  close(): void {
    for (const pack of this.#known.values()) this.#forget(pack)
    this.#known.clear()
    this.#smallPacks.clear()
    this.#packs = []
  }

  #has(id: ObjectId): boolean {
    if (this.#smallPacks.has(id)) return true
    const raw = Buffer.from(id, 'hex')
    const isPacked = this.#packs.some((pack) => {
      try {
        return this.#open(pack).has(raw)
      } catch (error) {
        if (error instanceof MalformedObjectError) return false
        if (!hasCode(error, 'ENOENT')) throw error
        this.#vanished += 1
        return false
      }
    })
    return isPacked || this.#objectFolders.some((folder) => existsSync(join(folder, id.slice(0, 2), id.slice(2))))
  }

  /** In the packs that are known. What is damaged here may be elsewhere by now. */
  #tryToFind(id: ObjectId): StoredObject | undefined {
    try {
      return this.#find(Buffer.from(id, 'hex'), id)
    } catch (error) {
      if (error instanceof MalformedObjectError) return undefined
      throw error
    }
  }

  /** Looks between two lists of packs until they are the same and no pack has vanished between them. */
  #findAgain(id: ObjectId): StoredObject | undefined {
    this.#listPacks()
    for (let look = 1; look <= maximumLooks; look += 1) {
      const vanished = this.#vanished
      const object = this.#tryToFind(id)
      if (object !== undefined) return object
      if (!this.#listPacks() && vanished === this.#vanished) break
    }
    // Missing, unless it is damaged.
    return this.#find(Buffer.from(id, 'hex'), id)
  }

  /** A damaged pack matters only for what nobody else has: git writes the same object into several packs. */
  #find(raw: Buffer, id: ObjectId): StoredObject | undefined {
    let damage: MalformedObjectError | undefined
    for (const pack of this.#candidates(id)) {
      try {
        const object = this.#readPacked(pack, raw)
        if (object !== undefined) return object
      } catch (error) {
        if (!(error instanceof MalformedObjectError)) throw error
        damage ??= new MalformedObjectError(`${pack.path}: ${error.message}`, { cause: error })
      }
    }
    const loose = this.#readLoose(id)
    if (loose === undefined && damage !== undefined) throw damage
    return loose
  }

  /**
   * The packs that may have the object. Of the small ones that have it, one is known by the object's id; when that has just been
   * removed, or is damaged, it is the turn of the others.
   */
  *#candidates(id: ObjectId): Iterable<PackFile> {
    const small = this.#smallPacks.get(id)
    if (small !== undefined) yield small
    yield* this.#packs
    if (small === undefined) return
    for (const pack of this.#known.values()) if (pack !== small && pack.ids?.includes(id) === true) yield pack
  }

  /** Undefined also when the pack has vanished: its objects are elsewhere now. */
  #readPacked(pack: PackFile, raw: Buffer): StoredObject | undefined {
    try {
      return this.#open(pack).read(raw, (base) => this.#find(base, base.toString('hex')))
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) throw error
      this.#vanished += 1
      return undefined
    }
  }

  #open(pack: PackFile): PackReader {
    if (!pack.isOpen) {
      for (const oldest of this.#openPacks) {
        if (this.#openPacks.size < maximumOpenPacks) break
        this.#closePack(oldest)
      }
      this.#openPacks.add(pack)
    }
    return pack.open()
  }

  #forget(pack: PackFile): void {
    this.#closePack(pack)
    if (pack.ids === undefined) forgetIndex(`${pack.path}.idx`)
  }

  #closePack(pack: PackFile): void {
    pack.close()
    this.#openPacks.delete(pack)
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

  /** Answers whether there are other packs than before. */
  #listPacks(): boolean {
    const paths = new Set(this.#objectFolders.flatMap((folder) => packPaths(join(folder, 'pack'))))
    const gone = [...this.#known.values()].filter(({ path }) => !paths.has(path))
    for (const pack of gone) {
      this.#forget(pack)
      this.#known.delete(pack.path)
    }
    const added = [...paths]
      .filter((path) => !this.#known.has(path))
      .map((path) => new PackFile(path, smallPackIds(path)))
    for (const pack of added) this.#known.set(pack.path, pack)
    if (gone.length > 0) {
      // An object may have been in several packs: what another one has is found there from now on.
      this.#packs = []
      this.#smallPacks.clear()
    }
    for (const pack of gone.length > 0 ? this.#known.values() : added) {
      if (pack.ids === undefined) this.#packs.unshift(pack)
      else for (const id of pack.ids) this.#smallPacks.set(id, pack)
    }
    return gone.length > 0 || added.length > 0
  }
}

/** Each write adds a pack: those with so few objects are found by the ids of their objects, not by looking into each. */
const fewObjects = 2048

/** The ids of a pack with few objects; undefined for any other, and for one whose index cannot be read. */
function smallPackIds(path: string): readonly ObjectId[] | undefined {
  try {
    const index = new PackIndex(`${path}.idx`)
    try {
      return index.count > fewObjects ? undefined : index.ids()
    } finally {
      index.close()
    }
  } catch (error) {
    if (error instanceof MalformedObjectError || hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}

/** A pack that is opened when it is first needed. */
class PackFile {
  readonly path: string
  /** What is in it, where that is little. */
  readonly ids: readonly ObjectId[] | undefined
  #reader: PackReader | undefined

  constructor(path: string, ids: readonly ObjectId[] | undefined) {
    this.path = path
    this.ids = ids
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

/**
 * Whole ones only, by their paths without ending. git puts the index in its place last, and some versions of it remove it last: an
 * index whose pack is gone, for a moment or since a crash, says nothing.
 */
function packPaths(folder: string): readonly string[] {
  let names: ReadonlySet<string>
  try {
    names = new Set(readdirSync(folder))
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return []
    throw error
  }
  const packs = [...names].filter((name) => name.startsWith('pack-') && name.endsWith('.idx'))
  return packs
    .map((name) => name.slice(0, -'.idx'.length))
    .filter((name) => names.has(`${name}.pack`))
    .map((name) => join(folder, name))
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
