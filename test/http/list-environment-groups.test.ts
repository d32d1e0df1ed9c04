import protojson from 'protobufjs/ext/protojson.js'
import { describe, expect, it } from 'vitest'
import { publishedRoot } from '../protobuf/published-proto.ts'
import { file } from '../support/changes.ts'
import { aProblem, createTestServer, itAnswers } from '../support/test-server.ts'

const url = '/api/environment-groups'

describe('the environment groups', () => {
  it('are all there, sorted, with their environments and what holds there', async () => {
    const { send, head } = await createTestServer()
    const answer = await send(`GET ${url}`)
    expect(answer).toMatchObject({ status: 200, headers: { 'content-type': 'application/json; charset=utf-8' } })
    expect(answer.json).toEqual({
      environmentGroups: [
        { name: 'development', environments: [{ name: 'development', upstream: { latest: true } }] },
        {
          name: 'production',
          environments: [
            { name: 'production-de', upstream: { environment: 'staging' } },
            { name: 'production-fr', upstream: { environment: 'staging' } },
            {
              name: 'production-jp',
              upstream: { environment: 'staging' },
              locks: {
                'golden-week-freeze': {
                  lockId: 'golden-week-freeze',
                  message: 'No deployments during Golden Week (29 April to 6 May)',
                  createdAt: '2026-04-28T06:00:00Z',
                  createdBy: { name: 'Release Manager', email: 'release-manager@example.com' },
                },
              },
            },
          ],
        },
        { name: 'sandbox', environments: [{ name: 'sandbox' }] },
        { name: 'staging', environments: [{ name: 'staging', upstream: { environment: 'development' } }] },
      ],
      commit: await head(),
    })
  })

  it('are the same in protobuf, read with the published proto alone', async () => {
    const { send } = await createTestServer()
    const type = publishedRoot.lookupType('signalbox.v1.ListEnvironmentGroupsResponse')
    const binary = await send(`GET ${url}`, { headers: { accept: 'application/x-protobuf' } })
    expect(binary.headers['content-type']).toBe('application/x-protobuf')
    expect(JSON.parse(protojson.toJsonString(type, type.decode(binary.bytes)))).toEqual((await send(`GET ${url}`)).json)
  })

  it('are 304 while nothing has changed, and another representation afterwards', async () => {
    const { send, commit } = await createTestServer()
    const headers = { 'if-none-match': (await send(`GET ${url}`)).headers['etag'] ?? '' }
    expect(await send(`GET ${url}`, { headers })).toMatchObject({ status: 304, text: '' })
    await commit(file('environments/sandbox/locks/mine/message', 'Hands off'))
    expect(await send(`GET ${url}`, { headers })).toMatchObject({ status: 200 })
  })

  itAnswers([
    {
      name: 'warn of an environment whose config cannot be read, and list all others',
      request: `GET ${url}`,
      changes: [file('environments/production-fr/config.json', '{"environmentGroup":')],
      expected: {
        status: 200,
        json: {
          environmentGroups: [
            { name: 'development' },
            { name: 'production', environments: [{ name: 'production-de' }, { name: 'production-jp' }] },
            { name: 'sandbox' },
            { name: 'staging' },
          ],
          warnings: [expect.stringMatching(/^the group of environment 'production-fr' cannot be known: .*JSON/)],
        },
      },
    },
    {
      name: 'warn of an upstream that does not exist',
      request: `GET ${url}`,
      files: [file('environments/staging/config.json', '{"upstream":{"environment":"develpment"}}')],
      expected: {
        status: 200,
        json: {
          environmentGroups: [
            { environments: [{ warnings: ["its upstream environment 'develpment' does not exist"] }] },
          ],
        },
      },
    },
    {
      name: 'are none in a repository without a commit',
      request: `GET ${url}`,
      files: [],
      expected: { status: 200, json: {}, text: '{}' },
    },
    {
      name: 'take no parameters',
      request: `GET ${url}?name=staging&sort=up`,
      expected: aProblem(400, 'INVALID_REQUEST', expect.any(String), [
        ['query.name', 'is unknown here, where nothing is taken'],
        ['query.sort', 'is unknown here, where nothing is taken'],
      ]),
    },
    {
      name: 'have no text form',
      request: `GET ${url}`,
      headers: { accept: 'text/plain' },
      expected: aProblem(406, 'NOT_ACCEPTABLE', expect.stringContaining('application/x-protobuf')),
    },
    {
      name: 'can be asked for with a slash at the end, and with HEAD',
      request: `HEAD ${url}/`,
      expected: { status: 200, text: '' },
    },
  ])

  it('are 503 with the time to wait while the repository cannot be read at all', async () => {
    const { send, repository } = await createTestServer()
    repository.beforeHead = () => {
      throw new Error('the disk is gone')
    }
    const answer = await send(`GET ${url}`)
    expect(answer).toMatchObject(aProblem(503, 'STORE_UNAVAILABLE', 'the repository cannot be read: the disk is gone'))
    expect(answer.headers['retry-after']).toBe('5')
  })

  it('are those of the last commit that could be read, when the newest cannot be', async () => {
    const { send, repository, commit } = await createTestServer()
    const before = await send(`GET ${url}`)
    const known = new Set(repository.reads)
    await commit(file('environments/new/config.json', '{}'))
    repository.beforeRead = (id) => {
      if (!known.has(id)) throw new Error('the disk is gone')
    }
    expect(await send(`GET ${url}`)).toMatchObject({ status: 200, text: before.text })
  })
})
