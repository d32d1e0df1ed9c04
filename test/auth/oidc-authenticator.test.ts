import { createSecretKey } from 'node:crypto'
import type { CryptoKey } from 'jose'
import { base64url, exportJWK, exportSPKI, generateKeyPair } from 'jose'
import { describe, expect, it } from 'vitest'
import { IssuerUnavailableError, UnauthenticatedError } from '../../src/auth/authenticator.ts'
import type { OidcAuthenticatorOptions } from '../../src/auth/oidc-authenticator.ts'
import { OidcAuthenticator } from '../../src/auth/oidc-authenticator.ts'
import type { ApplicationName, EnvironmentName } from '../../src/core/names.ts'
import { anAccess } from '../support/access.ts'
import type { OidcIssuer } from '../support/oidc-issuer.ts'
import { audience, startOidcIssuer } from '../support/oidc-issuer.ts'

const policy = `
p, role:Developer, CreateLock, *:*, *, allow
p, role:Deployer, DeployRelease, staging:*, cart, allow
g, my-org:my-team, role:Developer
g, somebody@example.com, role:Deployer
`

/** An authenticator whose clock a test can move. */
function authenticatorFor({ issuer }: Pick<OidcIssuer, 'issuer'>, options: Partial<OidcAuthenticatorOptions> = {}) {
  const logged: string[] = []
  const write = (details: object, message: string) => logged.push(`${message} ${JSON.stringify(details)}`)
  let ahead = 0
  const access = anAccess(issuer, { policy })
  const authenticator = new OidcAuthenticator({
    issuer,
    audiences: [audience],
    leeway: 30,
    allowsHttp: false,
    access: () => access,
    clock: () => new Date(Date.now() + ahead),
    log: { info: write, warn: write },
    timeout: 1000,
    ...options,
  })
  return {
    logged,
    problems: () => authenticator.problems(),
    send: (authorization: string | undefined) => authenticator.authenticate({ authorization }),
    ask: (token: string) => authenticator.authenticate({ authorization: `Bearer ${token}` }),
    wait: (seconds: number) => void (ahead += seconds * 1000),
  }
}

function encode(...parts: readonly unknown[]): string {
  return parts.map((part) => base64url.encode(typeof part === 'string' ? part : JSON.stringify(part))).join('.')
}

describe('a token of the issuer', () => {
  it('says who asks, by groups and address', async () => {
    const issuer = await startOidcIssuer({ path: '/dex' })
    const { ask } = authenticatorFor(issuer)
    const caller = await ask(
      await issuer.issueToken({
        groups: ['my-org:my-team', 'other'],
        email: 'somebody@example.com',
        name: 'Some Body',
      }),
    )
    expect(caller).toMatchObject({
      id: `${issuer.issuer} signalbox`,
      roles: ['Deployer', 'Developer'],
      teams: ['*'],
      permissions: [
        { action: 'DeployRelease', environmentGroup: 'staging', environment: '*', application: 'cart' },
        { action: 'CreateLock', environmentGroup: '*', environment: '*', application: '*' },
      ],
      principal: { name: 'Some Body', email: 'somebody@example.com', roles: ['Deployer', 'Developer'] },
    })
    const place = { environmentGroup: 'staging', environment: 'staging' as EnvironmentName }
    const may = (application: string) =>
      caller?.principal.mayDo('DeployRelease', { ...place, application: application as ApplicationName })
    expect([may('cart'), may('catalogue')]).toEqual([true, false])
  })

  it.each(['RS256', 'ES256'] as const)('may be signed with %s', async (algorithm) => {
    const issuer = await startOidcIssuer({ algorithm })
    await expect(authenticatorFor(issuer).ask(await issuer.signToken())).resolves.toMatchObject({ roles: ['Deployer'] })
  })

  it('may name several audiences, may be a little late or early, and Bearer in any case', async () => {
    const issuer = await startOidcIssuer()
    const { ask, send } = authenticatorFor(issuer)
    const now = Math.floor(Date.now() / 1000)
    await expect(ask(await issuer.signToken({ aud: ['other', audience], azp: 'other' }))).resolves.toBeDefined()
    await expect(ask(await issuer.signToken({ exp: now - 20 }))).resolves.toBeDefined()
    await expect(ask(await issuer.signToken({ nbf: now + 20 }))).resolves.toBeDefined()
    await expect(ask(await issuer.signToken({}, { kid: undefined }))).resolves.toBeDefined()
    await expect(send(`bearer   ${await issuer.signToken()} `)).resolves.toBeDefined()
  })

  it('is asked about once, and no longer than it is good', async () => {
    const issuer = await startOidcIssuer()
    const { ask, wait } = authenticatorFor(issuer)
    const token = await issuer.signToken()
    const first = await ask(token)
    // The same object: what was decided for it is remembered.
    for (let request = 0; request < 20; request += 1) expect(await ask(token)).toBe(first)
    expect(issuer.requests).toEqual(['/.well-known/openid-configuration', '/jwks'])
    wait(640)
    await expect(ask(token)).rejects.toThrow('the token has expired')
  })
})

