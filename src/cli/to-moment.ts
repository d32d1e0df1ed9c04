import type { TimestampMessage } from '../protobuf/to-timestamp-message.ts'

/** A moment to the second, such as `2026-05-04T09:30:00Z`; empty for none, and for one that no calendar has. */
export function toMoment(timestamp: TimestampMessage | undefined): string {
  if (timestamp === undefined) return ''
  const moment = new Date(Number(timestamp.seconds ?? 0) * 1000)
  return Number.isNaN(moment.getTime()) ? '' : moment.toISOString().replace('.000Z', 'Z')
}
