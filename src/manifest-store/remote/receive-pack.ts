import type { PushOutcome, RefUpdate } from './git-remote.ts'
import { RemoteError } from './git-remote.ts'
import type { PktLine } from './pkt-line.ts'
import { flushPkt, ProtocolError, readPktLines, textOf, toPktLine } from './pkt-line.ts'
import { cleanServerText } from './server-text.ts'

/**
 * What `git push` and `git receive-pack` say to each other (gitprotocol-pack(5), version 0), without what a push of ours does
 * not need. The server tells its refs and what it can; we send which refs to move from where to where, and a pack; it reports.
 */

const noObject = '0'.repeat(40)

/** What a server says before it is asked anything. */
export interface Advertisement {
  readonly capabilities: ReadonlySet<string>
  readonly refs: ReadonlyMap<string, string>
}

/** More of what hooks print is not shown to anybody. */
const maximumMessages = 8 * 1024

/** Reads the lines up to the first flush. Throws RemoteError when the server says no here, and ProtocolError. */
export function readAdvertisement(lines: Iterable<PktLine>, secrets: readonly string[]): Advertisement {
  const refs = new Map<string, string>()
  let capabilities: ReadonlySet<string> | undefined
  for (const line of lines) {
    if (line === 'flush') return { capabilities: capabilities ?? new Set(), refs }
    if (typeof line === 'string') throw new ProtocolError('there is a mark where refs are expected')
    const [ref = '', list] = textOf(line).split('\0')
    if (ref.startsWith('ERR '))
      throw new RemoteError('REMOTE_REFUSED', `the server says: ${cleanServerText(ref.slice(4), secrets)}`)
    if (/^version [0-9]$/u.test(ref)) continue
    const [, id, name] = /^([0-9a-f]{40}|[0-9a-f]{64}) (\S.*)$/u.exec(ref) ?? []
    if (id === undefined || name === undefined) {
      // The first 4 bytes of another protocol are seldom a length, but may be.
      throw new ProtocolError('there is something else where refs are expected')
    }
    if (id.length === 64) throw new RemoteError('REMOTE_REFUSED', sha256Problem)
    capabilities ??= new Set((list ?? '').split(' ').filter((capability) => capability !== ''))
    // A repository without refs names its capabilities on a line of this name.
    if (name !== 'capabilities^{}' && name !== '.have') refs.set(name, id)
  }
  throw new ProtocolError('the end of the refs is missing')
}

const sha256Problem =
  'the repository on the server names its objects by SHA-256. Signalbox works with SHA-1, which git makes unless told otherwise'

/** Why this server cannot be pushed to in this way; undefined when it can. */
export function findPushProblem(
  { capabilities }: Pick<Advertisement, 'capabilities'>,
  updates: readonly RefUpdate[],
): string | undefined {
  const format = [...capabilities].find((capability) => capability.startsWith('object-format='))
  if (format !== undefined && format !== 'object-format=sha1') return sha256Problem
  if (!capabilities.has('report-status')) return 'the server does not report what becomes of a push (report-status)'
  return updates.length > 1 && !capabilities.has('atomic')
    ? 'the server cannot move several refs together (atomic)'
    : undefined
}

/** Everything up to the pack, which follows unchanged. */
export function toPushRequest(updates: readonly RefUpdate[], capabilities: ReadonlySet<string>): Buffer {
  const wanted = [
    'report-status',
    'side-band-64k',
    'quiet',
    'object-format=sha1',
    ...(updates.length > 1 ? ['atomic'] : []),
  ].filter((capability) => capabilities.has(capability))
  const agent = [...capabilities].some((capability) => capability.startsWith('agent=')) ? ['agent=signalbox'] : []
  const commands = updates.map(({ ref, from = noObject, to }, at) => {
    const command = `${from} ${to} ${ref}`
    return toPktLine(at === 0 ? `${command}\0 ${[...wanted, ...agent].join(' ')}` : command)
  })
  return Buffer.concat([...commands, flushPkt])
}

export interface ReportOptions {
  readonly updates: readonly RefUpdate[]
  /** Whether the answer is in bands: both sides can. */
  readonly usesSideBand: boolean
  readonly secrets: readonly string[]
}

/** What became of a push. */
export type PushReport =
  | { readonly kind: 'accepted' }
  /** `reason` has the hook's own words, if there were any. */
  | { readonly kind: 'rejected'; readonly reason: string; readonly cause: 'moved' | 'trouble' | 'other' }

