import type { Answer } from '../../network/exchange.ts'
import { exchange } from '../../network/exchange.ts'
import type { FixedCredentials } from './credentials.ts'
import { secretsOf, toBasic } from './credentials.ts'
import type { PushOutcome, RefUpdate } from './git-remote.ts'
import { RemoteError } from './git-remote.ts'
import type { HttpAuthorization } from './http-authorization.ts'
import type { PktLine } from './pkt-line.ts'
import { ProtocolError, readPktLines } from './pkt-line.ts'
import type { Advertisement } from './receive-pack.ts'
import { findPushProblem, hasMoved, readAdvertisement, readReport, toOutcome, toPushRequest } from './receive-pack.ts'
import { toEndError, toRemoteError } from './remote-failure.ts'

export interface HttpPushOptions {
  /** Of the repository, without credentials and without a slash at its end. */
  readonly url: string
  /** Who we are to the server of an address; each server has one of its own, so that nobody else hears of it. */
  readonly authorize: (base: URL) => HttpAuthorization
  readonly findProxy: (url: URL) => URL | undefined
  readonly readCertificateAuthorities: () => Promise<string | undefined>
  readonly timeoutSeconds: number
  readonly signal: AbortSignal
}

/** Where pushes go, and what the server can. */
interface Destination {
  /** After redirects. */
  readonly base: string
  readonly authorization: HttpAuthorization
  readonly advertisement: Advertisement
}

const service = 'git-receive-pack'
const maximumRedirects = 5
/** A hundred thousand refs are 7 MB. */
const maximumAdvertisement = 64 * 1024 * 1024
const maximumReport = 1024 * 1024
const what = 'git push'

/** What a git server, or a proxy before it, says before it looks at what is sent. */
const turnedAway: readonly number[] = [401, 403, 413]

/**
 * Pushes over smart HTTP (gitprotocol-http(5)). The server is asked once what it can; from then on a push is one request:
 * the old ids in it are the compare-and-swap, so nobody has to look where the refs are before.
 */
export class HttpPush {
  readonly #options: HttpPushOptions
  #destination: Destination | undefined

  constructor(options: HttpPushOptions) {
    this.#options = options
  }

