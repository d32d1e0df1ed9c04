import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { AuthenticatedCaller, Authenticator, Credentials } from './authenticator.ts'
import { UnauthenticatedError } from './authenticator.ts'
import type { TrustedIssuer } from './check-token.ts'
import { checkToken } from './check-token.ts'
import type { IssuerLog } from './issuer-keys.ts'
import { IssuerKeys } from './issuer-keys.ts'
import type { Access } from './policy-files.ts'
import { toCaller } from './to-principal.ts'

export interface OidcAuthenticatorOptions {
  /** The issuer of people: the policy's groups and addresses are its. */
  readonly issuer: string
  readonly audiences: readonly string[]
  /** In seconds. */
  readonly leeway: number
  readonly allowsHttp: boolean
  /** What the policy files say now: another object whenever they change. */
  readonly access: () => Access
  readonly clock: () => Date
  readonly log: IssuerLog
  /** Milliseconds for each request to an issuer: 5,000. */
  readonly timeout?: number
}

/** No longer than keys are fresh. Both may come one after the other for a key that its issuer withdrew: see decision 0005. */
const rememberedFor = 600_000

/** Takes the tokens of the primary issuer and of the CI systems that are trusted (spec 5.2). */
export class OidcAuthenticator implements Authenticator {
  readonly #options: OidcAuthenticatorOptions
  readonly #keys = new Map<string, IssuerKeys>()
  /** Whose tokens were found good, by the tokens' hash: a copy of this memory is no copy of them. */
  readonly #checked = new LRUCache<string, { readonly caller: AuthenticatedCaller; readonly until: number }>({
    max: 1000,
  })
  #access: Access | undefined
  #issuers: ReadonlyMap<string, TrustedIssuer> = new Map()

  constructor(options: OidcAuthenticatorOptions) {
    this.#options = options
  }

  async authenticate({ authorization }: Credentials): Promise<AuthenticatedCaller | undefined> {
    if (authorization === undefined || authorization === '') return undefined
    const token = toToken(authorization)
    const access = this.#options.access()
    if (access !== this.#access) this.#takeOver(access)
    return this.#check(token, access)
  }

  /** Which issuers could not be asked the last time, one sentence each. */
  problems(): readonly string[] {
    return [...this.#keys]
      .filter(([, keys]) => keys.isFailing)
      .map(([issuer]) => `the issuer ${issuer} cannot be asked for its keys: see the log`)
  }

  /** The keys and addresses of the primary issuer. */
  get primary(): IssuerKeys {
    return this.#keysOf(this.#options.issuer)
  }

  async #check(token: string, access: Access): Promise<AuthenticatedCaller> {
    const now = this.#options.clock()
    const hash = createHash('sha256').update(token).digest('base64')
    const known = this.#checked.get(hash)
    if (known !== undefined && now.getTime() < known.until) return known.caller
    const issuers = this.#issuers
    const checked = await checkToken(token, { issuers, now, leeway: this.#options.leeway })
    const until = Math.min(checked.expiresAt.getTime(), now.getTime() + rememberedFor)
    const caller = toCaller(checked, access)
    // Who is trusted may have changed meanwhile.
    if (issuers === this.#issuers) this.#checked.set(hash, { caller, until })
    return caller
  }

  /** What was found good under other rules is looked at again. */
  #takeOver(access: Access): void {
    const { issuer, audiences } = this.#options
    const trusted = [{ issuer, audiences }, ...access.ciIssuers]
    this.#access = access
    this.#checked.clear()
    this.#issuers = new Map(
      trusted.map((one) => [
        one.issuer,
        { issuer: one.issuer, audiences: one.audiences, keys: this.#keysOf(one.issuer) },
      ]),
    )
    for (const known of this.#keys.keys()) if (!this.#issuers.has(known)) this.#keys.delete(known)
  }

  #keysOf(issuer: string): IssuerKeys {
    let keys = this.#keys.get(issuer)
    if (keys === undefined) {
      const { allowsHttp, clock, log, timeout } = this.#options
      keys = new IssuerKeys({ issuer, allowsHttp, clock, log, ...(timeout !== undefined && { timeout }) })
      this.#keys.set(issuer, keys)
    }
    return keys
  }
}

function toToken(authorization: string): string {
  const [, token] = /^Bearer +([\w.~+/-]+=*) *$/i.exec(authorization) ?? []
  if (token !== undefined) return token
  throw new UnauthenticatedError('invalid_request', 'the Authorization header must be the word Bearer and a token')
}
