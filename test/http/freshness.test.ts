import { describe, expect, it } from 'vitest'
import type { RemoteSide } from '../../src/manifest-store/repository/repository.ts'
import { createTestServer } from '../support/test-server.ts'

/** A server whose repository is on a git server that last said `age` milliseconds ago what it has. */
async function createRemoteServer(age: number) {
  const server = await createTestServer()
  const asked = { count: 0 }
  const remote: RemoteSide = {
    refresh: async () => {
      asked.count += 1
    },
    assertWritable: async () => false,
    giveWay: async () => {},
    fetchMissing: async () => {},
    renewals: 0,
    reportGap: () => {},
    breakOff: () => {},
    confirmedAt: new Date(Date.parse('2026-05-04T09:30:00.250Z') - age),
    problems: [],
  }
  server.repository.remoteSide = remote
  return { ...server, asked, remote }
}

describe('a read', () => {
  it.each([
    ['/api/environments/staging', 'GET'],
    ['/api/environments/staging/releasetrain/prognosis', 'GET'],
    ['/api/application/cart/release/manifests/latest', 'POST'],
  ])('of %s says how old the state is', async (path, method) => {
    const { send } = await createRemoteServer(65_900)
    expect((await send(`${method} ${path}`)).headers).toMatchObject({ 'signalbox-state-age': '65' })
    const local = await createTestServer()
    expect((await local.send(`${method} ${path}`)).headers).toMatchObject({ 'signalbox-state-age': '0' })
  })

  it('that is not modified says so, too', async () => {
    const { send } = await createRemoteServer(5000)
    const { headers } = await send('GET /api/locks')
    const again = await send('GET /api/locks', { headers: { 'if-none-match': headers['etag'] ?? '' } })
    expect(again).toMatchObject({ status: 304, headers: { 'signalbox-state-age': '5' } })
  })

  it.each([
    ['no-cache', 1],
    ['max-age=0, No-Cache', 1],
    ['max-age=0', 0],
    ['no-cacheable', 0],
    ['', 0],
  ])('with Cache-Control %j has the git server asked %d times', async (cacheControl, times) => {
    const { send, asked } = await createRemoteServer(0)
    const headers = cacheControl === '' ? {} : { 'cache-control': cacheControl }
    expect((await send('GET /api/environments/staging', { headers })).status).toBe(200)
    expect(asked.count).toBe(times)
  })

  it('is answered from what there is when the git server cannot be asked', async () => {
    const { send, remote } = await createRemoteServer(90_000)
    remote.refresh = () => Promise.reject(new Error('nobody is there'))
    const answer = await send('GET /api/environments/staging', { headers: { 'cache-control': 'no-cache' } })
    expect(answer).toMatchObject({ status: 200, headers: { 'signalbox-state-age': '90' } })
  })
})

it('nothing but a read has the git server asked', async () => {
  const { send, asked } = await createRemoteServer(0)
  const headers = { 'cache-control': 'no-cache' }
  for (const request of ['GET /healthz', 'GET /readyz', 'GET /api/whoami', 'GET /docs/json', 'GET /api/nothing']) {
    const answer = await send(request, { headers })
    expect([request, answer.headers['signalbox-state-age']]).toEqual([request, undefined])
  }
  expect(asked.count).toBe(0)
})

it('diffs, and the manifests of a release, have what a clone lacks fetched at one go', async () => {
  const { send, remote } = await createRemoteServer(0)
  const fetches: number[] = []
  remote.fetchMissing = async (ids) => void fetches.push(ids.length)
  await send('GET /api/environments/staging/releasetrain/prognosis?diff=true')
  // Two manifests for each of the three applications that travel.
  expect(fetches).toEqual([6])
  await send('GET /api/application/cart/release/manifests/latest')
  expect(fetches).toHaveLength(2)
})

it('readiness tells what is wrong with the git server', async () => {
  const { send, remote } = await createRemoteServer(0)
  Object.assign(remote, { problems: ['it could not be asked what is new'] })
  expect((await send('GET /readyz')).json).toMatchObject({
    status: 'degraded',
    reasons: ['it could not be asked what is new'],
  })
})

it.each([5, 120])('callers are told to try again in %d seconds, as configured', async (retryAfter) => {
  const { send, repository } = await createTestServer({ options: { retryAfter } })
  repository.beforePublish = () => {
    throw new Error('the disk is full')
  }
  const answer = await send('PUT /api/environments/staging/releasetrain')
  expect(answer).toMatchObject({ status: 503, headers: { 'retry-after': String(retryAfter) }, hasCommitted: false })
})
