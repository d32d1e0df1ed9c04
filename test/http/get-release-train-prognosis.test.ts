import protojson from 'protobufjs/ext/protojson.js'
import { describe, expect, it } from 'vitest'
import { publishedRoot } from '../protobuf/published-proto.ts'
import { absent, environmentLock, file, link } from '../support/changes.ts'
import { aPrincipal, aProblem, createTestServer, itAnswers } from '../support/test-server.ts'

const staging = '/api/environments/staging/releasetrain/prognosis'
const production = '/api/environment-groups/production/releasetrain/prognosis'
const kuberpult = 'application/vnd.kuberpult+json'

describe('the prognosis of a train to an environment', () => {
  itAnswers([
    {
      name: 'says for each application what travels or why it stays',
      request: `GET ${staging}`,
      expected: {
        status: 200,
        headers: expect.objectContaining({
          'content-type': 'application/json; charset=utf-8',
          'cache-control': 'private, no-cache',
          vary: 'Accept, Authorization',
        }),
        json: {
          target: 'staging',
          envsPrognoses: {
            staging: {
              upstream: 'development',
              appsPrognoses: {
                prognoses: {
                  cart: { deployedVersion: { version: '5' }, fromVersion: '4', team: 'storefront' },
                  catalog: { skipCause: 'APP_ALREADY_IN_UPSTREAM_VERSION' },
                  checkout: { skipCause: 'TEAM_IS_LOCKED', teamLocks: [{ lockId: 'acquirer-load-test' }] },
                  inventory: { deployedVersion: { version: '104' } },
                  invoicing: { skipCause: 'APP_DOES_NOT_EXIST_IN_ENV' },
                  returns: { skipCause: 'APP_HAS_NO_VERSION_IN_UPSTREAM_ENV' },
                  shipping: { deployedVersion: { version: '3' } },
                  web: { skipCause: 'APP_IS_LOCKED', appLocks: [{ lockId: 'visual-regression' }], queuedVersion: '4' },
                },
              },
            },
          },
        },
      },
    },
    {
      name: 'is limited to a team',
      request: `GET ${staging}?team=logistics`,
      expected: {
        status: 200,
        json: expect.toSatisfy(
          ({ team, envsPrognoses }) =>
            team === 'logistics' &&
            Object.keys(envsPrognoses.staging.appsPrognoses.prognoses).join() === 'inventory,returns,shipping',
        ),
      },
    },
    {
      name: 'of a team that nobody is in decides nothing',
      request: `GET ${staging}?team=nobody`,
      expected: { status: 200, json: { envsPrognoses: { staging: { appsPrognoses: {} } } } },
    },
    {
      name: 'takes an empty team as none',
      request: `GET ${staging}?team=`,
      headers: { accept: 'text/plain' },
      expected: { status: 200, text: expect.stringContaining('3 travel, 5 stay') },
    },
    {
      name: 'leaves out what the principal may not deploy, and says so',
      request: `GET ${staging}?team=logistics`,
      principal: aPrincipal({ teams: ['storefront'] }),
      headers: { accept: 'text/plain' },
      expected: { status: 200, text: expect.stringContaining("stays: Keeper is not in team 'logistics'") },
    },
    {
      name: 'is refused to a principal who may not run a train there',
      request: `GET ${staging}`,
      principal: aPrincipal({ denied: ['DeployReleaseTrain staging'] }),
      expected: aProblem(
        403,
        'PERMISSION_DENIED',
        expect.stringContaining(
          "PermissionDenied The user 'Keeper' is not allowed to perform the action 'DeployReleaseTrain' on environment 'staging'",
        ),
      ),
    },
  ])
})

