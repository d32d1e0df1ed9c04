import { describe, expect, it } from 'vitest'
import { fromBinary } from '../../src/protobuf/messages.ts'
import { historyMessageType } from '../../src/protobuf/to-history-message.ts'
import { absent, deployment, file } from '../support/changes.ts'
import type { RequestCase } from '../support/test-server.ts'
import { aProblem, createTestServer, itAnswers } from '../support/test-server.ts'

const url = '/api/environments/staging/applications/cart/history'

describe('the history of a deployment', () => {
  it('says who did it, when, with which train, and what somebody else did', async () => {
    const { send, commit, head } = await createTestServer()
    const first = await head()
    const train = await send('PUT /api/environments/staging/releasetrain?team=storefront', {
      headers: { 'x-request-id': 'request-1' },
    })
    expect(train.hasCommitted).toBe(true)
    const foreign = await commit(deployment('staging', 'cart', 2))
    const removed = await commit(absent('environments/staging/applications/cart'), file('README', 'x'))
    await commit(deployment('staging', 'web', 1))
    expect((await send(`GET ${url}`)).json).toEqual({
      environment: 'staging',
      application: 'cart',
      events: [
        {
          fromVersion: '2',
          at: '2026-05-04T09:30:00Z',
          by: { name: 'Committer', email: 'committer@example.com' },
          commit: removed,
          subject: 'By somebody else',
        },
        {
          version: '2',
          fromVersion: '5',
          at: '2026-05-04T09:30:00Z',
          by: { name: 'Committer', email: 'committer@example.com' },
          commit: foreign,
          subject: 'By somebody else',
        },
        {
          version: '5',
          fromVersion: '4',
          at: '2026-05-04T09:30:00Z',
          by: { name: 'Test Author', email: 'deployer@example.com' },
          commit: train.headAfter,
          command: 'release-train',
          trainTarget: 'environment staging',
          trainTeam: 'storefront',
          requestId: 'request-1',
          subject: expect.stringMatching(/^Release train to staging/) as string,
        },
        {
          version: '4',
          at: '2026-05-04T09:30:00Z',
          by: { name: 'Signalbox', email: 'signalbox@localhost' },
          commit: first,
          subject: 'Begin the manifest repository',
        },
      ],
    })
  })

  it('comes in pages that stay the same while more happens', async () => {
    const { send, commit } = await createTestServer()
    for (const version of [1, 2, 3]) await commit(deployment('staging', 'cart', version))
    const { json, headers } = await send(`GET ${url}?pageSize=2`)
    expect(json).toMatchObject({ events: [{ version: '3' }, { version: '2' }] })
    const { nextPageToken } = json as { readonly nextPageToken: string }
    await commit(deployment('staging', 'cart', 5))
    const next = await send(`GET ${url}?pageSize=2&pageToken=${nextPageToken}`)
    expect(next.json).toMatchObject({ events: [{ version: '1' }, { version: '4' }] })
    expect(next.json).not.toHaveProperty('nextPageToken')
    const again = await send(`GET ${url}?pageSize=2`, { headers: { 'if-none-match': headers['etag'] ?? '' } })
    expect(again).toMatchObject({ status: 200, json: { events: [{ version: '5' }, { version: '3' }] } })
  })

  it('can be had in binary, and is 304 while it is the same', async () => {
    const { send } = await createTestServer()
    const { bytes, headers } = await send(`GET ${url}`, { headers: { accept: 'application/x-protobuf' } })
    const { events } = fromBinary(historyMessageType, bytes)
    expect(events.map(({ version }) => version?.toString())).toEqual(['4'])
    const same = { accept: 'application/x-protobuf', 'if-none-match': headers['etag'] ?? '' }
    expect(await send(`GET ${url}`, { headers: same })).toMatchObject({ status: 304 })
  })

  it('is 400 for a page token that is another object', async () => {
    const { send, repository } = await createTestServer()
    repository.reads = []
    await send('GET /api/environments/staging')
    const [commit, tree] = repository.reads
    expect(await send(`GET ${url}?pageToken=${commit}`)).toMatchObject({ status: 200 })
    expect(await send(`GET ${url}?pageToken=${tree}`)).toMatchObject(
      aProblem(400, 'INVALID_REQUEST', 'query.pageToken must be the nextPageToken of an earlier answer', [
        ['query.pageToken', 'must be the nextPageToken of an earlier answer'],
      ]),
    )
  })

  itAnswers([
    {
      name: 'is empty for an application that was never deployed there',
      request: 'GET /api/environments/staging/applications/nothing%2Fat%2Fall/history',
      expected: { status: 200, text: '{"environment":"staging","application":"nothing/at/all"}' },
    },
    {
      name: 'is 404 for an environment that does not exist',
      request: 'GET /api/environments/nowhere/applications/cart/history',
      expected: aProblem(404, 'UNKNOWN_ENVIRONMENT', expect.stringContaining("'nowhere'")),
    },
    {
      name: 'is 404 while the repository is empty',
      request: `GET ${url}`,
      files: [],
      expected: aProblem(404, 'UNKNOWN_ENVIRONMENT', expect.stringContaining("'staging'")),
    },
    ...['0', '101', '1.5', '-1', ''].map((size): RequestCase => ({
      name: `is 400 for a page of ${size}`,
      request: `GET ${url}?pageSize=${size}`,
      expected: aProblem(400, 'INVALID_REQUEST', 'query.pageSize must be a whole number from 1 to 100'),
    })),
    ...['main', '0'.repeat(40), 'A'.repeat(40)].map((token): RequestCase => ({
      name: `is 400 for the page token ${token}`,
      request: `GET ${url}?pageToken=${token}`,
      expected: aProblem(400, 'INVALID_REQUEST', 'query.pageToken must be the nextPageToken of an earlier answer'),
    })),
  ])
})
