import { STATUS_CODES } from 'node:http'
import { mediaTypeOf, problemOf, protobufMediaType, textOf } from './answer.ts'
import { AnswerTooLargeError, TimeoutError } from '../network/exchange.ts'
import { cleanLine } from './output.ts'
import type { RequestFailure } from './request.ts'

/** A failed request for people: which one, the server's reason, and what to try. Lines. */
export function describeFailure(failure: RequestFailure): readonly string[] {
  return [
    `${failure.request} failed: ${summaryOf(failure)}`,
    ...reasonsOf(failure).map((reason) => `  ${reason}`),
    ...(failure.isAfterLostAnswer ? ['  An earlier try got no answer: what it asked for may have been done.'] : []),
    ...hintsOf(failure).map((hint) => `  Try: ${hint}`),
    ...(failure.repeatFlags === undefined
      ? []
      : [`  Try: the same with ${failure.repeatFlags}: Signalbox does not do again what it has done.`]),
  ]
}

/** A failed request for scripts, as a JSON document: the server's problem as it came, or a code and a detail of ours. */
export function toFailureDocument(failure: RequestFailure): string {
  const { answer, cause, isAnswerLost } = failure
  const detail = summaryOf(failure)
  if (answer !== undefined) {
    if (problemOf(answer) !== undefined) return answer.body.toString()
    return JSON.stringify({ code: 'UNEXPECTED_STATUS', detail, status: answer.status })
  }
  if (cause instanceof TimeoutError) return JSON.stringify({ code: 'TIMEOUT', detail })
  if (cause instanceof AnswerTooLargeError) return JSON.stringify({ code: 'ANSWER_TOO_LARGE', detail })
  return JSON.stringify({ code: isAnswerLost ? 'ANSWER_LOST' : 'UNREACHABLE', detail })
}

/** Why it failed, in a few words. */
export function summaryOf({ answer, cause }: RequestFailure): string {
  if (answer !== undefined) return `${answer.status} ${STATUS_CODES[answer.status] ?? ''}`.trim()
  return cause instanceof Error ? describeError(cause) : String(cause)
}

/** A host with several addresses fails with an error for each, in one that says nothing itself. */
function describeError(error: Error): string {
  const causes = error instanceof AggregateError ? (error.errors as Error[]) : []
  return error.message || causes.map(({ message }) => message).join('; ') || codeOf(error) || error.name
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException | undefined)?.code ?? ''
}

function reasonsOf({ answer }: RequestFailure): readonly string[] {
  if (answer === undefined) return []
  const problem = problemOf(answer)
  if (problem === undefined) return mediaTypeOf(answer) === protobufMediaType ? [] : shorten(textOf(answer))
  const { detail = '', code = '', errors } = problem
  // A detail that only repeats the invalid parts is said once.
  const isRepeated = errors.length > 0 && errors.every(({ message }) => detail.includes(message ?? ''))
  return [
    ...shorten(isRepeated ? code : `${detail} (${code})`),
    ...errors.slice(0, 50).map(({ path, message }) => cleanLine(`${path ?? ''} ${message ?? ''}`)),
    ...problem.locks
      .slice(0, 50)
      .map(({ kind, lock }) => cleanLine(`${kind} lock ${lock?.lockId}: ${lock?.message ?? ''}`)),
    ...(problem.requestId ? [`request ${cleanLine(problem.requestId)}`] : []),
  ]
}

/** At most twenty lines of at most 500 characters: a proxy may answer with anything. */
function shorten(text: string): readonly string[] {
  const lines = text.split(/\r\n|[\r\n\u0085\u2028\u2029]/u).filter((line) => line.trim() !== '')
  const shown = lines.slice(0, 20).map((line) => (line.length > 500 ? `${line.slice(0, 500)} ...` : line))
  return lines.length > shown.length ? [...shown, `... and ${lines.length - shown.length} more lines`] : shown
}

