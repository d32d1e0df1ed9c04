import { codePoints, pad } from '../protobuf/pad.ts'

/** A column of a table: its heading, and where its cells stand. */
export interface Column {
  readonly heading: string
  readonly isRight?: boolean
}

/** Aligned lines under a line of headings. Cells are single lines; empty ones are shown as `-`. */
export function toTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const cells = [columns.map(({ heading }) => heading), ...rows.map((row) => row.map((cell) => cell || '-'))]
  const widths = columns.map((_, index) =>
    cells.reduce((width, row) => Math.max(width, codePoints(row[index] ?? '')), 0),
  )
  return cells
    .map((row) => columns.map(({ isRight }, index) => pad(row[index] ?? '', widths[index] ?? 0, isRight)).join('  '))
    .map((line) => line.trimEnd())
    .join('\n')
}