/** Reads the answer to a push. Throws ProtocolError when it does not tell what became of it. */
export function readReport(answer: Iterable<PktLine>, { updates, usesSideBand, secrets }: ReportOptions): PushReport {
  const { report, messages } = usesSideBand ? splitBands(answer, secrets) : { report: [...answer], messages: '' }
  const end = report.indexOf('flush')
  if (end === -1)
    throw new ProtocolError(
      messages === ''
        ? 'there is no whole report'
        : `there is no whole report, but: ${cleanServerText(messages, secrets)}`,
    )
  const lines = report.slice(0, end)
  const results = new Map<string, string | undefined>()
  let unpacked: string | undefined
  for (const line of lines) {
    if (typeof line === 'string') continue
    const [, word = '', rest = ''] = /^(unpack|ok|ng) (.*)$/su.exec(textOf(line)) ?? []
    if (word === 'unpack') unpacked = rest
    else if (word === 'ok') results.set(rest, undefined)
    else if (word === 'ng') {
      const [, ref = rest, reason = ''] = /^(\S+) (.*)$/su.exec(rest) ?? []
      results.set(ref, reason)
    }
  }
  if (unpacked === undefined) throw new ProtocolError('the report does not say whether the pack could be read')
  const reasons = updates.flatMap(({ ref }) => {
    if (!results.has(ref)) return ['the report says nothing of it']
    const reason = results.get(ref)
    return reason === undefined ? [] : [reason || 'no reason']
  })
  const isWhole = updates.every(({ ref }) => results.has(ref))
  if (reasons.length === 0 && unpacked === 'ok') return { kind: 'accepted' }
  if (unpacked === 'ok' && (!isWhole || reasons.length < updates.length)) {
    throw new ProtocolError('the report names only a part of the refs as moved')
  }
  const why = unpacked === 'ok' ? [...new Set(reasons)].join(', ') : `the pack could not be read: ${unpacked}`
  const said = messages.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('error: hook declined to'))
  // Of what else is said only what git says itself: a hook may say anything, but there is none before the pack is read.
  const ofMove = [why, ...said.filter((line) => line.startsWith('error: '))].join('\n')
  const ofPack = [why, ...said].join('\n')
  return {
    kind: 'rejected',
    reason: cleanServerText(said.length === 0 ? why : `${why}: ${said.join('\n')}`, secrets),
    cause: unpacked === 'ok' ? (saysMoved(ofMove) ? 'moved' : 'other') : isRefusedPack(ofPack) ? 'other' : 'trouble',
  }
}

/** Whether the server does not want the pack, however often it comes. Otherwise that it was not read is its own trouble. */
function isRefusedPack(text: string): boolean {
  return /maximum (allowed|pack|object|file)? ?size|exceeds|too (large|big)|fsck error/iu.test(text)
}

/**
 * What git (`is at ... but expected ...`), JGit (`lock failure`) and others say when a ref is not where it should be, or when
 * somebody else moves it at this moment.
 */
function saysMoved(text: string): boolean {
  return /non-fast-forward|fetch first|but expected|stale info|reference (already exists|does not exist)|incorrect old value|lock failure|Unable to create '.*\.lock'|unable to resolve reference/iu.test(
    text,
  )
}

/** The bands of `side-band-64k`: 1 is the report, 2 is for people, 3 is the last word of a server that gives up. */
function splitBands(answer: Iterable<PktLine>, secrets: readonly string[]): { report: PktLine[]; messages: string } {
  const report: Buffer[] = []
  let messages = ''
  for (const line of answer) {
    if (line === 'flush') break
    if (typeof line === 'string') throw new ProtocolError('there is a mark where a band is expected')
    const [band] = line
    if (band === 1) report.push(line.subarray(1))
    else if (band === 2 || band === 3) messages = (messages + line.toString('utf8', 1)).slice(0, maximumMessages)
    else throw new ProtocolError(`there is no band ${band ?? ''}: ${cleanServerText(line.toString('utf8'), secrets)}`)
  }
  return { report: [...readPktLines(Buffer.concat(report))], messages }
}

/** Whether a ref is not where an update must find it. */
export function hasMoved({ refs }: Advertisement, updates: readonly RefUpdate[]): boolean {
  return updates.some(({ ref, from }) => refs.get(ref) !== from)
}

/** For the caller, once it is known whether the refs are still where they were. */
export function toOutcome(report: PushReport, isElsewhere: boolean): PushOutcome {
  if (report.kind === 'accepted') return report
  const { cause, reason } = report
  if (isElsewhere || cause === 'moved') return { kind: 'moved', reason }
  return { kind: cause === 'trouble' ? 'failed' : 'refused', reason }
}
