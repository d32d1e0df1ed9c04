import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { base64url, exportJWK, exportSPKI, generateKeyPair } from 'jose'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { OidcIssuer } from '../support/oidc-issuer.ts'
import { audience, startOidcIssuer } from '../support/oidc-issuer.ts'
import { createTemporaryFolder, git, hasGit } from '../support/real-git.ts'
import { runServer, startServer } from '../support/server-process.ts'

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
  it('runs a train for who may, as whom they are, and for nobody else', async () => {
    const issuer = await startOidcIssuer({ path: '/dex' })
    const { folder, environment } = await setUp(issuer.issuer)
    const server = await startServer({
      folder,
      environment: {
        ...environment,
        SIGNALBOX_HOST: '0.0.0.0',
        SIGNALBOX_LOG_LEVEL: 'trace',
        SIGNALBOX_OIDC_BROWSER_CLIENT_ID: 'browser',
      },
    })
    onTestFinished(async () => void (await server.stop()))
    const send = async (method: string, path: string, token?: string) => {
      const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
      const response = await fetch(server.url.replace('0.0.0.0', '127.0.0.1') + path, { method, headers })
      return { status: response.status, headers: response.headers, text: await response.text() }
    }
    const trainer = await issuer.issueToken({ groups: ['trainers'], email: 'trainer@example.com', name: 'The Trainer' })
    const reader = await issuer.issueToken({ groups: ['readers'], email: 'reader@example.com', name: 'The Reader' })

    const document = JSON.parse((await send('GET', '/openapi.json')).text) as Record<string, unknown>
    expect(document).toMatchObject({
      components: {
        securitySchemes: { signIn: { flows: { authorizationCode: { authorizationUrl: `${issuer.issuer}/auth` } } } },
      },
    })
    const nobody = await send('PUT', train)
    expect([nobody.status, nobody.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="signalbox"'])
    expect(await send('PUT', train, `${trainer}x`)).toMatchObject({ status: 401 })
    const hostile = await forgeTokens(issuer)
    for (const [index, token] of hostile.entries()) {
      const answer = await send('PUT', train, token)
      expect([index, answer.status, answer.headers.get('location')]).toEqual([index, 401, null])
      expect(answer.headers.get('www-authenticate')).toContain('error="invalid_token"')
    }
    // With this one the headers are longer than Node reads.
    expect(await send('PUT', train, `${trainer}${'x'.repeat(16_384)}`)).toMatchObject({ status: 431 })
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
    for (const token of [trainer, reader, ...hostile]) {
      for (const part of token.split('.').slice(1)) if (part !== '') expect(stdout + stderr).not.toContain(part)
    }
    expect(stdout + stderr).not.toMatch(/eyJ|Bearer /)
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
