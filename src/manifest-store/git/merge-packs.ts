import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import type { CombinedPack } from './combine-packs.ts'
import { DamagedPackError } from './combine-packs.ts'
import { MalformedObjectError } from './git-errors.ts'
import { longestHeader, offsetDeltaHeader, parseEntryHeader } from './pack-entry.ts'
import { fanoutAt, idsAt, longestPlainOffset, PackIndex } from './pack-index.ts'
import { packFolder } from './pack-folder.ts'
import { PackWindow } from './pack-window.ts'
import { PackWriter } from './pack-writer.ts'
import { startTimeSlice } from './time-slice.ts'

export interface MergeOptions {
  readonly gitDirectory: string
  /** Names of packs without ending. */
  readonly sources: readonly string[]
  /** When the newest of them was written. */
  readonly modified: Date
  readonly signal?: AbortSignal | undefined
}

const chunkLength = 1024 * 1024

/**
 * Writes one pack with every object of the given ones as they are: for packs with so many objects that looking for better deltas would
 * take too much memory. Each object takes 72 bytes of it, outside of JavaScript's heap.
 *
 * A base stands before its deltas where it stood before them, or in an earlier pack, so there can be no circle: what a pack has,
 * refers only to what it has.
 *
 * Throws DamagedPackError, leaving nothing behind.
 */
export async function mergePacks({ gitDirectory, sources, modified, signal }: MergeOptions): Promise<CombinedPack> {
  const folder = packFolder(gitDirectory)
  const rows = sources.map((name) => blame(name, () => new SourceRows(join(folder, `${name}.idx`))))
  const merge = new Merge(rows)
  const writer = await PackWriter.create(folder, merge.count)
  try {
    for (const [number, name] of sources.entries()) {
      const pack = blame(name, () => new PackWindow(join(folder, `${name}.pack`)))
      try {
        await merge.copy(number, pack, writer, signal)
      } catch (error) {
        throw error instanceof MalformedObjectError ? new DamagedPackError(name, error) : error
      } finally {
        pack.close()
      }
    }
    const checksum = await writer.finish(modified)
    return {
      temporaryFile: writer.path,
      name: checksum.toString('hex'),
      index: merge.buildIndex(checksum),
      objects: merge.count,
      bytes: writer.position,
    }
  } catch (error) {
    await writer.discard()
    throw error
  }
}

function blame<T>(name: string, open: () => T): T {
  try {
    return open()
  } catch (error) {
    throw error instanceof MalformedObjectError ? new DamagedPackError(name, error) : error
  }
}

const idLength = 20

/** The objects of one pack, a row each, in the order of their ids. */
class SourceRows {
  readonly ids: Buffer
  /** As they are in the new pack, once they have been copied. */
  readonly crcs: Buffer
  readonly offsets: Float64Array
  /** The rows in the order in which the objects stand. */
  readonly byOffset: Uint32Array
  /** Where each stands in the new pack, once it has been copied. */
  readonly placed: Float64Array
  /** Which of them an earlier pack has, too, and where. */
  readonly twins = new Map<number, { readonly of: SourceRows; readonly row: number }>()

  constructor(path: string) {
    const index = new PackIndex(path)
    try {
      const { ids, crcs, offsets } = index.tables()
      this.ids = ids
      this.crcs = crcs
      this.offsets = offsets
    } finally {
      index.close()
    }
    this.placed = new Float64Array(this.count)
    const { offsets } = this
    this.byOffset = Uint32Array.from(offsets, (_, row) => row).toSorted((a, b) => (offsets[a] ?? 0) - (offsets[b] ?? 0))
  }

  get count(): number {
    return this.offsets.length
  }

  /** The first six bytes of an id tell nearly all of them apart; beyond the last row, more than any id. */
  key(row: number): number {
    return row < this.count ? this.ids.readUIntBE(row * idLength, 6) : Number.POSITIVE_INFINITY
  }

  compare(row: number, other: SourceRows, otherRow: number): number {
    const [from, otherFrom] = [row * idLength, otherRow * idLength]
    return this.ids.compare(other.ids, otherFrom, otherFrom + idLength, from, from + idLength)
  }

  /** Where the object stands in the new pack that began here in the old one. */
  placeOf(offset: number): number | undefined {
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.offsets[this.byOffset[middle] ?? 0] ?? 0) < offset) low = middle + 1
      else high = middle
    }
    const row = this.byOffset[low] ?? 0
    return this.offsets[row] === offset ? this.placed[row] : undefined
  }
}

class Merge {
  readonly #sources: readonly SourceRows[]
  /** How many different objects there are. */
  readonly count: number

  constructor(sources: readonly SourceRows[]) {
    this.#sources = sources
    let count = 0
    let first: { readonly of: SourceRows; readonly row: number } | undefined
    for (const { of, row } of inOrder(sources)) {
      if (first !== undefined && of.compare(row, first.of, first.row) === 0) of.twins.set(row, first)
      else {
        first = { of, row }
        count += 1
      }
    }
    this.count = count
  }

