/** From the beginning of the Gregorian calendar, where time-based UUIDs count from, to 1970, in milliseconds. */
const gregorianOffset = 12_219_292_800_000n

/**
 * A UUID of version 1 (RFC 9562): its time is `now` plus `sequence` tenths of a microsecond, so that events of one command
 * keep their order. What else makes it unique comes from `name`, not from chance: the same input gives the same UUID.
 */
export function timeUuid(now: Date, sequence: number, name: string): string {
  const ticks = (BigInt(now.getTime()) + gregorianOffset) * 10_000n + BigInt(sequence)
  const time = ticks.toString(16).padStart(15, '0').slice(-15)
  const clock = (0x8000 | (fnv1a(name, 1) & 0x3fff)).toString(16)
  // The multicast bit says that this is no network card's address.
  const node = `${toHex(fnv1a(name, 2) | 0x01000000)}${toHex(fnv1a(name, 3)).slice(4)}`
  return `${time.slice(7)}-${time.slice(3, 7)}-1${time.slice(0, 3)}-${clock}-${node}`
}

function toHex(number: number): string {
  return (number >>> 0).toString(16).padStart(8, '0')
}

/** Fowler, Noll and Vo's hash of 32 bits. */
function fnv1a(text: string, seed: number): number {
  let hash = 0x811c9dc5 ^ seed
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193)
  return hash
}
