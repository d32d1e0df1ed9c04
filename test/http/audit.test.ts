import { describe, expect, it } from 'vitest'
import { ExchangeRefusedError } from '../../src/auth/token-exchange.ts'
import { actions, createUnrestrictedPrincipal } from '../../src/core/principal.ts'
import { createTestChecker } from '../support/manifest-checker.ts'
import type { TestServer } from '../support/test-server.ts'
import { createTestServer, hookSecret } from '../support/test-server.ts'
import { aCaller, aTokenAdmission, bearer } from '../support/token-admission.ts'

const token = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJyZWxlYXNlLWJvdCJ9.c2lnbmF0dXJl'
const secret = 'hunter2hunter2'
const json = { 'content-type': 'application/json' }
const formHeaders = { 'content-type': 'multipart/form-data; boundary=b' }
const admission = aTokenAdmission({ [token]: aCaller('keeper', actions), guest: aCaller('guest') })

function releaseForm(version: string): string {
  return [
    '--b\r\nContent-Disposition: form-data; name="application"\r\n\r\ncart',
    `--b\r\nContent-Disposition: form-data; name="version"\r\n\r\n${version}`,
    '--b\r\nContent-Disposition: form-data; name="manifests[development]"; filename="m"\r\n\r\na: 1',
    '--b--\r\n',
  ].join('\r\n')
}

function auditLines({ log }: TestServer) {
  return log.filter((line) => 'audit' in line).map(({ reqId, audit }) => ({ reqId, ...(audit as object) }))
}

describe('a decision about a write', () => {
  const keeper = { principal: 'https://issuer.example.com keeper', name: 'keeper', address: '127.0.0.1' }

  it.each([
    [
      'PUT /api/environments/staging/releasetrain',
      {},
      { action: 'DeployReleaseTrain', outcome: 'done', target: { environment: 'staging' } },
    ],
    [
      'PUT /environments/staging/locks/freeze',
      { headers: json, body: { message: 'x' } },
      { action: 'CreateLock', outcome: 'done', target: { environment: 'staging', lockId: 'freeze' } },
    ],
    [
      'POST /release',
      { headers: formHeaders, body: releaseForm('6') },
      { action: 'CreateRelease', outcome: 'done', target: { application: 'cart' } },
    ],
  ])('has one line when it is done: %s', async (line, options, expected) => {
    const server = await createTestServer({ options: { admission } })
    const answer = await server.send(line, {
      ...options,
      headers: { ...(options as { headers?: object }).headers, ...bearer(token), 'x-request-id': 'r-1' },
    })
    expect(answer.status).toBeLessThan(300)
    expect(auditLines(server)).toEqual([
      { reqId: 'r-1', ...keeper, email: 'keeper@example.com', commit: answer.headAfter, ...expected },
    ])
  })

  it('has one without a commit when nothing had to change', async () => {
    const server = await createTestServer({ options: { admission } })
    await server.send('DELETE /environments/staging/locks/nothing', { headers: bearer(token) })
    expect(auditLines(server)).toMatchObject([{ action: 'DeleteLock', outcome: 'done' }])
    expect(auditLines(server)[0]).not.toHaveProperty('commit')
  })

  it('says that it was about a trial', async () => {
    const server = await createTestServer({ options: { admission } })
    await server.send('DELETE /api/environments/production-fr?dryrun=true', { headers: bearer(token) })
    await server.send('DELETE /api/environments/production-fr?dryrun=false', { headers: bearer(token) })
    expect(auditLines(server)).toMatchObject([
      { action: 'DeleteEnvironment', outcome: 'done', dryRun: true },
      { action: 'DeleteEnvironment', outcome: 'done', commit: await server.head() },
    ])
    expect(auditLines(server)[1]).not.toHaveProperty('dryRun')
  })

  it.each([
    [
      'by the policy',
      'PUT /api/environments/staging/releasetrain',
      bearer('guest'),
      'PERMISSION_DENIED',
      'https://issuer.example.com guest',
    ],
    ['because nobody is known', 'PUT /api/environments/staging/releasetrain', {}, 'UNAUTHENTICATED', undefined],
    [
      'because of the input',
      'PUT /api/environments/staging/releasetrain?x=1',
      bearer(token),
      'INVALID_REQUEST',
      keeper.principal,
    ],
    [
      'because there is no such thing',
      'DELETE /api/applications/nothing',
      bearer(token),
      'UNKNOWN_APPLICATION',
      keeper.principal,
    ],
  ])('has one when it is refused %s', async (_why, line, headers, code, principal) => {
    const server = await createTestServer({ options: { admission } })
    const answer = await server.send(line, { headers })
    const [only, ...others] = auditLines(server)
    expect(only).toMatchObject({ reqId: answer.headers['x-request-id'], outcome: 'refused', code })
    expect((only as { principal?: string }).principal).toBe(principal)
    expect(others).toEqual([])
  })

  it("has one when a release is refused in Kuberpult's words", async () => {
    const server = await createTestServer({ options: { admission } })
    const headers = { ...formHeaders, ...bearer(token) }
    expect(await server.send('POST /api/release', { headers, body: releaseForm('4') })).toMatchObject({ status: 409 })
    expect(auditLines(server)).toMatchObject([
      { outcome: 'refused', code: 'different', target: { application: 'cart' } },
    ])
  })

  it('has one line though the answer fails afterwards', async () => {
    const manifestChecker = createTestChecker()
    manifestChecker.diff = async () => Promise.reject(new Error('the difference cannot be told'))
    const server = await createTestServer({ options: { admission, manifestChecker } })
    const headers = { ...formHeaders, ...bearer(token) }
    expect(await server.send('POST /api/release', { headers, body: releaseForm('4') })).toMatchObject({ status: 500 })
    expect(auditLines(server)).toMatchObject([{ outcome: 'refused', code: 'different' }])
  })
})

