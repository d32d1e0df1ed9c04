import type { ClientRequest } from 'node:http'
import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'

/** A move of the branch that Argo CD is told of. */
export interface BranchUpdate {
  readonly branch: string
  /** Undefined when it was the first commit. */
  readonly before: string | undefined
  readonly after: string
  /** Without any Argo CD would take everything for changed. */
  readonly changedPaths: readonly string[]
}

export interface WebhookOptions {
  /** Argo CD's address; `/api/webhook` is appended. */
  readonly server: string
  /** Takes any certificate of that server. */
  readonly isInsecure: boolean
  /** The repository's address on the web: Argo CD compares host and path with those of its applications. */
  readonly webUrl: string
  readonly log: WebhookLog
  /** How many milliseconds one call may take: 10,000. */
  readonly timeout?: number
}

/** The part of a pino logger that the webhook needs. */
export interface WebhookLog {
  info(details: object, message: string): void
  warn(details: object, message: string): void
}

interface Pending {
  readonly branch: string
  readonly before: string | undefined
  readonly after: string
  /** Undefined when there are more than Argo CD should be bothered with. */
  readonly changedPaths: ReadonlySet<string> | undefined
}

const defaultTimeout = 10_000

/** More paths than these are not named, so that Argo CD takes everything for changed. */
const maximumPaths = 10_000

const noCommit = '0'.repeat(40)

/**
 * Tells Argo CD of pushes as GitHub would (spec 1.8), so that it need not poll. One call at a time; what is announced meanwhile makes
 * up the next one. Argo CD polls anyway: a call that fails is logged and forgotten, and nobody waits for it.
 */
export class ArgoCdWebhook {
  readonly #options: WebhookOptions
  #isClosing = false
  #call: ClientRequest | undefined
  #pending: Pending | undefined
  #running: Promise<void> | undefined
  #problem: string | undefined

  constructor(options: WebhookOptions) {
    this.#options = options
  }

  /** Returns at once. */
  announce(update: BranchUpdate): void {
    if (this.#isClosing) return
    this.#pending = merge(this.#pending, update)
    this.#running ??= this.#run()
  }

  /** Waits for what was announced, but no longer than so many milliseconds; then breaks it off. */
  async close(patience = 3000): Promise<void> {
    const patient = new AbortController()
    await Promise.race([this.#running, sleep(patience, undefined, { signal: patient.signal }).catch(() => {})])
    patient.abort()
    this.#isClosing = true
    this.#call?.destroy()
    await this.#running
  }

  async #run(): Promise<void> {
    while (this.#pending !== undefined && !this.#isClosing) {
      const pending = this.#pending
      this.#pending = undefined
      this.#tell(await this.#post(toPayload(pending, this.#options.webUrl)).catch(String))
    }
    this.#running = undefined
  }

  /** Each problem once, until it is another one or none. */
  #tell(problem: string | undefined): void {
    const { log, server } = this.#options
    if (problem !== this.#problem) {
      if (problem === undefined) log.info({ server }, 'Argo CD can be told of pushes again')
      else log.warn({ server, problem }, `Argo CD could not be told of a push, and will have to poll: ${problem}`)
    }
    this.#problem = problem
  }

  /** Posts the payload; what went wrong, or undefined. */
  #post(payload: string): Promise<string | undefined> {
    const { timeout = defaultTimeout } = this.#options
    return new Promise((resolve) => {
      const call = this.#open(payload)
      this.#call = call
      const timer = setTimeout(() => {
        resolve(`it did not answer within ${timeout} ms`)
        call.destroy()
      }, timeout)
      call.once('response', (response) => {
        const { statusCode = 0 } = response
        resolve(statusCode >= 200 && statusCode < 300 ? undefined : `it answered ${statusCode}`)
        // What it has to say is of no interest, however long it is.
        response.destroy()
      })
      call.on('error', (error: NodeJS.ErrnoException) =>
        resolve(this.#isClosing ? 'Signalbox was shut down meanwhile' : (error.code ?? error.message)),
      )
      call.once('close', () => clearTimeout(timer))
      call.end(payload)
    })
  }

  #open(payload: string): ClientRequest {
    const { server, isInsecure } = this.#options
    const url = new URL(`${server.replace(/\/+$/u, '')}/api/webhook`)
    const options = {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        'Content-Length': Buffer.byteLength(payload),
        'User-Agent': 'signalbox',
        'X-GitHub-Event': 'push',
      },
      // A connection of its own: what is tolerated here must not be found in a shared pool.
      agent: false as const,
    }
    return url.protocol === 'https:'
      ? requestHttps(url, { ...options, rejectUnauthorized: !isInsecure })
      : requestHttp(url, options)
  }
}

function merge(pending: Pending | undefined, { branch, before, after, changedPaths }: BranchUpdate): Pending {
  const first = pending === undefined ? before : pending.before
  const known = pending === undefined ? [] : pending.changedPaths
  const all = known === undefined ? undefined : new Set([...known, ...changedPaths])
  return { branch, before: first, after, changedPaths: all !== undefined && all.size <= maximumPaths ? all : undefined }
}

/** What GitHub posts about a push, as far as Argo CD looks at it. */
function toPayload({ branch, before, after, changedPaths }: Pending, webUrl: string): string {
  return JSON.stringify({
    ref: `refs/heads/${branch}`,
    before: before ?? noCommit,
    after,
    repository: { html_url: webUrl, default_branch: branch },
    commits: [{ id: after, added: [], removed: [], modified: [...(changedPaths ?? [])] }],
  })
}
