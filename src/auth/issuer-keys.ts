import type { CryptoKey, FlattenedJWSInput, JSONWebKeySet, JWSHeaderParameters } from 'jose'
import { createLocalJWKSet, errors } from 'jose'
import { IssuerUnavailableError } from './authenticator.ts'
import { fetchJson, whyNot } from './fetch-json.ts'
import { findIssuerUrlProblem } from './issuer-url.ts'

export interface IssuerKeysOptions {
  readonly issuer: string
  /** Whether addresses without TLS may be asked on other machines than this one. */
  readonly allowsHttp: boolean
  readonly clock: () => Date
  readonly log: IssuerLog
  /** Milliseconds for each of the two requests: 5,000. */
  readonly timeout?: number
}

/** The part of a pino logger that is needed here. */
export interface IssuerLog {
  info(details: object, message: string): void
  warn(details: object, message: string): void
}

/** What an issuer says about itself. */
export interface IssuerMetadata {
  readonly jwksUri: string
  readonly authorizationEndpoint: string | undefined
  readonly tokenEndpoint: string | undefined
}

const second = 1000
/** So long keys are good without asking again. */
const freshFor = 600 * second
/** So long they are good while the issuer cannot be asked: it may be restarting, but a key that it withdrew must end. */
const usableFor = 3600 * second
/** Tokens with unknown keys make us ask no more often than this. */
const cooldown = 10 * second
const firstPause = second
const longestPause = 60 * second

/**
 * The public keys of one issuer, found by OIDC discovery. They are asked for when first needed, again every ten minutes, and when a
 * token names one that is unknown, so that an issuer may change its keys at any time. An issuer that fails is left alone for a
 * while, which doubles up to a minute.
 */
export class IssuerKeys {
  readonly #options: IssuerKeysOptions
  #metadata: IssuerMetadata | undefined
  #keys: ReturnType<typeof createLocalJWKSet> | undefined
  #fetchedAt = 0
  #failure: { readonly pause: number; readonly retryAt: number } | undefined
  #asking: Promise<void> | undefined

  constructor(options: IssuerKeysOptions) {
    this.#options = options
  }

  /** The one key that a token was signed with. Throws IssuerUnavailableError, or jose's error when there is none. */
  async keyFor(header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<CryptoKey> {
    if (this.#age() >= freshFor && !(await this.#ask()) && this.#age() >= usableFor) throw this.#unavailable()
    try {
      return await this.#find(header, token)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || this.#age() < cooldown) throw error
    }
    if (!(await this.#ask())) throw this.#unavailable()
    return this.#find(header, token)
  }

  /** What the issuer says about itself. Throws IssuerUnavailableError. */
  async metadata(): Promise<IssuerMetadata> {
    if (this.#metadata === undefined) await this.#ask()
    if (this.#metadata === undefined) throw this.#unavailable()
    return this.#metadata
  }

  /** Whether the last attempt to ask it failed. */
  get isFailing(): boolean {
    return this.#failure !== undefined
  }

  #age(): number {
    return this.#keys === undefined ? Infinity : this.#now() - this.#fetchedAt
  }

  #now(): number {
    return this.#options.clock().getTime()
  }

  async #find(header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<CryptoKey> {
    if (this.#keys === undefined) throw this.#unavailable()
    return this.#keys(header, token)
  }

  /** The reason stands in the log: strangers need not know what is behind this. */
  #unavailable(): IssuerUnavailableError {
    const { issuer } = this.#options
    return new IssuerUnavailableError(issuer, `the issuer ${issuer} cannot be asked for its keys now: try again later`)
  }

  /** Asks once for all that wait, unless that failed a moment ago. Answers whether it worked. */
  async #ask(): Promise<boolean> {
    const isPausing = this.#failure !== undefined && this.#now() < this.#failure.retryAt
    if (!isPausing) {
      this.#asking ??= this.#fetch().finally(() => (this.#asking = undefined))
      await this.#asking
    }
    return this.#failure === undefined
  }

  /** Never rejects: what went wrong is kept, so that the next requests need not find out again. */
  async #fetch(): Promise<void> {
    const { issuer, log } = this.#options
    try {
      this.#metadata ??= await this.#discover()
      this.#keys = createLocalJWKSet(await this.#fetchKeys(this.#metadata.jwksUri))
      this.#fetchedAt = this.#now()
      if (this.#failure !== undefined) log.info({ issuer }, 'the issuer of tokens answers again')
      this.#failure = undefined
    } catch (error) {
      const reason = whyNot(error)
      const pause = Math.min(longestPause, (this.#failure?.pause ?? firstPause / 2) * 2)
      this.#failure = { pause, retryAt: this.#now() + pause }
      // It may have moved its keys.
      this.#metadata = undefined
      log.warn({ issuer, reason, pause }, 'the issuer of tokens cannot be asked for its keys')
    }
  }

  async #discover(): Promise<IssuerMetadata> {
    const { issuer } = this.#options
    const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
    const metadata = await this.#get(url)
    if (metadata['issuer'] !== issuer) {
      throw new Error(`${url} is about another issuer: ${JSON.stringify(metadata['issuer'])?.slice(0, 200)}`)
    }
    const jwksUri = this.#toAddress(metadata, 'jwks_uri')
    if (jwksUri === undefined) throw new Error(`${url} names no jwks_uri`)
    return {
      jwksUri,
      authorizationEndpoint: this.#toAddress(metadata, 'authorization_endpoint'),
      tokenEndpoint: this.#toAddress(metadata, 'token_endpoint'),
    }
  }

  #toAddress(metadata: Readonly<Record<string, unknown>>, name: string): string | undefined {
    const address = metadata[name]
    if (typeof address !== 'string') return undefined
    const problem = findIssuerUrlProblem(address.replace(/\?.*$/s, ''), this.#options.allowsHttp)
    if (problem !== undefined) throw new Error(`its ${name} ${problem}`)
    return address
  }

  async #fetchKeys(url: string): Promise<JSONWebKeySet> {
    const body = await this.#get(url)
    if (!Array.isArray(body['keys'])) throw new Error(`${url} holds no keys`)
    return { keys: body['keys'] as JSONWebKeySet['keys'] }
  }

  async #get(url: string): Promise<Readonly<Record<string, unknown>>> {
    const { status, body } = await fetchJson(url, { timeout: this.#options.timeout ?? 5 * second })
    if (status !== 200) throw new Error(`${url} answers ${status}`)
    if (typeof body !== 'object' || body === null) throw new Error(`${url} answers no JSON object`)
    return body as Readonly<Record<string, unknown>>
  }
}
