import { describe, expect, it } from 'vitest'
import { toGreeting } from '../src/greeting.ts'
import { aSnapshot } from './support/snapshot-builder.ts'
import { createTestServer } from './support/test-server.ts'
import { createShopRepository, createTestStore } from './support/test-store.ts'

const url = 'http://127.0.0.1:8080'

describe('the greeting', () => {
  it('shows what can be done with the shop, as lines to copy', async () => {
    const snapshot = await createTestStore(await createShopRepository()).snapshot()
    expect(toGreeting(url, '/var/lib/shop.git', snapshot)).toMatchInlineSnapshot(`
      "
      Signalbox serves /var/lib/shop.git

        Swagger UI   http://127.0.0.1:8080/docs
        Prognosis    curl -H Accept:text/plain http://127.0.0.1:8080/api/environments/staging/releasetrain/prognosis
        Train        curl -X PUT -H Accept:text/plain http://127.0.0.1:8080/api/environments/staging/releasetrain
        The client   npx signalbox --url http://127.0.0.1:8080 status
      "
    `)
  })

  it('shows how to sign in where callers are asked who they are', async () => {
    const snapshot = await createTestStore(await createShopRepository()).snapshot()
    const issuer = 'https://dex.example.com/dex'
    const greeting = toGreeting(url, 'shop.git', snapshot, { issuer, canLogIn: true })
    expect(greeting).toContain(`npx signalbox --url ${url} login\n`)
    const lines = greeting.split('\n').filter((line) => line.includes('curl'))
    expect(lines).toHaveLength(2)
    for (const line of lines) expect(line).toContain(' -H "Authorization: Bearer $SIGNALBOX_TOKEN" ')
    const withoutLogin = toGreeting(url, 'shop.git', snapshot, { issuer, canLogIn: false })
    expect(withoutLogin).not.toContain('login')
    expect(withoutLogin).toContain(`SIGNALBOX_TOKEN, of ${issuer}`)
  })

  it('names URLs that lead somewhere', async () => {
    const { send } = await createTestServer()
    const snapshot = await createTestStore(await createShopRepository()).snapshot()
    const urls = [...toGreeting(url, 'shop.git', snapshot).matchAll(/http:\S+/g)].map(([found]) => new URL(found))
    expect(urls).toHaveLength(4)
    for (const { pathname } of urls) {
      const method = pathname.endsWith('/releasetrain') ? 'PUT' : 'GET'
      expect(await send(`${method} ${pathname}`)).toMatchObject({ status: pathname === '/' ? 302 : 200 })
    }
  })

  it('prefers an environment that takes its versions from another one', () => {
    const snapshot = aSnapshot()
      .environment('alpha', { upstream: 'latest' })
      .environment('beta', { upstream: 'alpha', group: 'production' })
      .environment('gamma', { upstream: 'alpha' })
      .build()
    expect(toGreeting(url, 'shop.git', snapshot)).toContain('/api/environments/gamma/releasetrain')
  })

  it('takes one that takes the latest when there is no other', () => {
    const snapshot = aSnapshot().environment('alpha').environment('beta', { upstream: 'latest' }).build()
    expect(toGreeting(url, 'shop.git', snapshot)).toContain('/api/environments/beta/releasetrain')
  })

  it.each([
    ['in an empty repository', aSnapshot().build()],
    [
      'when no config can be read',
      aSnapshot()
        .environment('alpha', { unreadable: { config: 'it is no JSON' } })
        .build(),
    ],
  ])('says that a train can do nothing yet: %s', (_when, snapshot) => {
    const greeting = toGreeting(url, 'shop.git', snapshot)
    expect(greeting).toContain('nothing a train could do')
    expect(greeting).not.toContain('curl')
  })

  // It proposes a train to that environment, which is skipped: `exampleTarget` falls back on any group.
  it('says that a train can do nothing yet when no environment has an upstream', () => {
    const greeting = toGreeting(url, 'shop.git', aSnapshot().environment('alpha').build())
    expect(greeting).toContain('nothing a train could do')
  })

  // The name stands in the line as it is, which a shell would run.
  it('can be copied whatever an environment is called', () => {
    const snapshot = aSnapshot().environment("it's $(rm -rf .) größer", { upstream: 'latest' }).build()
    const [, target] = /api\/environments\/(.*)\/releasetrain\n/.exec(toGreeting(url, 'shop.git', snapshot)) ?? []
    expect(target).toMatch(/^[A-Za-z0-9%.~_-]+$/)
  })
})
