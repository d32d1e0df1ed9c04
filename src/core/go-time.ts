/**
 * A moment as Go's `time.UTC().String()` writes it, the form of `deployed_at_utc` (spec 1.3): the fraction loses its
 * trailing zeros, and its dot when nothing is left.
 */
export function toGoTimeText(moment: Date): string {
  const [seconds = '', fraction = ''] = moment.toISOString().slice(0, -1).split('.')
  const digits = fraction.replace(/0+$/u, '')
  return `${seconds.replace('T', ' ')}${digits === '' ? '' : `.${digits}`} +0000 UTC`
}

/** Reads such a text, whatever its offset; undefined when it is none. Digits beyond milliseconds are dropped. */
export function parseGoTimeText(text: string): Date | undefined {
  const match = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,9}))? ([+-]\d\d)(\d\d)(?: \S+)?$/u.exec(text.trim())
  if (match === null) return undefined
  const [, date = '', time, fraction = '', hours, minutes] = match
  // JavaScript takes 30 February for the first of March.
  if (new Date(`${date}T00:00Z`).getUTCDate() !== Number(date.slice(-2))) return undefined
  const moment = new Date(`${date}T${time}.${fraction.padEnd(3, '0').slice(0, 3)}${hours}:${minutes}`)
  return Number.isNaN(moment.getTime()) ? undefined : moment
}
