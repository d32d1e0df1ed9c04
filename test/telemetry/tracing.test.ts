import { spawnSync } from 'node:child_process'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { ReceivedSpan } from '../support/otlp-receiver.ts'
import { startOtlpReceiver } from '../support/otlp-receiver.ts'
import { createTemporaryFolder } from '../support/real-git.ts'
import { startServer } from '../support/server-process.ts'

const traceId = '0af7651916cd43dd8448eb211c80319c'
const callersSpan = 'b7ad6b7169203331'
const train = '/api/environments/staging/releasetrain'

async function serve(environment: Readonly<Record<string, string>>) {
  const server = await startServer({ folder: createTemporaryFolder(), environment })
  onTestFinished(() => void server.stop('SIGKILL'))
  const lines = () =>
    server
      .output()
      .stdout.split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
  return { ...server, lines }
}

describe('traces', () => {
  it("go on where the caller's began: request, decision, writing", async () => {
    const collector = await startOtlpReceiver()
    const server = await serve({
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=shop',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
    })
    const headers = { traceparent: `00-${traceId}-${callersSpan}-01`, 'x-request-id': 'one' }
    const answer = await fetch(server.url + train, { method: 'PUT', headers })
    const { commit } = (await answer.json()) as { commit: string }
    await fetch(`${server.url}/readyz`)
    expect(await server.stop()).toBe(0)

    const inTrace = collector.spans.filter((span) => span.traceId === traceId)
    const [request] = inTrace.filter(({ kind }) => kind === 2)
    expect(request).toMatchObject({
      parentSpanId: callersSpan,
      name: 'PUT /api/environments/:environment/releasetrain',
      attributes: {
        'http.request.method': 'PUT',
        'http.route': '/api/environments/:environment/releasetrain',
        'http.response.status_code': 200,
        'signalbox.request_id': 'one',
      },
    })
    const steps = inTrace.filter((span) => span.parentSpanId === request?.spanId)
    expect(steps.map(({ name }) => name)).toEqual(['decide', 'edit-tree', 'write-pack', 'move-branch'])
    expect(collector.spans.filter(({ name }) => name.includes('readyz'))).toEqual([])
    expect(new Set(collector.requests)).toEqual(new Set(['POST /v1/traces shop']))
    expect(collector.resources[0]).toMatchObject({
      'service.name': 'signalbox',
      'service.version': expect.stringMatching(/^\d/) as string,
      'deployment.environment.name': 'test',
    })
    const answered = server.lines().find(({ route }) => route === '/api/environments/:environment/releasetrain')
    expect(answered).toMatchObject({ reqId: 'one', traceId })
    expect(server.lines().find((line) => line['commit'] === commit)).toMatchObject({ reqId: 'one', traceId })
  })

  it('tell a refusal from a failure, and begin anew without a caller that has one', async () => {
    const collector = await startOtlpReceiver()
    const server = await serve({
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.url}/own/path`,
      OTEL_SERVICE_NAME: 'trains',
    })
    for (const traceparent of ['nonsense', `00-${'0'.repeat(32)}-${callersSpan}-01`]) {
      const headers = { traceparent }
      expect((await fetch(server.url + train.replace('staging', 'nowhere'), { method: 'PUT', headers })).status).toBe(
        400,
      )
    }
    expect(await server.stop()).toBe(0)
    const byName = (name: string): readonly ReceivedSpan[] => collector.spans.filter((span) => span.name === name)
    const requests = collector.spans.filter(({ kind }) => kind === 2)
    expect(requests).toHaveLength(2)
    expect(new Set(requests.map((span) => span.traceId)).size).toBe(2)
    expect(requests.map(({ parentSpanId }) => parentSpanId)).toEqual([undefined, undefined])
    expect(byName('decide').map(({ attributes, statusCode }) => [attributes['signalbox.refused'], statusCode])).toEqual(
      [
        ['UNKNOWN_TARGET', 0],
        ['UNKNOWN_TARGET', 0],
      ],
    )
    expect(new Set(collector.requests)).toEqual(new Set(['POST /own/path']))
    expect(collector.resources[0]).toMatchObject({ 'service.name': 'trains' })
  })

  it('are not kept for a caller that says that theirs is not', async () => {
    const collector = await startOtlpReceiver()
    const server = await serve({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url })
    await fetch(server.url + train, { method: 'PUT', headers: { traceparent: `00-${traceId}-${callersSpan}-00` } })
    expect(await server.stop()).toBe(0)
    expect(collector.spans).toEqual([])
  })

  it('that nobody takes disturb nothing', async () => {
    const server = await serve({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9', OTEL_EXPORTER_OTLP_TIMEOUT: '500' })
    expect((await fetch(server.url + train, { method: 'PUT' })).status).toBe(200)
    expect(await server.stop()).toBe(0)
  })

  it.each([
    [{}, 'not loaded'],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: '' }, 'not loaded'],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9', OTEL_SDK_DISABLED: 'true' }, 'not loaded'],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9', OTEL_TRACES_EXPORTER: 'none' }, 'not loaded'],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' }, 'loaded'],
  ])('cost nothing unless they are wanted: %o', (environment, expected) => {
    const script = `
      import { createRequire } from 'node:module'
      import { createTracing } from ${JSON.stringify(new URL('../../dist/telemetry/tracing.js', import.meta.url))}
      await createTracing({ environment: ${JSON.stringify(environment)}, version: '1', log: console })
      const isLoaded = Object.keys(createRequire(import.meta.url).cache).some((file) => file.includes('opentelemetry'))
      process.stdout.write(isLoaded ? 'loaded' : 'not loaded')
      process.exit()`
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', script])
    expect(stdout.toString() || stderr.toString()).toBe(expected)
  })
})