describe('no credentials', () => {
  it.each([undefined, ''])('are no fault: %j', async (authorization) => {
    await expect(authenticatorFor({ issuer: 'https://dex.example.com' }).send(authorization)).resolves.toBeUndefined()
  })
})

describe('a token that is not good', () => {
  const now = Math.floor(Date.now() / 1000)
  let foreign: { readonly privateKey: CryptoKey; readonly publicKey: CryptoKey } | undefined

  type Forge = (issuer: OidcIssuer) => string | Promise<string>

  const cases: readonly (readonly [string, Forge, string])[] = [
    ['of another issuer', ({ signToken }) => signToken({ iss: 'https://other.example.com' }), 'not trusted'],
    [
      'of an issuer that differs by a slash',
      ({ issuer, signToken }) => signToken({ iss: `${issuer}/` }),
      'not trusted',
    ],
    ['of an issuer in capitals', ({ issuer, signToken }) => signToken({ iss: issuer.toUpperCase() }), 'not trusted'],
    ['of no issuer', ({ signToken }) => signToken({ iss: undefined }), 'names no issuer'],
    ['of two issuers', ({ issuer, signToken }) => signToken({ iss: [issuer] }), 'the token is no JWT|names no issuer'],
    ['for somebody else', ({ signToken }) => signToken({ aud: 'other' }), 'meant for somebody else'],
    ['for others', ({ signToken }) => signToken({ aud: ['other', `${audience} `] }), 'meant for somebody else'],
    ['for nobody', ({ signToken }) => signToken({ aud: undefined }), "claim 'aud'|somebody else"],
    ['that has expired', ({ signToken }) => signToken({ exp: now - 60 }), 'has expired'],
    ['that never expires', ({ signToken }) => signToken({ exp: undefined }), "claim 'exp'"],
    ['whose end is text', ({ signToken }) => signToken({ exp: '9999999999' }), "claim 'exp'"],
    ['that is not good yet', ({ signToken }) => signToken({ nbf: now + 60 }), 'not good yet'],
    ['about nobody', ({ signToken }) => signToken({ sub: undefined }), "claim 'sub'"],
    ['about an empty subject', ({ signToken }) => signToken({ sub: '' }), 'names no subject'],
    ['about a subject of two lines', ({ signToken }) => signToken({ sub: 'a\nb' }), 'names no subject'],
    ['with neither groups nor address', ({ signToken }) => signToken({ email: undefined }), 'neither groups nor'],
    ['of a logout', ({ signToken }) => signToken({}, { typ: 'logout+jwt' }), 'of a type that says nothing'],
    [
      'with extensions that must be understood',
      ({ signToken }) => signToken({}, { crit: ['x'], x: 1 }),
      'not well made|no JWT',
    ],
    [
      'without a signature',
      ({ issuer }) => `${encode({ alg: 'none' }, { iss: issuer, sub: 'a', aud: audience, exp: now + 60 })}.`,
      'algorithm of the token is not accepted',
    ],
    [
      'without a signature, in capitals',
      ({ issuer }) => `${encode({ alg: 'NONE' }, { iss: issuer, sub: 'a', aud: audience, exp: now + 60 })}.`,
      'algorithm of the token is not accepted',
    ],
    [
      'signed with the public key as a secret',
      async ({ publicKey, signToken }) =>
        signToken({}, { alg: 'HS256' }, new Uint8Array(Buffer.from(await exportSPKI(publicKey)))),
      'algorithm of the token is not accepted',
    ],
    [
      'signed with a key that it brings',
      async ({ signToken }) => {
        foreign ??= await generateKeyPair('RS256', { extractable: true })
        return signToken({}, { jwk: await exportJWK(foreign.publicKey) }, foreign.privateKey)
      },
      'signature of the token is wrong',
    ],
    [
      'that says where its key is',
      async ({ issuer, signToken }) => {
        foreign ??= await generateKeyPair('RS256', { extractable: true })
        const evil = `${issuer}/evil`
        return signToken({}, { jku: evil, x5u: evil, kid: 'unknown' }, foreign.privateKey)
      },
      'no key that the token is signed with',
    ],
    ['with a path for a key', ({ signToken }) => signToken({}, { kid: '../../../../dev/null' }), 'no key that'],
    ['with a statement for a key', ({ signToken }) => signToken({}, { kid: "' UNION SELECT 'x" }), 'no key that'],
    ['with a number for a key', ({ signToken }) => signToken({}, { kid: 7 }), 'no key that|not well made'],
    ['that is huge', ({ signToken }) => signToken({ groups: Array.from({ length: 9000 }, () => 'a') }), 'longer than'],
    [
      'that was changed',
      async ({ signToken }) => {
        const [header = '', , signature = ''] = (await signToken()).split('.')
        const claims = { iss: '', sub: 'root', aud: audience, exp: now + 60 }
        return [header, encode(claims), signature].join('.')
      },
      'not trusted',
    ],
    [
      'whose claims were changed',
      async ({ issuer, signToken }) => {
        const [header = '', , signature = ''] = (await signToken()).split('.')
        const claims = { iss: issuer, sub: 'root', aud: audience, exp: now + 60, email: 'root@example.com' }
        return [header, encode(claims), signature].join('.')
      },
      'signature of the token is wrong',
    ],
    ['that is encrypted', () => `${encode({ alg: 'RSA-OAEP', enc: 'A256GCM' })}.a.b.c.d`, 'not accepted|no JWT'],
    ['that is garbage', () => 'garbage', 'no JWT'],
    ['of three dots', () => '...', 'no JWT'],
    ['whose header is a list', () => `${encode([], {})}.a`, 'no JWT|not accepted'],
    ['whose claims are a list', () => `${encode({ alg: 'RS256' }, [])}.a`, 'no JWT|names no issuer'],
    ['whose claims are null', () => `${encode({ alg: 'RS256' }, 'null')}.a`, 'no JWT|names no issuer'],
  ]

  it.each(cases)('%s is refused', async (_name, forge, message) => {
    const issuer = await startOidcIssuer()
    const { ask, logged } = authenticatorFor(issuer)
    const token = await forge(issuer)
    const error: unknown = await ask(token).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(UnauthenticatedError)
    expect(error).toMatchObject({ reason: 'invalid_token', message: expect.stringMatching(message) as string })
    expect((error as Error).cause).toBeUndefined()
    expect(JSON.stringify([(error as Error).message, logged])).not.toContain(token.slice(-30))
    // Nobody but the issuer is ever asked, and it for no other address.
    const paths = new Set(issuer.requests)
    for (const known of ['/.well-known/openid-configuration', '/jwks']) paths.delete(known)
    expect([...paths]).toEqual([])
  })

  it.each([
    'Bearer',
    'Bearer ',
    'Basic c29tZWJvZHk6c2VjcmV0',
    'Bearer a b',
    'Bearer a,Bearer b',
    'Bearer Bearer a',
    'Token a.b.c',
    'a.b.c',
    'Bearer a.b.\u00e9',
  ])('comes in a header such as %j, which is not read', async (authorization) => {
    const { send } = authenticatorFor({ issuer: 'https://dex.example.com' })
    await expect(send(authorization)).rejects.toMatchObject({ name: 'UnauthenticatedError', reason: 'invalid_request' })
  })

  it('is not asked about, where that cannot help', async () => {
    const issuer = await startOidcIssuer()
    const { ask } = authenticatorFor(issuer)
    const none = `${encode({ alg: 'none' }, { iss: issuer.issuer })}.`
    const secret = await issuer.signToken({}, { alg: 'HS256' }, createSecretKey(Buffer.alloc(32)) as never)
    for (const token of [none, secret, 'garbage', await issuer.signToken({ iss: 'https://other.example.com' })]) {
      await expect(ask(token)).rejects.toThrow(UnauthenticatedError)
    }
    expect(issuer.requests).toEqual([])
  })
})