const hintsByErrorCode = toMap({
  ECONNREFUSED: 'whether the server runs, and whether --url names its host and port.',
  ENOTFOUND: 'whether the host in --url is spelt right and known to the name service.',
  EAI_AGAIN: 'again: the name service did not answer.',
  ECONNRESET: 'again: the connection was closed before the answer had arrived. A proxy in between may have limits.',
  ERR_TLS_CERT_ALTNAME_INVALID: "whether the host in --url is one that the server's certificate names.",
  EPROTO: 'whether --url should begin with http:// instead of https://.',
  HPE_INVALID_CONSTANT: 'whether --url should begin with https:// instead of http://, or names another port.',
})

const hintsByProblem = toMap({
  PROGNOSIS_CHANGED: 'look at the prognosis as it is now, and run it if it suits you.',
  LOCKED: '--lock-behavior record to have it wait until the lock is gone, or ignore to pass it.',
  PERMISSION_DENIED: 'asking for the permission named above, or another token in SIGNALBOX_TOKEN.',
  BRANCH_KEEPS_MOVING: 'again: others write to the repository at the same time.',
  TAG_EXISTS: 'another name for the tag: tags are never moved.',
  UNKNOWN_TAG: "how the tag is spelt: it must be one of the manifest repository's.",
  IDEMPOTENCY_KEY_REUSED: 'another --idempotency-key, or none: each thing that is asked for needs its own.',
  ALREADY_DONE: 'nothing more: it was done, and the commit shows what.',
  OUTCOME_UNKNOWN: "again in a while; the server's /readyz says whether it has found out.",
  STORE_UNAVAILABLE: "again in a while; the server's /readyz says what is wrong.",
})

/** A map, because a server may name any code, `constructor` too. */
function toMap(hints: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  return new Map(Object.entries(hints))
}

const hintsByStatus: Readonly<Record<number, string>> = {
  401: '`signalbox login`, or a token in SIGNALBOX_TOKEN, KUBERPULT_DEX_ACCESS_TOKEN or KUBERPULT_IAP_TOKEN.',
  403: 'a token of somebody who may do that.',
  405: 'whether --url is that of a Signalbox, with its path prefix.',
  407: 'a token in KUBERPULT_IAP_TOKEN.',
  408: 'again, or with fewer or smaller files.',
  413: 'fewer or smaller files, or higher limits in the server and in the proxies before it.',
  429: 'again in a while.',
  502: 'again in a while: a proxy before the server could not reach it.',
  503: 'again in a while.',
  504: 'again: a proxy before the server lost patience. What was asked for may have been done.',
}

function hintsOf({ answer, cause }: RequestFailure): readonly string[] {
  if (answer === undefined) return hintsOfError(cause)
  const problem = problemOf(answer)
  // Kuberpult's words, and ours.
  if ((problem?.detail ?? textOf(answer)).includes("form file: 'signatures[")) return ['--skip_signatures.']
  const known = hintsByProblem.get(problem?.code ?? '') ?? hintsByStatus[answer.status]
  if (known !== undefined) return [known]
  if (answer.status >= 300 && answer.status < 400) {
    const location = cleanLine(String(answer.headers['location'] ?? ''))
    return [`another --url: this one leads elsewhere, and is not followed${location && `: ${location}`}.`]
  }
  if (problem === undefined && (answer.status === 404 || answer.status < 300)) {
    return ['whether --url is that of the server, with its path prefix.']
  }
  if (problem?.code?.startsWith('UNKNOWN_')) return ['`signalbox status` shows what there is.']
  return answer.status >= 500 ? ["the server's log."] : []
}

function hintsOfError(cause: unknown): readonly string[] {
  if (cause instanceof TimeoutError) return ['a higher --timeout. What was asked for may have been done.']
  if (cause instanceof AnswerTooLargeError) return ['asking for less, by team for example.']
  const codes = [cause, ...(cause instanceof AggregateError ? (cause.errors as unknown[]) : [])].map(codeOf)
  const hint = codes.map((code) => hintsByErrorCode.get(code)).find((text) => text !== undefined)
  if (hint !== undefined) return [hint]
  const isCertificate = codes.some((code) => /CERT|SELF_SIGNED/u.test(code))
  return isCertificate ? ["the certificate of the server's authority in NODE_EXTRA_CA_CERTS."] : []
}
