import { describe, expect, it } from 'vitest'
import type { LockFilter } from '../../src/core/list-locks.ts'
import { listLocks } from '../../src/core/list-locks.ts'
import { compareNames } from '../../src/core/names.ts'
import { unreadable } from '../../src/core/readable.ts'
import type { SnapshotBuilder } from '../support/snapshot-builder.ts'
import { aLock, aSnapshot } from '../support/snapshot-builder.ts'

const now = new Date('2026-05-04T09:30:00Z')
const ada = { name: 'Test Author', email: 'author@EXAMPLE.com' }

const shop = aSnapshot()
  .environment('staging', {
    locks: [aLock('s2'), aLock('s1', { createdBy: ada })],
    teamLocks: { search: [aLock('t2')], payments: [aLock('t1')] },
  })
  .environment('production', { locks: [aLock('p1', { expiresAt: now })], teamLocks: { payments: [aLock('t0')] } })
  .application('web', { team: 'search' })
  .application('cart', { team: 'payments' })
  .application('tool')
  .noApplication('planned')
  .applicationLock('staging', 'web', aLock('a3'))
  .applicationLock('staging', 'planned', aLock('a2'))
  .applicationLock('staging', 'cart', aLock('a1', { createdBy: { name: 'Lock Keeper', email: 'g@payments.example' } }))
  .applicationLock('production', 'tool', aLock('a0'))

/** Each lock in one line, and the warnings. */
function list(snapshot: SnapshotBuilder, filter: LockFilter = {}, at = now) {
  const { locks, warnings } = listLocks(snapshot.build(), filter, at)
  return {
    locks: locks.map(({ environment, kind, name, lock }) => [environment, kind, name, lock.id].join(' ')),
    warnings,
  }
}

describe('the list of locks', () => {
  it('has all of all kinds, by environment, kind, application or team, and id', () => {
    expect(list(shop)).toEqual({
      locks: [
        'production environment  p1',
        'production application tool a0',
        'production team payments t0',
        'staging environment  s1',
        'staging environment  s2',
        'staging application cart a1',
        'staging application planned a2',
        'staging application web a3',
        'staging team payments t1',
        'staging team search t2',
      ],
      warnings: [],
    })
  })

  it('is empty where there is no lock', () => {
    expect(list(aSnapshot())).toEqual({ locks: [], warnings: [] })
  })

  it('says which have ended, from the very moment on', () => {
    const endedAt = (moment: Date) =>
      listLocks(shop.build(), {}, moment).locks.flatMap(({ lock, hasEnded }) => (hasEnded ? [lock.id] : []))
    expect(endedAt(new Date(now.getTime() - 1))).toEqual([])
    expect(endedAt(now)).toEqual(['p1'])
  })
})

describe('a filter for locks', () => {
  it.each([
    ['kind', { kind: 'environment' }, 'p1 s1 s2'],
    ['kind', { kind: 'application' }, 'a0 a1 a2 a3'],
    ['kind', { kind: 'team' }, 't0 t1 t2'],
    ['environment', { environment: 'production' }, 'p1 a0 t0'],
    ['team: its own locks and those of its applications', { team: 'payments' }, 't0 a1 t1'],
    ['author: part of the name', { author: 'AUTH' }, 's1'],
    ['author: part of the e-mail address', { author: 'AUTHOR@example' }, 's1'],
    ['author: either', { author: 'a' }, 'p1 a0 t0 s1 s2 a1 a2 a3 t1 t2'],
    ['author: nobody', { author: 'ada author <' }, ''],
    ['several', { team: 'payments', environment: 'staging', kind: 'application' }, 'a1'],
    ['several that exclude each other', { team: 'payments', kind: 'environment' }, ''],
  ] as const)('by %s: %j', (_name, filter, ids) => {
    const { locks, warnings } = list(shop, filter)
    expect(locks.map((line) => line.split(' ').at(-1)).join(' ')).toBe(ids)
    expect(warnings).toEqual([])
  })

  it.each([
    ['2d', 0, []],
    ['2d', 1, ['two-days']],
    ['1h', 0, ['two-days']],
    ['1w', 0, []],
    [`${'9'.repeat(50)}w`, 0, []],
  ])('by age keeps those that are older than %.5s, and %i ms later: %j', (olderThan, milliseconds, ids) => {
    const snapshot = aSnapshot().environment('staging', {
      locks: [
        aLock('unknown', { createdAt: undefined }),
        aLock('new', { createdAt: now }),
        aLock('two-days', { createdAt: new Date(now.getTime() - 48 * 3_600_000) }),
      ],
    })
    const { locks } = list(snapshot, { olderThan }, new Date(now.getTime() + milliseconds))
    expect(locks).toEqual(ids.map((id) => `staging environment  ${id}`))
  })

  it('for what is not there says so', () => {
    expect(list(shop, { environment: 'stagign', team: 'paiments' })).toEqual({
      locks: [],
      warnings: ["there is no environment 'stagign'", "no application belongs to team 'paiments'"],
    })
  })

  it('for a team without applications still finds what is left of its locks', () => {
    const snapshot = aSnapshot().environment('staging', { teamLocks: { gone: [aLock('left')] } })
    expect(list(snapshot, { team: 'gone' })).toEqual({
      locks: ['staging team gone left'],
      warnings: ["no application belongs to team 'gone'"],
    })
  })
})

describe('a lock that cannot be read', () => {
  const broken = aSnapshot()
    .problem('teams.json: is a file')
    .environment('a', { unreadable: { locks: 'a/locks', applications: 'a/applications', teamLocks: 'a/teams' } })
    .environment('b', { locks: [aLock('b1')], teamLocks: { x: unreadable('b/teams/x'), y: [aLock('b2')] } })
    .environment('c', { unreadable: { locks: 'c', applications: 'c', teamLocks: 'c' } })
    .application('cart', { team: 'x' })
    .application('web', { team: 'y' })
    .application('tool', { team: unreadable('tool/team') })
    .application('idle', { team: unreadable('idle/team') })
    .unreadableApplication('lost', 'applications/lost')
    .unreadableApplicationLocks('b', 'cart', 'b/cart/locks')
    .unreadableIn('b', 'web', 'b/web')
    .applicationLock('b', 'tool', aLock('b3'))
    .applicationLock('b', 'lost', aLock('b4'))
    .applicationLock('b', 'idle')

  it.each([
    [
      {},
      4,
      ['teams.json: is a file', 'a/locks', 'a/applications', 'a/teams', 'b/cart/locks', 'b/web', 'b/teams/x', 'c'],
    ],
    [{ environment: 'b', kind: 'team' }, 1, ['teams.json: is a file', 'b/teams/x']],
    [{ environment: 'a', kind: 'environment' }, 0, ['teams.json: is a file', 'a/locks']],
    [
      { environment: 'b', team: 'x' },
      0,
      ['teams.json: is a file', 'applications/lost', 'tool/team', 'b/cart/locks', 'b/teams/x'],
    ],
  ] as const)('is told once, where it could have been listed: %j', (filter, count, warnings) => {
    const listed = list(broken, filter)
    expect(listed.locks).toHaveLength(count)
    expect(listed.warnings.toSorted(compareNames)).toEqual(warnings.toSorted(compareNames))
  })
})