describe('an issuer that changes its keys', () => {
  it('is asked again, without a restart, but not for each token', async () => {
    const issuer = await startOidcIssuer()
    const { ask, wait } = authenticatorFor(issuer)
    const before = await issuer.signToken()
    await ask(before)
    await issuer.rotateKeys()
    const after = await issuer.signToken()
    const asked = issuer.requests.length
    await expect(ask(after)).rejects.toThrow('no key that the token is signed with')
    expect(issuer.requests.length).toBe(asked)
    wait(11)
    await Promise.all(Array.from({ length: 10 }, () => ask(after)))
    expect(issuer.requests.slice(asked)).toEqual(['/jwks'])
    // What was found good is looked at again when the keys are as old as they may be.
    await expect(ask(before)).resolves.toBeDefined()
    wait(601 - 11)
    await expect(ask(before)).rejects.toThrow(UnauthenticatedError)
  })
})

describe('an issuer that cannot be asked', () => {
  it.each(['fails', 'hangs'] as const)('because it %s makes nobody a stranger', async (mood) => {
    const issuer = await startOidcIssuer()
    const { ask, wait, logged, problems } = authenticatorFor(issuer, { timeout: 100 })
    const token = await issuer.signToken()
    issuer.behave(mood)
    await expect(ask(token)).rejects.toThrow(IssuerUnavailableError)
    await expect(ask(token)).rejects.toMatchObject({ issuer: issuer.issuer })
    expect(problems()).toEqual([`the issuer ${issuer.issuer} cannot be asked for its keys: see the log`])
    // The second one did not wait for it again.
    expect(issuer.requests).toHaveLength(1)
    expect(logged).toEqual([expect.stringContaining(mood === 'fails' ? 'answers 500' : 'does not answer in time')])

    issuer.behave('works')
    await expect(ask(token)).rejects.toThrow(IssuerUnavailableError)
    wait(2)
    await expect(ask(token)).resolves.toBeDefined()
    expect(problems()).toEqual([])
  })

  it('is left alone for longer and longer', async () => {
    const issuer = await startOidcIssuer()
    const { ask, wait } = authenticatorFor(issuer)
    const token = await issuer.signToken({ exp: Math.floor(Date.now() / 1000) + 9000 })
    issuer.behave('fails')
    for (let second = 0; second < 600; second += 1) {
      await ask(token).catch(() => undefined)
      wait(1)
    }
    // After 1, 3, 7, 15, 31 and 63 seconds, and each minute then.
    expect(issuer.requests.length).toBeGreaterThan(12)
    expect(issuer.requests.length).toBeLessThan(18)
  })

  it('is still known for an hour by the keys that it had', async () => {
    const issuer = await startOidcIssuer()
    const { ask, wait } = authenticatorFor(issuer)
    const exp = Math.floor(Date.now() / 1000) + 9000
    const token = await issuer.signToken({ exp })
    await ask(token)
    issuer.behave('fails')
    wait(3000)
    await expect(ask(await issuer.signToken({ exp, jti: 'another' }))).resolves.toBeDefined()
    await expect(ask(await issuer.signToken({ exp }, { kid: 'new' }))).rejects.toThrow(IssuerUnavailableError)
    wait(700)
    await expect(ask(token)).rejects.toThrow(IssuerUnavailableError)
  })

  it('because nobody listens, or another one answers, is no better', async () => {
    const gone = await startOidcIssuer()
    const token = await gone.signToken()
    await gone.close()
    await expect(authenticatorFor(gone).ask(token)).rejects.toThrow(IssuerUnavailableError)

    const other = await startOidcIssuer()
    const alias = other.issuer.replace('127.0.0.1', 'localhost')
    const { ask, logged } = authenticatorFor({ issuer: alias })
    await expect(ask(await other.signToken({ iss: alias }))).rejects.toThrow(IssuerUnavailableError)
    expect(logged.join()).toMatch(/is about another issuer|cannot be asked/)
  })
})

