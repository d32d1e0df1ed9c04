import { describe, expect, it } from 'vitest'
import { createTestServer } from '../support/test-server.ts'
import type { TestServer } from '../support/test-server.ts'
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

  it('is none where nobody is asked who they are', async () => {
    const server = await createTestServer()
    expect(await ask(server, 700, 'GET /openapi.yaml')).toMatchObject({ refused: 0 })
  })
})
