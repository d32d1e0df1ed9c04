import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { messages } from '../../src/cli/messages.ts'
import { createTemporaryFolder } from '../support/real-git.ts'
import type { CannedAnswer, Reaction, RecordedRequest } from './recording-server.ts'
import { aMessage, aProblem, startRecordingServer } from './recording-server.ts'
import { runCli } from './run-cli.ts'

const secrets = { token: 'the-token-of-somebody', refreshToken: 'the-refresh-token', deviceCode: 'the-device-code' }
const tokens = { id_token: secrets.token, access_token: 'another-token', refresh_token: secrets.refreshToken }

function asJson(body: object, status = 200): CannedAnswer {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}

const pending = asJson({ error: 'authorization_pending' }, 400)

/** By path, what is answered one after the other; the last one stays. */
type Answers = Readonly<Record<string, readonly (CannedAnswer | 'nothing')[]>>

function byPath(answers: Answers): Reaction {
  const counts = new Map<string, number>()
  return ({ url }, response) => {
    const path = url.split('?')[0] ?? ''
    const list = answers[path] ?? [{ status: 404 }]
    const count = counts.get(path) ?? 0
    counts.set(path, count + 1)
    const answer = list[Math.min(count, list.length - 1)] ?? {}
    if (answer === 'nothing') response.destroy()
    else response.writeHead(answer.status ?? 200, answer.headers).end(answer.body)
  }
}

interface Facts {
  readonly issuer?: Answers
  readonly server?: Answers
  readonly metadata?: object
  readonly device?: object
  readonly environment?: Readonly<Record<string, string>>
}

/** An issuer that answers as it should but for these, a server that trusts it, and somebody's terminal. */
async function setUp({ issuer: issuerAnswers = {}, server: serverAnswers = {}, ...facts }: Facts = {}) {
  const issuer = await startRecordingServer((request, response) => answerAsIssuer(request, response))
  const device = {
    device_code: secrets.deviceCode,
    user_code: 'ABCD-EFGH',
    verification_uri: `${issuer.url}/device`,
    expires_in: 300,
    interval: 5,
    ...facts.device,
  }
  const metadata = {
    issuer: issuer.url,
    token_endpoint: `${issuer.url}/token`,
    device_authorization_endpoint: `${issuer.url}/device/code`,
    ...facts.metadata,
  }
  const answerAsIssuer = byPath({
    '/.well-known/openid-configuration': [asJson(metadata)],
    '/device/code': [asJson(device)],
    '/token': [asJson(tokens)],
    ...issuerAnswers,
  }) as (request: RecordedRequest, response: Parameters<Exclude<Reaction, CannedAnswer>>[1]) => void
  const signIn = { mode: 'oidc', issuer: issuer.url, clientId: 'cli', scopes: ['openid', 'groups'] }
  const server = await startRecordingServer(
    byPath({
      '/api/sign-in': [aMessage(messages.signIn, signIn)],
      '/api/whoami': [aMessage(messages.whoAmI, { name: 'Some Body', email: 'some@example.com', roles: ['Releaser'] })],
      '/api/locks': [aMessage(messages.locks, { locks: [], warnings: [] })],
      ...serverAnswers,
    }),
  )
  const state = createTemporaryFolder()
  const environment = { SIGNALBOX_URL: server.url, XDG_STATE_HOME: state, ...facts.environment }
  const folder = join(state, 'signalbox')
  const run = (...args: readonly string[]) => runCli(args, { environment })
  const files = () => (existsSync(folder) ? readdirSync(folder) : [])
  const file = () => join(folder, files()[0] ?? '')
  return {
    issuer,
    server,
    folder,
    run,
    files,
    file,
    login: () => run('login'),
    /** Changes what is kept. */
    edit: (changes: object) => {
      writeFileSync(file(), JSON.stringify({ ...(JSON.parse(readFileSync(file(), 'utf8')) as object), ...changes }))
    },
    /** What the issuer was sent to its token endpoint. */
    forms: () =>
      issuer.requests
        .filter(({ url }) => url === '/token')
        .map(({ body }) => Object.fromEntries(new URLSearchParams(body.toString()))),
    bearerOf: (path: string) =>
      server.requests.filter(({ url }) => url === path).map(({ headers }) => headers.authorization),
  }
}

function code(document: string): unknown {
  return (JSON.parse(document) as { code?: unknown }).code
}

