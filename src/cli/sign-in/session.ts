import { decodeJwt } from 'jose/jwt/decode'

/** Somebody who has signed in at a server, as it is kept on this machine. */
export interface Session {
  /** The server that its token is sent to, and no other: see `toServer`. */
  readonly server: string
  readonly issuer: string
  readonly clientId: string
  /** The issuer may be asked without TLS, because somebody said so when they signed in. */
  readonly allowsHttp: boolean
  /** What is sent to the server. */
  readonly token: string
  /** By this machine's clock; in milliseconds. */
  readonly expiresAt: number
  readonly refreshToken: string | undefined
}

/** A server as sessions know it: two addresses that lead to the same place are one. */
export function toServer(url: URL): string {
  return `${url.origin}${url.pathname.replace(/\/+$/u, '')}`
}

/** What of an issuer's answer (RFC 6749, section 5.1) makes a session; undefined when there is no token in it. */
export function toTokens(
  body: Readonly<Record<string, unknown>>,
  now: number,
): Pick<Session, 'token' | 'expiresAt' | 'refreshToken'> | undefined {
  const [idToken, accessToken, refreshToken] = ['id_token', 'access_token', 'refresh_token'].map((name) => {
    const value = body[name]
    return isHeaderText(value) ? value : undefined
  })
  // An access token may be for another service, and may say nothing to a reader; an ID token is for our client.
  const token = idToken ?? accessToken
  if (token === undefined) return undefined
  return { token, expiresAt: now + lifetimeOf(token, body['expires_in']) * 1000, refreshToken }
}

const assumedLifetime = 300

/** In seconds: how long the issuer gave it, so that it does not matter whether this machine's clock is right. */
function lifetimeOf(token: string, expiresIn: unknown): number {
  try {
    const { exp, iat } = decodeJwt(token)
    if (exp !== undefined && iat !== undefined && exp > iat) return exp - iat
  } catch {
    // Not every token is a JWT.
  }
  return typeof expiresIn === 'number' && expiresIn > 0 ? expiresIn : assumedLifetime
}

/** What a file says, when it is a session. */
export function toSession(content: unknown): Session | undefined {
  if (typeof content !== 'object' || content === null) return undefined
  const { server, issuer, clientId, allowsHttp, token, expiresAt, refreshToken } = content as Partial<Session>
  const texts = [server, issuer, clientId, token, refreshToken ?? '']
  if (!texts.every((text) => typeof text === 'string')) return undefined
  if (!isHeaderText(token) || typeof expiresAt !== 'number' || typeof allowsHttp !== 'boolean') return undefined
  return { server, issuer, clientId, allowsHttp, token, expiresAt, refreshToken } as Session
}

/** A line break in a token would begin another header. */
function isHeaderText(value: unknown): value is string {
  return typeof value === 'string' && /^[\u0021-\u007e]+$/u.test(value)
}
