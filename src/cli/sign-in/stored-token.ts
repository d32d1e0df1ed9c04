import { failure } from './device-flow.ts'
import { Issuer, IssuerUnreachable, refusalIn } from './issuer.ts'
import type { SessionFiles } from './session-files.ts'
import type { Session } from './session.ts'
import { toTokens } from './session.ts'

/** So long before its end a token is renewed: it has to last until the server has read it. */
const margin = 10_000

/**
 * The token of whoever has signed in at the server; undefined when nobody has. One that has ended is renewed, once for all
 * invocations that want it. Throws CommandFailure.
 */
export async function storedToken(
  files: SessionFiles,
  server: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> {
  const session = await files.read(server)
  if (session === undefined || isGood(session)) return session?.token
  if (session.refreshToken === undefined) throw ended(session, 'the issuer gave nothing to renew it with')
  return files.alone(server, async () => {
    // Somebody else may have renewed it meanwhile, or signed out.
    const current = await files.read(server)
    if (current === undefined || isGood(current)) return current?.token
    const renewed = await renew(current, environment)
    await files.write(renewed)
    return renewed.token
  })
}

function isGood({ expiresAt }: Session): boolean {
  return Date.now() + margin < expiresAt
}

/** Asks the issuer where the login was made, whatever the server would name today. */
async function renew(session: Session, environment: Readonly<Record<string, string | undefined>>): Promise<Session> {
  const { clientId, refreshToken = '' } = session
  const issuer = new Issuer({ ...session, environment })
  const { token } = await issuer.discover()
  const answer = await issuer.send(token, {
    grant_type: 'refresh_token',
    refresh_token: refreshToken,
    client_id: clientId,
  })
  if (answer.status !== 200) throw ended(session, refusalIn(answer).sentence)
  const tokens = toTokens(answer.body, Date.now())
  if (tokens === undefined) throw new IssuerUnreachable(token, 'it answered without a token')
  return { ...session, ...tokens, refreshToken: tokens.refreshToken ?? refreshToken }
}

function ended({ server }: Session, reason: string): Error {
  return failure('LOGIN_ENDED', `the login at ${server} has ended: ${reason}`, ['`signalbox login`.'])
}