describe('login', () => {
  it('says what to open and what to type, and keeps what it gets for that server alone', async () => {
    const device = { verification_uri_complete: 'https://issuer.example.com/device?user_code=ABCD-EFGH' }
    const all = await setUp({ issuer: { '/token': [pending, pending, asJson(tokens)] }, device })
    const { stdout, stderr, code: exit, pauses } = await all.login()
    expect([exit, stdout]).toEqual([
      0,
      `signed in at ${all.server.url} as Some Body <some@example.com>, with the roles Releaser\n`,
    ])
    expect(stderr).toBe(`\
To sign in, open ${all.issuer.url}/device in a browser, on any device, and type the code
    ABCD-EFGH
Or open https://issuer.example.com/device?user_code=ABCD-EFGH and compare the code.
It is good for 5 minutes. Go on only if you have just asked for it.
`)
    expect(pauses).toEqual([5, 5, 5])
    expect(Object.fromEntries(new URLSearchParams(all.issuer.requests[1]?.body.toString()))).toEqual({
      client_id: 'cli',
      scope: 'openid groups offline_access',
    })
    expect(all.forms()).toEqual(
      Array.from({ length: 3 }, () => ({
        grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
        device_code: secrets.deviceCode,
        client_id: 'cli',
      })),
    )
    expect(all.bearerOf('/api/sign-in')).toEqual([undefined])
    expect(all.bearerOf('/api/whoami')).toEqual([`Bearer ${secrets.token}`])
    expect([statSync(all.folder).mode & 0o777, statSync(all.file()).mode & 0o777]).toEqual([0o700, 0o600])
    expect(all.files()).toHaveLength(1)

    expect(await all.run('locks')).toMatchObject({ code: 0 })
    expect(all.bearerOf('/api/locks')).toEqual([`Bearer ${secrets.token}`])
    const other = await startRecordingServer(aMessage(messages.locks, { locks: [], warnings: [] }))
    expect(await all.run('--url', other.url, 'locks')).toMatchObject({ code: 0 })
    expect(await all.run('--url', `${all.server.url}/base`, 'locks')).toMatchObject({ code: 1 })
    expect(await all.run('--url', `${all.server.url.replace('127.0.0.1', 'localhost')}/`, 'locks')).toMatchObject({
      code: 0,
    })
    expect(other.requests.map(({ headers }) => headers.authorization)).toEqual([undefined])
    expect(all.bearerOf('/base/api/locks')).toEqual([undefined])
    expect(all.bearerOf('/api/locks')).toEqual([`Bearer ${secrets.token}`, undefined])
  })

  it('asks for less when the issuer says that it is asked too often, or does not answer', async () => {
    const slow = asJson({ error: 'slow_down' }, 400)
    const all = await setUp({ issuer: { '/token': [slow, pending, 'nothing', { status: 503 }, asJson(tokens)] } })
    const { code: exit, pauses } = await all.login()
    expect(exit).toBe(0)
    expect(pauses).toEqual([5, 10, 10, 20, 40])
  })

  it.each<[string, Facts, string, RegExp]>([
    [
      'denies it',
      { issuer: { '/token': [pending, asJson({ error: 'access_denied' }, 400)] } },
      'LOGIN_DENIED',
      /was denied/,
    ],
    [
      'says that the code is old',
      { issuer: { '/token': [asJson({ error: 'expired_token' }, 400)] } },
      'LOGIN_EXPIRED',
      /nobody signed in/,
    ],
    ['waits for ever', { issuer: { '/token': [pending] } }, 'LOGIN_EXPIRED', /nobody signed in/],
    [
      'does not know the client',
      {
        issuer: {
          '/device/code': [asJson({ error: 'invalid_client', error_description: 'Invalid\u001b[2J client' }, 401)],
        },
      },
      'LOGIN_REFUSED',
      /does not sign anybody in: invalid_client: Invalid\[2J client\n.*must be public/,
    ],
    [
      'does not allow it',
      { issuer: { '/token': [asJson({ error: 'unauthorized_client' }, 400)] } },
      'LOGIN_REFUSED',
      /unauthorized_client/,
    ],
    [
      'is away',
      { issuer: { '/.well-known/openid-configuration': ['nothing'] } },
      'ISSUER_UNREACHABLE',
      /cannot be asked now/,
    ],
    ['fails', { issuer: { '/device/code': [{ status: 500 }] } }, 'ISSUER_UNREACHABLE', /it answered 500/],
    [
      'goes away meanwhile',
      { issuer: { '/token': [pending, 'nothing'] } },
      'ISSUER_UNREACHABLE',
      /cannot be asked now/,
    ],
    [
      'is a page',
      { issuer: { '/.well-known/openid-configuration': [{ body: '<html>' }] } },
      'ISSUER_UNREACHABLE',
      /about another issuer/,
    ],
    [
      'is another one',
      { metadata: { issuer: 'https://other.example.com' } },
      'ISSUER_UNREACHABLE',
      /about another issuer/,
    ],
    [
      'leads elsewhere',
      { issuer: { '/token': [{ status: 302, headers: { location: 'https://evil.example.com' } }] } },
      'ISSUER_UNREACHABLE',
      /it answered 302/,
    ],
    [
      'has no such flow',
      { metadata: { device_authorization_endpoint: undefined } },
      'LOGIN_NOT_OFFERED',
      /does not offer the device flow/,
    ],
    [
      'would be asked without TLS',
      { metadata: { token_endpoint: 'http://issuer.example.com/token' } },
      'UNSAFE_ADDRESS',
      /without https/,
    ],
    [
      'shows a page without TLS',
      { device: { verification_uri: 'http://issuer.example.com' } },
      'UNSAFE_ADDRESS',
      /the page to sign in at/,
    ],
    [
      'shows what is no page',
      { device: { verification_uri: 'javascript:alert(1)' } },
      'UNSAFE_ADDRESS',
      /is no address/,
    ],
    ['gives no code', { device: { user_code: undefined } }, 'LOGIN_REFUSED', /does not sign anybody in/],
  ])('fails when the issuer %s, and keeps nothing', async (_name, facts, name, message) => {
    const all = await setUp(facts)
    const { code: exit, stdout, stderr } = await all.run('login', '--output', 'json')
    expect([exit, code(stdout), stderr]).toEqual([1, name, expect.stringMatching(message)])
    expect(all.files()).toEqual([])
    for (const secret of Object.values(secrets)) expect(stdout + stderr).not.toContain(secret)
  })

  it('fails when the server does not take the token, and says why', async () => {
    const challenge = 'Bearer realm="x", error="invalid_token", error_description="its audience is not one of ours"'
    const refusal = aProblem(401, 'UNAUTHENTICATED', `no, not ${secrets.token}`)
    const whoAmI = { ...refusal, headers: { ...refusal.headers, 'WWW-Authenticate': challenge } }
    const all = await setUp({ server: { '/api/whoami': [whoAmI] } })
    const { code: exit, stderr } = await all.login()
    expect([exit, stderr]).toEqual([
      1,
      expect.stringMatching(/does not take the token of this login: its audience is not one/),
    ])
    expect(stderr).not.toContain(secrets.token)
    expect(all.files()).toEqual([])
  })

  it('is not needed, or not offered, where the server says so', async () => {
    const open = await setUp({ server: { '/api/sign-in': [aMessage(messages.signIn, { mode: 'none', scopes: [] })] } })
    expect(await open.login()).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/there is no need to sign in\n$/) as string,
    })
    const closed = await setUp({
      server: {
        '/api/sign-in': [aMessage(messages.signIn, { mode: 'oidc', issuer: 'https://x.example.com', scopes: [] })],
      },
    })
    expect(await closed.login()).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('SIGNALBOX_OIDC_CLI_CLIENT_ID') as string,
    })
    const old = await setUp({ server: { '/api/sign-in': [{ status: 404 }] } })
    expect(await old.login()).toMatchObject({ code: 1, stderr: expect.stringContaining('404') as string })
  })

  it('sends no token to a server without TLS on another machine', async () => {
    const { run, files } = await setUp()
    const { code: exit, stderr } = await run('--url', 'http://signalbox.example.com', 'login')
    expect([exit, stderr]).toEqual([1, expect.stringMatching(/without https.*\n.*--allow-http/)])
    expect(files()).toEqual([])
  })

  it.each([
    ['neither HOME nor XDG_STATE_HOME', { XDG_STATE_HOME: '' }],
    ['a relative XDG_STATE_HOME alone', { XDG_STATE_HOME: 'state' }],
    ['a file in its place', { XDG_STATE_HOME: '/dev/null' }],
  ])('says so when it cannot be kept: %s', async (_name, environment) => {
    const { login } = await setUp({ environment })
    expect(await login()).toMatchObject({ code: 1, stderr: expect.stringContaining('cannot be kept') as string })
  })

  it('is kept in the home folder where nothing else is said', async () => {
    const home = createTemporaryFolder()
    const { login } = await setUp({ environment: { XDG_STATE_HOME: '', HOME: home } })
    expect(await login()).toMatchObject({ code: 0 })
    expect(readdirSync(join(home, '.local/state/signalbox'))).toHaveLength(1)
    expect(statSync(join(home, '.local')).mode & 0o777).toBe(0o700)
  })

  it('closes a folder that others may read', async () => {
    const { login, folder } = await setUp()
    mkdirSync(folder)
    chmodSync(folder, 0o755)
    expect(await login()).toMatchObject({ code: 0 })
    expect(statSync(folder).mode & 0o777).toBe(0o700)
  })
})

