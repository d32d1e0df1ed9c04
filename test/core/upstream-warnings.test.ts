import { describe, expect, it } from 'vitest'
import type { EnvironmentName } from '../../src/core/names.ts'
import { upstreamWarnings } from '../../src/core/upstream-warnings.ts'
import type { SnapshotBuilder } from '../support/snapshot-builder.ts'
import { aSnapshot } from '../support/snapshot-builder.ts'

function warningsOf(builder: SnapshotBuilder, environment: string): readonly string[] {
  const snapshot = builder.build()
  const found = snapshot.environments.get(environment as EnvironmentName)
  if (found === undefined) throw new Error(`no environment ${environment}`)
  return upstreamWarnings(snapshot, found)
}

describe('nothing is said about an environment', () => {
  const sound = aSnapshot()
    .environment('development', { upstream: 'latest' })
    .environment('staging', { upstream: 'development' })
    .environment('production', { upstream: 'staging' })
    .environment('sandbox')

  it.each(['development', 'staging', 'production', 'sandbox'])('whose upstream is sound: %s', (environment) => {
    expect(warningsOf(sound, environment)).toEqual([])
  })

  it('whose upstream has locks or other troubles that do not matter to it', () => {
    const snapshot = sound.environment('test', { upstream: 'blocked' }).environment('blocked', {
      upstream: { latest: true, environment: 'staging' },
      unreadable: { locks: 'a file in the way' },
    })
    expect(warningsOf(snapshot, 'test')).toEqual([])
  })
})

describe('an upstream that makes a train impossible', () => {
  it.each([
    ['names nothing', {}, 'its upstream names neither an environment nor latest'],
    ['names both', { environment: 'staging', latest: true }, 'its upstream names both an environment and latest'],
    ['does not exist', 'nowhere', "its upstream environment 'nowhere' does not exist"],
    ['is the environment itself', 'staging', 'its upstream is the environment itself'],
  ])('because it %s', (_why, upstream, warning) => {
    const snapshot = aSnapshot().environment('staging', { upstream }).noEnvironment('nowhere')
    expect(warningsOf(snapshot, 'staging')).toEqual([warning])
  })

  it('because the config is unreadable', () => {
    const snapshot = aSnapshot().environment('staging', { unreadable: { config: 'config.json is not JSON' } })
    expect(warningsOf(snapshot, 'staging')).toEqual(['unreadable: config.json is not JSON'])
  })

  it.each(['config', 'applications'] as const)('because the %s of the upstream cannot be read', (part) => {
    const snapshot = aSnapshot()
      .environment('staging', { upstream: 'development' })
      .environment('development', { unreadable: { [part]: 'a file in the way' } })
    expect(warningsOf(snapshot, 'staging')).toEqual(["unreadable: its upstream 'development': a file in the way"])
  })
})

describe('upstreams in a circle', () => {
  const circle = aSnapshot()
    .environment('a', { upstream: 'b' })
    .environment('b', { upstream: 'c' })
    .environment('c', { upstream: 'a' })
    .environment('outside', { upstream: 'b' })
    .environment('alone', { upstream: 'alone' })
    .environment('after', { upstream: 'alone' })

  it.each([
    ['a', 'its upstreams form a cycle: a -> b -> c -> a'],
    ['b', 'its upstreams form a cycle: b -> c -> a -> b'],
    ['outside', 'its upstreams lead into a cycle: outside -> b -> c -> a -> b'],
    ['after', 'its upstreams lead into a cycle: after -> alone -> alone'],
  ])('are spelled out from %s', (environment, warning) => {
    expect(warningsOf(circle, environment)).toEqual([warning])
  })

  it('of two', () => {
    const snapshot = aSnapshot().environment('a', { upstream: 'b' }).environment('b', { upstream: 'a' })
    expect(warningsOf(snapshot, 'a')).toEqual(['its upstreams form a cycle: a -> b -> a'])
  })

  it('are none where one of them takes the latest releases, or nothing', () => {
    const snapshot = aSnapshot()
      .environment('a', { upstream: 'b' })
      .environment('b', { upstream: { environment: 'a', latest: true } })
    expect(warningsOf(snapshot, 'a')).toEqual([])
  })
})
