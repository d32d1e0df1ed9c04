import { describe, expect, it } from 'vitest'
import { removeEndedLocks } from '../../src/core/ended-locks.ts'
import { unreadable } from '../../src/core/readable.ts'
import { absent, file } from '../support/changes.ts'
import { aLock, aSnapshot } from '../support/snapshot-builder.ts'

const now = new Date('2026-05-04T09:30:00Z')
const later = new Date(now.getTime() + 1)
const ended = aLock('ended', { expiresAt: now })
const holding = [aLock('endless'), aLock('ends-later', { expiresAt: later })]
const locks = [ended, ...holding]

const snapshot = aSnapshot()
  .environment('staging', { locks, teamLocks: { payments: locks, search: unreadable('a file in the way') } })
  .environment('production', { locks })
  .environment('broken', {
    unreadable: { locks: 'a file in the way', teamLocks: 'a file in the way', applications: 'a file in the way' },
  })
  .noApplication('cart')
  .noApplication('web')
  .noApplication('api')
  .applicationLock('staging', 'cart', ...locks)
  .unreadableApplicationLocks('staging', 'web', 'a file in the way')
  .unreadableIn('staging', 'api', 'a file in the way')
  .build()

describe('a change in an environment', () => {
  it('takes every lock there with it that has ended, whatever it stands on, and no other', () => {
    expect(removeEndedLocks(snapshot, [file('environments/staging/config.json', '{}')], now)).toEqual([
      absent('environments/staging/locks/ended'),
      absent('environments/staging/teams/payments/locks/ended'),
      absent('environments/staging/applications/cart/locks/ended'),
    ])
  })

  it('does so once, however many changes there are', () => {
    const changes = [absent('environments/production/a'), absent('environments/production/b/c')]
    expect(removeEndedLocks(snapshot, changes, now)).toEqual([absent('environments/production/locks/ended')])
  })

  it('leaves alone what cannot be read', () => {
    expect(removeEndedLocks(snapshot, [absent('environments/broken/locks/x')], later)).toEqual([])
  })

  it('that is new has nothing to take away', () => {
    expect(removeEndedLocks(snapshot, [file('environments/new/config.json', '{}')], now)).toEqual([])
  })
})

it('a change elsewhere takes no lock with it', () => {
  const changes = [file('applications/staging/team', 'x'), file('argocd/v1alpha1/staging.yaml', 'x')]
  expect(removeEndedLocks(snapshot, changes, now)).toEqual([])
})
