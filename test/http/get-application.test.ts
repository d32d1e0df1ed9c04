import protojson from 'protobufjs/ext/protojson.js'
import { describe, expect, it } from 'vitest'
import { publishedRoot } from '../protobuf/published-proto.ts'
import { absent, deployment, file, link } from '../support/changes.ts'
import { aProblem, createTestServer, itAnswers } from '../support/test-server.ts'

const url = '/api/applications/cart'

describe('an application', () => {
  itAnswers([
    {
      name: 'has its releases, the newest first, and where each is deployed',
      request: `GET ${url}`,
      expected: {
        status: 200,
        json: {
          name: 'cart',
          team: 'storefront',
          sourceRepoUrl: 'https://git.example.com/storefront/cart',
          releases: [
            {
              version: '5',
              sourceCommitId: 'd93ca688e4286f8bc156627d8f31a640a10bb77b',
              sourceAuthor: 'Storefront Team <storefront@example.com>',
              sourceMessage: 'Merge the guest cart into the account on login (#423)',
              createdAt: '2026-04-27T10:11:35Z',
              prNumber: '423',
              displayVersion: 'v2.8.0',
              deployedIn: ['development'],
            },
            { version: '4', deployedIn: ['production-fr', 'sandbox', 'staging'] },
            { version: '3', deployedIn: ['production-de'] },
            { version: '2', deployedIn: ['production-jp'] },
            { version: '1' },
          ],
          deployments: [
            { environment: 'development', version: '5' },
            { environment: 'production-de', version: '3' },
            { environment: 'production-fr', version: '4' },
            { environment: 'production-jp', version: '2' },
            { environment: 'sandbox', version: '4' },
            { environment: 'staging', version: '4' },
          ],
        },
      },
    },
    {
      name: 'without releases has none',
      request: 'GET /api/applications/search',
      changes: [file('applications/search/team', 'storefront')],
      expected: {
        status: 200,
        text: expect.stringMatching(/^\{"name":"search","team":"storefront","commit":"\w{40}"\}$/),
      },
    },
    {
      name: 'may have the highest version that there is',
      request: 'GET /api/applications/search',
      changes: [file('applications/search/releases/18446744073709551615/display_version', 'last')],
      expected: { status: 200, json: { releases: [{ version: '18446744073709551615', displayVersion: 'last' }] } },
    },
    ...['nothing', '__proto__', 'constructor', 'a%2Fb', '..%2Fcart', 'cart%00', '%F0%9F%9A%82', 'Cart'].map((name) => ({
      name: `called ${name} is not found`,
      request: `GET /api/applications/${name}`,
      expected: aProblem(
        404,
        'UNKNOWN_APPLICATION',
        `there is no application '${decodeURIComponent(name)}'; GET /api/applications lists them`,
      ),
    })),
    {
      name: 'takes no parameters',
      request: `GET ${url}?version=5`,
      expected: aProblem(400, 'INVALID_REQUEST', 'query.version is unknown here, where nothing is taken'),
    },
    {
      name: 'has no text form',
      request: `GET ${url}`,
      headers: { accept: 'text/plain' },
      expected: aProblem(406, 'NOT_ACCEPTABLE', expect.any(String)),
    },
  ])

  it('is the same in protobuf, read with the published proto alone', async () => {
    const { send } = await createTestServer()
    const type = publishedRoot.lookupType('signalbox.v1.Application')
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
})

describe('an application with a broken piece', () => {
  itAnswers([
    {
      name: 'tells of the release that cannot be read and shows the others',
      request: `GET ${url}`,
      changes: [file('applications/cart/releases/4/created_at', 'yesterday')],
      expected: {
        status: 200,
        json: {
          releases: [
            { version: '5', displayVersion: 'v2.8.0' },
            { version: '4', unreadable: expect.stringContaining('created_at') as string },
            { version: '3' },
            { version: '2' },
            { version: '1' },
          ],
        },
      },
    },
    {
      name: 'tells of the environment whose link leads nowhere',
      request: `GET ${url}`,
      changes: [link('environments/staging/applications/cart/version', '../../../../applications/cart/releases/77')],
      expected: {
        status: 200,
        json: { unreadable: [expect.stringMatching(/'cart' in environment 'staging' names release 77/)] },
      },
    },
    {
      name: 'is shown with nothing but the reason when it cannot be read at all',
      request: `GET ${url}`,
      changes: [absent('applications/cart/releases'), file('applications/cart/releases', 'a file')],
      expected: {
        status: 200,
        json: { name: 'cart', unreadable: [expect.stringContaining('applications/cart/releases')] },
      },
    },
  ])
})
