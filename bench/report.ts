import { availableParallelism, totalmem } from 'node:os'
import { git } from './git.ts'
import type { Result, Verdict } from './result.ts'
import type { Spread } from './statistics.ts'

/** The rows as a table for people: what was measured, beside what, and what came of it. */
export function toTable(results: readonly Result[]): string {
  return layOut([
    ['', 'MEDIAN (10 % .. 90 %)', 'YARDSTICK', 'RESULT', 'TARGET'],
    ...results.map((result) => [
      result.what,
      describe(result.measured, result.unit),
      result.yardstick === undefined
        ? ''
        : `${describe(result.yardstick.measured, result.unit)} ${result.yardstick.what}`,
      ...describeVerdict(result.verdict, result.unit),
    ]),
  ])
}

/** Columns with two spaces between them. */
export function layOut(rows: readonly (readonly string[])[]): string {
  const widths: number[] = []
  for (const row of rows) for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length)
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, at) => cell.padEnd(widths[at] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('')
}

/** What the figures depend on, without saying whose machine it is. */
export function describeMachine(): string {
  const memory = Math.round(totalmem() / 2 ** 30)
  const gitVersion = git('.', ['--version']).trim()
  return `${availableParallelism()} cores, ${memory} GB of memory, Node ${process.versions.node}, ${gitVersion}`
}

function describe({ median, low, high, count }: Spread, unit: string): string {
  const spread = count > 1 ? ` (${toFigure(low)} .. ${toFigure(high)})` : ''
  return `${toFigure(median)}${unit === '' ? '' : ` ${unit}`}${spread}`
}

function describeVerdict(verdict: Verdict | undefined, unit: string): readonly [string, string] {
  if (verdict === undefined) return ['', '']
  const { kind, value, bound, limit, isMet } = verdict
  const suffix = kind === 'times' ? ' x' : `${unit === '' ? '' : ` ${unit}`}${kind === 'above' ? ' above' : ''}`
  const figure = `${toFigure(value)}${suffix}`
  return limit === Infinity ? [figure, ''] : [figure, `${isMet ? '' : 'MISSED: '}${bound} ${limit}${suffix}`]
}

/** Three digits that say something. */
export function toFigure(value: number): string {
  if (!Number.isFinite(value)) return '?'
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2
  return value.toFixed(digits)
}
