import protojson from 'protobufjs/ext/protojson.js'
import { describe, expect, it } from 'vitest'
import { publishedRoot } from '../protobuf/published-proto.ts'
import { absent, deployment, file, link } from '../support/changes.ts'
import { aProblem, createTestServer, itAnswers } from '../support/test-server.ts'

const url = '/api/environments/staging'

describe('an environment', () => {
  itAnswers([
    {
      name: 'has its upstream, its locks and its applications',
      request: `GET ${url}`,
      expected: {
        status: 200,
        headers: expect.objectContaining({
          'content-type': 'application/json; charset=utf-8',
          'cache-control': 'private, no-cache',
          vary: 'Accept, Authorization',
          etag: expect.stringMatching(/^"[0-9a-f]{16}"$/) as string,
        }),
        json: {
          name: 'staging',
          environmentGroup: 'staging',
          upstream: { environment: 'development' },
          teamLocks: { payments: { locks: { 'acquirer-load-test': { createdAt: '2026-04-27T07:30:00Z' } } } },
          applications: [
            { name: 'cart', team: 'storefront', version: '4' },
            { name: 'catalog', version: '3' },
            { name: 'checkout', version: '3' },
            { name: 'inventory', version: '101' },
            { name: 'invoicing', version: '2' },
            { name: 'shipping', version: '2' },
            { name: 'web', version: '3', queuedVersion: '4', locks: { 'visual-regression': {} } },
          ],
        },
      },
    },
    {
      name: 'without an upstream has none',
      request: 'GET /api/environments/sandbox',
      expected: {
        status: 200,
        json: expect.toSatisfy((environment: object) => !('upstream' in environment)) as object,
      },
    },
    {
      name: 'that does not exist is not found',
      request: 'GET /api/environments/nowhere',
      expected: aProblem(
        404,
        'UNKNOWN_ENVIRONMENT',
        "there is no environment 'nowhere'; GET /api/environment-groups lists them",
      ),
    },
    ...['production', '__proto__', 'constructor', 'a%2Fb', '..%2Fapplications', '%00', '%F0%9F%9A%82', '%20'].map(
      (name) => ({
        name: `called ${name} is not found`,
        request: `GET /api/environments/${name}`,
        expected: aProblem(
          404,
          'UNKNOWN_ENVIRONMENT',
          `there is no environment '${decodeURIComponent(name)}'; GET /api/environment-groups lists them`,
        ),
      }),
    ),
    {
      name: 'whose name is no text cannot be asked for',
      request: 'GET /api/environments/%zz',
      expected: aProblem(400, 'INVALID_REQUEST', 'the URL has a % that does not begin the UTF-8 code of a character'),
    },
    {
      name: 'takes no parameters',
      request: `GET ${url}?team=storefront`,
      expected: aProblem(400, 'INVALID_REQUEST', 'query.team is unknown here, where nothing is taken', [
        ['query.team', 'is unknown here, where nothing is taken'],
      ]),
    },
    {
      name: 'has no text form',
      request: `GET ${url}`,
      headers: { accept: 'text/*' },
      expected: aProblem(406, 'NOT_ACCEPTABLE', expect.any(String)),
    },
  ])

  it('is the same in protobuf, read with the published proto alone', async () => {
    const { send } = await createTestServer()
    const type = publishedRoot.lookupType('signalbox.v1.Environment')
    const { bytes } = await send(`GET ${url}`, { headers: { accept: 'application/x-protobuf' } })
    expect(JSON.parse(protojson.toJsonString(type, type.decode(bytes)))).toEqual((await send(`GET ${url}`)).json)
  })

  it('is 304 while nothing has changed, and 200 afterwards', async () => {
    const { send, commit } = await createTestServer()
    const headers = { 'if-none-match': (await send(`GET ${url}`)).headers['etag'] ?? '' }
    expect(await send(`GET ${url}`, { headers })).toMatchObject({ status: 304, text: '' })
    await commit(deployment('staging', 'cart', 3))
    expect(await send(`GET ${url}`, { headers })).toMatchObject({ status: 200 })
  })

  it('may have any name that a folder can have, and so may what is in it', async () => {
    const hostile = ['__proto__', 'constructor', 'with blank', 'größe 🚂', '.hidden', 'a%2Fb']
    const { send } = await createTestServer({
      files: hostile.flatMap((name) => [
        file(`environments/${name}/config.json`, '{"upstream":{"latest":true}}'),
        file(`environments/${name}/locks/${name}/message`, 'Stop'),
        file(`applications/${name}/team`, name),
        file(`applications/${name}/releases/1/environments/${name}/manifests.yaml`, 'kind: Service\n'),
        ...hostile.map((other) => deployment(name, other, 1)),
      ]),
    })
    for (const name of hostile) {
      const { status, json } = await send(`GET /api/environments/${encodeURIComponent(name)}`)
      const { locks, applications } = json as { locks: object; applications: { name: string; version: string }[] }
      expect(status).toBe(200)
      expect(Object.keys(locks)).toEqual([name])
      expect(applications.map((application) => [application.name, application.version])).toEqual(
        hostile.toSorted().map((other) => [other, '1']),
      )
    }
  })
})

describe('an environment with a broken piece', () => {
  itAnswers([
    {
      name: 'tells of its unreadable config and shows the rest',
      request: `GET ${url}`,
      changes: [file('environments/staging/config.json', '{"upstream":')],
      expected: {
        status: 200,
        json: {
          name: 'staging',
          applications: expect.toSatisfy((applications: unknown[]) => applications.length === 7) as object,
          warnings: [expect.stringMatching(/config\.json.*JSON/)],
        },
      },
    },
    {
      name: 'tells of a link that leads nowhere, at its application alone',
      request: `GET ${url}`,
      changes: [
        link('environments/staging/applications/cart/version', '../../../../applications/cart/releases/77'),
        link('environments/staging/applications/catalog/version', '/etc/passwd'),
      ],
      expected: {
        status: 200,
        json: {
          applications: expect.toSatisfy((applications: { name: string; unreadable?: string[]; version?: string }[]) =>
            applications.every(({ name, unreadable, version }) =>
              ['cart', 'catalog'].includes(name)
                ? unreadable?.length === 1 && version === undefined
                : unreadable === undefined && version !== undefined,
            ),
          ) as object,
        },
      },
    },
    {
      name: 'tells of an application that it has and that does not exist',
      request: `GET ${url}`,
      changes: [absent('applications/web')],
      expected: {
        status: 200,
        json: {
          applications: expect.arrayContaining([
            expect.objectContaining({
              name: 'web',
              unreadable: ["application 'web' does not exist, although environment 'staging' has a version of it"],
            }),
          ]) as object,
        },
      },
    },
    {
      name: 'does not keep the others from being read',
      request: 'GET /api/environments/production-de',
      changes: [absent('environments/staging'), file('environments/staging', 'a file'), file('environments/x', '')],
      expected: { status: 200, json: { name: 'production-de', upstream: { environment: 'staging' } } },
    },
  ])
})
