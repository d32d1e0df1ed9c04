import { describe, expect, it } from 'vitest'
import { buildMetricsServer } from '../../src/build-metrics-server.ts'
import { Metrics } from '../../src/telemetry/metrics.ts'
import { pino } from 'pino'
import { environmentLock, file } from '../support/changes.ts'
import { readMetrics, samplesOf } from '../support/read-metrics.ts'
import type { TestServer } from '../support/test-server.ts'
import { aProblem, createTestServer } from '../support/test-server.ts'
import { aCaller, aTokenAdmission, bearer } from '../support/token-admission.ts'

const train = 'PUT /api/environments/staging/releasetrain'

async function scrape({ send }: TestServer): Promise<string> {
  const { status, text, headers } = await send('GET /metrics')
  expect(status).toBe(200)
  expect(headers).toMatchObject({
    'content-type': 'text/plain; version=0.0.4; charset=utf-8',
    'cache-control': 'no-store',
  })
  return text
}

async function samples(server: TestServer, name: string): Promise<Readonly<Record<string, number>>> {
  return samplesOf(await scrape(server), name)
}

describe('GET /metrics', () => {
  it('counts requests by the pattern of their path, so that no caller can make up series', async () => {
    const server = await createTestServer()
    await server.send('GET /api/environments/staging')
    await server.send('GET /api/environments/nowhere')
    await server.send('GET /api/environments/development?secret=x')
    await server.send('GET /made/up/1')
    await server.send('GET /made/up/2')
    await server.send('DELETE /healthz')
    await server.send('GET /api/environments/%zz')
    const text = await scrape(server)
    expect(samplesOf(text, 'signalbox_http_requests_total')).toEqual({
      '{route="/api/environments/:environment",method="GET",status="200"}': 1,
      '{route="/api/environments/:environment",method="GET",status="400"}': 1,
      '{route="/api/environments/:environment",method="GET",status="404"}': 1,
      '{route="none",method="GET",status="404"}': 2,
      '{route="/healthz",method="DELETE",status="405"}': 1,
      '{route="none",method="GET",status="400"}': 1,
    })
    expect(samplesOf(text, 'signalbox_http_request_duration_seconds_count')).toMatchObject({
      '{route="/api/environments/:environment",method="GET"}': 3,
    })
  })

  it('tells what trains did, and why not', async () => {
    const server = await createTestServer({ changes: environmentLock('production-de', 'freeze') })
    await server.send(train)
    await server.send(train)
    await server.send(train, { headers: { 'if-match': '"other"' } })
    await server.send('PUT /api/environments/nowhere/releasetrain')
    await server.send('PUT /api/environments/production-de/releasetrain')
    const text = await scrape(server)
    expect(samplesOf(text, 'signalbox_release_trains_total')).toEqual({
      '{outcome="deployed"}': 1,
      '{outcome="nothing-to-do"}': 2,
      '{outcome="prognosis-changed"}': 1,
      '{outcome="refused"}': 1,
    })
    const applications = samplesOf(text, 'signalbox_release_train_applications_total')
    expect(applications).toMatchObject({
      '{outcome="deployed",cause=""}': 3,
      '{outcome="skipped",cause="TEAM_IS_LOCKED"}': 2,
      '{outcome="skipped",cause="APP_HAS_NO_VERSION_IN_UPSTREAM_ENV"}': 2,
    })
    expect(samplesOf(text, 'signalbox_release_train_environments_skipped_total')).toEqual({
      '{cause="ENV_IS_LOCKED"}': 1,
    })
  })

  it('tells a train that failed from one that was refused', async () => {
    const server = await createTestServer()
    server.repository.beforePublish = () => {
      throw Object.assign(new Error('no space left'), { code: 'ENOSPC', syscall: 'write' })
    }
    expect((await server.send(train)).status).toBe(503)
    const text = await scrape(server)
    expect(samplesOf(text, 'signalbox_release_trains_total')).toEqual({ '{outcome="failed"}': 1 })
    expect(samplesOf(text, 'signalbox_write_failures_total')).toEqual({ '': 1 })
    expect(samplesOf(text, 'signalbox_write_commands_total')).toEqual({ '{outcome="failed"}': 1 })
    expect(samplesOf(text, 'signalbox_problems')).toEqual({ '': 1 })
    expect(samplesOf(text, 'signalbox_readable')).toEqual({ '': 1 })
  })

  it('counts the locks that hold, by kind and environment, as they are at that moment', async () => {
    const server = await createTestServer({
      changes: [
        ...environmentLock('staging', 'freeze'),
        ...environmentLock('staging', 'ended'),
        file('environments/staging/locks/ended/expires_at', '2026-05-01T08:00:00Z'),
      ],
    })
    const before = await samples(server, 'signalbox_locks')
    expect(before).toEqual({
      '{kind="environment",environment="staging"}': 1,
      '{kind="application",environment="staging"}': 1,
      '{kind="team",environment="staging"}': 1,
      '{kind="application",environment="development"}': 1,
      '{kind="application",environment="production-fr"}': 1,
      '{kind="environment",environment="production-jp"}': 1,
    })
    const lock = { headers: { 'content-type': 'application/json' }, body: { message: 'x' } }
    await server.send('PUT /environments/production-de/locks/night', lock)
    await server.send('DELETE /environments/staging/locks/freeze', { headers: lock.headers })
    const after = await samples(server, 'signalbox_locks')
    expect(after['{kind="environment",environment="production-de"}']).toBe(1)
    expect(after).not.toHaveProperty(['{kind="environment",environment="staging"}'])
  })

  it('tells how commands fared in the queue', async () => {
    const server = await createTestServer()
    let open: () => void = () => {}
    server.repository.beforePublish = () => new Promise<void>((resolve) => (open = resolve))
    const lock = { headers: { 'content-type': 'application/json' }, body: { message: 'x' } }
    const first = server.send('PUT /environments/staging/locks/one', lock)
    await expect.poll(() => server.repository.updates.length).toBe(1)
    const others = ['two', 'three'].map((id) => server.send(`PUT /environments/staging/locks/${id}`, lock))
    await expect.poll(async () => (await samples(server, 'signalbox_write_queue_length'))['']).toBe(2)
    server.repository.beforePublish = () => {}
    open()
    await Promise.all([first, ...others])
    await server.send('PUT /environments/staging/locks/one', { ...lock, body: 'no json' })
    await server.send('PUT /environments/nowhere/locks/one', lock)
    const text = await scrape(server)
    expect(samplesOf(text, 'signalbox_write_queue_length')).toEqual({ '': 0 })
    expect(samplesOf(text, 'signalbox_write_commands_total')).toEqual({
      '{outcome="committed"}': 3,
      '{outcome="refused"}': 1,
    })
    expect(samplesOf(text, 'signalbox_commits_total')).toEqual({ '{command="create-lock"}': 3 })
    const all = readMetrics(text)
    expect(all.get('signalbox_write_batch_size_bucket{le="1"}')).toBe(2)
    expect(all.get('signalbox_write_batch_size_bucket{le="2"}')).toBe(3)
    expect(all.get('signalbox_write_batch_size_sum')).toBe(4)
    expect(all.get('signalbox_write_queue_wait_seconds_count')).toBe(4)
    expect(all.get('signalbox_commit_duration_seconds_count')).toBe(2)
    expect(all.get('signalbox_write_step_duration_seconds_count{step="decide"}')).toBe(3)
  })

  it('counts decisions that were made again', async () => {
    const server = await createTestServer()
    let refusals = 2
    server.repository.beforePublish = () => (refusals-- > 0 ? 'moved' : undefined)
    await server.send(train)
    expect(await samples(server, 'signalbox_write_retries_total')).toEqual({ '': 2 })
  })

  it('is there while the repository cannot be read', async () => {
    const server = await createTestServer()
    server.repository.beforeHead = () => {
      throw Object.assign(new Error('gone'), { code: 'ENOENT', syscall: 'open' })
    }
    const text = await scrape(server)
    expect(samplesOf(text, 'signalbox_readable')).toEqual({ '': 0 })
    expect(samplesOf(text, 'signalbox_problems')).toEqual({ '': 1 })
    expect(samplesOf(text, 'signalbox_build_info')).toEqual({
      [`{version="0.0.0-test",node_version="${process.versions.node}"}`]: 1,
    })
  })

  it('takes what scrapers send', async () => {
    const { send } = await createTestServer()
    const accept = 'application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.5'
    expect((await send('GET /metrics?x=1', { headers: { accept } })).status).toBe(200)
  })

  it('is for those who are known, where callers are asked who they are', async () => {
    const server = await createTestServer({ options: { admission: aTokenAdmission({ guest: aCaller('guest') }) } })
    expect(await server.send('GET /metrics')).toMatchObject(aProblem(401, 'UNAUTHENTICATED', expect.any(String)))
    expect((await server.send('GET /metrics', { headers: bearer('guest') })).status).toBe(200)
  })

  it('is not there when a port of its own has them', async () => {
    const server = await createTestServer({ options: { metrics: undefined } })
    expect((await server.send('GET /metrics')).status).toBe(404)
  })
})

describe('a port of its own', () => {
  function serve() {
    return buildMetricsServer({ metrics: new Metrics('1'), logger: pino({ level: 'silent' }) })
  }

  it('asks nobody who they are, and has nothing else', async () => {
    const app = await serve()
    expect((await app.inject('/metrics')).body).toContain('signalbox_build_info{version="1"')
    expect((await app.inject('/metrics')).headers['content-type']).toContain('text/plain; version=0.0.4')
    expect((await app.inject('/api/locks')).json()).toMatchObject({ status: 404, code: 'NOT_FOUND' })
    expect((await app.inject({ method: 'POST', url: '/metrics' })).json()).toMatchObject({ status: 404 })
  })

  it.each(['10.1.2.3:9090', '[fd00::1]:9090', 'signalbox-metrics:9090', '127.0.0.1:9090'])(
    'answers whoever scrapes it, under whatever name it is reached: %s',
    async (host) => {
      const { statusCode, headers } = await (await serve()).inject({ url: '/metrics', headers: { host } })
      expect(statusCode).toBe(200)
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'content-security-policy': expect.stringContaining("default-src 'none'"),
        'cross-origin-resource-policy': 'same-origin',
      })
      expect(headers).not.toHaveProperty('strict-transport-security')
    },
  )
})
