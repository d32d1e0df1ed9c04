import type { Action, Principal } from '../core/principal.ts'

/** Who asks, as far as a request's credentials tell. */
export interface Authenticator {
  /**
   * Undefined when the request carries no credentials. Throws UnauthenticatedError for credentials that are not good,
   * IssuerUnavailableError when they cannot be judged now.
   */
  authenticate(credentials: Credentials): Promise<AuthenticatedCaller | undefined>
}

export interface Credentials {
  /** The value of the Authorization header. */
  readonly authorization: string | undefined
}

export interface AuthenticatedCaller {
  readonly principal: Principal
  /** For logs and /api/whoami: `<issuer> <subject>`; never a token. */
  readonly id: string
  /** Whose requests theirs are counted with. Jobs of one repository share one, whatever branch they are for. */
  readonly budget: string
  readonly roles: readonly string[]
  /** `*` for all. */
  readonly teams: readonly string[]
  /** What the roles allow, as the policy says it: `*` stands for all. */
  readonly permissions: readonly Permission[]
}

/** One line of the policy. `environmentGroup`, `environment` and `application` are names or `*`. */
export interface Permission {
  readonly action: Action
  readonly environmentGroup: string
  readonly environment: string
  readonly application: string
}

/** Why credentials are not good; the first two are RFC 6750's codes. */
export type UnauthenticatedReason = 'invalid_request' | 'invalid_token'

/** Credentials that are not good. The message is a sentence for people and holds nothing of a token. */
export class UnauthenticatedError extends Error {
  override readonly name = 'UnauthenticatedError'
  readonly reason: UnauthenticatedReason

  constructor(reason: UnauthenticatedReason, message: string, options?: ErrorOptions) {
    super(message, options)
    this.reason = reason
  }
}

/** The issuer cannot be asked for its keys now, so nobody can say whether the credentials are good. */
export class IssuerUnavailableError extends Error {
  override readonly name = 'IssuerUnavailableError'
  readonly issuer: string

  constructor(issuer: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.issuer = issuer
  }
}
