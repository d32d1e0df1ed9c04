import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { JWK } from 'jose'
import {
  base64url,
  createLocalJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  exportJWK,
  exportSPKI,
  generateKeyPair,
  importJWK,
  SignJWT,
} from 'jose'
import { expect, it, onTestFinished } from 'vitest'
import { walkThrough } from '../support/walk-through.ts'
import type { IssuerFixture, Person } from '../support/issuer-fixture.ts'
import { clients, password, people, signIn } from '../support/issuer-fixture.ts'
import { createTemporaryFolder, git, hasGit } from '../support/real-git.ts'
import type { ServerProcess } from '../support/server-process.ts'
import { startServer } from '../support/server-process.ts'
import type { CliResult } from '../cli/run-cli.ts'
import { endOf, spawnCli } from '../cli/run-cli.ts'

const policy = `
p, role:Trainer, DeployReleaseTrain, *:*, *, allow
p, role:Trainer, DeployRelease, *:*, *, allow
g, trainers, role:Trainer
`
const train = '/api/environments/staging/releasetrain'

/** What must be so with every issuer that Signalbox is tried with. `start` starts one that is closed after the test. */
export function itWorksWith(start: () => Promise<IssuerFixture>): void {
  it('runs a train for who may, as whom they are, and for nobody else', async () => {
    const issuer = await start()
    const { folder, send, server } = await startFor(issuer, { SIGNALBOX_HOST: '0.0.0.0' })
    const [trainer, reader] = await Promise.all([tokenOf(issuer, people.trainer), tokenOf(issuer, people.reader)])

    const authorizationUrl = expect.stringMatching(new RegExp(`^${issuer.issuer}/auth`, 'u')) as string
    expect(JSON.parse((await send('GET', '/openapi.json')).text)).toMatchObject({
      components: { securitySchemes: { signIn: { flows: { authorizationCode: { authorizationUrl } } } } },
    })
    const nobody = await send('PUT', train)
    expect([nobody.status, nobody.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="signalbox"'])
    const denied = await send('PUT', train, reader)
    expect(denied.status).toBe(403)
    expect(JSON.parse(denied.text)).toMatchObject({
      detail:
        "PermissionDenied The user 'The Reader' with role '' is not allowed to perform the action 'DeployReleaseTrain' " +
        "on environment 'staging'",
    })
    expect(await send('PUT', '/environments/staging/releasetrain', reader)).toMatchObject({ status: 403 })
    expect(await send('PUT', train, trainer)).toMatchObject({ status: 200 })
    if (hasGit) {
      const author = git(['log', '-1', '--format=%an <%ae> %cn'], { cwd: join(folder, 'data/manifests.git') })
      expect(author.trim()).toBe('The Trainer <trainer@example.com> Signalbox')
    }

    await writeFile(join(folder, 'policy.csv'), 'p, role')
    const ready = async () => JSON.parse((await send('GET', '/readyz')).text) as { reasons?: readonly string[] }
    await expect
      .poll(ready, { timeout: 15_000, interval: 500 })
      .toMatchObject({ reasons: [expect.stringContaining('what they said before still holds')] })
    // Anybody may ask for readiness, so what is wrong stands in the log.
    expect(server.output().stdout).toContain('policy.csv:1: it has 2 fields')
    expect(await send('GET', '/api/applications', trainer)).toMatchObject({ status: 200 })

    expect(await server.stop()).toBe(0)
    const { stdout, stderr } = server.output()
    for (const token of [trainer, reader]) expect(stdout + stderr).not.toContain(token.split('.')[2])
  })

  it('takes no token that is for somebody else, or that anybody could have made', async () => {
    const issuer = await start()
    const { send } = await startFor(issuer)
    const good = await tokenOf(issuer, people.trainer)
    expect(await send('GET', '/api/whoami', good)).toMatchObject({ status: 200 })
    const { id_token: foreign } = await signIn(issuer, people.trainer, clients.stranger)
    const answer = await send('GET', '/api/whoami', foreign)
    expect(answer.status).toBe(401)
    expect(JSON.parse(answer.text)).toMatchObject({
      detail: 'the token is meant for somebody else: its audience is not one of ours',
    })
    for (const [how, token] of await forge(issuer, good)) {
      expect([how, (await send('GET', '/api/whoami', token)).status]).toEqual([how, 401])
    }
  })

  it('may change its keys, and be away for a while', async () => {
    const issuer = await start()
    const { send } = await startFor(issuer)
    const before = await tokenOf(issuer, people.trainer)
    expect(await send('GET', '/api/whoami', before)).toMatchObject({ status: 200 })
    await issuer.rotateKeys()
    const after = await tokenOf(issuer, people.trainer)
    expect(decodeProtectedHeader(after).kid).not.toBe(decodeProtectedHeader(before).kid)
    // For each token with an unknown key it would not be asked.
    const status = async () => (await send('GET', '/api/whoami', after)).status
    await expect.poll(status, { timeout: 30_000, interval: 1000 }).toBe(200)

    await issuer.close()
    expect(await status()).toBe(200)
    const other = await startFor(issuer)
    const unknown = await other.send('GET', '/api/whoami', after)
    expect([unknown.status, JSON.parse(unknown.text)]).toMatchObject([503, { code: 'ISSUER_UNAVAILABLE' }])
  })

  it('exchanges tokens', async () => {
    const issuer = await start()
    const { send } = await startFor(issuer, {
      SIGNALBOX_OIDC_CLIENT_ID: clients.server.id,
      SIGNALBOX_OIDC_CLIENT_SECRET: clients.server.secret,
      SIGNALBOX_OIDC_EXCHANGE_CONNECTOR: issuer.exchange.connector,
    })
    const form = new URLSearchParams({ subject_token: issuer.exchange.subjectToken })
    const exchanged = await send('POST', '/token', undefined, form)
    expect(exchanged.status).toBe(200)
    expect(decodeJwt(exchanged.text)).toMatchObject({ iss: issuer.issuer, aud: clients.server.id })
    expect(await send('GET', '/api/whoami', exchanged.text)).toMatchObject({ status: 200 })
  })

  it('signs somebody in at a terminal, for as long as they like', async () => {
    const issuer = await start()
    const { server, send } = await startFor(issuer)
    const { run, spawn, state, sessionFile } = aTerminal(server.url)

    const signedOut = await run('can-i', 'DeployRelease', 'staging', 'cart')
    expect([signedOut.code, signedOut.stderr]).toEqual([3, expect.stringContaining('Try: `signalbox login`')])

    const login = spawn('login')
    const end = endOf(login)
    const [, address = '', code = ''] = await seen(login.stderr, /open (http\S+) in a browser.*\n +(\S+)\n/u)
    await approve(address, code, people.trainer)
    const { code: exit, stdout, stderr } = await end
    expect([exit, stdout]).toEqual([
      0,
      `signed in at ${server.url} as The Trainer <trainer@example.com>, with the roles Trainer\n`,
    ])
    const before = sessionFile.read()
    expect(stdout + stderr).not.toContain(before.token)
    expect(readdirSync(join(state, 'signalbox'))).toHaveLength(1)
    expect([statSync(join(state, 'signalbox')).mode & 0o777, statSync(sessionFile.path()).mode & 0o777]).toEqual([
      0o700, 0o600,
    ])

    expect(await run('can-i', 'DeployRelease', 'staging', 'cart')).toMatchObject({
      code: 0,
      stdout: 'yes: the policy allows DeployRelease in *:* for all applications\n',
    })
    expect(await run('can-i', 'CreateLock', 'staging')).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^no: PermissionDenied The user 'The Trainer' with role 'Trainer'/u) as string,
    })
    expect(await run('can-i', 'CreateLock', 'nowhere')).toMatchObject({ code: 3, stdout: '' })

    // It ends, and two commands find that at the same moment. Dex takes a refresh token once.
    await sleep(1100)
    sessionFile.write({ ...before, expiresAt: 0 })
    const both = await Promise.all([run('status'), run('locks')])
    expect(both.map((one) => [one.code, one.stderr])).toEqual([
      [0, ''],
      [0, ''],
    ])
    const renewed = sessionFile.read()
    expect(renewed.token).not.toBe(before.token)
    expect(renewed.refreshToken).not.toBe(before.refreshToken)
    expect(await send('GET', '/api/whoami', renewed.token)).toMatchObject({ status: 200 })
    sessionFile.write({ ...renewed, expiresAt: 0 })
    expect(await run('status')).toMatchObject({ code: 0 })

    // A refresh token that was used is good for nothing, and says so.
    sessionFile.write({ ...before, expiresAt: 0 })
    const ended = await run('status')
    expect([ended.code, ended.stderr]).toEqual([1, expect.stringMatching(/has ended: .*\n +Try: `signalbox login`\./u)])

    expect(await run('logout')).toMatchObject({ code: 0, stdout: `signed out of ${server.url}\n` })
    expect(readdirSync(join(state, 'signalbox'))).toEqual([])
    expect(await run('status')).toMatchObject({ code: 1 })
  })
}

