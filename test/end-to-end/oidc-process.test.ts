import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { base64url, exportJWK, exportSPKI, generateKeyPair } from 'jose'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { OidcIssuer } from '../support/oidc-issuer.ts'
import { audience, startOidcIssuer } from '../support/oidc-issuer.ts'
import { startOidcProvider } from '../support/oidc-provider-issuer.ts'
import { createTemporaryFolder } from '../support/real-git.ts'
import { runServer, startServer } from '../support/server-process.ts'
import { itWorksWith } from './issuer-suite.ts'

const policy = `
p, role:Trainer, DeployReleaseTrain, *:*, *, allow
p, role:Trainer, DeployRelease, *:*, *, allow
g, trainers, role:Trainer
`

async function setUp(issuer: string) {
  const folder = createTemporaryFolder()
  await writeFile(join(folder, 'policy.csv'), policy)
  const environment = {
    SIGNALBOX_AUTH: 'oidc',
    SIGNALBOX_OIDC_ISSUER: issuer,
    SIGNALBOX_OIDC_AUDIENCE: audience,
    SIGNALBOX_RBAC_POLICY: 'policy.csv',
  }
  return { folder, environment }
}

const train = '/api/environments/staging/releasetrain'

describe('Signalbox and the issuer of the tests', () => {
  itWorksWith(startOidcProvider)
})

/** As the trainer, but each with something that must not be believed. */
async function forgeTokens({ issuer, signToken, publicKey }: OidcIssuer): Promise<readonly string[]> {
  const claims = { groups: ['trainers'], email: 'trainer@example.com', sub: 'trainer' }
  const now = Math.floor(Date.now() / 1000)
  const { privateKey: foreign, publicKey: brought } = await generateKeyPair('RS256', { extractable: true })
  const unsigned = [{ alg: 'none' }, { ...claims, iss: issuer, aud: audience, exp: now + 60 }]
  return [
    `${unsigned.map((part) => base64url.encode(JSON.stringify(part))).join('.')}.`,
    await signToken(claims, { alg: 'HS256' }, Buffer.from(await exportSPKI(publicKey))),
    await signToken({ ...claims, iss: 'https://other.example.com' }),
    await signToken({ ...claims, aud: ['other', 'another'] }),
    await signToken({ ...claims, exp: now - 3600 }),
    await signToken({ ...claims, nbf: now + 3600 }),
    await signToken(claims, { jwk: await exportJWK(brought) }, foreign),
    await signToken(claims, { jku: `${issuer}/evil`, kid: 'evil' }, foreign),
    await signToken(claims, { kid: '../../../../dev/null' }, foreign),
  ]
}

describe('the process that asks who calls', () => {
  it('believes no token that was forged, and none of them reaches its log', async () => {
    const issuer = await startOidcIssuer({ path: '/dex' })
    const { folder, environment } = await setUp(issuer.issuer)
    const server = await startServer({ folder, environment: { ...environment, SIGNALBOX_LOG_LEVEL: 'trace' } })
    onTestFinished(async () => void (await server.stop()))
    const send = (token: string) =>
      fetch(server.url + train, { method: 'PUT', headers: { authorization: `Bearer ${token}` } })
    const trainer = await issuer.issueToken({ groups: ['trainers'], email: 'trainer@example.com', name: 'The Trainer' })

    expect((await send(`${trainer}x`)).status).toBe(401)
    const hostile = await forgeTokens(issuer)
    for (const [index, token] of hostile.entries()) {
      const answer = await send(token)
      expect([index, answer.status, answer.headers.get('location')]).toEqual([index, 401, null])
      expect(answer.headers.get('www-authenticate')).toContain('error="invalid_token"')
    }
    // With this one the headers are longer than Node reads.
    expect((await send(`${trainer}${'x'.repeat(16_384)}`)).status).toBe(431)
    expect((await send(trainer)).status).toBe(200)

    expect(await server.stop()).toBe(0)
    const { stdout, stderr } = server.output()
    for (const token of [trainer, ...hostile]) {
      for (const part of token.split('.').slice(1)) if (part !== '') expect(stdout + stderr).not.toContain(part)
    }
    // The greeting shows where a token goes.
    expect((stdout + stderr).replaceAll('Bearer $SIGNALBOX_TOKEN', '')).not.toMatch(/eyJ|Bearer /)
  })

  it('does not start with files that it cannot use, and names all that is wrong', async () => {
    const { folder, environment } = await setUp('https://dex.example.com')
    await writeFile(join(folder, 'policy.csv'), `p, role\n${policy}g, x`)
    const { code, stderr } = await runServer({
      folder,
      environment: { ...environment, SIGNALBOX_RBAC_TEAMS: 'nowhere.csv' },
    })
    expect(code).toBe(78)
    for (const problem of [
      'policy.csv:1: it has 2 fields',
      'policy.csv:6: it has 2 fields',
      'SIGNALBOX_RBAC_TEAMS is',
    ]) {
      expect(stderr).toContain(problem)
    }
  })

  it('starts without its issuer', async () => {
    const issuer = await startOidcIssuer()
    const token = await issuer.signToken()
    await issuer.close()
    const { folder, environment } = await setUp(issuer.issuer)
    const server = await startServer({ folder, environment: { ...environment, SIGNALBOX_OIDC_BROWSER_CLIENT_ID: 'b' } })
    onTestFinished(async () => void (await server.stop()))
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200)
    const headers = { authorization: `Bearer ${token}` }
    const answer = await fetch(`${server.url}/api/applications`, { headers })
    expect(answer.status).toBe(503)
    expect(await answer.json()).toMatchObject({ code: 'ISSUER_UNAVAILABLE' })
  })
})