describe('a decision about a read', () => {
  const prognosis = '/api/environments/staging/releasetrain/prognosis'
  const guest = { principal: 'https://issuer.example.com guest', name: 'guest', email: 'guest@example.com' }

  it('has no line when it is allowed, whatever is found', async () => {
    const server = await createTestServer({ options: { admission } })
    await server.send(`GET ${prognosis}`, { headers: bearer(token) })
    await server.send('GET /api/environments/nowhere', { headers: bearer(token) })
    await server.send('GET /api/locks?x=1', { headers: bearer(token) })
    await server.send('POST /api/application/cart/release/manifests/1', { headers: bearer(token) })
    for (const path of ['/nothing', '/healthz', '/docs', '/openapi.json']) await server.send(`GET ${path}`)
    await server.send('DELETE /api/locks')
    expect(auditLines(server)).toEqual([])
  })

  it('has one when a prognosis is denied', async () => {
    const server = await createTestServer({ options: { admission } })
    const denied = 'GET /api/environment-groups/production/releasetrain/prognosis'
    expect(await server.send(denied, { headers: { ...bearer('guest'), 'x-request-id': 'r-2' } })).toMatchObject({
      status: 403,
    })
    expect(auditLines(server)).toEqual([
      {
        reqId: 'r-2',
        ...guest,
        action: 'DeployReleaseTrain',
        address: '127.0.0.1',
        target: { group: 'production' },
        outcome: 'refused',
        code: 'PERMISSION_DENIED',
        reason: expect.stringContaining("action 'DeployReleaseTrain' on environment 'production-") as string,
      },
    ])
  })

  it.each([
    ['nobody is known', `GET ${prognosis}`, {}, 'nobody is known by this request'],
    ['the token is not good', 'GET /api/whoami', bearer('stranger'), 'the token is "not'],
    ['the token is not good', 'HEAD /api/locks', bearer('stranger'), 'the token is "not'],
    [
      'the token is not good',
      'POST /api/application/cart/release/manifests/1',
      bearer('stranger'),
      'the token is "not',
    ],
  ])('has one because %s: %s', async (_why, line, headers, reason) => {
    const server = await createTestServer({ options: { admission } })
    const answer = await server.send(line, { headers })
    expect(auditLines(server)).toMatchObject([
      {
        reqId: answer.headers['x-request-id'],
        action: 'Read',
        outcome: 'refused',
        code: 'UNAUTHENTICATED',
        reason: expect.stringContaining(reason) as string,
      },
    ])
    expect(auditLines(server)[0]).not.toHaveProperty('principal')
  })

  it('has one when a page under a name of its own asks', async () => {
    const principal = createUnrestrictedPrincipal({ name: 'x', email: 'x@example.com' })
    const options = { admission: { mode: 'none', principal, hosts: [], acceptsAddresses: false } } as const
    const server = await createTestServer({ options })
    await server.send('GET /api/locks', { headers: { host: 'evil.example.com' } })
    await server.send('PUT /api/environments/staging/releasetrain', { headers: { host: '127.0.0.1', origin: 'null' } })
    expect(auditLines(server)).toMatchObject([
      { action: 'Read', outcome: 'refused', code: 'MISDIRECTED_REQUEST' },
      { action: 'DeployReleaseTrain', outcome: 'refused', code: 'CROSS_SITE' },
    ])
  })

  it('has one when a token is exchanged, without either token', async () => {
    const server = await createTestServer({ options: { admission } })
    const { status, headers } = await server.send('POST /token', {
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: `subject_token=${secret}`,
    })
    expect(status).toBe(200)
    expect(auditLines(server)).toEqual([
      { reqId: headers['x-request-id'], action: 'ExchangeToken', address: '127.0.0.1', target: {}, outcome: 'done' },
    ])
    for (const word of [secret, 'exchanged']) expect(JSON.stringify(server.log)).not.toContain(word)
  })

  it.each([
    ['main', 202],
    ['other', 204],
  ])('has one when a webhook proves itself, of %s', async (branch, expected) => {
    const server = await createTestServer({ options: { admission } })
    const { status } = await server.send('POST /hooks/git', {
      headers: { ...json, 'x-gitlab-token': hookSecret },
      body: `{"ref":"refs/heads/${branch}"}`,
    })
    expect(status).toBe(expected)
    expect(auditLines(server)).toMatchObject([{ action: 'ReceivePushHook', outcome: 'done' }])
    expect(JSON.stringify(server.log)).not.toContain(hookSecret)
  })

  it('has one when a token is not taken in exchange', async () => {
    const exchange = { exchange: async () => Promise.reject(new ExchangeRefusedError('not this one')) }
    const server = await createTestServer({ options: { admission: { ...admission, exchange } } })
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    await server.send('POST /token', { headers: form, body: `subject_token=${token}` })
    expect(auditLines(server)).toMatchObject([{ action: 'Authenticate', outcome: 'refused', code: 'TOKEN_REFUSED' }])
  })

  it('has one when a webhook does not prove itself', async () => {
    const server = await createTestServer({ options: { admission } })
    await server.send('POST /hooks/git', { headers: { ...json, 'x-gitlab-token': secret }, body: {} })
    expect(auditLines(server)).toMatchObject([{ action: 'Authenticate', outcome: 'refused', code: 'UNAUTHENTICATED' }])
  })
})

