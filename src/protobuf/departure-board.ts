import { compareNames } from '../core/names.ts'
import { codePoints, pad } from './pad.ts'
import { applicationSkipCauseNumbers, environmentSkipCauseNumbers } from './skip-cause-numbers.ts'
import type {
  ApplicationPrognosisMessage,
  EnvironmentPrognosisMessage,
  PrognosisMessage,
} from './to-prognosis-message.ts'
import type { ReleaseTrainMessage } from './to-release-train-message.ts'
import type { TimestampMessage } from './to-timestamp-message.ts'
import { toMoment } from './to-timestamp-message.ts'

/** The prognosis, or the train that ran, as text for a terminal: one aligned line for each application. */
export function toDepartureBoard(message: PrognosisMessage | ReleaseTrainMessage): string {
  const board = toBoard(message)
  const widths = columnWidths(board.environments.flatMap(({ rows }) => rows))
  const facts = board.kind === 'prognosis' ? `fingerprint ${board.fingerprint}` : toCommitFact(board, board.commit)
  const blocks = [`${pad(toTitle(board, '  '), 44)}  ${facts}`]
  if (board.isSingle) {
    blocks.push(...board.environments.flatMap((of) => [toTextBody(of, widths), ...of.diffs]))
  } else blocks.push(...toTextBlocks(board.environments, widths))
  if (board.warnings.length > 0) blocks.push(board.warnings.map((warning) => `warning: ${warning}`).join('\n'))
  if (board.validity !== undefined) blocks.push(board.validity)
  blocks.push(board.summary)
  return `${blocks.join('\n\n')}\n`
}

/** The same as Markdown, to paste into a ticket or a chat. */
export function toMarkdown(message: PrognosisMessage | ReleaseTrainMessage): string {
  const board = toBoard(message)
  const kind = board.kind === 'prognosis' ? 'Prognosis' : 'Release train'
  const blocks = [`### ${kind}: ${escapeMarkdown(toTitle(board, ' '))}`]
  for (const environment of board.environments) {
    if (!board.isSingle) blocks.push(`#### ${escapeMarkdown(toHeading(environment, ' '))}`)
    const { skipped } = environment
    blocks.push(skipped === undefined ? toMarkdownTable(environment.rows) : `skipped: ${escapeMarkdown(skipped)}`)
    blocks.push(...environment.diffs.map(toMarkdownDiff))
  }
  if (board.warnings.length > 0) {
    blocks.push(board.warnings.map((warning) => `- warning: ${escapeMarkdown(warning)}`).join('\n'))
  }
  if (board.validity !== undefined) blocks.push(board.validity)
  blocks.push(`**${board.summary}**`)
  const commit = board.commit === '' ? '' : toCode(board.commit)
  blocks.push(
    board.kind === 'prognosis'
      ? `fingerprint ${toCode(board.fingerprint)}${commit === '' ? '' : `, decided at commit ${commit}`}`
      : toCommitFact(board, commit),
  )
  return `${blocks.join('\n\n')}\n`
}

/** What both forms say. Every text in it, but for diffs, is one line without control characters. */
interface Board {
  readonly kind: 'prognosis' | 'train'
  readonly target: string
  readonly team: string
  readonly fingerprint: string
  readonly commit: string
  /** The tag that the commit gets, and the one that is replayed; empty for none. */
  readonly gitTag: string
  readonly sourceGitTag: string
  /** The target is an environment: it needs no heading besides the title. */
  readonly isSingle: boolean
  /** Sorted by name. */
  readonly environments: readonly BoardEnvironment[]
  readonly warnings: readonly string[]
  readonly validity: string | undefined
  readonly summary: string
}

interface BoardEnvironment {
  readonly name: string
  readonly upstream: string
  /** Why it takes nothing; undefined when it was decided application by application. */
  readonly skipped: string | undefined
  /** Sorted by application. */
  readonly rows: readonly BoardRow[]
  /** How manifests change, in the order of the rows. These have several lines. */
  readonly diffs: readonly string[]
}

interface BoardRow {
  readonly application: string
  readonly team: string
  readonly from: string
  /** A version, or why the application stays. */
  readonly to: string
  readonly travels: boolean
}

const prognosisWords = {
  nothing: 'nothing travels',
  travel: (count: number) => (count === 1 ? '1 travels' : `${count} travel`),
  stay: (count: number) => (count === 1 ? '1 stays' : `${count} stay`),
  stays: 'stays',
}

