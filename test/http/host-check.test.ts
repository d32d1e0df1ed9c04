import { describe, expect, it } from 'vitest'
import { createUnrestrictedPrincipal } from '../../src/core/principal.ts'
import { open, request } from '../support/connection.ts'
import { aProblem, createTestServer, listenTestServer } from '../support/test-server.ts'
import { aTokenAdmission } from '../support/token-admission.ts'

const train = '/api/environments/staging/releasetrain'
const principal = createUnrestrictedPrincipal({ name: 'release-bot', email: 'bot@example.com' })
const onLoopback = {
  admission: { mode: 'none', principal, hosts: ['signalbox.internal'], acceptsAddresses: false },
} as const
const anywhere = { admission: { mode: 'none', principal, hosts: ['*'], acceptsAddresses: true } } as const

describe('a server that asks nobody who they are', () => {
  it.each([
    'localhost',
    'LOCALHOST:8080',
    '127.0.0.1',
    '127.8.9.10:1',
    '[::1]:8080',
    '[::1]',
    'signalbox.internal:8080',
  ])('answers under its own names: %s', async (host) => {
    const { send } = await createTestServer({ options: onLoopback })
    expect(await send(`PUT ${train}`, { headers: { host } })).toMatchObject({ status: 200 })
  })

  it.each([
    'evil.example.com',
    'localhost.evil.example.com:8080',
    '127.0.0.1.evil.example.com',
    'evil.example.com:127.0.0.1',
    '127.0.0.1@evil.example.com',
    '0.0.0.0:8080',
    '[::ffff:127.0.0.1]',
    '192.0.2.1',
    ' ',
    ':8080',
  ])('answers under no other, whatever is asked: %j', async (host) => {
    const { send } = await createTestServer({ options: onLoopback })
    for (const line of [`PUT ${train}`, 'GET /api/locks', 'GET /healthz', 'GET /nothing', 'POST /api/locks']) {
      const answer = await send(line, { headers: { host } })
      expect(answer).toMatchObject({ status: 421, json: { code: 'MISDIRECTED_REQUEST' }, hasCommitted: false })
      expect(answer.text).toContain('SIGNALBOX_ALLOWED_HOSTS')
    }
  })

  it('answers under any address where it listens on more than loopback, since no page can take one', async () => {
    const listensEverywhere = { admission: { mode: 'none', principal, hosts: [], acceptsAddresses: true } } as const
    const { send } = await createTestServer({ options: listensEverywhere })
    for (const host of ['192.0.2.1:8080', '[2001:db8::1]:8080']) {
      expect(await send('GET /healthz', { headers: { host } })).toMatchObject({ status: 200 })
    }
    for (const host of ['evil.example.com', '192.0.2.1.evil.example.com']) {
      expect(await send('GET /healthz', { headers: { host } })).toMatchObject({ status: 421 })
    }
  })

  it('answers under any where something else keeps strangers out', async () => {
    const { send } = await createTestServer({ options: anywhere })
    expect(await send(`PUT ${train}`, { headers: { host: 'signalbox.example.com' } })).toMatchObject({ status: 200 })
  })

  it.each([
    { origin: 'https://evil.example.com' },
    { origin: 'http://localhost:3000' },
    { origin: 'http://localhost:80@evil.example.com' },
    { origin: 'null' },
    { origin: '' },
    { 'sec-fetch-site': 'cross-site' },
    { origin: 'http://localhost:8080', 'sec-fetch-site': 'cross-site' },
  ])('lets no page of another site change anything: %o', async (headers) => {
    const { send } = await createTestServer({ options: onLoopback })
    const all = { host: 'localhost:8080', 'content-type': 'text/plain', ...headers }
    for (const line of [`PUT ${train}`, 'POST /api/applications/cart/undeploy-release', 'POST /api/release']) {
      expect(await send(line, { headers: all })).toMatchObject(aProblem(403, 'CROSS_SITE', expect.any(String)))
    }
    // It may send the browser here, and cannot read what that gets.
    expect(await send('GET /api/locks', { headers: all })).toMatchObject({ status: 200 })
  })

  it.each([
    [{ host: 'localhost:8080', origin: 'http://localhost:8080', 'sec-fetch-site': 'same-origin' }, onLoopback],
    [{ host: '[::1]:8080', origin: 'http://[::1]:8080' }, onLoopback],
    [{ host: 'localhost:80', origin: 'http://localhost' }, onLoopback],
    [{ host: 'signalbox.example.com', origin: 'https://signalbox.example.com' }, anywhere],
    // Behind a proxy that asks under a name of its own.
    [
      { host: 'backend', origin: 'https://signalbox.example.com' },
      { ...anywhere, publicUrl: 'https://signalbox.example.com' },
    ],
  ])('lets its own pages do so: %o', async (headers, options) => {
    const { send } = await createTestServer({ options })
    expect(await send(`PUT ${train}`, { headers })).toMatchObject({ status: 200, hasCommitted: true })
  })
})

describe('the Host header', () => {
  it('may be any where callers send tokens', async () => {
    const { send } = await createTestServer({ options: { admission: aTokenAdmission({}) } })
    const headers = { host: 'evil.example.com', origin: 'https://evil.example.com' }
    expect(await send('GET /healthz', { headers })).toMatchObject({ status: 200 })
    expect(await send(`PUT ${train}`, { headers })).toMatchObject({ status: 401 })
  })

  it('must be there once', async () => {
    const server = await listenTestServer({ options: onLoopback })
    for (const text of [request('GET /healthz', ['Host: localhost']), 'GET /healthz HTTP/1.1\r\n\r\n']) {
      const connection = await open(server)
      connection.socket.write(text)
      expect(await connection.read()).toMatchObject({
        status: 400,
      })
    }
  })
})