describe('the token of a login', () => {
  it.each<[string, Readonly<Record<string, string>>, string]>([
    ['SIGNALBOX_TOKEN', { SIGNALBOX_TOKEN: 'mine', KUBERPULT_DEX_ACCESS_TOKEN: 'theirs' }, 'Bearer mine'],
    ['KUBERPULT_DEX_ACCESS_TOKEN', { KUBERPULT_DEX_ACCESS_TOKEN: 'theirs' }, 'Bearer theirs'],
    ['no variable that is empty', { SIGNALBOX_TOKEN: '', KUBERPULT_DEX_ACCESS_TOKEN: '' }, `Bearer ${secrets.token}`],
  ])('comes after %s', async (_name, environment, sent) => {
    const { run, login, bearerOf } = await setUp({ environment })
    expect(await login()).toMatchObject({ code: 0 })
    expect(bearerOf('/api/whoami')).toEqual([`Bearer ${secrets.token}`])
    await run('locks')
    expect(bearerOf('/api/locks')).toEqual([sent])
  })

  it('comes after a password in the address', async () => {
    const { run, login, bearerOf, server } = await setUp()
    await login()
    await run('--url', server.url.replace('//', '//user:pass@'), 'locks')
    expect(bearerOf('/api/locks')).toEqual([`Basic ${btoa('user:pass')}`])
  })

  it('is renewed once when it has ended, and a new refresh token is kept', async () => {
    const renewed = { id_token: 'a-newer-token', refresh_token: 'a-newer-refresh-token' }
    const all = await setUp({
      issuer: { '/token': [asJson(tokens), asJson(renewed), asJson({ error: 'invalid_grant' }, 400)] },
    })
    await all.login()
    all.edit({ expiresAt: Date.now() + 5000 })
    const answers = await Promise.all(Array.from({ length: 5 }, () => all.run('locks')))
    expect(answers.map(({ code: exit }) => exit)).toEqual([0, 0, 0, 0, 0])
    expect(all.bearerOf('/api/locks')).toEqual(Array.from({ length: 5 }, () => 'Bearer a-newer-token'))
    expect(all.forms().slice(1)).toEqual([
      { grant_type: 'refresh_token', refresh_token: secrets.refreshToken, client_id: 'cli' },
    ])
    expect(JSON.parse(readFileSync(all.file(), 'utf8'))).toMatchObject({ refreshToken: 'a-newer-refresh-token' })
    expect(all.files()).toHaveLength(1)
  })

  it('keeps a refresh token that stays good', async () => {
    const all = await setUp({
      issuer: { '/token': [asJson(tokens), asJson({ access_token: 'a-newer-token', expires_in: 60 })] },
    })
    await all.login()
    all.edit({ expiresAt: 0 })
    await all.run('locks')
    expect(JSON.parse(readFileSync(all.file(), 'utf8'))).toMatchObject({
      token: 'a-newer-token',
      refreshToken: secrets.refreshToken,
    })
  })

  it.each<[string, CannedAnswer | 'nothing', string, RegExp]>([
    [
      'ends it',
      asJson({ error: 'invalid_grant', error_description: 'it was used' }, 400),
      'LOGIN_ENDED',
      /has ended: invalid_grant: it was used\n +Try: `signalbox login`/,
    ],
    ['is away', 'nothing', 'ISSUER_UNREACHABLE', /cannot be asked now/],
    ['fails', { status: 502, body: '<html>' }, 'ISSUER_UNREACHABLE', /it answered 502/],
    ['is asked too often', asJson({ error: 'x' }, 429), 'ISSUER_UNREACHABLE', /it answered 429/],
    ['gives nothing', asJson({}), 'ISSUER_UNREACHABLE', /without a token/],
  ])('cannot be renewed when the issuer %s, and the login stays as it is', async (_name, answer, name, message) => {
    const all = await setUp({ issuer: { '/token': [asJson(tokens), answer] } })
    await all.login()
    all.edit({ expiresAt: 0 })
    const before = readFileSync(all.file(), 'utf8')
    const { code: exit, stdout, stderr } = await all.run('locks', '--output', 'json')
    expect([exit, code(stdout), stderr]).toEqual([1, name, expect.stringMatching(message)])
    expect(readFileSync(all.file(), 'utf8')).toBe(before)
    expect(all.bearerOf('/api/locks')).toEqual([])
    expect(all.files()).toHaveLength(1)
    for (const secret of Object.values(secrets)) expect(stdout + stderr).not.toContain(secret)
  })

  it('ends with its first token where the issuer gives no more', async () => {
    const all = await setUp({ issuer: { '/token': [asJson({ id_token: secrets.token })] } })
    await all.login()
    all.edit({ expiresAt: 0 })
    expect(await all.run('locks')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('nothing to renew it with') as string,
    })
  })

  it.each<[string, string]>([
    ['of somebody who is gone', `${hostname()} 4194305 x`],
    ['that is old', `another-machine 1 x`],
  ])('is renewed in spite of a lock %s', async (_name, mark) => {
    const all = await setUp({ issuer: { '/token': [asJson(tokens), asJson({ id_token: 'a-newer-token' })] } })
    await all.login()
    all.edit({ expiresAt: 0 })
    const lock = `${all.file()}.lock`
    writeFileSync(lock, mark)
    if (mark.startsWith('another')) utimesSync(lock, new Date(0), new Date(0))
    expect(await all.run('locks')).toMatchObject({ code: 0 })
    expect(all.files()).toHaveLength(1)
  })

  it('is not taken from a file that others may read, or that is about another server', async () => {
    const all = await setUp()
    await all.login()
    const original = readFileSync(all.file(), 'utf8')
    chmodSync(all.file(), 0o640)
    const readable = await all.run('locks')
    expect([readable.code, readable.stderr]).toEqual([1, expect.stringMatching(/others may read/)])
    chmodSync(all.file(), 0o600)
    for (const content of [
      original.replace(all.server.url, 'https://other.example.com'),
      '{}',
      'null',
      '{',
      original.replace(secrets.token, String.raw`a\nb`),
    ]) {
      writeFileSync(all.file(), content)
      const { code: exit, stderr } = await all.run('locks')
      expect([exit, stderr]).toEqual([1, expect.stringMatching(/Try: `signalbox logout`, then `signalbox login`/)])
    }
    expect(all.bearerOf('/api/locks')).toEqual([])
    // And that helps.
    expect(await all.run('logout')).toMatchObject({ code: 0, stdout: `signed out of ${all.server.url}\n` })
    expect(await all.login()).toMatchObject({ code: 0 })
  })
})

