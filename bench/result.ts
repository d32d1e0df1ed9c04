import type { Spread } from './statistics.ts'
import { spreadOf } from './statistics.ts'

/** One row of the table: what was measured, beside what, and whether that is good enough. */
export interface Result {
  readonly what: string
  readonly unit: string
  readonly measured: Spread
  readonly yardstick?: { readonly what: string; readonly measured: Spread }
  /** Absent for a row that only informs. */
  readonly verdict?: Verdict
}

export interface Verdict {
  /** The figure that counts: as it was measured, as a multiple of the yardstick, or as what it is above the yardstick. */
  readonly kind: 'value' | 'times' | 'above'
  readonly value: number
  readonly bound: 'at most' | 'at least'
  readonly limit: number
  readonly isMet: boolean
}

/** A measurement and its yardstick, one right after the other: what slows the machine down slows both. */
export interface Pair {
  readonly measured: number
  readonly yardstick: number
}

/** Takes both in turn, and each time the other one first. */
export async function alternate(
  count: number,
  measure: () => Promise<number>,
  measureYardstick: () => Promise<number>,
): Promise<readonly Pair[]> {
  const pairs: Pair[] = []
  for (let index = 0; index < count; index += 1) {
    if (index % 2 === 0) {
      const measured = await measure()
      pairs.push({ measured, yardstick: await measureYardstick() })
    } else {
      const yardstick = await measureYardstick()
      pairs.push({ measured: await measure(), yardstick })
    }
  }
  return pairs
}

export interface Comparison {
  readonly what: string
  readonly unit: string
  readonly yardstick: string
  readonly pairs: readonly Pair[]
}

/** At most this multiple of the yardstick: the median over all pairs. */
export function atMostTimes(limit: number, comparison: Comparison): Result {
  const value = spreadOf(comparison.pairs.map(({ measured, yardstick }) => measured / yardstick)).median
  return compare(comparison, { kind: 'times', value, bound: 'at most', limit, isMet: value <= limit })
}

/** At most this much above the yardstick: the median over all pairs. */
export function atMostAbove(limit: number, comparison: Comparison): Result {
  const value = spreadOf(comparison.pairs.map(({ measured, yardstick }) => measured - yardstick)).median
  return compare(comparison, { kind: 'above', value, bound: 'at most', limit, isMet: value <= limit })
}

/** Beside the yardstick, without a limit. */
export function beside(comparison: Comparison): Result {
  const value = spreadOf(comparison.pairs.map(({ measured, yardstick }) => measured / yardstick)).median
  return compare(comparison, { kind: 'times', value, bound: 'at most', limit: Infinity, isMet: true })
}

function compare({ what, unit, yardstick, pairs }: Comparison, verdict: Verdict): Result {
  return {
    what,
    unit,
    measured: spreadOf(pairs.map(({ measured }) => measured)),
    yardstick: { what: yardstick, measured: spreadOf(pairs.map((pair) => pair.yardstick)) },
    verdict,
  }
}

/** The median itself is what counts, or, where it is given, another figure of the same measurements. */
export function atMost(
  limit: number,
  { what, unit, values, value = spreadOf(values).median }: Measurement & { readonly value?: number },
): Result {
  return {
    what,
    unit,
    measured: spreadOf(values),
    verdict: { kind: 'value', value, bound: 'at most', limit, isMet: value <= limit },
  }
}

export function atLeast(limit: number, { what, unit, values }: Measurement): Result {
  const measured = spreadOf(values)
  const value = measured.median
  return { what, unit, measured, verdict: { kind: 'value', value, bound: 'at least', limit, isMet: value >= limit } }
}

export interface Measurement {
  readonly what: string
  readonly unit: string
  readonly values: readonly number[]
}
