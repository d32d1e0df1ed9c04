import { CommandFailure } from '../command.ts'
import { cleanLine } from '../output.ts'
import type { Issuer, IssuerAnswer, IssuerEndpoints } from './issuer.ts'
import { IssuerUnreachable, refusalIn } from './issuer.ts'
import type { Session } from './session.ts'
import { toTokens } from './session.ts'

/** What somebody has to do in a browser, and how to ask whether they have. */
export interface DeviceCode {
  readonly deviceCode: string
  readonly userCode: string
  readonly verificationUri: string
  /** The same with the code in it; undefined where the issuer has none. */
  readonly verificationUriComplete: string | undefined
  /** In seconds. */
  readonly expiresIn: number
  /** Seconds between two questions. */
  readonly interval: number
}

export type Tokens = Pick<Session, 'token' | 'expiresAt' | 'refreshToken'>

const grantType = 'urn:ietf:params:oauth:grant-type:device_code'

/** Begins to sign in (RFC 8628, section 3.1). Throws CommandFailure. */
export async function requestDeviceCode(
  issuer: Issuer,
  { deviceAuthorization, scopes: known }: IssuerEndpoints,
  { clientId, scopes }: { readonly clientId: string; readonly scopes: readonly string[] },
): Promise<DeviceCode> {
  if (deviceAuthorization === undefined) {
    throw failure('LOGIN_NOT_OFFERED', 'the issuer does not offer the device flow', [
      'a token in SIGNALBOX_TOKEN, or another issuer.',
    ])
  }
  // Without it the login would end with the first token.
  const asked = known === undefined || known.includes('offline_access') ? [...scopes, 'offline_access'] : scopes
  const answer = await issuer.send(deviceAuthorization, { client_id: clientId, scope: [...new Set(asked)].join(' ') })
  const { body } = answer
  const text = (name: string) => {
    const value = body[name]
    return typeof value === 'string' && value !== '' && value.length <= 2000 ? value : undefined
  }
  const number = (name: string, other: number) => {
    const value = body[name]
    return typeof value === 'number' && value >= 1 && value <= 3600 ? value : other
  }
  const [deviceCode, userCode, verificationUri] = ['device_code', 'user_code', 'verification_uri'].map(text)
  if (deviceCode === undefined || userCode === undefined || verificationUri === undefined) throw refused(answer)
  return {
    deviceCode,
    userCode: cleanLine(userCode),
    verificationUri,
    verificationUriComplete: text('verification_uri_complete'),
    expiresIn: number('expires_in', 300),
    interval: number('interval', 5),
  }
}

/**
 * Asks until somebody has signed in, or cannot any more (RFC 8628, section 3.3). An issuer that does not answer is asked again, less
 * and less often. Throws CommandFailure.
 */
export async function waitForTokens(
  issuer: Issuer,
  { token }: IssuerEndpoints,
  clientId: string,
  { deviceCode, expiresIn, interval: first }: DeviceCode,
  sleep: (milliseconds: number) => Promise<void>,
): Promise<Tokens> {
  let interval = first
  let lost: IssuerUnreachable | undefined
  for (let waited = interval; waited <= expiresIn; waited += interval) {
    await sleep(interval * 1000)
    const form = { grant_type: grantType, device_code: deviceCode, client_id: clientId }
    const answer = await issuer.send(token, form).catch((error: unknown) => {
      if (error instanceof IssuerUnreachable) return error
      throw error
    })
    if (answer instanceof IssuerUnreachable) {
      lost = answer
      interval *= 2
      continue
    }
    lost = undefined
    const tokens = answer.status === 200 ? toTokens(answer.body, Date.now()) : undefined
    if (tokens !== undefined) return tokens
    const { code } = refusalIn(answer)
    if (code === 'slow_down') interval += 5
    else if (code === 'expired_token') break
    else if (code !== 'authorization_pending') throw refused(answer)
  }
  throw (
    lost ??
    failure('LOGIN_EXPIRED', 'nobody signed in while the code was good', ['`signalbox login` for another code.'])
  )
}

function refused(answer: IssuerAnswer): CommandFailure {
  const { code, sentence } = refusalIn(answer)
  if (code === 'access_denied') {
    return failure('LOGIN_DENIED', 'the login was denied at the issuer', ['`signalbox login` if that was a mistake.'])
  }
  return failure('LOGIN_REFUSED', `the issuer does not sign anybody in: ${sentence}`, [
    'whoever runs the server: its client at the issuer must be public, and allowed the device flow.',
  ])
}

/** A login that did not work, for people and for scripts. */
export function failure(code: string, sentence: string, hints: readonly string[]): CommandFailure {
  return new CommandFailure(
    [sentence, ...hints.map((hint) => `  Try: ${hint}`)],
    JSON.stringify({ code, detail: sentence }),
  )
}
