import protojson from 'protobufjs/ext/protojson.js'
import { describe, expect, it } from 'vitest'
import { publishedRoot } from '../protobuf/published-proto.ts'
import { absent, deployment, file } from '../support/changes.ts'
import { aProblem, createTestServer, itAnswers } from '../support/test-server.ts'

const url = '/api/applications'

describe('the applications', () => {
  itAnswers([
    {
      name: 'are all there, sorted, with team, latest version and deployments',
      request: `GET ${url}`,
      expected: {
        status: 200,
        headers: expect.objectContaining({ 'content-type': 'application/json; charset=utf-8' }),
        json: {
          applications: [
            {
              name: 'cart',
              team: 'storefront',
              latestVersion: '5',
              deployments: [
                { environment: 'development', version: '5' },
                { environment: 'production-de', version: '3' },
                { environment: 'production-fr', version: '4' },
                { environment: 'production-jp', version: '2' },
                { environment: 'sandbox', version: '4' },
                { environment: 'staging', version: '4' },
              ],
            },
            { name: 'catalog' },
            { name: 'checkout', team: 'payments' },
            { name: 'inventory', team: 'logistics', latestVersion: '104' },
            { name: 'invoicing' },
            { name: 'returns' },
            { name: 'shipping' },
            { name: 'web' },
          ],
        },
      },
    },
    {
      name: 'are none in a repository without a commit',
      request: `GET ${url}`,
      files: [],
      expected: { status: 200, text: '{}' },
    },
    {
      name: 'have each its own reasons when they cannot be read',
      request: `GET ${url}`,
      changes: [
        absent('applications/cart'),
        file('applications/cart', 'a file'),
        absent('applications/catalog/releases'),
        file('applications/catalog/releases', 'a file'),
      ],
      expected: {
        status: 200,
        json: {
          applications: [
            { name: 'cart', unreadable: [expect.stringContaining('applications/cart')] },
            { name: 'catalog', unreadable: [expect.stringContaining('applications/catalog/releases')] },
            { name: 'checkout', team: 'payments', latestVersion: '4' },
            {},
            {},
            {},
            {},
            {},
          ],
        },
      },
    },
    {
      name: 'take no parameters',
      request: `GET ${url}?team=storefront`,
      expected: aProblem(400, 'INVALID_REQUEST', 'query.team is unknown here, where nothing is taken'),
    },
    {
      name: 'have no text form',
      request: `GET ${url}`,
      headers: { accept: 'text/html' },
      expected: aProblem(406, 'NOT_ACCEPTABLE', expect.any(String)),
    },
  ])

  it('are the same in protobuf, read with the published proto alone', async () => {
    const { send } = await createTestServer()
    const type = publishedRoot.lookupType('signalbox.v1.ListApplicationsResponse')
    const { bytes } = await send(`GET ${url}`, { headers: { accept: 'application/x-protobuf' } })
    expect(JSON.parse(protojson.toJsonString(type, type.decode(bytes)))).toEqual((await send(`GET ${url}`)).json)
  })

  it('are 304 while nothing has changed, in each form by itself', async () => {
    const { send, commit } = await createTestServer()
    const etag = (await send(`GET ${url}`)).headers['etag'] ?? ''
    const headers = { 'if-none-match': etag }
    expect(await send(`GET ${url}`, { headers })).toMatchObject({ status: 304, text: '', headers: { etag } })
    const protobuf = { ...headers, accept: 'application/x-protobuf' }
    expect(await send(`GET ${url}`, { headers: protobuf })).toMatchObject({ status: 200 })
    await commit(deployment('staging', 'cart', 3))
    expect(await send(`GET ${url}`, { headers })).toMatchObject({ status: 200 })
  })
})
