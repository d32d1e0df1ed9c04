import type { LinePainter } from './output.ts'

/** The departure board, by what its lines look like; diffs of manifests may stand in it. */
export const paintBoard: LinePainter = (line, paint) => {
  if (/^([-+\\]|@@)/u.test(line)) return paintDiff(line, paint)
  const stay = /^( {2}.*? {2}|\S.*? {2}| {2})((?:stays|stayed|skipped): .*)$/u.exec(line)
  if (stay !== null) return (stay[1] ?? '') + paint('yellow', stay[2] ?? '')
  if (/^ {2}APPLICATION +TEAM /u.test(line)) return paint('dim', line)
  if (line.startsWith('warning: ')) return paint('yellow', line)
  const travels = /^( {2}\S+ +\S+ +\S+ {2})([0-9]+)$/u.exec(line)
  if (travels !== null) return (travels[1] ?? '') + paint('green', travels[2] ?? '')
  const title = /^(\S.*?)( +(?:fingerprint|commit|no commit:) .*)$/u.exec(line)
  if (title !== null) return paint('bold', title[1] ?? '') + paint('dim', title[2] ?? '')
  return line.startsWith(' ') ? line : paint('bold', line)
}

/** A unified diff. */
export const paintDiff: LinePainter = (line, paint) => {
  if (/^(---|\+\+\+) /u.test(line)) return paint('bold', line)
  if (line.startsWith('@@')) return paint('cyan', line)
  if (line.startsWith('+')) return paint('green', line)
  return line.startsWith('-') ? paint('red', line) : line
}

/** A table under a line of headings in capitals. */
export const paintTable: LinePainter = (line, paint) =>
  /^[A-Z]{2,} {2,}/u.test(line) ? paint('dim', line) : paintWarning(line, paint)

/** Versions under a lock stand out. */
export const paintStatus: LinePainter = (line, paint) =>
  /^[A-Z]{2,} {2,}/u.test(line)
    ? paint('dim', line)
    : paintWarning(line, paint).replaceAll(/[0-9-]+!|\(\+[0-9]+\)/gu, (mark) => paint('yellow', mark))

const paintWarning: LinePainter = (line, paint) => (line.startsWith('warning: ') ? paint('yellow', line) : line)
