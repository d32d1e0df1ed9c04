import type { Answer } from '../network/exchange.ts'
import { mediaTypeOf, problemOf, protobufMediaType } from './answer.ts'
import { exchange } from '../network/exchange.ts'

/** A request as commands say it. */
export interface ApiRequest {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE'
  /** The segments of the path as they are: they are escaped here. */
  readonly path: readonly string[]
  /** Parameters that are undefined are left out. */
  readonly query?: Readonly<Record<string, string | undefined>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: RequestBody
  /** Whether the headers that name an author go with it. */
  readonly namesAuthor?: boolean
}

export interface RequestBody {
  readonly contentType: string
  readonly bytes: Uint8Array
}

/** A request that did not succeed: with the server's answer, or with what kept it from answering. */
export class RequestFailure extends Error {
  override readonly name = 'RequestFailure'
  /** Such as `GET https://signalbox.example.com/api/locks`. */
  readonly request: string
  readonly answer: Answer | undefined
  /** The server may have got the request, and its answer is not known. */
  readonly isAnswerLost: boolean
  /** An earlier try got no answer, so what it asked for may have been done. */
  isAfterLostAnswer = false
  /** With which flags the same can be asked for again so that it is not done twice, where it may have been done. */
  repeatFlags: string | undefined

  constructor(
    request: string,
    outcome: { readonly answer: Answer } | { readonly cause: unknown; readonly wasConnected?: boolean },
  ) {
    super(`${request} failed`, 'cause' in outcome ? { cause: outcome.cause } : undefined)
    this.request = request
    this.answer = 'answer' in outcome ? outcome.answer : undefined
    this.isAnswerLost = 'answer' in outcome ? lostByProxy.has(outcome.answer.status) : (outcome.wasConnected ?? false)
  }
}

/** A proxy got no answer that it could pass on. */
const lostByProxy = new Set([502, 504])

export interface ClientOptions {
  readonly url: URL
  /** Those of every request. */
  readonly headers: Readonly<Record<string, string>>
  /** Those of requests that name an author. */
  readonly authorHeaders: Readonly<Record<string, string>>
  readonly timeoutSeconds: number
  /** How often a change is tried again. */
  readonly retries: number
  /** Sent with every change, so that the server does once what is asked for again. */
  readonly idempotencyKey: string
  readonly sleep: (milliseconds: number) => Promise<void>
  /** Told before a change is tried again. */
  readonly onRetry: (failure: RequestFailure, pauseSeconds: number, retry: number) => void
  /** Told when a change succeeded after a try that got no answer; `isReplayed` when the server says that it was done by that. */
  readonly onLateSuccess: (request: string, isReplayed: boolean) => void
  /** Told when a request begins; what it answers is called when the request has ended. */
  readonly onWait: (request: string) => () => void
  /** The proxy to go through; undefined for none. */
  readonly proxy: URL | undefined
  readonly maximumAnswerBytes?: number
}

export interface Client {
  /** Asks once. Throws RequestFailure unless the status is 200 or 201. */
  read(request: ApiRequest): Promise<Answer>
  /** Asks, and asks again when that failed. Throws RequestFailure unless the status is 200 or 201. */
  change(request: ApiRequest): Promise<Answer>
}

const maximumRetryAfterSeconds = 30

