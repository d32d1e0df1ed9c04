import Long from 'long'

/** A version as protobufjs takes it: exact up to 2^64-1. */
export function toUint64(value: bigint): Long {
  return Long.fromBigInt(value, true)
}
