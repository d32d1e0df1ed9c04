import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ApplicationName } from '../../src/core/names.ts'
import type { Principal } from '../../src/core/principal.ts'
import { createUnrestrictedPrincipal } from '../../src/core/principal.ts'
import { prognoseReleaseTrain } from '../../src/core/release-train-prognosis.ts'
import type { Snapshot } from '../../src/core/snapshot.ts'
import { judgedAt, repositories, targetsOf, toSnapshot } from '../support/snapshot-arbitrary.ts'
import { aLock, aSnapshot } from '../support/snapshot-builder.ts'
import { steps, take } from '../support/snapshot-steps.ts'

const principal = createUnrestrictedPrincipal({ name: 'Deployer', email: 'deployer@example.com' })

/** Somebody who may deploy one application alone, or act for one team alone. */
function aRestricted(only: string): Principal {
  return {
    ...principal,
    name: `Deployer of ${only}`,
    mayDo: (action, { application }) => action !== 'DeployRelease' || only === 'payments' || application === only,
    isInTeam: (team) => only !== 'payments' || team === only,
  }
}

/** More than are remembered. */
const principals = [principal, ...['cart', 'payments', 'web', 'shop', 'a', 'b', 'c', 'd', 'e', 'f'].map(aRestricted)]

describe('a prognosis after others', () => {
  it('is the one that a process would make that made none before', () => {
    fc.assert(
      fc.property(repositories, repositories, steps, (facts, otherFacts, commits) => {
        const other = toSnapshot(otherFacts)
        let snapshot = toSnapshot(facts)
        const ask = (of: Snapshot, now: Date) =>
          targetsOf(facts).flatMap((target) =>
            principals.map((each) =>
              prognoseReleaseTrain(of, { target, lookup: 'environment-first', team: undefined }, each, now),
            ),
          )
        ask(snapshot, judgedAt)
        for (const commit of commits) {
          snapshot = take(snapshot, other, commit)
          const now = new Date(judgedAt.getTime() + commit.offset)
          // Nothing is known of copies.
          expect(ask(snapshot, now)).toEqual(ask(structuredClone(snapshot), now))
        }
      }),
      { numRuns: 200 },
    )
  })

  it('stays the same for somebody who may not do all of it, while nobody changes what it is about', () => {
    const snapshot = aShop(2)
    const ask = (who: Principal) => prognoseStaging(snapshot, judgedAt, who)
    const [cart, shop] = [aRestricted('cart'), aRestricted('shop')]
    const first = ask(cart)
    expect(first).not.toEqual(ask(principal))
    expect(ask(shop)).not.toBe(first)
    expect(ask(cart)).toBe(first)
  })

  it('decides anew only what the commit between them concerns', () => {
    const before = aShop(2)
    const after = take(before, aShop(1), { piece: 'entry', environment: 1, application: 0, offset: 0 })
    const [first, second] = [decisionsIn(before), decisionsIn(after)]
    expect(second.get('cart' as ApplicationName)).not.toBe(first.get('cart' as ApplicationName))
    expect(second.get('web' as ApplicationName)).toBe(first.get('web' as ApplicationName))
  })

  it('is the same object while nothing changed, until a lock ends', () => {
    const snapshot = aShop(2)
    const [first, again, later] = [
      judgedAt,
      new Date(judgedAt.getTime() + 59_999),
      new Date(judgedAt.getTime() + 60_000),
    ].map((now) => prognoseStaging(snapshot, now))
    expect(again).toBe(first)
    expect(first?.outcome).toMatchObject({ applications: [{}, { outcome: { cause: 'APP_IS_LOCKED' } }] })
    expect(later?.outcome).toMatchObject({ applications: [{}, { outcome: { kind: 'travels' } }] })
  })
})

/** Two applications that could travel to staging; one of them is locked for a minute. */
function aShop(versionOfCart: number): Snapshot {
  const facts = {
    releases: { 1: { manifests: ['development', 'staging'] }, 2: { manifests: ['development', 'staging'] } },
  }
  return aSnapshot()
    .environment('development', { upstream: { latest: true } })
    .environment('staging', { upstream: { environment: 'development' } })
    .application('cart', facts)
    .application('web', facts)
    .deployed('development', 'cart', versionOfCart)
    .deployed('development', 'web', 2)
    .deployed('staging', 'cart', versionOfCart)
    .applicationLock('staging', 'web', aLock('freeze', { expiresAt: new Date(judgedAt.getTime() + 60_000) }))
    .build()
}

function prognoseStaging(snapshot: Snapshot, now = judgedAt, who = principal) {
  const request = { target: 'staging', lookup: 'environment-first', team: undefined } as const
  return prognoseReleaseTrain(snapshot, request, who, now).environments[0]
}

function decisionsIn(snapshot: Snapshot) {
  const outcome = prognoseStaging(snapshot)?.outcome
  const applications = outcome?.kind === 'decided' ? outcome.applications : []
  return new Map(applications.map((one) => [one.application, one]))
}