describe('a CI system beside the issuer', () => {
  it('is trusted for its audience by its rules alone, as long as the file says so', async () => {
    const [people, ci] = [await startOidcIssuer(), await startOidcIssuer({ hasOwnKeys: true })]
    const trust = `
issuers:
  - issuer: ${ci.issuer}
    audience: signalbox-ci
    rules:
      - claims: { repository: example/shop }
        roles: [Deployer]
`
    const withTrust = anAccess(people.issuer, { policy, trust })
    const without = anAccess(people.issuer, { policy })
    let access = withTrust
    const { ask } = authenticatorFor(people, { access: () => access })
    const job = {
      sub: 'repo:example/shop:ref:refs/heads/main',
      aud: 'signalbox-ci',
      repository: 'example/shop',
      groups: ['my-org:my-team'],
    }
    const token = await ci.signToken(job)
    await expect(ask(token)).resolves.toMatchObject({ roles: ['Deployer'], teams: ['*'] })
    await expect(ask(await ci.signToken({ ...job, repository: 'evil/shop' }))).rejects.toThrow('no rule for its issuer')
    await expect(ask(await ci.signToken({ ...job, aud: audience }))).rejects.toThrow('meant for somebody else')
    // A key of the one is none of the other.
    await expect(ask(await ci.signToken({ iss: people.issuer }))).rejects.toThrow(UnauthenticatedError)

    access = without
    await expect(ask(token)).rejects.toThrow('not trusted here')
  })
})
