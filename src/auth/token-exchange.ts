import { IssuerUnavailableError } from './authenticator.ts'
import { fetchJson, whyNot } from './fetch-json.ts'
import type { IssuerKeys, IssuerLog } from './issuer-keys.ts'

/** Gets tokens of the issuer for tokens that one of its connectors knows. */
export interface TokenExchange {
  /** An access token. Throws ExchangeRefusedError, ExchangeFailedError or IssuerUnavailableError. */
  exchange(subjectToken: string): Promise<string>
}

/** The issuer does not take the token. */
export class ExchangeRefusedError extends Error {
  override readonly name = 'ExchangeRefusedError'
}

/** The issuer does not do what it should; why stands in the log. */
export class ExchangeFailedError extends Error {
  override readonly name = 'ExchangeFailedError'
}

export interface TokenExchangeOptions {
  readonly issuer: Pick<IssuerKeys, 'metadata'>
  readonly clientId: string
  readonly clientSecret: string
  /** The connector of the issuer that knows the tokens. */
  readonly connector: string
  readonly scopes: readonly string[]
  readonly log: IssuerLog
  /** Milliseconds: 5,000. */
  readonly timeout?: number
}

const tokenType = 'urn:ietf:params:oauth:token-type:access_token'

/** What blames the token, or who sent it. Of the other errors it is we who are to blame (RFC 6749, section 5.2). */
const refusals: readonly unknown[] = ['access_denied', 'invalid_grant', 'invalid_request', 'invalid_target']

/** Exchanges as RFC 8693 says, in Dex's dialect: it wants to know which connector to ask (spec 5.2). */
export class OidcTokenExchange implements TokenExchange {
  readonly #options: TokenExchangeOptions

  constructor(options: TokenExchangeOptions) {
    this.#options = options
  }

  async exchange(subjectToken: string): Promise<string> {
    const { issuer, log } = this.#options
    const { tokenEndpoint } = await issuer.metadata()
    if (tokenEndpoint === undefined) throw this.#failed('it names no token_endpoint')
    try {
      return await this.#ask(tokenEndpoint, subjectToken)
    } catch (error) {
      if (error instanceof ExchangeRefusedError || error instanceof ExchangeFailedError) throw error
      log.warn({ reason: whyNot(error) }, 'the issuer cannot be asked for tokens')
      throw new IssuerUnavailableError(new URL(tokenEndpoint).origin, 'the issuer cannot be asked for tokens now')
    }
  }

  async #ask(tokenEndpoint: string, subjectToken: string): Promise<string> {
    const { clientId, clientSecret, connector, scopes, timeout = 5000 } = this.#options
    const { status, body } = await fetchJson(tokenEndpoint, {
      method: 'POST',
      timeout,
      headers: {
        // RFC 6749, section 2.3.1: both are encoded before they are joined.
        authorization: `Basic ${btoa(`${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`)}`,
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: new URLSearchParams({
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        connector_id: connector,
        scope: scopes.join(' '),
        requested_token_type: tokenType,
        subject_token: subjectToken,
        subject_token_type: tokenType,
      }).toString(),
    })
    const answer = typeof body === 'object' && body !== null ? (body as Readonly<Record<string, unknown>>) : {}
    const { access_token: token, error } = answer
    if (status === 200 && typeof token === 'string' && token !== '') return token
    if (refusals.includes(error)) throw new ExchangeRefusedError('the issuer does not take this subject_token')
    throw this.#failed(`it answers ${status}${typeof error === 'string' ? ` ${error.slice(0, 100)}` : ''}`)
  }

  #failed(reason: string): ExchangeFailedError {
    this.#options.log.warn({ reason }, 'the issuer does not exchange tokens')
    return new ExchangeFailedError('the issuer does not exchange tokens as it should')
  }
}
