import protojson from 'protobufjs/ext/protojson.js'
import { describe, expect, it } from 'vitest'
import { actions } from '../../src/core/principal.ts'
import { parseCommit } from '../../src/manifest-store/git/commit.ts'
import { publishedRoot } from '../protobuf/published-proto.ts'
import { absent, environmentLock, file, link } from '../support/changes.ts'
import type { Answer, TestServer } from '../support/test-server.ts'
import { aPrincipal, aProblem, createTestServer, itAnswers } from '../support/test-server.ts'
import { aCaller, aTokenAdmission, bearer } from '../support/token-admission.ts'

const staging = '/api/environments/staging/releasetrain'
const production = '/api/environment-groups/production/releasetrain'
const kuberpult = 'application/vnd.kuberpult+json'

async function messageOfHead({ repository, head }: TestServer): Promise<string> {
  return parseCommit((await repository.read((await head()) ?? '')).data).message
}

function fingerprintOf({ json }: Answer): string {
  return (json as { readonly fingerprint: string }).fingerprint
}

describe('a release train', () => {
  it('answers what it did, and the commit that it made', async () => {
    const { send, head } = await createTestServer()
    const answer = await send(`PUT ${staging}`)
    expect(answer).toMatchObject({
      status: 200,
      hasCommitted: true,
      headers: { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' },
      json: {
        target: 'staging',
        commit: await head(),
        environments: {
          staging: {
            upstream: 'development',
            appsPrognoses: {
              prognoses: {
                cart: { fromVersion: '4', deployedVersion: { version: '5' } },
                checkout: { skipCause: 'TEAM_IS_LOCKED', queuedVersion: '4' },
              },
            },
          },
        },
      },
    })
  })

  it.each([staging, `${staging}?team=logistics`, production, '/environments/development/releasetrain'])(
    'does what its prognosis says, application by application: %s',
    async (url) => {
      const { send } = await createTestServer()
      const [path = '', query = ''] = url.split('?')
      const prognosis = await send(`GET ${path}/prognosis?${query}`)
      const train = await send(`PUT ${url}`)
      const { envsPrognoses, target, team, fingerprint } = prognosis.json as Record<string, unknown>
      expect(train).toMatchObject({ status: 200, json: { target, fingerprint } })
      expect(train.json).toMatchObject(team === undefined ? {} : { team })
      expect((train.json as { environments: unknown }).environments).toEqual(envsPrognoses)
    },
  )

  it('has deployed what it says, and nothing else', async () => {
    const { send } = await createTestServer()
    const deployments = async () => {
      const { applications } = (await send('GET /api/environments/staging')).json as {
        applications: { name: string; version?: string; queuedVersion?: string }[]
      }
      return applications.map(({ name, version, queuedVersion }) => [name, version, queuedVersion].join(' ').trim())
    }
    expect(await deployments()).toEqual([
      'cart 4',
      'catalog 3',
      'checkout 3',
      'inventory 101',
      'invoicing 2',
      'shipping 2',
      'web 3 4',
    ])
    await send(`PUT ${staging}`)
    expect(await deployments()).toEqual([
      'cart 5',
      'catalog 3',
      'checkout 3 4',
      'inventory 104',
      'invoicing 2',
      'shipping 3',
      'web 3 4',
    ])
  })

  it('goes to all environments of a group in one commit', async () => {
    const server = await createTestServer()
    const before = await server.head()
    const { json } = await server.send(`PUT ${production}`)
    expect(Object.keys((json as { environments: object }).environments)).toHaveLength(3)
    const head = await server.head()
    expect(parseCommit((await server.repository.read(head ?? '')).data).parents).toEqual([before])
  })

  it('makes no commit when it finds nothing to do', async () => {
    const { send } = await createTestServer()
    await send(`PUT ${staging}`)
    const again = await send(`PUT ${staging}`)
    expect(again).toMatchObject({ status: 200, hasCommitted: false })
    expect(again.json).not.toHaveProperty('commit')
  })

  it('stands in the commit with who asked, the request and the pipeline', async () => {
    const server = await createTestServer()
    const headers = { 'x-request-id': 'pipeline-4711' }
    const ciLink = 'https://ci.example.com/runs/4711?x=1'
    expect(await server.send(`PUT ${staging}?team=storefront`, { headers, body: { ciLink } })).toMatchObject({
      status: 200,
      headers: { 'x-request-id': 'pipeline-4711' },
    })
    const message = await messageOfHead(server)
    expect(message).toContain(`Started by:\n  ${ciLink}\n`)
    expect(message).toContain(
      [
        'Signalbox-Command: release-train',
        'Signalbox-Target: environment staging',
        'Signalbox-Team: storefront',
        'Signalbox-Principal: Test Author <deployer@example.com>',
        'Signalbox-Request: pipeline-4711',
      ].join('\n'),
    )
  })

  it("is what its own principal's prognosis says, and no other's", async () => {
    const everyone = aCaller('keeper', actions)
    const isInTeam = (team: string | undefined) => team === 'logistics'
    const few = { ...aCaller('driver', actions), principal: { ...everyone.principal, isInTeam } }
    const { send } = await createTestServer({ options: { admission: aTokenAdmission({ everyone, few }) } })
    const ask = (method: string, who: string, match?: string) =>
      send(`${method} ${staging}${method === 'GET' ? '/prognosis' : ''}`, {
        headers: { ...bearer(who), ...(match !== undefined && { 'if-match': `"${match}"` }) },
      })
    const [forAll, forFew] = [await ask('GET', 'everyone'), await ask('GET', 'few')]
    expect(forFew.json).toMatchObject({
      envsPrognoses: {
        staging: {
          appsPrognoses: {
            prognoses: { cart: { skipCause: 'NO_TEAM_PERMISSION' }, inventory: { deployedVersion: {} } },
          },
        },
      },
    })
    expect(fingerprintOf(forAll)).not.toBe(fingerprintOf(forFew))
    expect(await ask('PUT', 'few', fingerprintOf(forAll))).toMatchObject({ status: 412, hasCommitted: false })
    const train = await ask('PUT', 'few', fingerprintOf(forFew))
    expect(train).toMatchObject({ status: 200, hasCommitted: true })
    expect((train.json as { environments: object }).environments).toEqual(
      (forFew.json as { envsPrognoses: object }).envsPrognoses,
    )
  })

  it('leaves behind what the principal may not deploy', async () => {
    const { send } = await createTestServer({ principal: aPrincipal({ teams: ['logistics'] }) })
    const { json } = await send(`PUT ${staging}`)
    expect(json).toMatchObject({
      environments: {
        staging: {
          appsPrognoses: {
            prognoses: {
              cart: { skipCause: 'NO_TEAM_PERMISSION', reason: "Keeper is not in team 'storefront'" },
              inventory: { deployedVersion: { version: '104' } },
            },
          },
        },
      },
    })
  })
})

describe('the answer of a train', () => {
  it.each([
    ['text/plain', /^text\/plain; charset=utf-8$/, /^staging {2}from development +commit [0-9a-f]{40}\n[^]*3 deployed/],
    [
      'text/markdown',
      /^text\/markdown; charset=utf-8$/,
      /^### Release train: staging[^]*\| cart \| storefront \| 4 \| 5 \|/,
    ],
    [kuberpult, /^application\/vnd\.kuberpult\+json/, /^\{"target":"staging"\}$/],
    [`${kuberpult};deployed-version=number`, /^application\/vnd\.kuberpult\+json/, /^\{"target":"staging"\}$/],
  ])('can be had as %s', async (accept, contentType, text) => {
    const { send } = await createTestServer()
    const answer = await send(`PUT ${staging}`, { headers: { accept } })
    expect(answer).toMatchObject({ status: 200, hasCommitted: true })
    expect(answer.headers['content-type']).toMatch(contentType)
    expect(answer.text).toMatch(text)
  })

  it('in protobuf, read with the published proto alone, is the one in JSON', async () => {
    const [one, other] = [await createTestServer(), await createTestServer()]
    const type = publishedRoot.lookupType('api.v1.ReleaseTrainResponse')
    // Under one id both make the same commit.
    const headers = { 'x-request-id': 'one' }
    const binary = await one.send(`PUT ${staging}`, { headers: { ...headers, accept: 'application/x-protobuf' } })
    const json = await other.send(`PUT ${staging}`, { headers })
    expect(binary.headers['content-type']).toBe('application/x-protobuf')
    expect(JSON.parse(protojson.toJsonString(type, type.decode(binary.bytes)))).toEqual(json.json)
  })

  it.each([
    ['without Accept', {}, { target: 'staging', team: 'logistics' }],
    ['for any type', { accept: '*/*' }, { target: 'staging', team: 'logistics' }],
    ['but not where JSON is named', { accept: 'application/json' }, expect.objectContaining({ environments: {} })],
  ])("is Kuberpult's where the server is told so: %s", async (_when, headers, expected) => {
    const { send } = await createTestServer({
      options: { json: 'kuberpult' },
      changes: [absent('environments/staging/applications')],
    })
    const answer = await send(`PUT ${staging}?team=logistics`, { headers })
    const { environments, ...others } = answer.json as Record<string, unknown>
    expect(environments === undefined ? others : { ...others, environments: {} }).toEqual(expected)
  })
})

describe('a train with If-Match', () => {
  it.each([
    ['the exact ETag of the prognosis', (etag: string) => etag],
    ['a weak one', (etag: string) => `W/${etag}`],
    ['one whose quotes were forgotten', (etag: string) => etag.replaceAll('"', '')],
    ['the fingerprint alone', (etag: string) => `"${etag.slice(1, 33)}"`],
    ['a list that has it', (etag: string) => `"0123.4567", W/"89ab.cdef",${etag}`],
    ['any', () => '*'],
  ])('runs with %s', async (_what, toHeader) => {
    const { send } = await createTestServer()
    const { headers } = await send(`GET ${staging}/prognosis`, { headers: { accept: 'text/plain' } })
    const ifMatch = toHeader(headers['etag'] ?? '')
    expect(await send(`PUT ${staging}`, { headers: { 'if-match': ifMatch } })).toMatchObject({
      status: 200,
      hasCommitted: true,
    })
  })

  it('is refused when it is sent again, with the current fingerprint and prognosis and without a commit', async () => {
    const { send } = await createTestServer()
    const headers = { 'if-match': (await send(`GET ${staging}/prognosis`)).headers['etag'] ?? '' }
    expect(await send(`PUT ${staging}`, { headers })).toMatchObject({ status: 200, hasCommitted: true })
    const again = await send(`PUT ${staging}`, { headers })
    const current = await send(`GET ${staging}/prognosis`)
    expect(again).toMatchObject(
      aProblem(412, 'PROGNOSIS_CHANGED', 'the prognosis has changed since it was made: nothing was deployed'),
    )
    expect(fingerprintOf(again)).toBe(fingerprintOf(current))
    expect((again.json as { readonly prognosis: unknown }).prognosis).toEqual(current.json)
  })

  it('runs with the fingerprint that the refusal told', async () => {
    const { send, commit } = await createTestServer()
    const stale = { 'if-match': (await send(`GET ${staging}/prognosis`)).headers['etag'] ?? '' }
    await commit(absent('environments/staging/applications/web/locks'))
    const refusal = await send(`PUT ${staging}`, { headers: stale })
    expect(refusal.status).toBe(412)
    const fresh = { 'if-match': `"${fingerprintOf(refusal)}"` }
    expect(await send(`PUT ${staging}`, { headers: fresh })).toMatchObject({ status: 200, hasCommitted: true })
  })

  it('is not disturbed by a commit that does not touch its plan', async () => {
    const { send, commit } = await createTestServer()
    const headers = { 'if-match': (await send(`GET ${staging}/prognosis`)).headers['etag'] ?? '' }
    await commit(...environmentLock('production-de', 'stop'), file('README.md', 'Hello'))
    expect(await send(`PUT ${staging}`, { headers })).toMatchObject({ status: 200, hasCommitted: true })
  })

  it.each([
    ['a prognosis of another environment', 'production-de'],
    ['a prognosis of the same environment for one team', 'staging?team=storefront'],
  ])('is refused with %s', async (_what, other) => {
    const { send } = await createTestServer()
    const [name, query = ''] = other.split('?')
    const { headers } = await send(`GET /api/environments/${name}/releasetrain/prognosis?${query}`)
    const answer = await send(`PUT ${staging}`, { headers: { 'if-match': headers['etag'] ?? '' } })
    expect(answer).toMatchObject({ status: 412, hasCommitted: false })
  })

  it('is refused with an empty one: somebody meant to send something', async () => {
    const { send } = await createTestServer()
    const answer = await send(`PUT ${staging}`, { headers: { 'if-match': '' } })
    expect(answer).toMatchObject({ status: 412, hasCommitted: false })
  })

  it('runs once when it is sent ten times at once', async () => {
    const { send, head, repository } = await createTestServer()
    const before = await head()
    const headers = { 'if-match': (await send(`GET ${staging}/prognosis`)).headers['etag'] ?? '' }
    const answers = await Promise.all(Array.from({ length: 10 }, () => send(`PUT ${staging}`, { headers })))
    expect(answers.map(({ status }) => status).filter((status) => status === 200)).toHaveLength(1)
    expect(answers.map(({ status }) => status).filter((status) => status === 412)).toHaveLength(9)
    expect(parseCommit((await repository.read((await head()) ?? '')).data).parents).toEqual([before])
  })
})

describe('a train that is refused for several reasons', () => {
  const everything = { accept: 'image/png', 'if-match': '"stale"' }
  const principal = aPrincipal({ denied: ['DeployReleaseTrain staging'] })

  itAnswers([
    {
      name: 'is told of the Accept header first',
      request: `PUT ${staging}?tema=x`,
      headers: everything,
      body: '{',
      principal,
      expected: aProblem(406, 'NOT_ACCEPTABLE', expect.any(String)),
    },
    {
      name: 'then of all that is wrong with the request, at once',
      request: `PUT ${staging}?tema=x`,
      headers: { ...everything, accept: '*/*' },
      body: '{"ciLink":',
      principal,
      expected: aProblem(400, 'INVALID_REQUEST', expect.any(String), [
        ['query.tema', 'is unknown here, where only team, gitTag, sourceGitTag is taken'],
        ['body', expect.stringMatching(/^is not JSON: /)],
      ]),
    },
    {
      name: 'then of the permission that is missing',
      request: `PUT ${staging}`,
      headers: { ...everything, accept: '*/*' },
      body: {},
      principal,
      expected: aProblem(
        403,
        'PERMISSION_DENIED',
        expect.stringContaining("'DeployReleaseTrain' on environment 'staging'"),
      ),
    },
    {
      name: 'and of the prognosis last',
      request: `PUT ${staging}`,
      headers: { ...everything, accept: '*/*' },
      expected: aProblem(412, 'PROGNOSIS_CHANGED', expect.any(String)),
    },
    {
      name: 'is told of an invalid name before the permission that is missing',
      request: `PUT ${staging}?team=No+Team`,
      principal,
      expected: aProblem(400, 'INVALID_NAME', expect.stringContaining('invalid Team name')),
    },
  ])
})

describe('a train that is refused', () => {
  const at = (environment: string) => `PUT /api/environments/${environment}/releasetrain`

  itAnswers([
    {
      name: 'to an unknown environment',
      request: at('nowhere'),
      expected: aProblem(
        400,
        'UNKNOWN_TARGET',
        "error: could not find environment group or environment configs for 'nowhere'",
      ),
    },
    {
      name: 'to an unknown group',
      request: 'PUT /api/environment-groups/nowhere/releasetrain',
      expected: aProblem(400, 'UNKNOWN_TARGET', expect.stringContaining("'nowhere'")),
    },
    ...['__proto__', 'a%2Fb', '..%2f..', '%00', 'Staging', '%F0%9F%9A%82'].map((name) => ({
      name: `to an impossible name: ${name}`,
      request: at(name),
      expected: aProblem(400, 'INVALID_NAME', expect.stringContaining('invalid environment')),
    })),
    {
      name: 'when one environment of the group may not be reached',
      request: `PUT ${production}`,
      principal: aPrincipal({ denied: ['DeployReleaseTrain production-jp'] }),
      expected: aProblem(403, 'PERMISSION_DENIED', expect.stringContaining("'production-jp'")),
    },
    ...[
      'nothing',
      '//ci.example.com',
      'javascript:alert(1)',
      'https://ci.example.com\n\nSignalbox-Principal: Else',
      `https://ci.example.com/${'x'.repeat(1000)}`,
    ].map((ciLink) => ({
      name: `with the ciLink ${JSON.stringify(ciLink.slice(0, 40))}`,
      request: `PUT ${staging}`,
      body: { ciLink },
      expected: aProblem(
        404,
        'INVALID_CI_LINK',
        `error: provided CI Link: ${ciLink} is not valid or does not match any of the allowed domain`,
      ),
    })),
    {
      name: 'with a ciLink to a domain that is not allowed',
      request: `PUT ${staging}`,
      body: { ciLink: 'https://ci.example.com.evil.org/' },
      options: { allowedDomains: ['ci.example.com'] },
      expected: aProblem(404, 'INVALID_CI_LINK', expect.any(String)),
    },
    {
      name: 'as of a git tag that does not exist',
      request: `PUT ${staging}?gitTag=v1&sourceGitTag=refs/tags/v0`,
      expected: aProblem(404, 'UNKNOWN_TAG', "there is no git tag 'v0'"),
    },
    {
      name: 'with tags that git would not take',
      request: `PUT ${staging}?gitTag=-v1&sourceGitTag=a..b`,
      expected: aProblem(400, 'INVALID_NAME', 'invalid gitTag; invalid sourceGitTag', [
        ['gitTag', expect.stringMatching(/^"-v1" neither exists nor can/)],
        ['sourceGitTag', expect.stringMatching(/^"a\.\.b" neither exists nor can/)],
      ]),
    },
  ])

  it('runs with a ciLink to a domain that is allowed, and with an empty one', async () => {
    const { send } = await createTestServer({ options: { allowedDomains: ['ci.example.com'] } })
    expect(await send(`PUT ${staging}`, { body: { ciLink: '' } })).toMatchObject({ status: 200 })
    expect(await send(`PUT ${staging}`, { body: { ciLink: 'http://CI.example.com:80/x' } })).toMatchObject({
      status: 200,
    })
  })
})

describe('a train to a repository with a broken piece', () => {
  it('leaves that piece as it is and runs with the rest', async () => {
    const dangling = link('environments/staging/applications/cart/version', '../../../../applications/cart/releases/77')
    const { send } = await createTestServer({
      changes: [
        dangling,
        file('environments/sandbox/config.json', 'no JSON'),
        absent('applications/catalog/releases'),
        file('applications/catalog/releases', ''),
      ],
    })
    expect(await send(`PUT ${staging}`)).toMatchObject({
      status: 200,
      hasCommitted: true,
      json: {
        environments: {
          staging: {
            appsPrognoses: {
              prognoses: {
                cart: { skipCause: 'APP_UNREADABLE' },
                catalog: { skipCause: 'APP_UNREADABLE' },
                inventory: { deployedVersion: { version: '104' } },
              },
            },
          },
        },
      },
    })
  })
})

describe('a train while the repository does not do its part', () => {
  it('is 503 with the time to wait when nothing can be written', async () => {
    const { send, repository } = await createTestServer()
    repository.beforePublish = () => {
      throw new Error('the disk is full')
    }
    const answer = await send(`PUT ${staging}`)
    expect(answer).toMatchObject(
      aProblem(503, 'STORE_UNAVAILABLE', 'the repository could not be written: the disk is full'),
    )
    expect(answer.headers['retry-after']).toBe('5')
  })

  it('is 409 when others move the branch again and again', async () => {
    const { send, repository } = await createTestServer()
    repository.beforePublish = () => 'moved'
    expect(await send(`PUT ${staging}`)).toMatchObject(
      aProblem(409, 'BRANCH_KEEPS_MOVING', expect.stringContaining('Try again')),
    )
  })

  it('is decided again, lock included, when somebody else was faster', async () => {
    const { send, repository, commit } = await createTestServer()
    repository.beforePublish = async () => {
      repository.beforePublish = () => {}
      await commit(...environmentLock('staging', 'stop'))
    }
    const answer = await send(`PUT ${staging}`)
    expect(answer.json).toMatchObject({ environments: { staging: { skipCause: 'ENV_IS_LOCKED' } } })
    expect(answer.json).not.toHaveProperty('commit')
  })
})
