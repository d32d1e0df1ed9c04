import { describe, expect, it } from 'vitest'
import { createTestServer } from '../support/test-server.ts'
import type { ServerSetup, TestServer } from '../support/test-server.ts'
import { aCaller, aTokenAdmission, bearer } from '../support/token-admission.ts'

const admission = aTokenAdmission({ a: aCaller('a'), b: aCaller('b') }, 60)

/** The statuses of as many requests. */
async function ask({ send }: TestServer, count: number, line: string, headers: Readonly<Record<string, string>> = {}) {
  const statuses: number[] = []
  for (let index = 0; index < count; index += 1) statuses.push((await send(line, { headers })).status)
  return { first: statuses[0], last: statuses.at(-1), refused: statuses.filter((status) => status === 429).length }
}

describe('a rate limit', () => {
  it("counts a principal's requests, whatever they are, and says when to try again", async () => {
    const server = await createTestServer({ options: { admission } })
    expect(await ask(server, 60, 'GET /api/whoami', bearer('a'))).toEqual({ first: 200, last: 200, refused: 0 })
    const answer = await server.send('PUT /environments/staging/releasetrain', { headers: bearer('a') })
    expect(answer).toMatchObject({ status: 429, json: { code: 'TOO_MANY_REQUESTS' }, hasCommitted: false })
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
    expect(Number(answer.headers['retry-after'])).toBeLessThanOrEqual(60)
    // Neither another one at the same address, nor a probe.
    expect(await server.send('GET /api/whoami', { headers: bearer('b') })).toMatchObject({ status: 200 })
    expect(await ask(server, 70, 'GET /readyz')).toMatchObject({ refused: 0 })
  })

  it('counts the requests of an address that nobody is asked for', async () => {
    const server = await createTestServer({ options: { admission } })
    expect(await ask(server, 40, 'GET /openapi.json')).toMatchObject({ refused: 0 })
    expect(await ask(server, 20, 'GET /nothing')).toMatchObject({ refused: 0 })
    expect(await ask(server, 1, 'POST /api/locks')).toMatchObject({ refused: 1 })
    expect(await server.send('GET /api/whoami', { headers: bearer('a') })).toMatchObject({ status: 200 })
  })

  it('is smaller for credentials that are not good, and keeps out nobody else', async () => {
    const server = await createTestServer({ options: { admission } })
    expect(await ask(server, 6, 'GET /api/whoami', bearer('wrong'))).toEqual({ first: 401, last: 401, refused: 0 })
    const answer = await server.send('GET /api/whoami', { headers: bearer('wrong') })
    expect(answer).toMatchObject({ status: 429, headers: { 'retry-after': expect.any(String) as string } })
    expect(answer.headers).not.toHaveProperty('www-authenticate')
    expect(await server.send('GET /api/whoami')).toMatchObject({ status: 429 })
    expect(await server.send('GET /api/whoami', { headers: bearer('a') })).toMatchObject({ status: 200 })
  })

  it('takes the address from proxies that are trusted, and from no others', async () => {
    const proxied = await createTestServer({ options: { admission, trustedProxies: ['127.0.0.0/8'] } })
    const from = (address: string) => ({ 'x-forwarded-for': address })
    expect(await ask(proxied, 7, 'GET /api/locks', from('192.0.2.1'))).toMatchObject({ refused: 1 })
    expect(await ask(proxied, 1, 'GET /api/locks', from('192.0.2.2'))).toMatchObject({ refused: 0 })
    // What the caller itself wrote before the proxy did is not believed.
    expect(await ask(proxied, 1, 'GET /api/locks', from('198.51.100.7, 192.0.2.1'))).toMatchObject({ refused: 1 })

    const direct = await createTestServer({ options: { admission } })
    expect(await ask(direct, 6, 'GET /api/locks', from('192.0.2.1'))).toMatchObject({ refused: 0 })
    expect(await ask(direct, 1, 'GET /api/locks', from('192.0.2.2'))).toMatchObject({ refused: 1 })
  })

  it('is shared by all behind a proxy that nobody named, which is said once', async () => {
    const from = { headers: { ...bearer('a'), 'x-forwarded-for': '192.0.2.1' } }
    const warnings = async (options: NonNullable<ServerSetup['options']>, headers: object = from) => {
      const server = await createTestServer({ options })
      for (let index = 0; index < 3; index += 1) await server.send('GET /api/whoami', headers)
      return server.log.filter(({ msg }) => String(msg).includes('SIGNALBOX_TRUSTED_PROXIES'))
    }
    expect(await warnings({ admission })).toMatchObject([{ level: 40, address: '127.0.0.1' }])
    expect(await warnings({ admission, trustedProxies: ['10.0.0.0/8'] })).toHaveLength(1)
    expect(await warnings({ admission, trustedProxies: ['127.0.0.0/8'] })).toEqual([])
    expect(await warnings({ admission }, { headers: bearer('a') })).toEqual([])
    // Without tokens nobody is counted.
    expect(await warnings({})).toEqual([])
  })

  it('is one for an address, however proxies write it, and for an IPv6 network', async () => {
    const { send } = await createTestServer({ options: { admission, trustedProxies: ['127.0.0.0/8', '10.0.0.0/8'] } })
    const statusOf = async (chain: string) =>
      (await send('GET /api/locks', { headers: { 'x-forwarded-for': chain } })).status
    const same = [
      [
        '192.0.2.1',
        '192.0.2.1:4711',
        '192.0.2.1:4712',
        '192.0.2.1, 10.0.0.1:80',
        '::ffff:192.0.2.1',
        '[::ffff:c000:201]:1',
      ],
      [
        '2001:db8::1',
        '[2001:DB8::2]:443',
        '[2001:db8:0:0:1::]',
        '2001:db8::ffff:1',
        '2001:db8::3, 10.1.1.1',
        '2001:db8::%1',
      ],
      // What is no address is the proxy's.
      ['unknown', 'secret', '_hidden', 'x'.repeat(100), '256.0.0.1', 'a b'],
    ] as const
    for (const addresses of same) {
      const statuses: number[] = []
      for (const address of addresses) statuses.push(await statusOf(address))
      expect(statuses).toEqual(Array(6).fill(401))
    }
    expect([await statusOf('192.0.2.1:9'), await statusOf('192.0.2.2')]).toEqual([429, 401])
    expect([await statusOf('2001:db8::9'), await statusOf('2001:db8:0:1::1')]).toEqual([429, 401])
    expect(await statusOf('garbage')).toBe(429)
  })

  it('counts URLs that cannot be read', async () => {
    const server = await createTestServer({ options: { admission } })
    expect(await ask(server, 60, 'GET /api/%zz')).toMatchObject({ first: 400, refused: 0 })
    const answer = await server.send('GET /api/%zz')
    expect(answer).toMatchObject({ status: 429, json: { code: 'TOO_MANY_REQUESTS' } })
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
  })

  it('is one for all that share a budget', async () => {
    const main = { ...aCaller('main'), budget: 'https://ci.example.com repository' }
    const branch = { ...aCaller('branch'), budget: main.budget }
    const server = await createTestServer({ options: { admission: aTokenAdmission({ main, branch }, 60) } })
    expect(await ask(server, 60, 'GET /api/whoami', bearer('main'))).toMatchObject({ refused: 0 })
    expect(await ask(server, 1, 'GET /api/whoami', bearer('branch'))).toMatchObject({ refused: 1 })
  })

  it('is none where nobody is asked who they are', async () => {
    const server = await createTestServer()
    expect(await ask(server, 700, 'GET /openapi.yaml')).toMatchObject({ refused: 0 })
  })
})
