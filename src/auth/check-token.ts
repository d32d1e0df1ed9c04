import type { JWTPayload } from 'jose'
import { decodeJwt, decodeProtectedHeader, errors, jwtVerify } from 'jose'
import { IssuerUnavailableError, UnauthenticatedError } from './authenticator.ts'
import type { IssuerKeys } from './issuer-keys.ts'

/** An issuer whose tokens are taken when they are meant for us. */
export interface TrustedIssuer {
  readonly issuer: string
  /** A token must name one of them. */
  readonly audiences: readonly string[]
  readonly keys: Pick<IssuerKeys, 'keyFor'>
}

export interface CheckOptions {
  /** By issuer, as tokens name it. */
  readonly issuers: ReadonlyMap<string, TrustedIssuer>
  readonly now: Date
  /** By how many seconds the issuer's clock may differ from ours. */
  readonly leeway: number
}

/** A token that somebody trusted has signed, for us, and that is good now. */
export interface CheckedToken {
  readonly issuer: string
  readonly subject: string
  readonly audiences: readonly string[]
  readonly claims: JWTPayload
  readonly expiresAt: Date
}

/** Signatures that only the issuer can make. Not `none`, and none of those where what checks can also sign. */
export const acceptedAlgorithms: readonly string[] = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'ES256',
  'ES384',
  'EdDSA',
  'Ed25519',
]

/** What else is signed by issuers, such as the notice of a logout, says so in its type. */
const acceptedTypes: readonly unknown[] = [undefined, 'jwt', 'at+jwt', 'application/at+jwt']

const maximumLength = 16 * 1024

/**
 * Whether a JWT is good. What it says before its signature is checked decides only which issuer is asked, by exact comparison
 * with those that are trusted: no address is ever taken from a token. Throws UnauthenticatedError or IssuerUnavailableError.
 */
export async function checkToken(token: string, { issuers, now, leeway }: CheckOptions): Promise<CheckedToken> {
  if (token.length > maximumLength) throw refused(`the token is longer than ${maximumLength} characters`)
  const trusted = issuers.get(issuerOf(token))
  if (trusted === undefined) throw refused('the token is from an issuer that is not trusted here')
  try {
    const { payload } = await jwtVerify(token, (header, parts) => trusted.keys.keyFor(header, parts), {
      issuer: trusted.issuer,
      audience: [...trusted.audiences],
      algorithms: [...acceptedAlgorithms],
      requiredClaims: ['sub', 'exp'],
      clockTolerance: leeway,
      currentDate: now,
    })
    return toCheckedToken(trusted.issuer, payload)
  } catch (error) {
    if (error instanceof IssuerUnavailableError || error instanceof UnauthenticatedError) throw error
    throw refused(toSentence(error))
  }
}

/** The issuer that the token claims. Refuses first what can never be good, so that nobody is asked about it. */
function issuerOf(token: string): string {
  try {
    const { alg, typ } = decodeProtectedHeader(token)
    if (alg === undefined || !acceptedAlgorithms.includes(alg))
      throw refused('the algorithm of the token is not accepted')
    if (!acceptedTypes.includes(typeof typ === 'string' ? typ.toLowerCase() : typ)) {
      throw refused('the token is of a type that says nothing about who asks')
    }
    const { iss } = decodeJwt(token)
    if (typeof iss === 'string') return iss
  } catch (error) {
    throw error instanceof UnauthenticatedError ? error : refused('the token is no JWT')
  }
  throw refused('the token names no issuer')
}

function toCheckedToken(issuer: string, claims: JWTPayload): CheckedToken {
  const { sub, exp, aud = [] } = claims
  if (typeof sub !== 'string' || sub === '' || sub.length > 1000 || /\p{Cc}/u.test(sub)) {
    throw refused('the token names no subject that could be somebody')
  }
  const audiences = typeof aud === 'string' ? [aud] : aud
  return { issuer, subject: sub, audiences, claims, expiresAt: new Date((exp ?? 0) * 1000) }
}

/** Nothing of the token is repeated: it may be anything, and logs are read by many. */
function toSentence(error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'the token has expired'
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === 'aud') return 'the token is meant for somebody else: its audience is not one of ours'
    if (error.claim === 'nbf') return 'the token is not good yet'
    return `the claim '${error.claim}' of the token is missing or wrong`
  }
  if (error instanceof errors.JWKSNoMatchingKey) return 'the issuer has no key that the token is signed with'
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'the signature of the token is wrong'
  return 'the token is not well made'
}

/** Without a cause: those of jose hold the claims, and errors end up in logs. */
function refused(message: string): UnauthenticatedError {
  return new UnauthenticatedError('invalid_token', message)
}
