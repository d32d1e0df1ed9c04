import { createHmac } from 'node:crypto'
import { describe, expect, it, onTestFinished } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { aProblem, createTestServer, hookSecret } from '../support/test-server.ts'
import { aTokenAdmission } from '../support/token-admission.ts'
import { createUnrestrictedPrincipal } from '../../src/core/principal.ts'

const push = JSON.stringify({ ref: 'refs/heads/main', before: '1', after: '2' })
const hmac = (body: string, secret = hookSecret) => createHmac('sha256', secret).update(body).digest('hex')
const json = { 'content-type': 'application/json' }

/** A server whose store counts how often it is asked to look at the git server. */
async function createHookServer(options = {}) {
  const looks = { count: 0 }
  const server = await createTestServer({ options })
  const { store } = server
  const refresh = store.refresh.bind(store)
  store.refresh = async () => {
    looks.count += 1
    return refresh()
  }
  onTestFinished(() => void (store.refresh = refresh))
  return { ...server, looks }
}

/** As each of them sends it. */
const senders: readonly (readonly [string, (body: string, secret?: string) => Record<string, string>])[] = [
  [
    'GitHub',
    (body, secret) => ({ ...json, 'x-github-event': 'push', 'x-hub-signature-256': `sha256=${hmac(body, secret)}` }),
  ],
  ['GitLab', (_body, secret = hookSecret) => ({ ...json, 'x-gitlab-event': 'Push Hook', 'x-gitlab-token': secret })],
  [
    'Gitea',
    (body, secret) => ({
      ...json,
      'x-gitea-event': 'push',
      'x-gitea-signature': hmac(body, secret),
      'x-hub-signature-256': `sha256=${hmac(body, secret)}`,
    }),
  ],
  ['Forgejo', (body, secret) => ({ ...json, 'x-forgejo-event': 'push', 'x-forgejo-signature': hmac(body, secret) })],
]

describe.each(senders)('a webhook of %s', (_name, headersFor) => {
  it('about our branch makes Signalbox look at once', async () => {
    const { send, looks } = await createHookServer()
    expect(await send('POST /hooks/git', { headers: headersFor(push), body: push })).toMatchObject({
      status: 202,
      text: '',
      hasCommitted: false,
    })
    expect(looks.count).toBe(1)
  })

  it('about another branch, a tag, or anything but a push is taken and ignored', async () => {
    const { send, looks } = await createHookServer()
    for (const body of [
      '{"ref":"refs/heads/main2"}',
      '{"ref":"refs/tags/main"}',
      '{"zen":"ping"}',
      '{"ref":7}',
      'null',
    ]) {
      expect((await send('POST /hooks/git', { headers: headersFor(body), body })).status).toBe(204)
    }
    expect(looks.count).toBe(0)
  })

  it('of somebody who does not know the secret is refused', async () => {
    const { send, looks } = await createHookServer()
    const refusal = aProblem(401, 'UNAUTHENTICATED', 'the webhook does not prove that it knows the secret')
    for (const secret of ['', 'another secret', `${hookSecret} `]) {
      expect(await send('POST /hooks/git', { headers: headersFor(push, secret), body: push })).toMatchObject(refusal)
    }
    expect(looks.count).toBe(0)
  })
})

describe('a webhook', () => {
  const [[, headersFor] = ['', () => ({})]] = senders

  it('without any proof is refused, and with one that is right beside one that is wrong', async () => {
    const { send } = await createHookServer()
    for (const headers of [
      json,
      { ...headersFor(push), 'x-gitlab-token': 'wrong' },
      { ...headersFor(push), 'x-hub-signature-256': hmac(push) },
      { ...json, 'x-gitea-signature': `sha256=${hmac(push)}` },
      { ...json, 'x-hub-signature': `sha1=${hmac(push)}` },
    ]) {
      expect((await send('POST /hooks/git', { headers, body: push })).status).toBe(401)
    }
  })

  it('whose body is another one than was signed is refused', async () => {
    const { send } = await createHookServer()
    expect((await send('POST /hooks/git', { headers: headersFor('{}'), body: push })).status).toBe(401)
    expect((await send('POST /hooks/git', { headers: headersFor(push) })).status).toBe(401)
  })

  it('may be the form that GitHub sends unless told otherwise', async () => {
    const { send, looks } = await createHookServer()
    const body = new URLSearchParams({ payload: push }).toString()
    const headers = { ...headersFor(body), 'content-type': 'application/x-www-form-urlencoded' }
    expect((await send('POST /hooks/git', { headers, body })).status).toBe(202)
    expect(looks.count).toBe(1)
  })

  it('that is no JSON is an error of its sender', async () => {
    const { send } = await createHookServer()
    expect(await send('POST /hooks/git', { headers: headersFor('{'), body: '{' })).toMatchObject(
      aProblem(400, 'INVALID_REQUEST', 'the body must be the JSON of a push webhook'),
    )
  })

  it('may be large, but not without end', async () => {
    const { send } = await createHookServer()
    const large = JSON.stringify({ ref: 'refs/heads/main', commits: 'x'.repeat(900 * 1024) })
    expect((await send('POST /hooks/git', { headers: headersFor(large), body: large })).status).toBe(202)
    const tooLarge = JSON.stringify({ ref: 'refs/heads/main', commits: 'x'.repeat(1100 * 1024) })
    expect((await send('POST /hooks/git', { headers: headersFor(tooLarge), body: tooLarge })).status).toBe(413)
  })

  it('needs neither a token nor a name of ours', async () => {
    const principal = createUnrestrictedPrincipal({ name: 'Test Author', email: 'deployer@example.com' })
    const closed = { mode: 'none', principal, hosts: [], acceptsAddresses: false } as const
    for (const admission of [aTokenAdmission({}), closed]) {
      const { send } = await createHookServer({ admission })
      const headers = { ...headersFor(push), host: 'signalbox.example.com' }
      expect((await send('POST /hooks/git', { headers, body: push })).status).toBe(202)
    }
  })

  it('is answered although the git server cannot be reached', async () => {
    const server = await createTestServer()
    server.store.refresh = () => Promise.reject(new Error('nobody is there'))
    expect((await server.send('POST /hooks/git', { headers: headersFor(push), body: push })).status).toBe(202)
  })

  it('is nowhere to be sent to without a secret', async () => {
    const { send } = await createTestServer({ options: { pushHook: undefined } })
    expect((await send('POST /hooks/git', { headers: headersFor(push), body: push })).status).toBe(404)
    expect((await send('GET /openapi.json')).text).not.toContain('/hooks/git')
  })

  it('has a secret that is long enough, and only where there is a git server', () => {
    const withSecret = (secret: string, repository: string) => () =>
      readConfig({ SIGNALBOX_HOOK_SECRET: secret, SIGNALBOX_REPOSITORY: repository })
    const remote = 'https://git.example.com/manifests.git'
    expect(withSecret('0123456789abcdef', remote)().hookSecret).toEqual({ value: '0123456789abcdef' })
    expect(withSecret('short', remote)).toThrow('SIGNALBOX_HOOK_SECRET must have at least 16 characters')
    expect(withSecret('short', remote)).not.toThrow(/short/)
    expect(withSecret('0123456789abcdef', '/srv/manifests.git')).toThrow(
      'SIGNALBOX_HOOK_SECRET means nothing unless SIGNALBOX_REPOSITORY is on a git server',
    )
  })
})
