import { CommandFailure } from '../command.ts'
import { exchange } from '../../network/exchange.ts'
import { cleanLine } from '../output.ts'
import { proxyFor } from '../../network/proxy.ts'

/** Where an issuer says that things are to be had (OIDC discovery, RFC 8628, RFC 7009). */
export interface IssuerEndpoints {
  readonly token: string
  readonly deviceAuthorization: string | undefined
  readonly revocation: string | undefined
  /** Undefined where it does not say which scopes it knows. */
  readonly scopes: readonly string[] | undefined
}

/** What an issuer answered. `body` is its JSON object; empty when it is none. */
export interface IssuerAnswer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

export interface IssuerOptions {
  readonly issuer: string
  /** Whether it may be asked without TLS on another machine. */
  readonly allowsHttp: boolean
  readonly environment: Readonly<Record<string, string | undefined>>
}

/** More than an issuer takes, and short enough for somebody who waits. */
const timeoutSeconds = 15
const maximumAnswerBytes = 1024 * 1024

/** An issuer that cannot be asked now: another time it may. */
export class IssuerUnreachable extends CommandFailure {
  constructor(address: string, reason: string) {
    const sentence = `${address} cannot be asked now: ${reason}`
    const hint =
      '  Try: again in a while; whether this machine reaches that address, by which proxy, and trusts its certificate.'
    super([sentence, hint], JSON.stringify({ code: 'ISSUER_UNREACHABLE', detail: sentence }))
  }
}

/**
 * The issuer that people sign in at, as far as this program talks to it. It gets none of what the server gets: no header that names
 * an author, no token of another. Redirects are not followed: what is sent may be a secret.
 */
export class Issuer {
  readonly #options: IssuerOptions

  /** Throws CommandFailure for an address that cannot be trusted. */
  constructor(options: IssuerOptions) {
    this.#options = options
    assertSafe(options.issuer, 'the issuer', options.allowsHttp)
  }

  /** Throws CommandFailure, IssuerUnreachable among them. */
  async discover(): Promise<IssuerEndpoints> {
    const { issuer } = this.#options
    const url = `${issuer.replace(/\/$/u, '')}/.well-known/openid-configuration`
    const { status, body } = await this.#ask('GET', url)
    if (status !== 200 || body['issuer'] !== issuer) {
      throw new IssuerUnreachable(url, status === 200 ? 'it is about another issuer' : `it answered ${status}`)
    }
    const token = this.#addressIn(body, 'token_endpoint')
    if (token === undefined) throw new IssuerUnreachable(url, 'it names no token_endpoint')
    const scopes = body['scopes_supported']
    return {
      token,
      deviceAuthorization: this.#addressIn(body, 'device_authorization_endpoint'),
      revocation: this.#addressIn(body, 'revocation_endpoint'),
      scopes: Array.isArray(scopes) ? scopes.filter((scope) => typeof scope === 'string') : undefined,
    }
  }

  /** Sends a form, and answers whatever comes back. Throws IssuerUnreachable. */
  async send(url: string, form: Readonly<Record<string, string>>): Promise<IssuerAnswer> {
    const answer = await this.#ask('POST', url, new URLSearchParams(form).toString())
    // Whoever answers neither with what was asked for nor with an error of OAuth is no issuer, or not itself.
    const isIts = answer.status === 200 || (answer.status < 500 && typeof answer.body['error'] === 'string')
    if (isIts && answer.status !== 429) return answer
    throw new IssuerUnreachable(url, `it answered ${answer.status}`)
  }

  async #ask(method: string, url: string, form?: string): Promise<IssuerAnswer> {
    const address = new URL(url)
    try {
      const { status, body } = await exchange({
        url: address,
        method,
        headers: {
          Accept: 'application/json',
          ...(form !== undefined && {
            'Content-Type': 'application/x-www-form-urlencoded',
            'Content-Length': String(Buffer.byteLength(form)),
          }),
        },
        body: form === undefined ? undefined : Buffer.from(form),
        timeoutSeconds,
        maximumAnswerBytes,
        proxy: proxyFor(address, this.#options.environment),
        onConnect: () => undefined,
      })
      return { status, body: toObject(body.toString()) }
    } catch (error) {
      if (error instanceof CommandFailure) throw error
      throw new IssuerUnreachable(`${address.origin}${address.pathname}`, whyNot(error))
    }
  }

  #addressIn(metadata: Readonly<Record<string, unknown>>, name: string): string | undefined {
    const address = metadata[name]
    if (typeof address !== 'string') return undefined
    assertSafe(address, `the issuer's ${name}`, this.#options.allowsHttp)
    return address
  }
}

/** What an issuer says is wrong (RFC 6749, section 5.2), as it may be shown. */
export function refusalIn({ status, body }: IssuerAnswer): { readonly code: string; readonly sentence: string } {
  const [code, description] = [body['error'], body['error_description']].map((text) =>
    typeof text === 'string' ? cleanLine(text).slice(0, 300) : '',
  )
  const words = [code, description].filter((text) => text !== '')
  return { code: code ?? '', sentence: words.length === 0 ? `it answered ${status}` : words.join(': ') }
}

/** Whether nobody but this machine's own programs sees what is sent there. */
export function isLoopback(hostname: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/u.test(hostname)
}

/** Tokens travel to where that leads, and whoever stands on a line without TLS reads them. */
export function assertSafe(address: string, what: string, allowsHttp: boolean): void {
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && (allowsHttp || isLoopback(url.hostname)))) return
  const shown = cleanLine(address).slice(0, 200)
  const problem =
    url?.protocol === 'http:'
      ? `${what} is ${shown}, and without https others could read the tokens on their way`
      : `${what} is no address: ${shown}`
  const hint =
    url?.protocol === 'http:' ? ['  Try: an https address; --allow-http if you trust the network in between.'] : []
  throw new CommandFailure([problem, ...hint], JSON.stringify({ code: 'UNSAFE_ADDRESS', detail: problem }))
}

function toObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}
  } catch {
    return {}
  }
}

function whyNot(error: unknown): string {
  const { message, code, errors } = error as NodeJS.ErrnoException & { readonly errors?: readonly Error[] }
  return message || errors?.map((one) => one.message).join('; ') || code || 'it does not answer'
}
