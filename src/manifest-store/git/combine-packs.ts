import { join } from 'node:path'
import { crc32, deflateSync, inflateSync } from 'node:zlib'
import { LRUCache } from 'lru-cache'
import type { ObjectId } from '../../core/object-id.ts'
import { applyDelta } from './delta.ts'
import type { DeltaBase } from './delta-chain.ts'
import { chooseBase, createDeltaIfSmall, largestDelta, maximumDepth } from './delta-chain.ts'
import { findPredecessors } from './find-predecessors.ts'
import { MalformedObjectError } from './git-errors.ts'
import { createObject } from './git-object.ts'
import { offsetDeltaHeader, wholeHeader } from './pack-entry.ts'
import type { PackEntry } from './pack-file.ts'
import { buildPackIndex, deflateInThread, largeObject, smallObject, storeUncompressed } from './pack-file.ts'
import { packFolder } from './pack-folder.ts'
import { PackIndex } from './pack-index.ts'
import { PackWriter } from './pack-writer.ts'
import type { SourceEntry } from './source-pack.ts'
import { SourcePack } from './source-pack.ts'
import type { StoredObject } from '../repository/repository.ts'
import { startTimeSlice } from './time-slice.ts'

export interface CombineOptions {
  readonly gitDirectory: string
  /** Names of packs without ending, the oldest first. */
  readonly sources: readonly string[]
  /** When the newest of them was written. */
  readonly modified: Date
  /** Reads any object of the repository. */
  readonly readObject: (id: ObjectId) => Promise<StoredObject>
  readonly signal?: AbortSignal | undefined
}

/** A pack that is complete and durable, but not yet where anybody sees it. */
export interface CombinedPack {
  readonly temporaryFile: string
  /** Its checksum. */
  readonly name: string
  readonly index: Uint8Array
  readonly objects: number
  readonly bytes: number
}

/** A pack cannot be what its index says. */
export class DamagedPackError extends Error {
  override readonly name = 'DamagedPackError'
  readonly code = 'DAMAGED_PACK'
  readonly pack: string

