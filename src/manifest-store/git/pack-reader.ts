import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { inflateSync } from 'node:zlib'
import { LRUCache } from 'lru-cache'
import { applyDelta } from './delta.ts'
import { hasCode } from './durable-file.ts'
import { MalformedObjectError } from './git-errors.ts'
import { parseEntryHeader } from './pack-entry.ts'
import { PackIndex } from './pack-index.ts'
import type { StoredObject } from '../repository/repository.ts'

/** Most objects of a manifest repository, header included, are read with one call. */
const firstRead = 4096

/** Each object is taken out of it before the next one is read. */
const buffer = Buffer.alloc(firstRead)

/** What a base takes beside its bytes: a buffer, its key, its place in the cache. */
const bytesOfBase = 300

/** An object, and the keys of all that are kept of its pack. */
interface KeptBase {
  readonly object: StoredObject
  readonly ofPack: Set<string>
}

/** Deltas are chains on a few bases: those used last are kept, of all open packs together, by pack and offset. In bytes. */
const bases = new LRUCache<string, KeptBase>({
  maxSize: 16 * 1024 * 1024,
  sizeCalculation: ({ object }) => object.data.length + bytesOfBase,
  dispose: ({ ofPack }, key) => ofPack.delete(key),
})

/** In memory of its own: a piece of Node's pool would keep 8 KB. */
function inOwnMemory({ type, data }: StoredObject): StoredObject {
  if (data.buffer.byteLength <= 2 * data.length) return { type, data }
  const own = Buffer.allocUnsafeSlow(data.length)
  own.set(data)
  return { type, data: own }
}

let openedPacks = 0

/** Finds an object outside of this pack: the base of a delta in a pack that was completed from elsewhere. */
type FindBase = (raw: Buffer) => StoredObject | undefined

/** One pack: objects are read where they begin, and nothing else of it, so its size does not matter. */
export class PackReader {
  readonly #index: PackIndex
  readonly #file: number
  readonly #size: number
  readonly #number = (openedPacks += 1)
  readonly #bases = new Set<string>()

  /** Opens pack and index by their path without ending. Throws what the file system throws, and MalformedObjectError. */
  constructor(path: string) {
    this.#index = new PackIndex(`${path}.idx`)
    try {
      this.#file = openSync(`${path}.pack`, 'r')
    } catch (error) {
      this.#index.close()
      throw error
    }
    this.#size = fstatSync(this.#file).size
  }

  /** The object with this id, as 20 bytes; undefined when it is not in the pack. */
  read(raw: Buffer, findBase: FindBase): StoredObject | undefined {
    const offset = this.#index.find(raw)
    return offset === undefined ? undefined : this.#readAt(offset, findBase)
  }

  /** Whether the object with this id, as 20 bytes, is in the pack. */
  has(raw: Buffer): boolean {
    return this.#index.find(raw) !== undefined
  }

  close(): void {
    this.#index.close()
    closeSync(this.#file)
    for (const key of this.#bases) bases.delete(key)
  }

  #keep(offset: number, object: StoredObject): void {
    const key = this.#key(offset)
    bases.set(key, { object: inOwnMemory(object), ofPack: this.#bases })
    this.#bases.add(key)
  }

  #key(offset: number): string {
    return `${this.#number} ${offset}`
  }

  #readAt(start: number, findBase: FindBase): StoredObject {
    /** The deltas between the object and its base, the object's own first. */
    const deltas: Uint8Array[] = []
    const offsets: number[] = []
    let base: StoredObject | undefined
    for (let offset = start; base === undefined;) {
      base = bases.get(this.#key(offset))?.object
      if (base !== undefined) break
      const entry = this.#readEntry(offset)
      offsets.push(offset)
      if (entry.kind === 'whole') {
        base = entry.object
        break
      }
      deltas.push(entry.delta)
      if (entry.kind === 'offset') {
        if (entry.base >= offset || entry.base < 12) throw new MalformedObjectError('a delta names no base in its pack')
        offset = entry.base
        continue
      }
      const own = this.#index.find(entry.base)
      if (own === start || (own !== undefined && offsets.includes(own)))
        throw new MalformedObjectError('a delta is its own base')
      if (own !== undefined) {
        offset = own
        continue
      }
      base = findBase(entry.base)
      if (base === undefined)
        throw new MalformedObjectError(`the base of a delta, ${entry.base.toString('hex')}, is missing`)
    }
    let object = base
    const baseOffset = offsets[deltas.length]
    if (deltas.length > 0 && baseOffset !== undefined) this.#keep(baseOffset, base)
    // Each on the way, too: whoever reads one of a chain, such as a tree, goes on with its neighbours in history.
    for (const [index, delta] of [...deltas.entries()].toReversed()) {
      object = { type: object.type, data: applyDelta(object.data, delta) }
      const offset = offsets[index]
      if (offset !== undefined) this.#keep(offset, object)
    }
    return object
  }

  #readEntry(
    offset: number,
  ):
    | { readonly kind: 'whole'; readonly object: StoredObject }
    | { readonly kind: 'offset'; readonly delta: Uint8Array; readonly base: number }
    | { readonly kind: 'reference'; readonly delta: Uint8Array; readonly base: Buffer } {
    const chunk = this.#chunk(offset, firstRead, buffer)
    const header = parseEntryHeader(chunk)
    const data = this.#inflate(offset, chunk, header.length, header.size)
    switch (header.kind) {
      case 'whole':
        return { kind: 'whole', object: { type: header.type, data } }
      case 'offset':
        return { kind: 'offset', base: offset - header.distance, delta: data }
      case 'reference':
        return { kind: 'reference', base: header.base, delta: data }
    }
  }

  /**
   * How long a compressed object is stands nowhere: usually no longer than deflate's bound, with some compressors longer.
   * More is read as long as the stream does not end.
   */
  #inflate(offset: number, chunk: Buffer, at: number, size: number): Uint8Array {
    const position = offset + at
    let bytes = chunk.subarray(at)
    for (let length = size + (size >>> 10) + 64; ; length *= 2) {
      const isRest = position + bytes.length >= this.#size
      if (bytes.length < length && !isRest) bytes = this.#chunk(position, length)
      try {
        // Room for all of it at once, and a byte to see the end.
        const data = inflateSync(bytes, { maxOutputLength: size + 1, chunkSize: Math.max(size + 1, 64) })
        if (data.length === size) return data
        throw new MalformedObjectError('an object in a pack does not have its size')
      } catch (error) {
        if (error instanceof MalformedObjectError) throw error
        if (hasCode(error, 'Z_BUF_ERROR') && position + bytes.length < this.#size) continue
        throw new MalformedObjectError(`an object in a pack cannot be unpacked: ${(error as Error).message}`, {
          cause: error,
        })
      }
    }
  }

  /** Up to `length` bytes: fewer at the end of the pack. They stand in `into`, which must have room for them. */
  #chunk(position: number, length: number, into = Buffer.allocUnsafe(length)): Buffer {
    const available = Math.min(length, this.#size - position)
    if (available <= 0) throw new MalformedObjectError('an object is said to begin after the end of its pack')
    const bytes = into.subarray(0, available)
    let filled = 0
    while (filled < available) {
      const count = readSync(this.#file, bytes, filled, available - filled, position + filled)
      if (count === 0) throw new MalformedObjectError('a pack is shorter than it was')
      filled += count
    }
    return bytes
  }
}