/** The server's end of the conversation, with Kuberpult's ways: redirects are not followed, 200 and 201 are success (spec 4.2). */
export function createClient(options: ClientOptions): Client {
  const base = options.url
  const prefix = `${base.origin}${base.pathname.replace(/\/+$/u, '')}`
  const auth = `${decodeURIComponent(base.username)}:${decodeURIComponent(base.password)}`
  const authorization = auth === ':' ? {} : { Authorization: `Basic ${Buffer.from(auth).toString('base64')}` }

  async function read(request: ApiRequest): Promise<Answer> {
    const url = toUrl(prefix, request)
    const shown = toShown(request)
    const done = options.onWait(shown)
    let answer: Answer
    let wasConnected = false
    try {
      answer = await exchange({
        url,
        method: request.method,
        headers: { ...authorization, ...toHeaders(request, options) },
        body: request.body?.bytes,
        timeoutSeconds: options.timeoutSeconds,
        maximumAnswerBytes: options.maximumAnswerBytes ?? 256 * 1024 * 1024,
        proxy: options.proxy,
        onConnect: () => (wasConnected = true),
      })
    } catch (cause) {
      throw new RequestFailure(shown, { cause, wasConnected })
    } finally {
      done()
    }
    if (answer.status !== 200 && answer.status !== 201) throw new RequestFailure(shown, { answer })
    return answer
  }

  function toShown(request: ApiRequest): string {
    return `${request.method} ${toUrl(prefix, request).href}`
  }

  async function change(asked: ApiRequest): Promise<Answer> {
    const request = { ...asked, headers: { ...asked.headers, 'Idempotency-Key': quote(options.idempotencyKey) } }
    let hasLostAnswer = false
    for (let retry = 1; ; retry += 1) {
      try {
        const answer = await read(request)
        if (hasLostAnswer) options.onLateSuccess(toShown(request), answer.headers['idempotency-replayed'] === 'true')
        return answer
      } catch (error) {
        if (!(error instanceof RequestFailure)) throw error
        error.isAfterLostAnswer = hasLostAnswer
        if (isFinal(error)) throw error
        hasLostAnswer ||= error.isAnswerLost
        if (hasLostAnswer) error.repeatFlags = toKeyFlag(options.idempotencyKey)
        if (retry > options.retries) throw error
        const pause = Math.max(retry, Math.min(retryAfterSeconds(error.answer), maximumRetryAfterSeconds))
        options.onRetry(error, pause, retry)
        await options.sleep(pause * 1000)
      }
    }
  }

  return { read, change }
}

function toUrl(prefix: string, { path, query = {} }: ApiRequest): URL {
  const url = new URL(`${prefix}/${path.map(encodeURIComponent).join('/')}`)
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) url.searchParams.set(name, value)
  }
  return url
}

/** For a shell, whatever the key. */
export function toKeyFlag(key: string): string {
  return `--idempotency-key ${/^[\w.:/@%+=-]+$/u.test(key) ? key : `'${key.replaceAll("'", String.raw`'\''`)}'`}`
}

/** As the IETF's draft has it: a string in double quotes. */
function quote(key: string): string {
  return `"${key.replaceAll(/["\\]/gu, String.raw`\$&`)}"`
}

function toHeaders(request: ApiRequest, options: ClientOptions): Readonly<Record<string, string>> {
  const { method, headers, body, namesAuthor } = request
  return {
    ...options.headers,
    ...(namesAuthor === true && options.authorHeaders),
    ...headers,
    ...(body && { 'Content-Type': body.contentType, 'Content-Length': String(body.bytes.length) }),
    ...(body === undefined && (method === 'PUT' || method === 'POST') && { 'Content-Length': '0' }),
  }
}

// What asking again cannot change.
const finalStatuses = new Set([400, 401, 403, 404, 406, 409, 412, 413, 415, 422])

/**
 * Whether asking again is pointless. Only Signalbox's own refusals are trusted with that: Kuberpult's client asks again
 * whatever the status, and proxies answer with any.
 */
function isFinal({ answer }: RequestFailure): boolean {
  if (answer === undefined || !finalStatuses.has(answer.status)) return false
  if (mediaTypeOf(answer) === protobufMediaType) return true
  // Others moved the branch, again and again: that passes.
  const problem = problemOf(answer)
  return problem !== undefined && problem.code !== 'BRANCH_KEEPS_MOVING'
}

/** What `Retry-After` asks for, as seconds or as a date; 0 without one. */
function retryAfterSeconds(answer: Answer | undefined): number {
  const header = String(answer?.headers['retry-after'] ?? '')
  if (/^[0-9]{1,9}$/u.test(header)) return Number(header)
  const seconds = Math.ceil((Date.parse(header) - Date.now()) / 1000)
  return seconds > 0 ? seconds : 0
}
