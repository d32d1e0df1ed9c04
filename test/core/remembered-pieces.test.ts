import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { deployedApplications } from '../../src/core/deployed-applications.ts'
import { removeEndedLocks } from '../../src/core/ended-locks.ts'
import type { Snapshot } from '../../src/core/snapshot.ts'
import { absent } from '../support/changes.ts'
import { judgedAt, repositories, toSnapshot } from '../support/snapshot-arbitrary.ts'
import { aLock, aSnapshot } from '../support/snapshot-builder.ts'
import { steps, take } from '../support/snapshot-steps.ts'

const cart = { team: 'a', releases: { 1: { manifests: ['staging', 'live'] } } }

describe('what is remembered of a snapshot', () => {
  it('is what a process would find that remembers nothing', () => {
    fc.assert(
      fc.property(repositories, repositories, steps, (facts, otherFacts, commits) => {
        const other = toSnapshot(otherFacts)
        let snapshot = toSnapshot(facts)
        expect(found(snapshot, judgedAt)).toEqual(found(structuredClone(snapshot), judgedAt))
        for (const commit of commits) {
          snapshot = take(snapshot, other, commit)
          const now = new Date(judgedAt.getTime() + commit.offset)
          // Nothing is remembered of copies.
          expect(found(snapshot, now)).toEqual(found(structuredClone(snapshot), now))
        }
      }),
      { numRuns: 500 },
    )
  })

  it('stays the same object while applications come, go and are locked elsewhere', () => {
    const build = () => aSnapshot().environment('staging', {}).environment('live', {}).application('cart', cart)
    const before = build().deployed('staging', 'cart', 1).build()
    const after = take(before, build().deployed('live', 'cart', 1).build(), {
      piece: 'entry',
      environment: 1,
      application: 0,
      offset: 0,
    })
    const [first, second] = [before, after].map(deployedIn)
    expect(first?.get('staging')).toEqual(new Map([['cart', 'a']]))
    expect(second?.get('staging')).toBe(first?.get('staging'))
    expect(second?.get('live')).toEqual(new Map([['cart', 'a']]))
  })

  it('does not keep a lock that has gone, nor miss one that came', () => {
    const ended = aLock('ended', { expiresAt: judgedAt })
    const locked = aSnapshot()
      .environment('staging', {})
      .environment('live', {})
      .application('cart', cart)
      .applicationLock('staging', 'cart', ended)
    const snapshot = aSnapshot()
      .environment('staging', {})
      .environment('live', {})
      .application('cart', cart)
      .deployed('staging', 'cart', 1)
      .build()
    const step = { piece: 'entry', environment: 0, application: 0, offset: 0 } as const
    const seen = [take(snapshot, locked.build(), step), snapshot].map((each) => endedIn(each, judgedAt))
    expect(seen).toEqual([[absent('environments/staging/applications/cart/locks/ended')], []])
  })
})

function found(snapshot: Snapshot, now: Date) {
  return { ended: endedIn(snapshot, now), deployed: deployedIn(snapshot) }
}

/** In all environments. */
function endedIn(snapshot: Snapshot, now: Date) {
  const changes = [...snapshot.environments.keys()].map((name) => absent(`environments/${name}/x`))
  return removeEndedLocks(snapshot, changes, now)
}

function deployedIn(snapshot: Snapshot) {
  return new Map(
    [...snapshot.environments.values()].map((each) => [String(each.name), deployedApplications(snapshot, each)]),
  )
}