const trainWords: typeof prognosisWords = {
  nothing: 'nothing deployed',
  travel: (count) => `${count} deployed`,
  stay: (count) => `${count} stayed`,
  stays: 'stayed',
}

function toBoard(message: PrognosisMessage | ReleaseTrainMessage): Board {
  const [kind, map, words] =
    'environments' in message
      ? (['train', message.environments, trainWords] as const)
      : (['prognosis', message.envsPrognoses, prognosisWords] as const)
  const environments = entriesByName(map).map(([name, prognosis]) => toBoardEnvironment(name, prognosis, words.stays))
  const target = clean(message.target)
  return {
    kind,
    target,
    team: clean(message.team),
    fingerprint: clean(message.fingerprint),
    commit: clean(message.commit),
    gitTag: clean(message.gitTag),
    sourceGitTag: clean(message.sourceGitTag),
    isSingle: environments.length === 1 && environments[0]?.name === target,
    environments,
    warnings: message.warnings.map(clean),
    validity: 'validUntil' in message ? toValidity(message.validUntil) : undefined,
    summary: toSummary(environments, words),
  }
}

function entriesByName<T>(map: Readonly<Record<string, T>>): readonly (readonly [string, T])[] {
  return Object.entries(map).toSorted(([a], [b]) => compareNames(a, b))
}

function toBoardEnvironment(name: string, prognosis: EnvironmentPrognosisMessage, stays: string): BoardEnvironment {
  const { upstream, appsPrognoses, reason, skipCause } = prognosis
  const isSkipped = appsPrognoses === undefined
  return {
    name: clean(name),
    upstream: clean(upstream),
    skipped: isSkipped ? clean(reason) || causeName(environmentSkipCauseNumbers, skipCause) : undefined,
    rows: isSkipped
      ? []
      : entriesByName(appsPrognoses.prognoses).map(([application, of]) => toRow(application, of, stays)),
    diffs: isSkipped
      ? []
      : entriesByName(appsPrognoses.prognoses).flatMap(([, { manifestDiff }]) => cleanLines(manifestDiff) || []),
  }
}

function toRow(application: string, prognosis: ApplicationPrognosisMessage, stays: string): BoardRow {
  const { deployedVersion, fromVersion, team, reason, skipCause, queuedVersion, restored } = prognosis
  const waiting = queuedVersion === undefined ? '' : `; version ${queuedVersion.toString()} waits`
  return {
    application: clean(application),
    team: clean(team) || '-',
    from: fromVersion?.toString() ?? '-',
    to:
      deployedVersion === undefined
        ? `${stays}: ${clean(reason) || causeName(applicationSkipCauseNumbers, skipCause)}${waiting}`
        : `${deployedVersion.version?.toString() ?? '0'}${restored === true ? ' (restored)' : ''}`,
    travels: deployedVersion !== undefined,
  }
}

/** For a server that gives no reason: the cause by its name, or a number that this program does not know yet. */
function causeName(numbers: Readonly<Record<string, number>>, cause: number | undefined): string {
  const known = Object.entries(numbers).find(([, number]) => number === cause)
  return known?.[0] ?? `skip cause ${cause ?? 'unknown'}`
}

function toValidity(validUntil: TimestampMessage | undefined): string | undefined {
  // The client shows what any server sends, and not every number is a moment.
  const moment = toMoment(validUntil)
  return moment === '' ? undefined : `valid until ${moment}, when a lock ends`
}

function toSummary(environments: readonly BoardEnvironment[], words: typeof prognosisWords): string {
  const rows = environments.flatMap((environment) => environment.rows)
  const travelling = rows.filter(({ travels }) => travels).length
  const staying = rows.length - travelling
  const skipped = environments.filter((environment) => environment.skipped !== undefined).length
  return [
    travelling === 0 ? words.nothing : words.travel(travelling),
    ...(staying === 0 ? [] : [words.stay(staying)]),
    ...(skipped === 0 ? [] : [`${toCount(skipped)} skipped`]),
  ].join(', ')
}

function toCount(environments: number): string {
  return environments === 1 ? '1 environment' : `${environments} environments`
}

/** Names and reasons come from files that anyone may have written: nothing in them may act on a terminal or a line. */
function clean(text: string | undefined): string {
  return (text ?? '')
    .replaceAll(/[\t\n\v\f\r\u0085\u2028\u2029]+/gu, ' ')
    .replaceAll(/[\p{Cc}\p{Bidi_Control}]/gu, '')
    .trim()
}

