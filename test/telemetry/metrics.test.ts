import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { Metrics } from '../../src/telemetry/metrics.ts'
import { readMetrics, samplesOf } from '../support/read-metrics.ts'
import { aSnapshot } from '../support/snapshot-builder.ts'

describe('metrics', () => {
  it('tell of talks with the remote', async () => {
    const metrics = new Metrics('1.2.3')
    metrics.pushEnded('accepted', 40)
    metrics.pushEnded('moved', 20)
    metrics.pushEnded('moved', 20)
    metrics.pushEnded('refused', 20)
    metrics.fetchEnded('succeeded', 1500)
    metrics.fetchEnded('failed', 10)
    const text = await metrics.text()
    expect(samplesOf(text, 'signalbox_pushes_total')).toEqual({
      '{outcome="accepted"}': 1,
      '{outcome="moved"}': 2,
      '{outcome="refused"}': 1,
    })
    expect(samplesOf(text, 'signalbox_fetches_total')).toEqual({ '{outcome="succeeded"}': 1, '{outcome="failed"}': 1 })
    const all = readMetrics(text)
    expect(all.get('signalbox_push_duration_seconds_count')).toBe(4)
    expect(all.get('signalbox_push_duration_seconds_bucket{le="0.025"}')).toBe(3)
    expect(all.get('signalbox_fetch_duration_seconds_sum')).toBeCloseTo(1.51)
  })

  it.each([
    [undefined, 0],
    [90_500, 90.5],
  ])('tell how old the state is: %s ms', async (stateAge, seconds) => {
    const metrics = new Metrics('1.2.3')
    metrics.setSources({
      snapshot: async () => aSnapshot().build(),
      health: () => ({ commit: undefined, isReadable: true, problems: ['one'], waitingCommands: 7, stateAge }),
      packs: async () => undefined,
      problems: () => ['two', 'three'],
      now: () => new Date(),
    })
    const text = await metrics.text()
    expect(samplesOf(text, 'signalbox_state_age_seconds')).toEqual({ '': seconds })
    expect(samplesOf(text, 'signalbox_problems')).toEqual({ '': 3 })
    expect(samplesOf(text, 'signalbox_write_queue_length')).toEqual({ '': 7 })
  })

  it('tell of the packs as they are at each look', async () => {
    const metrics = new Metrics('1.2.3')
    const answers = [
      { packs: 20, bytes: 9000, consolidations: 3, waited: 0 },
      { packs: 5, bytes: 8000, consolidations: 4, waited: 1500 },
      undefined,
    ]
    metrics.setSources({
      snapshot: async () => aSnapshot().build(),
      health: () => ({ commit: undefined, isReadable: true, problems: [], waitingCommands: 0, stateAge: undefined }),
      packs: async () => answers.shift(),
      problems: () => [],
      now: () => new Date(),
    })
    const look = async () => {
      const all = readMetrics(await metrics.text())
      return ['packs', 'pack_bytes', 'pack_consolidations_total', 'pack_wait_seconds_total'].map((name) =>
        all.get(`signalbox_${name}`),
      )
    }
    expect(await look()).toEqual([20, 9000, 3, 0])
    expect(await look()).toEqual([5, 8000, 4, 1.5])
    expect(await look()).toEqual([5, 8000, 4, 1.5])
  })

  it('tell of the process', async () => {
    const metrics = new Metrics('1.2.3')
    metrics.collectProcess()
    const all = readMetrics(await metrics.text())
    expect(all.get('process_resident_memory_bytes')).toBeGreaterThan(0)
    expect(all.has('nodejs_eventloop_lag_p99_seconds')).toBe(true)
  })

  it('are named as Prometheus asks for', async () => {
    const text = await new Metrics('1.2.3').text()
    const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)]
    expect(types.length).toBeGreaterThan(20)
    for (const [, name = '', type] of types) {
      expect(name).toMatch(/^signalbox_[a-z_]+$/)
      expect([name, name.endsWith('_total')]).toEqual([name, type === 'counter'])
      if (type === 'histogram') expect(name).toMatch(/_(seconds|size)$/)
    }
  })
})

describe('docs/operations.md', () => {
  it('says what each metric means, and of no other', async () => {
    const page = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8')
    const described = [...page.matchAll(/^\| `(signalbox_\w+)` \|/gm)].map(([, name = '']) => name)
    const text = await new Metrics('1.2.3').text()
    const registered = [...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name = '']) => name)
    expect(described.toSorted()).toEqual(registered.toSorted())
  })
})
