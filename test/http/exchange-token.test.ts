import { describe, expect, it } from 'vitest'
import { IssuerKeys } from '../../src/auth/issuer-keys.ts'
import { OidcTokenExchange } from '../../src/auth/token-exchange.ts'
import type { OidcIssuer } from '../support/oidc-issuer.ts'
import { audience, clientSecret, startOidcIssuer, subjectToken } from '../support/oidc-issuer.ts'
import { aProblem, createTestServer } from '../support/test-server.ts'

const asForm = { 'content-type': 'application/x-www-form-urlencoded' }

/** With a long `timeout`, because an issuer that starts on a busy machine takes its time. */
async function serverFor(issuer: Pick<OidcIssuer, 'issuer'>, { secret = clientSecret, timeout = 10_000 } = {}) {
  const logged: string[] = []
  const write = (details: object, message: string) => void logged.push(`${message} ${JSON.stringify(details)}`)
  const log = { info: write, warn: write }
  const clock = () => new Date()
  const exchange = new OidcTokenExchange({
    issuer: new IssuerKeys({ issuer: issuer.issuer, allowsHttp: false, clock, log, timeout }),
    clientId: audience,
    clientSecret: secret,
    connector: 'google',
    scopes: ['openid', 'groups'],
    log,
    timeout,
  })
  const authenticator = { authenticate: async () => undefined }
  const server = await createTestServer({
    options: { admission: { mode: 'oidc', authenticator, requestsPerMinute: 600, exchange } },
  })
  const send = (token: string, headers: Record<string, string> = asForm) =>
    server.send('POST /token', { headers, body: new URLSearchParams({ subject_token: token }).toString() })
  return { ...server, exchange: send, logged }
}

describe('the exchange of tokens', () => {
  it('answers the token of the issuer as text', async () => {
    const issuer = await startOidcIssuer({ path: '/dex' })
    const { exchange, log } = await serverFor(issuer)
    const answer = await exchange(subjectToken)
    expect(answer).toMatchObject({ status: 200, hasCommitted: false })
    expect(answer.headers).toMatchObject({ 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' })
    expect(answer.text).toMatch(/^eyJ[\w-]+\.[\w-]+\.[\w-]+$/)
    expect(JSON.stringify(log)).not.toMatch(/eyJ|a secret of tests/)
  })

  it('leaves it to the issuer which tokens are good', async () => {
    const { exchange } = await serverFor(await startOidcIssuer())
    expect(await exchange('another')).toMatchObject(
      aProblem(400, 'TOKEN_REFUSED', 'the issuer does not take this subject_token'),
    )
  })

  it.each([
    ['nothing', '', asForm, 400, 'INVALID_REQUEST'],
    ['an empty token', 'subject_token=', asForm, 400, 'INVALID_REQUEST'],
    ['two tokens', 'subject_token=a&subject_token=b', asForm, 400, 'INVALID_REQUEST'],
    ['JSON', '{"subject_token":"a"}', { 'content-type': 'application/json' }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['no type', 'subject_token=a', {}, 415, 'UNSUPPORTED_MEDIA_TYPE'],
  ])('asks for a form with one token, not %s', async (_name, body, headers, status, code) => {
    const issuer = await startOidcIssuer()
    const { send } = await serverFor(issuer)
    expect(await send('POST /token', { headers, body })).toMatchObject({ status, json: { code } })
    expect(issuer.requests).toEqual([])
  })

  it('says that it is not the fault of the caller when the issuer does not do as it should', async () => {
    const issuer = await startOidcIssuer()
    const badSecret = await serverFor(issuer, { secret: 'hidden but wrong' })
    expect(await badSecret.exchange(subjectToken)).toMatchObject(aProblem(502, 'EXCHANGE_FAILED', expect.any(String)))
    expect(badSecret.logged).toEqual([expect.stringMatching(/does not exchange tokens.*invalid_client/)])
    expect(badSecret.logged.join()).not.toContain('hidden')

    const good = await serverFor(issuer)
    await good.exchange(subjectToken)
    const impatient = await serverFor(issuer, { timeout: 100 })
    await impatient.exchange(subjectToken)
    issuer.behave('fails')
    expect(await good.exchange(subjectToken)).toMatchObject({ status: 502 })
    issuer.behave('hangs')
    expect(await impatient.exchange(subjectToken)).toMatchObject({ status: 503, json: { code: 'ISSUER_UNAVAILABLE' } })
  })

  it('is not there where nobody is asked who they are, in words of Kuberpult', async () => {
    const { send } = await createTestServer()
    const answer = await send('POST /token', { headers: asForm, body: 'subject_token=a' })
    expect(answer).toMatchObject(aProblem(401, 'UNAUTHENTICATED', 'Dex not enabled, /token unavailable.'))
    expect(answer.headers['www-authenticate']).toBe('Bearer realm="signalbox"')
  })
})