describe('the prognosis as text for a terminal', () => {
  it('is a departure board', async () => {
    const { send } = await createTestServer()
    const answer = await send(`GET ${staging}`, { headers: { accept: 'text/plain' } })
    expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8')
    expect(answer.text).toMatchInlineSnapshot(`
      "staging  from development                     fingerprint dddcbe4b8e64d61ad2ed53f9aa816c8a

        APPLICATION  TEAM        FROM  TO
        cart         storefront     4  5
        catalog      storefront     3  stays: already at version 3
        checkout     payments       3  stays: team payments is locked: acquirer-load-test (Load test with the acquirer until Thursday.); version 4 waits
        inventory    logistics    101  104
        invoicing    payments       2  stays: version 3 has no manifest for this environment
        returns      logistics      -  stays: nothing is deployed upstream
        shipping     logistics      2  3
        web          storefront     3  stays: the application is locked: visual-regression (v3.2.0 breaks the product grid on tablets, staging stays at v3.1.0 until #683 is in); version 4 waits

      3 travel, 5 stay
      "
    `)
  })

  it('of a group has a block for each environment', async () => {
    const { send } = await createTestServer()
    const answer = await send(`GET ${production}`, { headers: { accept: 'text/plain' } })
    expect(answer.text).toMatchInlineSnapshot(`
      "production  3 environments                    fingerprint b64a8f2cf35e576941e5cc88407aa75e

      production-de  from staging

        APPLICATION  TEAM        FROM  TO
        cart         storefront     3  4
        catalog      storefront     3  stays: already at version 3
        checkout     payments       3  stays: already at version 3
        inventory    logistics     99  101
        invoicing    payments       1  2
        returns      logistics      -  stays: nothing is deployed upstream
        shipping     logistics      2  stays: already at version 2
        web          storefront     2  3

      production-fr  from staging

        APPLICATION  TEAM        FROM  TO
        cart         storefront     4  stays: already at version 4
        catalog      storefront     2  3
        checkout     payments       2  3
        inventory    logistics     99  101
        invoicing    payments       -  2
        returns      logistics      -  stays: nothing is deployed upstream
        shipping     logistics      2  stays: already at version 2
        web          storefront     2  stays: the application is locked: cookie-banner-review (The new cookie banner needs the approval of the legal department); version 3 waits

      production-jp  from staging  skipped: the environment is locked: golden-week-freeze (No deployments during Golden Week (29 April to 6 May))

      8 travel, 8 stay, 1 environment skipped
      "
    `)
  })

  it('can be had as Markdown', async () => {
    const { send } = await createTestServer()
    const answer = await send(`GET ${staging}`, { headers: { accept: 'text/markdown' } })
    expect(answer.headers['content-type']).toBe('text/markdown; charset=utf-8')
    expect(answer.text).toContain('| cart | storefront | 4 | 5 |')
  })
})

describe('the prognosis in protobuf', () => {
  it.each([staging, production])('%s, read with the published proto alone, is the one in JSON', async (url) => {
    const { send } = await createTestServer()
    const type = publishedRoot.lookupType('api.v1.GetReleaseTrainPrognosisResponse')
    const binary = await send(`GET ${url}`, { headers: { accept: 'application/x-protobuf' } })
    const json = await send(`GET ${url}`)
    expect(binary.headers['content-type']).toBe('application/x-protobuf')
    expect(JSON.parse(protojson.toJsonString(type, type.decode(binary.bytes)))).toEqual(json.json)
  })
})

describe("the prognosis in Kuberpult's JSON", () => {
  const skipped = { storefront: { Outcome: { SkipCause: 1 } } }

  it('has no words of ours, and versions as objects', async () => {
    const { send } = await createTestServer()
    const { headers, json } = await send(`GET ${staging}?team=storefront`, { headers: { accept: kuberpult } })
    expect(headers['content-type']).toMatch(/^application\/vnd\.kuberpult\+json(; charset=utf-8)?$/)
    expect(json).toEqual({
      staging: {
        Outcome: {
          AppsPrognoses: {
            prognoses: {
              cart: { Outcome: { DeployedVersion: { version: 5 } } },
              catalog: skipped.storefront,
              web: {
                Outcome: { SkipCause: 2 },
                appLocks: [
                  {
                    message: 'v3.2.0 breaks the product grid on tablets, staging stays at v3.1.0 until #683 is in',
                    lock_id: 'visual-regression',
                    created_at: { seconds: 1776848119 },
                    created_by: { name: 'Storefront Team', email: 'storefront@example.com' },
                  },
                ],
              },
            },
          },
        },
      },
    })
  })

  it('has versions as numbers, and no locks, when asked so', async () => {
    const { send } = await createTestServer()
    const accept = `${kuberpult};deployed-version=number`
    const { headers, json } = await send(`GET ${staging}?team=storefront`, { headers: { accept } })
    expect(headers['content-type']).toMatch(/^application\/vnd\.kuberpult\+json; ?deployed-version="?number"?(;|$)/)
    expect(json).toEqual({
      staging: {
        Outcome: {
          AppsPrognoses: {
            prognoses: {
              cart: { Outcome: { DeployedVersion: 5 } },
              catalog: skipped.storefront,
              web: { Outcome: { SkipCause: 2 } },
            },
          },
        },
      },
    })
  })

  it.each([
    ['without Accept', {}, true],
    ['for any type', { accept: '*/*' }, true],
    ['but not where JSON is named', { accept: 'application/json' }, false],
  ])('is the default where the server is told so: %s', async (_when, headers, isKuberpult) => {
    const { send } = await createTestServer({ options: { json: 'kuberpult' } })
    const { json } = await send(`GET ${staging}`, { headers })
    expect(Object.keys(json as object).includes('staging')).toBe(isKuberpult)
    expect(Object.keys(json as object).includes('envsPrognoses')).toBe(!isKuberpult)
  })
})