describe('logout', () => {
  it('forgets the login, and tells the issuer where it can be told', async () => {
    const all = await setUp({ issuer: { '/revoke': [{ status: 200 }] } })
    const revocation = { revocation_endpoint: `${all.issuer.url}/revoke` }
    const told = await setUp({ metadata: revocation })
    await told.login()
    expect(await told.run('logout')).toEqual({
      code: 0,
      stdout: `signed out of ${told.server.url}\n`,
      stderr: '',
      pauses: [],
    })
    expect(all.issuer.requests.map(({ url, body }) => [url, body.toString()])).toEqual([
      ['/revoke', `token=${secrets.refreshToken}&token_type_hint=refresh_token&client_id=cli`],
    ])
    expect(told.files()).toEqual([])
    expect(await told.run('logout')).toMatchObject({ code: 0, stdout: `nobody was signed in at ${told.server.url}\n` })
  })

  it('forgets it without the issuer, too', async () => {
    const all = await setUp({ issuer: { '/.well-known/openid-configuration': ['nothing'] } })
    const good = await setUp()
    await good.login()
    good.edit({ issuer: all.issuer.url })
    const { code: exit, stderr } = await good.run('logout')
    expect([exit, stderr]).toEqual([0, expect.stringMatching(/^it is forgotten here, but the issuer was not told/)])
    expect(good.files()).toEqual([])
  })
})