describe('a secret', () => {
  const header = 'Basic aHVudGVyMmh1bnRlcjI='
  const form = (text: string) => `--b\r\nContent-Disposition: form-data; name="${text}"\r\n\r\n${text}\r\n--b--\r\n`
  const attempts: readonly (readonly [string, { headers?: Record<string, string>; body?: string | object }])[] = [
    ['PUT /api/environments/staging/releasetrain', { headers: bearer(token) }],
    ['PUT /api/environments/staging/releasetrain', { headers: bearer(secret) }],
    ['PUT /api/environments/staging/releasetrain', { headers: { authorization: header } }],
    [
      'PUT /api/environments/staging/releasetrain',
      { headers: { ...bearer(token), cookie: `kuberpult.oauth=${secret}; s=${token}` } },
    ],
    [
      'PUT /api/environments/staging/releasetrain',
      { headers: { ...bearer(token), 'proxy-authorization': header, 'x-api-key': secret } },
    ],
    [
      'PUT /api/environments/staging/releasetrain',
      { headers: { ...bearer(token), 'content-type': `application/${secret}` }, body: '{}' },
    ],
    ['PUT /environments/staging/locks/freeze', { headers: { ...bearer(token), 'content-type': secret }, body: '{}' }],
    [`GET /api/locks?access_token=${token}`, { headers: bearer(token) }],
    [`GET /api/locks?access_token=${secret}`, {}],
    [`PUT /api/environments/staging/releasetrain?token=${secret}&client_secret=${secret}`, { headers: bearer(token) }],
    [`DELETE /api/environments/${token}`, { headers: bearer(token) }],
    [`GET /${token}`, {}],
    [
      'POST /hooks/git',
      { headers: { ...json, 'x-gitlab-token': secret, 'x-hub-signature-256': secret }, body: { secret } },
    ],
    [
      'POST /token',
      { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: `subject_token=${token}` },
    ],
    ['GET /api/locks', { headers: { 'x-forwarded-for': secret, 'x-request-id': `${secret} x` } }],
    [`GET /api/environments/%zz?password=${secret}`, {}],
    [
      'PUT /environments/staging/locks/freeze',
      { headers: { ...json, ...bearer(token) }, body: { message: 'x', access_token: token } },
    ],
    [
      'PUT /environments/staging/locks/freeze',
      { headers: { ...json, ...bearer(token) }, body: { message: 'x', [secret]: secret } },
    ],
    ['PUT /environments/staging/locks/freeze', { headers: { ...json, ...bearer(token) }, body: secret }],
    [
      'PUT /environments/staging/locks/freeze',
      { headers: { ...json, ...bearer(token) }, body: { message: 'x', signature: secret } },
    ],
    ['POST /api/release', { headers: { ...bearer(token), ...formHeaders }, body: form(secret) }],
    ['POST /api/environments/qa', { headers: { ...bearer(token), ...formHeaders }, body: form(secret) }],
    [
      'POST /api/release',
      { headers: { ...bearer(token), 'content-type': `multipart/form-data; boundary=${token}` }, body: secret },
    ],
  ]

  it('stands in no line of the log and in no commit, wherever it was sent', async () => {
    const server = await createTestServer({ options: { admission } })
    for (const [line, options] of attempts) await server.send(line, options)
    const text = server.log.map((line) => JSON.stringify(line)).join('\n')
    expect(server.log.length).toBeGreaterThan(attempts.length)
    for (const one of [token, secret, 'aHVudGVy', 'c2lnbmF0dXJl']) {
      expect(text.split('\n').filter((line) => line.includes(one))).toEqual([])
    }
    const head = (await server.head()) ?? ''
    const { data } = await server.repository.read(head)
    const commit = Buffer.from(data).toString()
    expect(commit).toContain('Signalbox-Principal: keeper <keeper@example.com>')
    expect(commit).not.toMatch(/hunter2|eyJ|c2lnbmF0dXJl/)
  })
})