describe('the prognosis of a train to a group', () => {
  itAnswers([
    {
      name: 'decides each of its environments',
      request: `GET ${production}`,
      expected: {
        status: 200,
        json: {
          target: 'production',
          envsPrognoses: {
            'production-de': { appsPrognoses: { prognoses: { cart: { deployedVersion: { version: '4' } } } } },
            'production-fr': { appsPrognoses: { prognoses: { web: { skipCause: 'APP_IS_LOCKED' } } } },
            'production-jp': { skipCause: 'ENV_IS_LOCKED', envLocks: { 'golden-week-freeze': {} } },
          },
        },
      },
    },
    {
      name: 'is refused when one environment may not be reached',
      request: `GET ${production}`,
      principal: aPrincipal({ denied: ['DeployReleaseTrain production-fr'] }),
      expected: aProblem(403, 'PERMISSION_DENIED', expect.stringContaining("'production-fr'")),
    },
  ])
})

describe('a prognosis that cannot be made', () => {
  const at = (environment: string) => `GET /api/environments/${environment}/releasetrain/prognosis`
  const unknown = (name: string) => `error: could not find environment group or environment configs for '${name}'`

  itAnswers([
    {
      name: 'of an unknown environment',
      request: at('nowhere'),
      expected: aProblem(400, 'UNKNOWN_TARGET', unknown('nowhere')),
    },
    {
      name: 'of an unknown group',
      request: 'GET /api/environment-groups/nowhere/releasetrain/prognosis',
      expected: aProblem(400, 'UNKNOWN_TARGET', expect.stringContaining("'nowhere'")),
    },
    {
      name: 'of an environment that is asked for as a group',
      request: 'GET /api/environment-groups/production-de/releasetrain/prognosis',
      expected: aProblem(400, 'UNKNOWN_TARGET', expect.stringContaining("'production-de'")),
    },
    {
      name: 'of a property that every object has',
      request: at('constructor'),
      expected: aProblem(400, 'UNKNOWN_TARGET', unknown('constructor')),
    },
    ...['__proto__', 'a%2Fb', '%00', 'Staging', 'a--b', '%F0%9F%9A%82', 'a'.repeat(21), '%20'].map((name) => ({
      name: `of an impossible name: ${name}`,
      request: at(name),
      expected: aProblem(400, 'INVALID_NAME', expect.stringContaining('invalid environment')),
    })),
    ...['No+Team', '%zz', '%00', 'a/b', '__proto__', 'a'.repeat(63)].map((team) => ({
      name: `for an impossible team: ${team}`,
      request: `${at('staging')}?team=${team}`,
      expected: aProblem(400, 'INVALID_NAME', expect.stringContaining('invalid Team name')),
    })),
    {
      name: 'of a repository without a commit',
      request: at('staging'),
      files: [],
      expected: aProblem(400, 'UNKNOWN_TARGET', unknown('staging')),
    },
  ])
})

