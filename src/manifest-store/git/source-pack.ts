import type { ObjectId } from '../../core/object-id.ts'
import { MalformedObjectError } from './git-errors.ts'
import type { EntryHeader } from './pack-entry.ts'
import { longestHeader, parseEntryHeader } from './pack-entry.ts'
import type { PackEntry } from './pack-file.ts'
import { PackIndex } from './pack-index.ts'
import { PackWindow } from './pack-window.ts'

/** An object as it stands in a pack. */
export interface SourceEntry extends PackEntry {
  /** Where it ends. */
  readonly end: number
  readonly header: EntryHeader
  /** Its base, where it is a delta; undefined also when that is in another pack. */
  readonly base: ObjectId | undefined
  /** How many deltas it takes to read it. */
  depth: number
  /** How many deltas hang below it, at most. */
  height: number
}

/** A pack that is read from its beginning to its end, object by object, without unpacking any. */
export class SourcePack {
  /** In the order in which they stand. */
  readonly entries: readonly SourceEntry[]
  #window: PackWindow | undefined

  /** Opens pack and index by their path without ending. Throws what the file system throws, and MalformedObjectError. */
  constructor(path: string) {
    const index = new PackIndex(`${path}.idx`)
    try {
      this.#window = new PackWindow(`${path}.pack`)
      this.entries = this.#link(index.entries(), this.#window)
    } catch (error) {
      this.close()
      throw error
    } finally {
      index.close()
    }
  }

  #link(found: readonly PackEntry[], window: PackWindow): SourceEntry[] {
    const byOffset = new Map<number, SourceEntry>()
    const byId = new Map<ObjectId, SourceEntry>()
    const entries: SourceEntry[] = []
    for (const [position, { id, offset, crc }] of found.entries()) {
      const end = found[position + 1]?.offset ?? window.end
      const header = parseEntryHeader(window.read(offset, Math.min(end, offset + longestHeader)))
      const base =
        header.kind === 'offset'
          ? byOffset.get(offset - header.distance)
          : header.kind === 'reference'
            ? byId.get(header.base.toString('hex'))
            : undefined
      if (header.kind === 'offset' && base === undefined)
        throw new MalformedObjectError('a delta names no base in its pack')
      const baseId = base?.id ?? (header.kind === 'reference' ? header.base.toString('hex') : undefined)
      const depth = base === undefined ? 0 : base.depth + 1
      const entry: SourceEntry = { id, offset, crc, end, header, base: baseId, depth, height: 0 }
      entries.push(entry)
      byOffset.set(offset, entry)
      byId.set(id, entry)
    }
    for (const { base, height } of entries.toReversed()) {
      const below = base === undefined ? undefined : byId.get(base)
      if (below !== undefined) below.height = Math.max(below.height, height + 1)
    }
    return entries
  }

  /** Valid until the next call. Throws MalformedObjectError when the pack ends before. */
  read(from: number, to: number): Buffer {
    return (this.#window as PackWindow).read(from, to)
  }

  close(): void {
    this.#window?.close()
  }
}
