import protojson from 'protobufjs/ext/protojson.js'
import { describe, expect, it } from 'vitest'
import { publishedRoot } from '../protobuf/published-proto.ts'
import { absent, file } from '../support/changes.ts'
import { aProblem, createTestServer, itAnswers } from '../support/test-server.ts'

function diskIsGone(): never {
  throw new Error('the disk is gone')
}

describe('the liveness of the process', () => {
  itAnswers([
    {
      name: 'is ok',
      request: 'GET /healthz',
      expected: {
        status: 200,
        json: { status: 'ok' },
        headers: expect.objectContaining({ 'cache-control': 'no-store' }),
      },
    },
    { name: 'can be asked for with HEAD', request: 'HEAD /healthz', expected: { status: 200, text: '' } },
    { name: 'may end with a slash', request: 'GET /healthz/', expected: { status: 200 } },
    {
      name: 'has no text form',
      request: 'GET /healthz',
      headers: { accept: 'text/plain' },
      expected: aProblem(406, 'NOT_ACCEPTABLE', expect.any(String)),
    },
    {
      name: 'cannot be changed',
      request: 'POST /healthz',
      expected: aProblem(405, 'METHOD_NOT_ALLOWED', expect.stringMatching(/^POST is not possible here/)),
    },
  ])

  it('is ok even when the repository cannot be read', async () => {
    const { send, repository } = await createTestServer()
    repository.beforeHead = diskIsGone
    expect(await send('GET /healthz')).toMatchObject({ status: 200, json: { status: 'ok' } })
  })
})

describe('the readiness', () => {
  it('is ok with the commit that is served', async () => {
    const { send, commit } = await createTestServer()
    const newest = await commit(file('README.md', 'Hello'))
    const answer = await send('GET /readyz')
    expect(answer).toMatchObject({ status: 200, headers: { 'cache-control': 'no-store' } })
    expect(answer.json).toEqual({ status: 'ok', commit: newest })
  })

  it('is ok, without a commit, in an empty repository', async () => {
    const { send } = await createTestServer({ files: [] })
    expect((await send('GET /readyz')).json).toEqual({ status: 'ok' })
  })

  it('is degraded while something beside the repository does not work', async () => {
    const problems = ['the policy file cannot be read: line 3']
    const { send } = await createTestServer({ options: { problems: () => problems } })
    expect(await send('GET /readyz')).toMatchObject({ status: 200, json: { status: 'degraded', reasons: problems } })
  })

  it('is degraded, with the reason, while the newest state cannot be read and reads are served', async () => {
    const { send, repository, head } = await createTestServer()
    await send('GET /readyz')
    repository.beforeHead = diskIsGone
    expect((await send('GET /readyz')).json).toEqual({
      status: 'degraded',
      reasons: ['the repository cannot be read: the disk is gone'],
      commit: await head(),
    })
    expect(await send('GET /api/applications')).toMatchObject({ status: 200 })
    repository.beforeHead = () => {}
    expect((await send('GET /readyz')).json).toMatchObject({ status: 'ok' })
  })

  it('is degraded, with the reason, since nothing could be written, until something can', async () => {
    const { send, repository } = await createTestServer()
    repository.beforePublish = diskIsGone
    await send('PUT /api/environments/staging/releasetrain')
    expect(await send('GET /readyz')).toMatchObject({
      status: 200,
      json: { status: 'degraded', reasons: ['the repository could not be written: the disk is gone'] },
    })
    repository.beforePublish = () => {}
    await send('PUT /api/environments/staging/releasetrain')
    expect((await send('GET /readyz')).json).toMatchObject({ status: 'ok' })
  })

  it('is degraded, with the reason, when a top folder of the repository is none', async () => {
    const { send } = await createTestServer({ changes: [absent('environments'), file('environments', 'a file')] })
    expect(await send('GET /readyz')).toMatchObject({
      status: 200,
      json: { status: 'degraded', reasons: [expect.stringMatching(/environments/)] },
    })
    expect(await send('GET /api/applications/cart')).toMatchObject({ status: 200, json: { team: 'storefront' } })
  })

  it('is unavailable when nothing could ever be read', async () => {
    const { send, repository } = await createTestServer()
    repository.beforeHead = diskIsGone
    const answer = await send('GET /readyz')
    expect(answer.status).toBe(503)
    expect(answer.json).toEqual({
      status: 'unavailable',
      reasons: ['the repository cannot be read: the disk is gone'],
    })
  })

  it('is the same in protobuf, read with the published proto alone', async () => {
    const { send } = await createTestServer()
    const type = publishedRoot.lookupType('signalbox.v1.Health')
    const { bytes } = await send('GET /readyz', { headers: { accept: 'application/x-protobuf' } })
    expect(JSON.parse(protojson.toJsonString(type, type.decode(bytes)))).toEqual((await send('GET /readyz')).json)
  })
})
