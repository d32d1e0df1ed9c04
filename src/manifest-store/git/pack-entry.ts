import { MalformedObjectError } from './git-errors.ts'
import type { ObjectType } from './git-object.ts'

/** How an object begins in a pack, before its compressed bytes (gitformat-pack, "pack-*.pack files"). */
export type EntryHeader =
  | { readonly kind: 'whole'; readonly type: ObjectType; readonly size: number; readonly length: number }
  /** A delta of the object that begins `distance` bytes before. */
  | { readonly kind: 'offset'; readonly distance: number; readonly size: number; readonly length: number }
  /** A delta of the object with this id, as 20 bytes. */
  | { readonly kind: 'reference'; readonly base: Buffer; readonly size: number; readonly length: number }

/** No header is longer. */
export const longestHeader = 32

const typeNumbers = { commit: 1, tree: 2, blob: 3, tag: 4 } as const satisfies Record<ObjectType, number>
const types = new Map<number, ObjectType>(
  Object.entries(typeNumbers).map(([type, number]) => [number, type as ObjectType]),
)
const offsetDelta = 6
const referenceDelta = 7

/** Reads the header at the beginning of these bytes. `size` is that of the unpacked data, `length` the header's own. */
export function parseEntryHeader(bytes: Buffer): EntryHeader {
  let at = 0
  const nextByte = () => {
    const byte = bytes[at++]
    if (byte === undefined) throw new MalformedObjectError('a pack ends in the middle of an object')
    return byte
  }
  let byte = nextByte()
  const number = (byte >> 4) & 7
  let size = byte & 15
  for (let unit = 16; byte >= 0x80; unit *= 128) {
    byte = nextByte()
    size += (byte & 0x7f) * unit
  }
  const type = types.get(number)
  if (type !== undefined) return { kind: 'whole', type, size, length: at }
  if (number === offsetDelta) {
    byte = nextByte()
    let distance = byte & 0x7f
    while (byte >= 0x80) {
      byte = nextByte()
      distance = (distance + 1) * 128 + (byte & 0x7f)
    }
    return { kind: 'offset', distance, size, length: at }
  }
  if (number === referenceDelta) {
    return { kind: 'reference', base: Buffer.from(bytes.subarray(at, at + 20)), size, length: at + 20 }
  }
  throw new MalformedObjectError(`a pack has an object of the unknown type ${number}`)
}

export function wholeHeader(type: ObjectType, size: number): Buffer {
  return Buffer.from(typeAndSize(typeNumbers[type], size))
}

/** For a delta of `size` bytes whose base begins `distance` bytes before it. */
export function offsetDeltaHeader(size: number, distance: number): Buffer {
  const bytes = [distance % 128]
  // Each further byte counts from one, so that no distance has two spellings.
  for (let rest = Math.floor(distance / 128); rest > 0; rest = Math.floor(rest / 128)) {
    rest -= 1
    bytes.unshift((rest % 128) | 0x80)
  }
  return Buffer.from([...typeAndSize(offsetDelta, size), ...bytes])
}

/** Four bits of the size beside the type, then seven bits a byte, lowest first. */
function typeAndSize(number: number, size: number): number[] {
  const bytes: number[] = []
  let byte = (number << 4) | (size & 0x0f)
  // Sizes may exceed 32 bits, so no shifts.
  for (let rest = Math.floor(size / 16); rest > 0; rest = Math.floor(rest / 128)) {
    bytes.push(byte | 0x80)
    byte = rest & 0x7f
  }
  return [...bytes, byte]
}