/** What a manifest holds may not act on a terminal either; where something was, one can see it. */
function cleanLines(text: string | undefined): string {
  return (text ?? '').replaceAll(/[^\P{Cc}\n\t]|[\p{Bidi_Control}\u2028\u2029]/gu, '\ufffd').replace(/\n$/, '')
}

function toTitle(board: Board, gap: string): string {
  const [only] = board.environments
  const what = board.isSingle && only !== undefined ? toHeading(only, gap) : board.target
  return [
    what,
    ...(board.isSingle ? [] : [toCount(board.environments.length)]),
    ...(board.team === '' ? [] : [`team ${board.team} only`]),
    ...(board.sourceGitTag === '' ? [] : [`as of tag ${board.sourceGitTag}`]),
    ...(board.gitTag === '' ? [] : [`${board.kind === 'prognosis' ? 'to be ' : ''}tagged ${board.gitTag}`]),
  ].join(gap === ' ' ? ', ' : gap)
}

function toHeading({ name, upstream }: BoardEnvironment, gap: string): string {
  return upstream === '' ? name : `${name}${gap}from ${upstream}`
}

function toCommitFact({ commit }: Board, written: string): string {
  return commit === '' ? 'no commit: nothing changed' : `commit ${written}`
}

interface Widths {
  readonly application: number
  readonly team: number
  readonly from: number
}

const textHeader = { application: 'APPLICATION', team: 'TEAM', from: 'FROM', to: 'TO' }

/** The same in all tables of a board, so that it reads as one. */
function columnWidths(rows: readonly BoardRow[]): Widths {
  const widest = (column: keyof Widths) =>
    rows.reduce((width, row) => Math.max(width, codePoints(row[column])), codePoints(textHeader[column]))
  return { application: widest('application'), team: widest('team'), from: widest('from') }
}

/** Neighbours that take nothing stand together, as one aligned block. */
function toTextBlocks(environments: readonly BoardEnvironment[], widths: Widths): readonly string[] {
  const isSkipped = ({ skipped }: BoardEnvironment) => skipped !== undefined
  const headingWidth = Math.max(0, ...environments.filter(isSkipped).map((of) => codePoints(toHeading(of, '  '))))
  const blocks: string[] = []
  for (const [index, environment] of environments.entries()) {
    const heading = toHeading(environment, '  ')
    if (!isSkipped(environment)) {
      blocks.push(heading, toTextBody(environment, widths), ...environment.diffs)
      continue
    }
    const line = `${pad(heading, headingWidth)}${toTextBody(environment, widths)}`
    const before = environments[index - 1]
    const joined = before !== undefined && isSkipped(before) ? `${blocks.pop()}\n` : ''
    blocks.push(joined + line)
  }
  return blocks
}

function toTextBody({ skipped, rows }: BoardEnvironment, widths: Widths): string {
  if (skipped !== undefined) return `  skipped: ${skipped}`
  if (rows.length === 0) return '  no applications'
  const toLine = ({ application, team, from, to }: Omit<BoardRow, 'travels'>) =>
    ['', pad(application, widths.application), pad(team, widths.team), pad(from, widths.from, true), to].join('  ')
  return [textHeader, ...rows].map(toLine).join('\n')
}

function toMarkdownTable(rows: readonly BoardRow[]): string {
  if (rows.length === 0) return 'no applications'
  const lines = rows.map(({ application, team, from, to }) => [application, team, from, to].map(escapeMarkdown))
  return [
    '| Application | Team | From | To |',
    '| :-- | :-- | --: | :-- |',
    ...lines.map((cells) => `| ${cells.join(' | ')} |`),
  ].join('\n')
}

/** A fence ends with the first that is as long. */
function toMarkdownDiff(diff: string): string {
  let fence = '```'
  for (const [ticks] of diff.matchAll(/`{3,}/g)) if (ticks.length >= fence.length) fence = `${ticks}\``
  return `${fence}diff\n${diff}\n${fence}`
}

/** Everything that could become markup inside a line. */
function escapeMarkdown(text: string): string {
  return text.replaceAll(/[\\`*_[\]<>|~&]/gu, String.raw`\$&`)
}

/** Nothing can be escaped within a code span, so what would end it is left out. */
function toCode(text: string): string {
  return `\`${text.replaceAll('`', '')}\``
}