async function tokenOf(issuer: IssuerFixture, person: Person): Promise<string> {
  return (await signIn(issuer, person)).id_token
}

async function startFor({ issuer }: IssuerFixture, more: Readonly<Record<string, string>> = {}) {
  const folder = createTemporaryFolder()
  await writeFile(join(folder, 'policy.csv'), policy)
  const started = await startServer({
    folder,
    environment: {
      SIGNALBOX_AUTH: 'oidc',
      SIGNALBOX_OIDC_ISSUER: issuer,
      SIGNALBOX_OIDC_AUDIENCE: [clients.server.id, clients.browser, clients.cli].join(','),
      SIGNALBOX_OIDC_BROWSER_CLIENT_ID: clients.browser,
      SIGNALBOX_OIDC_CLI_CLIENT_ID: clients.cli,
      SIGNALBOX_RBAC_POLICY: 'policy.csv',
      ...more,
    },
  })
  onTestFinished(async () => void (await started.stop()))
  const server: ServerProcess = { ...started, url: started.url.replace('0.0.0.0', '127.0.0.1') }
  const send = async (method: string, path: string, token?: string, body?: URLSearchParams) => {
    const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
    const response = await fetch(server.url + path, { method, headers, ...(body !== undefined && { body }) })
    return { status: response.status, headers: response.headers, text: await response.text() }
  }
  return { folder, server, send }
}

