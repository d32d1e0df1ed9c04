import Long from 'long'

/** google.protobuf.Timestamp */
export interface TimestampMessage {
  readonly seconds?: Long | undefined
  readonly nanos?: number | undefined
}

// What a Timestamp may be: the years 1 to 9999.
const minimumSeconds = -62_135_596_800
const maximumSeconds = 253_402_300_799

/**
 * A moment as a message. Undefined for none, and for one that a Timestamp cannot hold: a file may claim any moment, and
 * it must not take the whole answer with it.
 */
export function toTimestampMessage(moment: Date | undefined): TimestampMessage | undefined {
  if (moment === undefined) return undefined
  const milliseconds = moment.getTime()
  const seconds = Math.floor(milliseconds / 1000)
  if (!(seconds >= minimumSeconds && seconds <= maximumSeconds)) return undefined
  return { seconds: Long.fromNumber(seconds), nanos: (milliseconds - seconds * 1000) * 1_000_000 }
}

/** A moment to the second, such as `2026-05-04T09:30:00Z`; empty for none, and for one that no calendar has. */
export function toMoment(timestamp: TimestampMessage | undefined): string {
  if (timestamp === undefined) return ''
  const moment = new Date(Number(timestamp.seconds ?? 0) * 1000)
  return Number.isNaN(moment.getTime()) ? '' : moment.toISOString().replace('.000Z', 'Z')
}