  async push(updates: readonly RefUpdate[], pack: Uint8Array): Promise<PushOutcome> {
    const known = this.#destination
    const destination = known ?? (await this.#discover())
    const { advertisement } = destination
    const problem = findPushProblem(advertisement, updates)
    if (problem !== undefined) return { kind: 'refused', reason: problem }
    if (known === undefined && hasMoved(advertisement, updates)) {
      return { kind: 'moved', reason: 'the server names another commit' }
    }
    // Whatever goes wrong: next time all of it is asked anew.
    this.#destination = undefined
    const outcome = await this.#send(destination, updates, pack)
    if (outcome.kind === 'accepted') this.#destination = destination
    return outcome
  }

  async #send(destination: Destination, updates: readonly RefUpdate[], pack: Uint8Array): Promise<PushOutcome> {
    const { capabilities } = destination.advertisement
    const url = new URL(`${destination.base}/${service}`)
    const body = Buffer.concat([toPushRequest(updates, capabilities), pack])
    let isSent = false
    let answer: AuthorizedAnswer
    try {
      answer = await this.#ask(url, destination.authorization, {
        method: 'POST',
        headers: {
          'Content-Type': `application/x-${service}-request`,
          Accept: `application/x-${service}-result`,
          'Content-Length': String(body.length),
        },
        body,
        maximumAnswerBytes: maximumReport,
        onSent: () => (isSent = true),
      })
    } catch (cause) {
      const error = this.#toNetworkError(cause)
      if (isSent) return { kind: 'unknown', cause: error }
      throw error
    }
    const { status } = answer
    if (status !== 200) {
      const cause = toStatusError(answer, url)
      // Whoever stands between may say anything while the server goes on.
      if (!turnedAway.includes(status) || !(await this.#isUntouched(updates))) return { kind: 'unknown', cause }
      if (status === 413) return { kind: 'refused', reason: tooLarge(body.length) }
      throw cause
    }
    try {
      return await this.#judge(answer, updates, capabilities)
    } catch (cause) {
      if (!(cause instanceof ProtocolError)) throw cause
      return {
        kind: 'unknown',
        cause: new RemoteError('REMOTE_UNREACHABLE', `the answer to a push makes no sense: ${cause.message}`),
      }
    }
  }

  async #judge(
    { body, secrets }: AuthorizedAnswer,
    updates: readonly RefUpdate[],
    capabilities: ReadonlySet<string>,
  ): Promise<PushOutcome> {
    const report = readReport(wholeLines(body), { updates, usesSideBand: capabilities.has('side-band-64k'), secrets })
    if (report.kind === 'accepted' || report.cause !== 'other') return toOutcome(report, false)
    // Every server has words of its own: where the refs are says more.
    const now = await this.#discover().catch(() => undefined)
    return toOutcome(report, now !== undefined && hasMoved(now.advertisement, updates))
  }

  /** Whether nothing has come of a push: the refs are where they were, or we are turned away at the door by now. */
  async #isUntouched(updates: readonly RefUpdate[]): Promise<boolean> {
    try {
      return !hasMoved((await this.#discover()).advertisement, updates)
    } catch (error) {
      return error instanceof RemoteError && error.code === 'REMOTE_DENIED'
    }
  }

  /** Asks where pushes go, and what the server can. */
  async #discover(): Promise<Destination> {
    const suffix = `/info/refs?service=${service}`
    let base = this.#options.url
    let authorization = this.#options.authorize(new URL(base))
    for (let redirects = 0; ; redirects += 1) {
      const url = new URL(`${base}${suffix}`)
      const answer = await this.#ask(url, authorization, {
        method: 'GET',
        headers: { Accept: `application/x-${service}-advertisement, */*` },
        maximumAnswerBytes: maximumAdvertisement,
      }).catch((cause: unknown) => {
        throw this.#toNetworkError(cause)
      })
      if (![301, 302, 303, 307, 308].includes(answer.status)) {
        return { base, authorization, advertisement: toAdvertisement(answer, url) }
      }
      const target = followRedirect(url, answer, suffix)
      if (target === undefined || redirects === maximumRedirects) throw toRedirectError(answer, url)
      if (target.origin !== url.origin) authorization = this.#options.authorize(target)
      base = target.href
    }
  }

  /** Asks with what we are known by, and once more with what else there is when the server does not take that. */
  async #ask(url: URL, authorization: HttpAuthorization, request: Request): Promise<AuthorizedAnswer> {
    const first = await authorization.current()
    const answer = await this.#exchange(url, request, first)
    if (answer.status !== 401) {
      await authorization.taken(first)
      return answer
    }
    const second = await authorization.another(first)
    if (second === undefined) return answer
    const again = await this.#exchange(url, request, second)
    if (again.status === 401) await authorization.another(second)
    else await authorization.taken(second)
    return again
  }

  async #exchange(url: URL, request: Request, credentials: FixedCredentials | undefined): Promise<AuthorizedAnswer> {
    const { findProxy, readCertificateAuthorities, timeoutSeconds, signal } = this.#options
    const certificateAuthorities = await readCertificateAuthorities()
    const answer = await exchange({
      body: undefined,
      ...request,
      url,
      headers: {
        'User-Agent': 'git/2 (signalbox)',
        ...request.headers,
        ...(credentials !== undefined && { Authorization: `Basic ${toBasic(credentials)}` }),
      },
      timeoutSeconds,
      proxy: findProxy(url),
      onConnect: () => undefined,
      signal,
      ...(certificateAuthorities !== undefined && { certificateAuthorities }),
    })
    return { ...answer, secrets: secretsOf(credentials) }
  }

  #toNetworkError(cause: unknown): Error {
    if (this.#options.signal.aborted) return toEndError(what, { kind: 'closed' })
    if (cause instanceof RemoteError) return cause
    const { name, message, code, errors } = cause as NodeJS.ErrnoException & { errors?: readonly Error[] }
    // A host with several addresses fails with an error for each, in one that says nothing itself.
    const text = message || (errors ?? []).map((error) => error.message).join('; ') || code || name
    return toRemoteError(what, text, [])
  }
}