/** Tokens that look like this one, made without its key. */
async function forge({ issuer }: IssuerFixture, good: string): Promise<readonly (readonly [string, string])[]> {
  const [header = '', claims = '', signature = ''] = good.split('.')
  const payload = decodeJwt(good)
  const { kid = '', alg = '' } = decodeProtectedHeader(good)
  const metadata = (await (await fetch(`${issuer}/.well-known/openid-configuration`)).json()) as { jwks_uri: string }
  const keys = (await (await fetch(metadata.jwks_uri)).json()) as { keys: JWK[] }
  // Which is theirs is found by its name, as anybody would.
  await createLocalJWKSet(keys)({ alg, kid })
  const theirs = await importJWK(keys.keys.find((key) => key.kid === kid) ?? {}, alg, { extractable: true })
  if (theirs instanceof Uint8Array) throw new Error('a secret is no public key')
  const ours = await generateKeyPair(alg, { extractable: true })
  const jwk = await exportJWK(ours.publicKey)
  const sign = (more: object) => new SignJWT(payload).setProtectedHeader({ alg, kid, ...more }).sign(ours.privateKey)
  const secret = new TextEncoder().encode(await exportSPKI(theirs))
  const encode = (value: object) => base64url.encode(JSON.stringify(value))
  return [
    ['changed', `${header}.${encode({ ...payload, groups: ['trainers', 'root'] })}.${signature}`],
    ['cut', `${header}.${claims}.${signature.slice(0, -4)}`],
    ['unsigned', `${encode({ alg: 'none' })}.${claims}.`],
    ['signed with the public key', await new SignJWT(payload).setProtectedHeader({ alg: 'HS256', kid }).sign(secret)],
    ['signed by somebody', await sign({})],
    ['with a key of its own', await sign({ jwk })],
    ['with an address of its key', await sign({ jku: `${issuer}/evil`, kid: 'unknown' })],
    ['with a path for a key', await sign({ kid: '../../../../dev/null' })],
    ['for a longer time', `${header}.${encode({ ...payload, exp: 9_999_999_999 })}.${signature}`],
  ]
}

interface SessionFile {
  readonly token: string
  readonly refreshToken: string
  readonly expiresAt: number
}

/** A terminal of somebody, with the shipped program. */
function aTerminal(url: string) {
  const state = createTemporaryFolder()
  const spawn = (...args: readonly string[]) => spawnCli(args, { SIGNALBOX_URL: url, XDG_STATE_HOME: state })
  const path = () => join(state, 'signalbox', readdirSync(join(state, 'signalbox'))[0] ?? '')
  return {
    state,
    spawn,
    run: (...args: readonly string[]): Promise<CliResult> => endOf(spawn(...args)),
    sessionFile: {
      path,
      read: () => JSON.parse(readFileSync(path(), 'utf8')) as SessionFile,
      write: (session: SessionFile) => writeFileSync(path(), JSON.stringify(session)),
    },
  }
}

/** What somebody does who was given an address and a code. */
async function approve(address: string, code: string, { email }: Person): Promise<void> {
  const fields = { user_code: code, login: email, password }
  const { status, text } = await walkThrough(address, { fields })
  expect([status, text]).toEqual([200, expect.stringMatching(/success/iu)])
}

/** Waits until this was printed. */
async function seen(stream: NodeJS.ReadableStream | null, pattern: RegExp): Promise<RegExpExecArray> {
  let text = ''
  stream?.on('data', (chunk: Buffer) => (text += chunk.toString()))
  for (;;) {
    const found = pattern.exec(text)
    if (found !== null) return found
    await sleep(50)
  }
}