  /** Copies what no earlier pack has. To be called for one after the other. */
  async copy(number: number, pack: PackWindow, writer: PackWriter, signal: AbortSignal | undefined): Promise<void> {
    const source = this.#sources[number] as SourceRows
    const slice = startTimeSlice()
    for (const [position, row] of source.byOffset.entries()) {
      if (slice.isOver()) {
        signal?.throwIfAborted()
        await slice.next()
      }
      const twin = source.twins.get(row)
      if (twin?.of === source) throw new MalformedObjectError('a pack has an object twice')
      if (twin !== undefined) {
        source.placed[row] = twin.of.placed[twin.row] ?? 0
        continue
      }
      const next = source.byOffset[position + 1]
      const from = source.offsets[row] ?? 0
      const to = next === undefined ? pack.end : (source.offsets[next] ?? 0)
      source.placed[row] = writer.startEntry()
      const crc = await copyEntry(source, pack, from, to, writer)
      if (crc !== source.crcs.readUInt32BE(row * 4)) {
        const id = source.ids.toString('hex', row * idLength, (row + 1) * idLength)
        throw new MalformedObjectError(`object ${id} is not what its index says`)
      }
      source.crcs.writeUInt32BE(writer.crc, row * 4)
    }
  }

  /** The version 2 index of the new pack. */
  buildIndex(packChecksum: Uint8Array): Uint8Array {
    const crcsAt = idsAt + this.count * idLength
    const offsetsAt = crcsAt + this.count * 4
    const largeOffsetsAt = offsetsAt + this.count * 4
    const large: number[] = []
    const index = Buffer.alloc(largeOffsetsAt)
    index.write('\u00fftOc\0\0\0\u0002', 'latin1')
    let at = 0
    for (const { of, row } of inOrder(this.#sources)) {
      if (of.twins.has(row)) continue
      of.ids.copy(index, idsAt + at * idLength, row * idLength, (row + 1) * idLength)
      of.crcs.copy(index, crcsAt + at * 4, row * 4, (row + 1) * 4)
      const offset = of.placed[row] ?? 0
      // The highest bit says that the rest is a row of the table of 64-bit offsets.
      index.writeUInt32BE(
        offset > longestPlainOffset ? 0x80000000 + large.push(offset) - 1 : offset,
        offsetsAt + at * 4,
      )
      at += 1
      // How many objects there are whose first byte is this one, or a lower one.
      index.writeUInt32BE(at, fanoutAt + (of.ids[row * idLength] ?? 0) * 4)
    }
    for (let byte = 1; byte < 256; byte += 1) {
      const place = fanoutAt + byte * 4
      if (index.readUInt32BE(place) === 0) index.writeUInt32BE(index.readUInt32BE(place - 4), place)
    }
    const largeOffsets = Buffer.alloc(large.length * 8)
    for (const [row, offset] of large.entries()) largeOffsets.writeBigUInt64BE(BigInt(offset), row * 8)
    const body = Buffer.concat([index, largeOffsets, packChecksum])
    return Buffer.concat([body, createHash('sha1').update(body).digest()])
  }
}

/** All rows by their ids; what several packs have, in the order of the packs. */
function* inOrder(sources: readonly SourceRows[]): Iterable<{ readonly of: SourceRows; readonly row: number }> {
  const heads = sources.map((of) => ({ of, row: 0, key: of.key(0) }))
  for (;;) {
    let least = heads[0]
    for (const head of heads) {
      if (least === undefined || head.key < least.key) least = head
      else if (head !== least && head.key === least.key && head.key !== Number.POSITIVE_INFINITY) {
        if (head.of.compare(head.row, least.of, least.row) < 0) least = head
      }
    }
    if (least === undefined || least.key === Number.POSITIVE_INFINITY) return
    yield { of: least.of, row: least.row }
    least.row += 1
    least.key = least.of.key(least.row)
  }
}

/** Only how far away the base stands is written anew. Answers the CRC-32 of what was read. */
async function copyEntry(
  source: SourceRows,
  pack: PackWindow,
  from: number,
  to: number,
  writer: PackWriter,
): Promise<number> {
  const place = writer.position
  let crc = 0
  for (let at = from; at < to; at += chunkLength) {
    let chunk = pack.read(at, Math.min(to, at + chunkLength))
    crc = crc32(chunk, crc)
    if (at === from) {
      const header = parseEntryHeader(chunk.subarray(0, longestHeader))
      if (header.kind === 'offset') {
        const base = source.placeOf(from - header.distance)
        if (base === undefined || header.distance <= 0)
          throw new MalformedObjectError('a delta names no base in its pack')
        await writer.write(offsetDeltaHeader(header.size, place - base))
        chunk = chunk.subarray(header.length)
      }
    }
    await writer.write(chunk)
  }
  return crc
}
