import type { Authenticator } from '../auth/authenticator.ts'
import type { SignInEndpoints } from '../auth/sign-in-search.ts'
import type { TokenExchange } from '../auth/token-exchange.ts'
import type { Principal } from '../core/principal.ts'

/** Whether callers are asked who they are. */
export type Admission = AnonymousAdmission | TokenAdmission

/** Nobody is asked. */
export interface AnonymousAdmission {
  readonly mode: 'none'
  /** Who everyone is, unless they claim to be somebody else. */
  readonly principal: Principal
  /** The names under which it may be asked, beside those of this machine itself; `*` for any. */
  readonly hosts: readonly string[]
  /** Whether it may be asked under any IP address: where it listens on more than loopback, nobody knows all of its own. */
  readonly acceptsAddresses: boolean
}

/** Everyone is, by a token. */
export interface TokenAdmission {
  readonly mode: 'oidc'
  readonly authenticator: Authenticator
  /** How many requests a minute a principal may send, and an address for those without one. */
  readonly requestsPerMinute: number
  /** How browsers find the issuer; undefined where Swagger UI cannot sign in. */
  readonly signIn?: SignIn | undefined
  /** How the client program finds the issuer. */
  readonly terminalSignIn?: TerminalSignIn | undefined
  /** What `POST /token` does; undefined where it does nothing. */
  readonly exchange?: TokenExchange | undefined
}

/** What Swagger UI's Authorize button needs: an authorization code with PKCE, without a client secret. */
export interface SignIn {
  readonly clientId: string
  readonly scopes: readonly string[]
  /** Where, as far as it is known now: an issuer that was away is asked again. */
  readonly endpoints: () => SignInEndpoints | undefined
}

/** What `signalbox login` needs: it finds the rest at the issuer. */
export interface TerminalSignIn {
  readonly issuer: string
  /** A public client that may use the device flow (RFC 8628); undefined where there is none. */
  readonly clientId: string | undefined
  readonly scopes: readonly string[]
}