  constructor(pack: string, cause: unknown) {
    super(`${pack}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
    this.pack = pack
  }
}

/**
 * Writes one pack with every object of the given ones, reachable or not. What is compressed is copied as it is, checked
 * against the CRC of its index; what is whole becomes a delta of its predecessor where that is in the new pack and it is much smaller. A
 * base always stands before its deltas, so there can be no circle. The same packs in the same order give the same bytes.
 *
 * Throws DamagedPackError, leaving nothing behind.
 */
export async function combinePacks(options: CombineOptions): Promise<CombinedPack> {
  const { gitDirectory, sources } = options
  const folder = packFolder(gitDirectory)
  const writer = await PackWriter.create(folder, countObjects(folder, sources))
  try {
    const combination = new Combination(writer, options)
    for (const name of sources) {
      const source = openPack(name, () => new SourcePack(join(folder, name)))
      try {
        await combination.add(name, source)
      } finally {
        source.close()
      }
    }
    const checksum = await writer.finish(options.modified)
    return {
      temporaryFile: writer.path,
      name: checksum.toString('hex'),
      index: await buildPackIndex(combination.entries, checksum),
      objects: combination.entries.length,
      bytes: writer.position,
    }
  } catch (error) {
    await writer.discard()
    throw error
  }
}

function countObjects(folder: string, sources: readonly string[]): number {
  const ids = new Set<ObjectId>()
  for (const name of sources) {
    const index = openPack(name, () => new PackIndex(join(folder, `${name}.idx`)))
    try {
      for (const id of index.ids()) ids.add(id)
    } finally {
      index.close()
    }
  }
  return ids.size
}

function openPack<T>(name: string, open: () => T): T {
  try {
    return open()
  } catch (error) {
    throw error instanceof MalformedObjectError ? new DamagedPackError(name, error) : error
  }
}

interface PlacedObject extends DeltaBase<PlacedObject>, PackEntry {}

/** In a larger pack, smaller objects have been looked at when they came out of small packs. */
const fewObjects = 2048

/** How much an entry must shrink to be written anew instead of copied. */
const worthwhile = 0.85

const chunkLength = 1024 * 1024

class Combination {
  readonly #writer: PackWriter
  readonly #readObject: CombineOptions['readObject']
  readonly #signal: AbortSignal | undefined
  readonly #placed = new Map<ObjectId, PlacedObject>()
  /** What was unpacked last: the next version of the same path is compared with it. */
  readonly #recent = new LRUCache<ObjectId, Uint8Array>({
    maxSize: 8 * 1024 * 1024,
    sizeCalculation: ({ length }) => length + 64,
  })
  readonly #slice = startTimeSlice()

  constructor(writer: PackWriter, { readObject, signal }: CombineOptions) {
    this.#writer = writer
    this.#readObject = readObject
    this.#signal = signal
  }

  get entries(): readonly PackEntry[] {
    return [...this.#placed.values()]
  }

  async add(name: string, source: SourcePack): Promise<void> {
    const history = new PackHistory(source.entries, this.#readObject)
    const isSmall = source.entries.length <= fewObjects
    for (const [position, entry] of source.entries.entries()) {
      if (this.#placed.has(entry.id)) continue
      this.#signal?.throwIfAborted()
      if (this.#slice.isOver()) await this.#slice.next()
      try {
        await this.#place(source, entry, isSmall, () => history.predecessorOf(position))
      } catch (error) {
        throw error instanceof MalformedObjectError ? new DamagedPackError(name, error) : error
      }
    }
  }

  async #place(
    source: SourcePack,
    entry: SourceEntry,
    isSmallPack: boolean,
    findPredecessor: () => Promise<ObjectId | undefined>,
  ): Promise<void> {
    const { header } = entry
    if (header.kind !== 'whole') {
      const base = entry.base === undefined ? undefined : this.#placed.get(entry.base)
      if (base !== undefined && base.depth < Math.max(maximumDepth, entry.depth)) return this.#copy(source, entry, base)
      // Its base comes later, or became a long chain itself: another pack had it in another form.
      const { type, data } = await this.#readObject(entry.id)
      return this.#write(entry.id, undefined, wholeHeader(type, data.length), await compressWell(data))
    }
    if (header.size > largestDelta || !(isSmallPack || header.size > smallObject)) return this.#copy(source, entry)

    const body = source.read(entry.offset + header.length, entry.end)
    // Neither commits nor tags resemble each other enough.
    const predecessor = header.type === 'tree' || header.type === 'blob' ? await findPredecessor() : undefined
    const base = chooseBase(predecessor === undefined ? undefined : this.#placed.get(predecessor), entry.height)
    const data = base !== undefined || isStored(body) ? unpack(entry, body) : undefined
    if (data === undefined) return this.#copy(source, entry)
    if (base !== undefined) {
      this.#recent.set(entry.id, data)
      const delta = await this.#createDelta(base.id, data)
      const compressed = delta && (await compressWell(delta))
      if (compressed !== undefined && compressed.length < body.length * worthwhile) {
        const offset = offsetDeltaHeader(delta?.length ?? 0, this.#writer.position - base.offset)
        return this.#write(entry.id, base, offset, compressed)
      }
    }
    const compressed = isStored(body) ? await compressWell(data) : body
    if (compressed.length >= body.length * worthwhile) return this.#copy(source, entry)
    return this.#write(entry.id, undefined, wholeHeader(header.type, header.size), compressed)
  }

  async #createDelta(base: ObjectId, data: Uint8Array): Promise<Uint8Array | undefined> {
    let baseData = this.#recent.get(base)
    if (baseData === undefined) this.#recent.set(base, (baseData = (await this.#readObject(base)).data))
    const delta = createDeltaIfSmall(baseData, data)
    // What the delta replaces is removed: it is worth a second look.
    if (delta !== undefined && Buffer.compare(applyDelta(baseData, delta), data) !== 0)
      throw new Error(`a delta of ${base} does not yield the object`)
    return delta
  }

  /** Its base, if it has one, is that of the entry: only how far away it stands is written anew. */
  async #copy(source: SourcePack, { id, offset, end, crc, header }: SourceEntry, base?: PlacedObject): Promise<void> {
    const from = this.#writer.startEntry()
    let actual = 0
    for (let at = offset; at < end; at += chunkLength) {
      let chunk = source.read(at, Math.min(end, at + chunkLength))
      actual = crc32(chunk, actual)
      if (at === offset && base !== undefined) {
        await this.#writer.write(offsetDeltaHeader(header.size, from - base.offset))
        chunk = chunk.subarray(header.length)
      }
      await this.#writer.write(chunk)
    }
    if (actual !== crc) throw new MalformedObjectError(`object ${id} is not what its index says`)
    this.#remember(id, from, base)
  }

  async #write(id: ObjectId, base: PlacedObject | undefined, header: Uint8Array, body: Uint8Array): Promise<void> {
    const from = this.#writer.startEntry()
    await this.#writer.write(header)
    await this.#writer.write(body)
    this.#remember(id, from, base)
  }

  #remember(id: ObjectId, offset: number, base: PlacedObject | undefined): void {
    const depth = base === undefined ? 0 : base.depth + 1
    this.#placed.set(id, { id, offset, crc: this.#writer.crc, depth, base })
  }
}

/** Where the objects of one pack come from. */
class PackHistory {
  readonly #entries: readonly SourceEntry[]
  readonly #readObject: CombineOptions['readObject']
  #commitAt = -1
  #predecessors: ReadonlyMap<ObjectId, ObjectId> = new Map()

  constructor(entries: readonly SourceEntry[], readObject: CombineOptions['readObject']) {
    this.#entries = entries
    this.#readObject = readObject
  }

  /** To be asked in order. In a pack of ours each commit follows the objects that it brought. */
  async predecessorOf(position: number): Promise<ObjectId | undefined> {
    if (this.#commitAt < position) {
      this.#commitAt = position
      while (this.#commitAt < this.#entries.length && !isCommit(this.#entries[this.#commitAt])) this.#commitAt += 1
      const commit = this.#entries[this.#commitAt]
      this.#predecessors = commit === undefined ? new Map() : await findPredecessors(commit.id, this.#readObject)
    }
    return this.#predecessors.get(this.#entries[position]?.id ?? '')
  }
}

function isCommit(entry: SourceEntry | undefined): boolean {
  return entry?.header.kind === 'whole' && entry.header.type === 'commit'
}

function unpack({ id, header }: SourceEntry, body: Uint8Array): Uint8Array {
  let data: Uint8Array
  try {
    data = inflateSync(body, { maxOutputLength: header.size + 1 })
  } catch (error) {
    throw new MalformedObjectError(`object ${id} cannot be unpacked: ${(error as Error).message}`, { cause: error })
  }
  if (header.kind !== 'whole' || createObject(header.type, data).id !== id)
    throw new MalformedObjectError(`object ${id} has other content than its id says`)
  return data
}

/** zlib's format with a first block that is not compressed: what `storeUncompressed` writes. */
function isStored(body: Uint8Array): boolean {
  return body[0] === 0x78 && body[1] === 0x01 && ((body[2] ?? 0) & 6) === 0
}

async function compressWell(data: Uint8Array): Promise<Uint8Array> {
  if (data.length > largeObject) return deflateInThread(data)
  const compressed = deflateSync(data)
  return data.length <= smallObject && compressed.length >= data.length + 11 ? storeUncompressed(data) : compressed
}