describe('the prognosis as a conditional request', () => {
  it('has an ETag of fingerprint and representation', async () => {
    const { send } = await createTestServer()
    const { headers, json } = await send(`GET ${staging}`)
    const { fingerprint } = json as { readonly fingerprint: string }
    expect(headers['etag']).toMatch(new RegExp(`^"${fingerprint}\\.[0-9a-f]{16}"$`))
  })

  it.each(['application/json', 'application/x-protobuf', 'text/plain', 'text/markdown', kuberpult])(
    'is 304 with an empty body when it is still the same %s',
    async (accept) => {
      const { send } = await createTestServer()
      const etag = (await send(`GET ${staging}`, { headers: { accept } })).headers['etag'] ?? ''
      const again = await send(`GET ${staging}`, { headers: { accept, 'if-none-match': `"other", W/${etag}` } })
      expect(again).toMatchObject({ status: 304, text: '', headers: { etag, 'cache-control': 'private, no-cache' } })
      expect(again.headers).not.toHaveProperty('content-type')
    },
  )

  it('is answered in full when another form of it is known', async () => {
    const { send } = await createTestServer()
    const etag = (await send(`GET ${staging}`)).headers['etag'] ?? ''
    const headers = { accept: 'text/plain', 'if-none-match': etag }
    expect(await send(`GET ${staging}`, { headers })).toMatchObject({ status: 200 })
  })

  it('is answered in full, with another ETag, when a lock has changed it', async () => {
    const { send, commit } = await createTestServer()
    const etag = (await send(`GET ${staging}`)).headers['etag'] ?? ''
    await commit(...environmentLock('staging', 'stop'))
    const again = await send(`GET ${staging}`, { headers: { 'if-none-match': etag } })
    expect(again).toMatchObject({ status: 200, json: { envsPrognoses: { staging: { skipCause: 'ENV_IS_LOCKED' } } } })
    expect(again.headers['etag']).not.toBe(etag)
  })

  it('is 304 for any known one', async () => {
    const { send } = await createTestServer()
    expect(await send(`GET ${staging}`, { headers: { 'if-none-match': '*' } })).toMatchObject({ status: 304 })
  })

  it('is refused rather than 304 when the request is wrong', async () => {
    const { send } = await createTestServer()
    const headers = { 'if-none-match': '*' }
    expect(await send(`GET ${staging}?tema=storefront`, { headers })).toMatchObject({ status: 400 })
    expect(await send(`GET ${staging}`, { headers: { ...headers, accept: 'image/png' } })).toMatchObject({
      status: 406,
    })
  })

  it('answers HEAD with the same headers and no body', async () => {
    const { send } = await createTestServer()
    const get = await send(`GET ${staging}`)
    const head = await send(`HEAD ${staging}`)
    expect(head).toMatchObject({ status: 200, text: '' })
    for (const name of ['etag', 'content-type', 'content-length', 'cache-control', 'vary']) {
      expect(head.headers[name]).toBe(get.headers[name])
    }
    const headers = { 'if-none-match': get.headers['etag'] ?? '' }
    expect(await send(`HEAD ${staging}`, { headers })).toMatchObject({ status: 304 })
  })
})

describe('the prognosis of a repository with a broken piece', () => {
  it.each([
    [
      'the config of one environment',
      [file('environments/production-fr/config.json', '{"upstream":')],
      'production-fr',
    ],
    ['the locks of one environment', [file('environments/production-de/locks', 'no directory')], 'production-de'],
  ])('tells of it and decides everything else: %s', async (_what, changes, broken) => {
    const { send } = await createTestServer({ changes: [absent('environments/production-jp/locks'), ...changes] })
    const whole = await createTestServer({ changes: [absent('environments/production-jp/locks')] })
    // By its name, since an environment whose config is unreadable is in no group.
    const own = `GET /api/environments/${broken}/releasetrain/prognosis`
    expect((await send(own)).json).toMatchObject({
      envsPrognoses: {
        [broken]: { skipCause: 'ENV_UNREADABLE', reason: expect.stringMatching(/^unreadable: .*\S{3}/) },
      },
    })
    for (const other of ['production-jp', 'production-fr', 'production-de', 'staging']) {
      if (other === broken) continue
      const request = `GET /api/environments/${other}/releasetrain/prognosis`
      const { envsPrognoses } = (await send(request)).json as { envsPrognoses: unknown }
      expect((await whole.send(request)).json).toMatchObject({ envsPrognoses })
    }
  })

  it('warns when an environment may belong to the group', async () => {
    const { send } = await createTestServer({ changes: [file('environments/production-fr/config.json', '{')] })
    const { json } = await send(`GET ${production}`)
    expect(json).toMatchObject({
      warnings: [expect.stringContaining("the group of environment 'production-fr' cannot be known: ")],
    })
    expect(Object.keys((json as { envsPrognoses: object }).envsPrognoses)).toEqual(['production-de', 'production-jp'])
  })

  it('leaves an application with a dangling link where it is, and no other', async () => {
    const dangling = link('environments/staging/applications/cart/version', '../../../../applications/cart/releases/77')
    const { send } = await createTestServer({ changes: [dangling] })
    expect(await send(`GET ${staging}`)).toMatchObject({
      status: 200,
      json: {
        envsPrognoses: {
          staging: {
            appsPrognoses: {
              prognoses: {
                cart: { skipCause: 'APP_UNREADABLE', reason: expect.stringContaining('release 77') },
                inventory: { deployedVersion: { version: '104' } },
              },
            },
          },
        },
      },
    })
  })
})