interface Request {
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  readonly maximumAnswerBytes: number
  readonly onSent?: () => void
}

/** With what must not be repeated of it. */
interface AuthorizedAnswer extends Answer {
  readonly secrets: readonly string[]
}

function toAdvertisement(answer: AuthorizedAnswer, url: URL): Advertisement {
  if (answer.status !== 200) throw toStatusError(answer, url)
  const mediaType = mediaTypeOf(answer)
  if (mediaType !== `application/x-${service}-advertisement`) {
    throw new RemoteError(
      'REMOTE_NOT_FOUND',
      `${shown(url)} does not speak git: it answers with ${mediaType === '' ? 'nothing of a kind' : `'${mediaType.slice(0, 100)}'`}. ` +
        'Check SIGNALBOX_REPOSITORY, and whether a login page or a server of plain files stands there',
    )
  }
  const lines = wholeLines(answer.body)
  // Smart HTTP says first what it is about.
  const [first] = lines
  const begin =
    Buffer.isBuffer(first) && first.toString('latin1').startsWith('# service=') ? lines.indexOf('flush') + 1 : 0
  try {
    return readAdvertisement(lines.slice(begin), answer.secrets)
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    throw new RemoteError('REMOTE_UNREACHABLE', `${shown(url)} answers as no git server does: ${error.message}`)
  }
}

/** As many lines as can be read. What is missing shows at the place where it is needed. */
function wholeLines(bytes: Buffer): readonly PktLine[] {
  const lines: PktLine[] = []
  try {
    for (const line of readPktLines(bytes)) lines.push(line)
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
  }
  return lines
}

/** The repository's address that a redirect leads to; undefined when it leads to something else, or away from TLS. */
function followRedirect(from: URL, { headers }: Answer, suffix: string): URL | undefined {
  const location = String(headers['location'] ?? '')
  if (!URL.canParse(location, from.href)) return undefined
  const to = new URL(location, from)
  const isSafe = to.protocol === 'https:' || (to.protocol === 'http:' && from.protocol === 'http:')
  if (!isSafe || to.username !== '' || to.password !== '' || !to.href.endsWith(suffix)) return undefined
  return new URL(to.href.slice(0, -suffix.length))
}

function toRedirectError({ headers, status }: Answer, url: URL): RemoteError {
  const location = String(headers['location'] ?? '')
  const target = URL.canParse(location, url.href) ? ` to ${new URL(location, url).host}` : ''
  return new RemoteError(
    'REMOTE_NOT_FOUND',
    `${shown(url)} answers ${status}, a redirect${target} that does not lead to a git server. Check SIGNALBOX_REPOSITORY: name the address that it has now`,
  )
}

/** In the words in which git says it, so that both are understood in one place. */
function toStatusError(answer: AuthorizedAnswer, url: URL): Error {
  const { body, status, secrets } = answer
  const isText = mediaTypeOf(answer) === 'text/plain'
  const said = isText ? `: ${body.toString('utf8', 0, 1000)}` : ''
  return toRemoteError(what, `${shown(url)} returned error: ${status}${said}`, secrets)
}

function tooLarge(length: number): string {
  return `what was to be pushed (${length} bytes) is more than the server, or a proxy before it, takes in one request (413)`
}

function mediaTypeOf({ headers }: Answer): string {
  const [mediaType = ''] = String(headers['content-type'] ?? '').split(';')
  return mediaType.trim().toLowerCase()
}

function shown(url: URL): string {
  return `${url.origin}${url.pathname}`
}
