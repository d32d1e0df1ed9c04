/** Kuberpult's grammar for a lock's lifetime (spec 3.3): a whole number of hours, days or weeks, such as `2d`. */
export const lifetimePattern = /^[1-9][0-9]*(h|d|w)$/

const hours = { h: 1, d: 24, w: 24 * 7 } as const

/** The moment at which something ends that begins at `begin` and has this lifetime; undefined when none can be told. */
export function endOfLifetime(lifetime: string, begin: Date): Date | undefined {
  if (!lifetimePattern.test(lifetime)) return undefined
  const unit = lifetime.slice(-1) as keyof typeof hours
  const end = new Date(begin.getTime() + Number(lifetime.slice(0, -1)) * hours[unit] * 3_600_000)
  return Number.isNaN(end.getTime()) || end.getUTCFullYear() > 9999 ? undefined : end
}
