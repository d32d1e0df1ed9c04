import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { LRUCache } from 'lru-cache'
import type { ObjectId } from '../../core/object-id.ts'
import { MalformedObjectError } from './git-errors.ts'
import type { PackEntry } from './pack-file.ts'

/** Where the table of counts stands in an index of version 2, and behind it the ids (gitformat-pack). */
export const fanoutAt = 8
export const idsAt = fanoutAt + 256 * 4

/** Beyond it an offset stands in a table of its own, in 64 bits. */
export const longestPlainOffset = 0x7fffffff

/** Rows of an index that follow each other: those of all objects whose ids begin with the same byte, or all rows. */
interface Rows {
  /** How many there are in the index before these. */
  readonly first: number
  readonly ids: Buffer
  /** As they stand in the index, four bytes each. */
  readonly offsets: Buffer
}

/** What a cached bucket takes beside its bytes: two buffers, its key, its place in the cache. */
const bytesOfBucket = 600

/**
 * How much of the ids and offsets of all large packs is kept in memory, in bytes: those of 2.8 million objects. Where it is less than what a
 * train looks for, each look reads a bucket anew: with 24 MB one of 45,000 deployments took 20 s among 2.5 million objects, and takes 5 s now.
 */
const buckets = new LRUCache<string, Rows>({
  maxSize: 64 * 1024 * 1024,
  sizeCalculation: ({ ids, offsets }) => ids.length + offsets.length + bytesOfBucket,
})

/** Lets go of what is kept of the index of a pack that is gone. `path` is that of the index. */
export function forgetIndex(path: string): void {
  for (let byte = 0; byte < 256; byte += 1) buckets.delete(bucketKey(path, byte))
}

function bucketKey(path: string, byte: number): string {
  return `${path} ${byte}`
}

/** An index with so few rows is kept as a whole as long as it is open: in a bucket of its own each row would take more. */
const fewRows = 4096

/**
 * The index of one pack, version 2: where in the pack each object begins. A large one is read a bucket at a time, what begins
 * with the same byte, so that the index of a pack of any size takes little memory.
 */
export class PackIndex {
  readonly #path: string
  readonly #file: number
  readonly #counts: readonly number[]
  #all: Rows | undefined

  /** Opens the index. Throws what the file system throws, and MalformedObjectError when it is no version 2 index. */
  constructor(path: string) {
    this.#path = path
    this.#file = openSync(path, 'r')
    try {
      const head = read(this.#file, 0, idsAt)
      if (head.readUInt32BE(0) !== 0xff744f63 || head.readUInt32BE(4) !== 2) {
        throw new MalformedObjectError(`${path} is no pack index of version 2`)
      }
      this.#counts = Array.from({ length: 256 }, (_, byte) => head.readUInt32BE(fanoutAt + byte * 4))
      const count = this.#counts[255] ?? 0
      const isSorted = this.#counts.every((upTo, byte) => upTo >= (this.#counts[byte - 1] ?? 0))
      if (!isSorted || fstatSync(this.#file).size < idsAt + count * 28 + 40) {
        throw new MalformedObjectError(`${path} is cut short or damaged`)
      }
    } catch (error) {
      this.close()
      throw error
    }
  }

  /** Where the object begins in the pack; undefined when it is not in it. `raw` is its id as 20 bytes. */
  find(raw: Buffer): number | undefined {
    const byte = raw[0] ?? 0
    const from = this.#counts[byte - 1] ?? 0
    const { first, ids, offsets } = this.count <= fewRows ? this.#allRows() : this.#bucket(byte, from)
    // Four bytes tell nearly all ids of a bucket apart, and comparing numbers is many times faster than comparing bytes.
    const key = raw.readUInt32BE(1)
    let low = from - first
    let high = (this.#counts[byte] ?? 0) - first
    while (low < high) {
      const middle = (low + high) >>> 1
      const order = key - ids.readUInt32BE(middle * 20 + 1) || raw.compare(ids, middle * 20, middle * 20 + 20)
      if (order === 0) return this.#offset(offsets.readUInt32BE(middle * 4))
      if (order < 0) high = middle
      else low = middle + 1
    }
    return undefined
  }

  /** How many objects the pack has. */
  get count(): number {
    return this.#counts[255] ?? 0
  }

  /** The ids of all objects, in their order. */
  ids(): readonly ObjectId[] {
    const bytes = read(this.#file, idsAt, this.count * 20)
    return Array.from({ length: this.count }, (_, row) => bytes.toString('hex', row * 20, row * 20 + 20))
  }

  /** All objects in the order in which they stand in the pack. */
  entries(): PackEntry[] {
    const crcs = read(this.#file, idsAt + this.count * 20, this.count * 4)
    const offsets = read(this.#file, idsAt + this.count * 24, this.count * 4)
    const entries = this.ids().map((id, row) => ({
      id,
      crc: crcs.readUInt32BE(row * 4),
      offset: this.#offset(offsets.readUInt32BE(row * 4)),
    }))
    return entries.toSorted((a, b) => a.offset - b.offset)
  }

  /** The same as tables of bytes and numbers, in the order of the ids: 20 bytes an id, four a CRC. */
  tables(): { readonly ids: Buffer; readonly crcs: Buffer; readonly offsets: Float64Array } {
    const plain = read(this.#file, idsAt + this.count * 24, this.count * 4)
    return {
      ids: read(this.#file, idsAt, this.count * 20),
      crcs: read(this.#file, idsAt + this.count * 20, this.count * 4),
      offsets: Float64Array.from({ length: this.count }, (_, row) => this.#offset(plain.readUInt32BE(row * 4))),
    }
  }

  close(): void {
    closeSync(this.#file)
  }

  #allRows(): Rows {
    return (this.#all ??= this.#rows(0, this.count))
  }

  #bucket(byte: number, first: number): Rows {
    const key = bucketKey(this.#path, byte)
    const known = buckets.get(key)
    if (known !== undefined) return known
    const bucket = this.#rows(first, (this.#counts[byte] ?? 0) - first)
    buckets.set(key, bucket)
    return bucket
  }

  #rows(first: number, count: number): Rows {
    return {
      first,
      ids: read(this.#file, idsAt + first * 20, count * 20),
      offsets: read(this.#file, idsAt + this.count * 24 + first * 4, count * 4),
    }
  }

  /** Of packs beyond 2 GB the index has a second table, with 64 bits for each row. */
  #offset(plain: number): number {
    if (plain < 0x80000000) return plain
    const row = plain - 0x80000000
    return Number(read(this.#file, idsAt + this.count * 28 + row * 8, 8).readBigUInt64BE(0))
  }
}

/**
 * Exactly these bytes of the file, in memory of their own: some are kept, and a piece of Node's pool would keep 8 KB. Throws
 * MalformedObjectError when the file ends before.
 */
export function read(file: number, position: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(length)
  let filled = 0
  while (filled < length) {
    const count = readSync(file, bytes, filled, length - filled, position + filled)
    if (count === 0) throw new MalformedObjectError('a file of a pack ends too early')
    filled += count
  }
  return bytes
}
