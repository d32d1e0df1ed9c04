/** Shorter pieces of the base are not looked for: a copy takes up to seven bytes itself. */
const blockLength = 16

const longestCopy = 0x10000
const longestInsertion = 0x7f

/**
 * A delta that makes `target` of `base` (gitformat-pack, "deltified representation"; `applyDelta` is the inverse). Whatever
 * the two have in common at their ends is found at once, so a change in one place costs as much as comparing them;
 * what lies between is looked up in blocks.
 */
export function createDelta(base: Uint8Array, target: Uint8Array): Uint8Array {
  const shorter = Math.min(base.length, target.length)
  const prefix = commonPrefix(base, target, shorter)
  const suffix = commonSuffix(base, target, shorter - prefix)
  const delta = new DeltaWriter(base.length, target)
  if (prefix < blockLength / 2) delta.insert(0, prefix)
  else delta.copy(0, prefix)
  writeMiddle(delta, base, target, prefix, suffix)
  if (suffix < blockLength / 2) delta.insert(target.length - suffix, target.length)
  else delta.copy(base.length - suffix, suffix)
  return delta.finish()
}

function writeMiddle(delta: DeltaWriter, base: Uint8Array, target: Uint8Array, prefix: number, suffix: number): void {
  const end = target.length - suffix
  if (base.length - prefix - suffix < blockLength || end - prefix < blockLength) return delta.insert(prefix, end)
  const blocks = new BlockTable(base, prefix, base.length - suffix)
  /** Where what has not been written yet begins. */
  let from = prefix
  let at = prefix
  let hash = hashBlock(target, at)
  while (at + blockLength <= end) {
    const found = blocks.find(hash)
    let length = found < 0 ? 0 : matchLength(base, target, found, at, end)
    if (length >= blockLength) {
      let start = found
      while (at > from && start > 0 && base[start - 1] === target[at - 1]) {
        start -= 1
        at -= 1
        length += 1
      }
      delta.insert(from, at)
      delta.copy(start, length)
      at += length
      from = at
      if (at + blockLength <= end) hash = hashBlock(target, at)
    } else {
      if (at + blockLength < end) hash = rollHash(hash, target[at] ?? 0, target[at + blockLength] ?? 0)
      at += 1
    }
  }
  delta.insert(from, end)
}

function matchLength(base: Uint8Array, target: Uint8Array, from: number, at: number, end: number): number {
  let length = 0
  while (from + length < base.length && at + length < end && base[from + length] === target[at + length]) length += 1
  return length
}

function commonPrefix(a: Uint8Array, b: Uint8Array, limit: number): number {
  let length = 0
  while (length < limit && a[length] === b[length]) length += 1
  return length
}

function commonSuffix(a: Uint8Array, b: Uint8Array, limit: number): number {
  let length = 0
  while (length < limit && a[a.length - 1 - length] === b[b.length - 1 - length]) length += 1
  return length
}

const multiplier = 0x01000193
/** What the oldest byte of a block has been multiplied with. */
const oldest = Array.from({ length: blockLength - 1 }).reduce<number>((power) => Math.imul(power, multiplier), 1)

function hashBlock(bytes: Uint8Array, start: number): number {
  let hash = 0
  for (let at = start; at < start + blockLength; at += 1) hash = (Math.imul(hash, multiplier) + (bytes[at] ?? 0)) | 0
  return hash
}

function rollHash(hash: number, leaving: number, entering: number): number {
  return (Math.imul(hash - Math.imul(leaving, oldest), multiplier) + entering) | 0
}

/** Where the blocks of a part of the base begin, by hash. Of two that fall together the earlier one is found. */
class BlockTable {
  readonly #starts: Int32Array
  readonly #mask: number

  constructor(base: Uint8Array, from: number, to: number) {
    const size = 2 ** Math.ceil(Math.log2(((to - from) / blockLength) * 2 + 2))
    this.#starts = new Int32Array(size).fill(-1)
    this.#mask = size - 1
    for (let start = to - blockLength; start >= from; start -= blockLength) {
      this.#starts[this.#slot(hashBlock(base, start))] = start
    }
  }

  find(hash: number): number {
    return this.#starts[this.#slot(hash)] ?? -1
  }

  #slot(hash: number): number {
    return (hash ^ (hash >>> 15)) & this.#mask
  }
}

class DeltaWriter {
  readonly #target: Uint8Array
  readonly #parts: Uint8Array[]

  constructor(baseLength: number, target: Uint8Array) {
    this.#target = target
    this.#parts = [sizeBytes(baseLength), sizeBytes(target.length)]
  }

  insert(from: number, to: number): void {
    for (let at = from; at < to; at += longestInsertion) {
      const piece = this.#target.subarray(at, Math.min(to, at + longestInsertion))
      this.#parts.push(Uint8Array.of(piece.length), piece)
    }
  }

  copy(from: number, length: number): void {
    for (let done = 0; done < length; done += longestCopy) {
      this.#parts.push(copyInstruction(from + done, Math.min(longestCopy, length - done)))
    }
  }

  finish(): Uint8Array {
    return Buffer.concat(this.#parts)
  }
}

/** Only bytes that are not zero are written, and bits say which; a length of zero means the longest. */
function copyInstruction(offset: number, length: number): Uint8Array {
  const bytes = [0x80]
  for (let bit = 0; bit < 4; bit += 1) addByte(bytes, (offset >>> (8 * bit)) & 0xff, 1 << bit)
  const written = length === longestCopy ? 0 : length
  for (let bit = 0; bit < 2; bit += 1) addByte(bytes, (written >>> (8 * bit)) & 0xff, 0x10 << bit)
  return Uint8Array.from(bytes)
}

function addByte(bytes: number[], byte: number, flag: number): void {
  if (byte === 0) return
  bytes[0] = (bytes[0] ?? 0) | flag
  bytes.push(byte)
}

/** Seven bits a byte, lowest first. */
function sizeBytes(size: number): Uint8Array {
  const bytes: number[] = []
  let rest = size
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) bytes.push((rest & 0x7f) | 0x80)
  return Uint8Array.from([...bytes, rest])
}
