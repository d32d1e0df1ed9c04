import protojson from 'protobufjs/ext/protojson.js'
import { describe, expect, it } from 'vitest'
import { publishedRoot } from '../protobuf/published-proto.ts'
import { environmentLock, file } from '../support/changes.ts'
import { aProblem, createTestServer, itAnswers } from '../support/test-server.ts'
import { testTime } from '../support/test-store.ts'

const url = '/api/locks'

/** The shop's locks, as they are sorted. */
const shop = [
  { environment: 'development', kind: 'application', application: 'returns', lock: { lockId: 'database-not-ready' } },
  { environment: 'production-fr', kind: 'application', application: 'web', lock: { lockId: 'cookie-banner-review' } },
  { environment: 'production-jp', kind: 'environment', lock: { lockId: 'golden-week-freeze' } },
  { environment: 'staging', kind: 'application', application: 'web', lock: { lockId: 'visual-regression' } },
  { environment: 'staging', kind: 'team', team: 'payments', lock: { lockId: 'acquirer-load-test' } },
]
const [returns, productionWeb, production, stagingWeb, payments] = shop

describe('the locks', () => {
  it('are all there, sorted, with all about them', async () => {
    const { send, head } = await createTestServer()
    const answer = await send(`GET ${url}`)
    expect(answer).toMatchObject({
      status: 200,
      hasCommitted: false,
      headers: {
        'content-type': 'application/json; charset=utf-8',
        'cache-control': 'private, no-cache',
        vary: 'Accept, Authorization',
      },
      json: { locks: shop, commit: await head() },
    })
    expect((answer.json as { locks: unknown[] }).locks[2]).toEqual({
      kind: 'environment',
      environment: 'production-jp',
      lock: {
        lockId: 'golden-week-freeze',
        message: 'No deployments during Golden Week (29 April to 6 May)',
        createdAt: '2026-04-28T06:00:00Z',
        createdBy: { name: 'Release Manager', email: 'release-manager@example.com' },
      },
    })
  })

  it.each([
    ['kind=environment', [production]],
    ['kind=application', [returns, productionWeb, stagingWeb]],
    ['kind=team', [payments]],
    ['environment=staging', [stagingWeb, payments]],
    ['team=storefront', [productionWeb, stagingWeb]],
    ['team=payments&kind=team', [payments]],
    ['author=MANAGER%40', [production]],
    ['olderThan=52000w', []],
  ])('can be asked for by %s', async (query, locks) => {
    const { send } = await createTestServer()
    const { json } = await send(`GET ${url}?${query}`)
    expect((json as { locks?: unknown[] }).locks ?? []).toMatchObject(locks)
    expect(json).not.toHaveProperty('warnings')
  })

  it('can be asked for by age', async () => {
    const createdAt = new Date('2026-05-01T08:00:00Z').getTime()
    let now = new Date(createdAt + 72 * 3_600_000)
    const { send } = await createTestServer({
      options: { clock: () => now },
      files: [...environmentLock('staging', 'freeze')],
    })
    expect((await send(`GET ${url}?olderThan=3d`)).json).not.toHaveProperty('locks')
    now = new Date(now.getTime() + 1)
    expect((await send(`GET ${url}?olderThan=72h`)).json).toMatchObject({ locks: [{ lock: { lockId: 'freeze' } }] })
  })

  it('are the same in protobuf, read with the published proto alone', async () => {
    const { send } = await createTestServer()
    const type = publishedRoot.lookupType('signalbox.v1.ListLocksResponse')
    const binary = await send(`GET ${url}`, { headers: { accept: 'application/x-protobuf' } })
    expect(binary.headers['content-type']).toBe('application/x-protobuf')
    expect(JSON.parse(protojson.toJsonString(type, type.decode(binary.bytes)))).toEqual((await send(`GET ${url}`)).json)
  })

  it('are 304 while nothing has changed, not even by time alone', async () => {
    let now = testTime
    const { send } = await createTestServer({ options: { clock: () => now } })
    const ask = async () => {
      const etag = (await send(`GET ${url}`)).headers['etag'] ?? ''
      return { 'if-none-match': etag }
    }
    const first = await ask()
    expect(await send(`GET ${url}`, { headers: first })).toMatchObject({ status: 304, text: '' })
    await send('PUT /environments/staging/locks/freeze', { body: { message: 'x', lifetime: '1h' } })
    expect(await send(`GET ${url}`, { headers: first })).toMatchObject({ status: 200 })
    const second = await ask()
    now = new Date(testTime.getTime() + 3_600_000)
    expect(await send(`GET ${url}`, { headers: second })).toMatchObject({
      status: 200,
      text: expect.stringContaining('"ended":true'),
    })
  })

  itAnswers([
    {
      name: 'are none in a repository without a commit',
      request: `GET ${url}`,
      files: [],
      expected: { status: 200, text: '{}' },
    },
    {
      name: 'are listed where they can be read, with a warning for each place where they cannot',
      request: `GET ${url}`,
      changes: [
        file('environments/production-jp/locks/broken/expires_at', 'tomorrow'),
        file('environments/staging/applications/web/locks/old', 'a file'),
      ],
      expected: {
        status: 200,
        json: {
          locks: [returns, productionWeb, payments],
          warnings: [
            "environments/production-jp/locks/broken/expires_at is not a time in RFC 3339: 'tomorrow'",
            'environments/staging/applications/web/locks/old must be a directory',
          ],
        },
      },
    },
    {
      name: 'of what does not exist are none, with a word about that',
      request: `GET ${url}?environment=stagign&team=nobody`,
      expected: {
        status: 200,
        json: {
          warnings: ["there is no environment 'stagign'", "no application belongs to team 'nobody'"],
          commit: expect.any(String),
        },
      },
    },
    {
      name: 'are not given for filters that are none, all of which are told',
      request: `GET ${url}?kind=group&olderThan=2&environment=a&environment=b&id=x`,
      expected: aProblem(400, 'INVALID_REQUEST', expect.any(String), [
        ['query.kind', 'must be one of environment, application, team'],
        ['query.environment', 'must be given at most once'],
        ['query.olderThan', 'must be a whole number and h, d or w, such as 2w'],
        ['query.id', 'is unknown here, where only kind, environment, team, author, olderThan is taken'],
      ]),
    },
    {
      name: 'have no text form',
      request: `GET ${url}`,
      headers: { accept: 'text/plain' },
      expected: aProblem(406, 'NOT_ACCEPTABLE', expect.stringContaining('application/x-protobuf')),
    },
    {
      name: 'cannot be put here',
      request: `PUT ${url}`,
      expected: aProblem(405, 'METHOD_NOT_ALLOWED', expect.stringContaining('GET, HEAD, OPTIONS')),
    },
  ])
})
