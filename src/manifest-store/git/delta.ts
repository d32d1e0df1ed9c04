import { MalformedObjectError } from './git-errors.ts'

/**
 * The object that a delta makes of its base (gitformat-pack, "deltified representation"): a list of instructions that
 * copy from the base or insert bytes. Throws MalformedObjectError when the delta does not fit the base.
 */
export function applyDelta(base: Uint8Array, delta: Uint8Array): Uint8Array {
  const sizes = readSizes(delta)
  if (sizes.base !== base.length) throw new MalformedObjectError('a delta does not fit the object it is based on')
  const result = Buffer.allocUnsafe(sizes.result)
  let from = sizes.end
  let to = 0
  while (from < delta.length) {
    const instruction = delta[from++] ?? 0
    if ((instruction & 0x80) === 0) {
      if (instruction === 0 || to + instruction > result.length || from + instruction > delta.length) throw broken()
      result.set(delta.subarray(from, from + instruction), to)
      from += instruction
      to += instruction
      continue
    }
    let offset = 0
    let length = 0
    for (let bit = 0; bit < 4; bit += 1) if (instruction & (1 << bit)) offset += (delta[from++] ?? 0) * 2 ** (8 * bit)
    for (let bit = 0; bit < 3; bit += 1)
      if (instruction & (0x10 << bit)) length += (delta[from++] ?? 0) * 2 ** (8 * bit)
    if (length === 0) length = 0x10000
    if (offset + length > base.length || to + length > result.length) throw broken()
    result.set(base.subarray(offset, offset + length), to)
    to += length
  }
  if (to !== result.length) throw broken()
  return result
}

function broken(): MalformedObjectError {
  return new MalformedObjectError('a delta is broken')
}

function readSizes(delta: Uint8Array): { readonly base: number; readonly result: number; readonly end: number } {
  const base = readSize(delta, 0)
  const result = readSize(delta, base.end)
  return { base: base.size, result: result.size, end: result.end }
}

/** Seven bits a byte, lowest first. */
function readSize(bytes: Uint8Array, start: number): { readonly size: number; readonly end: number } {
  let size = 0
  for (let at = start, unit = 1; at < bytes.length; at += 1, unit *= 128) {
    const byte = bytes[at] ?? 0
    size += (byte & 0x7f) * unit
    if (byte < 0x80) return { size, end: at + 1 }
  }
  throw broken()
}
