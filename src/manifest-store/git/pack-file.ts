import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { crc32, deflate, deflateSync } from 'node:zlib'
import type { ObjectId } from '../../core/object-id.ts'
import type { DeltaBase } from './delta-chain.ts'
import { chooseBase, createDeltaIfSmall } from './delta-chain.ts'
import type { GitObject, ObjectType } from './git-object.ts'
import { offsetDeltaHeader, wholeHeader } from './pack-entry.ts'
import { fanoutAt, idsAt, longestPlainOffset } from './pack-index.ts'
import { startTimeSlice } from './time-slice.ts'

export interface PackFile {
  /** The pack's checksum, which git puts into the names of both files: `pack-<name>.pack` and `.idx`. */
  readonly name: string
  readonly pack: Uint8Array
  readonly index: Uint8Array
}

/**
 * A version 2 pack of these objects and its version 2 index. An object that comes twice stands in it once. One whose
 * predecessor comes before it becomes a delta where that is much smaller: the commits of a batch often change the same large
 * trees. The same objects in the same order give the same bytes.
 */
export async function buildPack(objects: Iterable<GitObject>): Promise<PackFile> {
  const slice = startTimeSlice()
  const distinct = [...new Map(Array.from(objects, (object) => [object.id, object])).values()]
  const parts: Uint8Array[] = [packHeader(distinct.length)]
  const hash = createHash('sha1').update(packHeader(distinct.length))
  const entries: PackEntry[] = []
  const placed = new Map<ObjectId, PlacedObject>()
  let offset = packHeaderLength
  for (const object of distinct) {
    const chosen = chooseBase(object.predecessor === undefined ? undefined : placed.get(object.predecessor))
    const delta = chosen && createDeltaIfSmall(chosen.data, object.data)
    const base = delta && chosen
    const data = delta ?? object.data
    const header = base ? offsetDeltaHeader(data.length, offset - base.offset) : wholeHeader(object.type, data.length)
    const body = data.length > largeObject ? await deflateInThread(data) : compress(data, object.type)
    let crc = 0
    for (const chunk of [header, ...chunksOf(body)]) {
      if (slice.isOver()) await slice.next()
      hash.update(chunk)
      crc = crc32(chunk, crc)
    }
    parts.push(header, body)
    entries.push({ id: object.id, offset, crc })
    placed.set(object.id, { offset, data: object.data, depth: base ? base.depth + 1 : 0, base })
    offset += header.length + body.length
  }
  const checksum = hash.digest()
  const pack = Buffer.concat([...parts, checksum])
  return { name: checksum.toString('hex'), pack, index: await buildPackIndex(entries, checksum) }
}

interface PlacedObject extends DeltaBase<PlacedObject> {
  readonly offset: number
  readonly data: Uint8Array
}

/** Pieces that are hashed in a millisecond or two. */
function chunksOf(data: Uint8Array): Uint8Array[] {
  if (data.length <= chunkLength) return [data]
  return Array.from({ length: Math.ceil(data.length / chunkLength) }, (_, index) =>
    data.subarray(index * chunkLength, (index + 1) * chunkLength),
  )
}

const chunkLength = 1024 * 1024

export const packHeaderLength = 12

export function packHeader(count: number): Buffer {
  const header = Buffer.from('PACK\0\0\0\u0002\0\0\0\0', 'latin1')
  header.writeUInt32BE(count, 8)
  return header
}

/** Beyond this size an object is compressed in another thread, because it would hold up the event loop. */
export const largeObject = 64 * 1024

export const deflateInThread = promisify<Uint8Array, Buffer>(deflate)

/**
 * Up to this size an object is stored in zlib's format without being compressed: a fresh compressor costs 20 times as
 * much as writing the bytes, and trees, the most numerous objects, are ids, which do not shrink.
 */
export const smallObject = 512

export function compress(data: Uint8Array, type: ObjectType): Uint8Array {
  if (data.length <= smallObject) return storeUncompressed(data)
  // Of trees little more than the alphabet of their names can be shortened: the fastest level does that in two thirds of the time.
  return deflateSync(data, type === 'tree' ? { level: 1 } : {})
}

/** RFC 1950 and 1951: zlib's header, one final stored block, Adler-32. */
export function storeUncompressed(data: Uint8Array): Uint8Array {
  const bytes = Buffer.allocUnsafe(data.length + 11)
  bytes.writeUInt16BE(0x7801, 0)
  bytes[2] = 1
  bytes.writeUInt16LE(data.length, 3)
  bytes.writeUInt16LE(0xffff - data.length, 5)
  bytes.set(data, 7)
  // Sums of so few bytes do not overflow, so the remainder can wait until the end.
  let low = 1
  let high = 0
  for (const byte of data) {
    low += byte
    high += low
  }
  bytes.writeUInt32BE((high % 65521) * 0x10000 + (low % 65521), 7 + data.length)
  return bytes
}

export interface PackEntry {
  readonly id: ObjectId
  /** Where in the pack the object begins. */
  readonly offset: number
  /** CRC-32 of the object as it stands in the pack. */
  readonly crc: number
}

/** The version 2 index of a pack with these entries, in whatever order they come, and this checksum. */
export async function buildPackIndex(entries: readonly PackEntry[], packChecksum: Uint8Array): Promise<Uint8Array> {
  const slice = startTimeSlice()
  const byFirstByte: PackEntry[][] = Array.from({ length: 256 }, () => [])
  for (const entry of entries) byFirstByte[Number.parseInt(entry.id.slice(0, 2), 16)]?.push(entry)

  const count = entries.length
  const largeCount = entries.filter(({ offset }) => offset > longestPlainOffset).length
  const crcsAt = idsAt + count * 20
  const offsetsAt = crcsAt + count * 4
  const largeOffsetsAt = offsetsAt + count * 4
  const end = largeOffsetsAt + largeCount * 8
  const index = Buffer.alloc(end + 40)
  index.write('\u00fftOc\0\0\0\u0002', 'latin1')

  let row = 0
  let largeRow = 0
  for (const [firstByte, bucket] of byFirstByte.entries()) {
    if (slice.isOver()) await slice.next()
    // Mostly there is none, or one.
    for (const { id, offset, crc } of bucket.length < 2 ? bucket : bucket.toSorted((a, b) => (a.id < b.id ? -1 : 1))) {
      index.write(id, idsAt + row * 20, 'hex')
      index.writeUInt32BE(crc, crcsAt + row * 4)
      if (offset > longestPlainOffset) {
        // The highest bit says that the rest is a row of the table of 64-bit offsets.
        index.writeUInt32BE(0x80000000 + largeRow, offsetsAt + row * 4)
        index.writeBigUInt64BE(BigInt(offset), largeOffsetsAt + largeRow * 8)
        largeRow += 1
      } else {
        index.writeUInt32BE(offset, offsetsAt + row * 4)
      }
      row += 1
    }
    index.writeUInt32BE(row, fanoutAt + firstByte * 4)
  }
  index.set(packChecksum, end)
  index.set(
    createHash('sha1')
      .update(index.subarray(0, end + 20))
      .digest(),
    end + 20,
  )
  return index
}
