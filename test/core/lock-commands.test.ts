import { describe, expect, it } from 'vitest'
import type { Change } from '../../src/core/change.ts'
import type { Command, Decision } from '../../src/core/command.ts'
import { DomainError } from '../../src/core/errors.ts'
import type { LockTarget, LockText } from '../../src/core/lock-commands.ts'
import { createLock, deleteLock } from '../../src/core/lock-commands.ts'
import type { Principal } from '../../src/core/principal.ts'
import { unreadable } from '../../src/core/readable.ts'
import { absent, file } from '../support/changes.ts'
import type { SnapshotBuilder } from '../support/snapshot-builder.ts'
import { aLock, aSnapshot } from '../support/snapshot-builder.ts'
import { aPrincipal } from '../support/test-server.ts'

const now = new Date('2026-05-04T09:30:00.250Z')
const freeze = aLock('freeze')

const shop = aSnapshot()
  .environment('staging')
  .environment('production-fr', { group: 'production' })
  .environment('production-de', { group: 'production' })
  .application('cart', { team: 'payments', releases: { 1: ['staging'], 2: ['staging'] } })

const everyTarget = [
  [{ kind: 'environment', environment: 'staging' }, ['environments/staging/locks/freeze']],
  [
    { kind: 'application', environment: 'staging', application: 'cart' },
    ['environments/staging/applications/cart/locks/freeze'],
  ],
  [{ kind: 'team', environment: 'staging', team: 'payments' }, ['environments/staging/teams/payments/locks/freeze']],
  [
    { kind: 'group', group: 'production' },
    ['environments/production-de/locks/freeze', 'environments/production-fr/locks/freeze'],
  ],
] as const satisfies readonly (readonly [LockTarget, readonly string[]])[]

const staging: LockTarget = { kind: 'environment', environment: 'staging' }

function say(text: Partial<LockText> = {}): LockText {
  return { message: 'Load test', ciLink: undefined, suggestedLifetime: undefined, end: undefined, ...text }
}

function decide(
  command: Command<void>,
  snapshot: SnapshotBuilder = shop,
  principal: Principal = aPrincipal({}),
): Decision<void> {
  return command.decide({ snapshot: snapshot.build(), loaded: new Map(), principal, now })
}

function changesOf(command: Command<void>, snapshot?: SnapshotBuilder): readonly Change[] {
  return decide(command, snapshot).changes
}

function errorOf(command: Command<void>, snapshot?: SnapshotBuilder, principal?: Principal): DomainError {
  try {
    decide(command, snapshot, principal)
  } catch (error) {
    if (error instanceof DomainError) return error
    throw error
  }
  throw new Error('nothing was refused')
}

describe('a new lock', () => {
  it.each(everyTarget)('stands where Kuberpult looks for it, and replaces what was there: %j', (target, places) => {
    const changes = changesOf(createLock(target, 'freeze', say()))
    expect(changes).toEqual(
      places.flatMap((place) => [
        absent(place),
        file(`${place}/message`, 'Load test'),
        file(`${place}/created_by_email`, 'keeper@example.com'),
        file(`${place}/created_by_name`, 'Keeper'),
        file(`${place}/created_at`, '2026-05-04T09:30:00Z'),
      ]),
    )
  })

  it('has a file for each thing that is said of it', () => {
    const text = say({ message: '', ciLink: 'https://ci.example.com/1', suggestedLifetime: '2d', end: '1h' })
    expect(changesOf(createLock(staging, 'freeze', text))).toEqual(
      expect.arrayContaining([
        file('environments/staging/locks/freeze/message', ''),
        file('environments/staging/locks/freeze/ci_link', 'https://ci.example.com/1'),
        file('environments/staging/locks/freeze/suggested_lifetime', '2d'),
        file('environments/staging/locks/freeze/expires_at', '2026-05-04T10:30:00.250Z'),
      ]),
    )
  })

  it.each([
    [new Date('2026-05-04T09:30:00.251Z'), '2026-05-04T09:30:00.251Z'],
    [new Date('9999-12-31T23:59:59.999Z'), '9999-12-31T23:59:59.999Z'],
    ['2w', '2026-05-18T09:30:00.250Z'],
  ])('may end at any later moment that RFC 3339 can say: %s', (end, text) => {
    expect(changesOf(createLock(staging, 'freeze', say({ end }))).at(-1)).toEqual(
      file('environments/staging/locks/freeze/expires_at', text),
    )
  })

  it.each([
    [now, 'in the future'],
    [new Date(0), 'in the future'],
    [new Date('9999-12-31T23:59:59-12:00'), 'the year 9999'],
    [new Date(Number.NaN), 'the year 9999'],
    ['9999999w', 'the year 9999'],
    [`${'9'.repeat(400)}h`, 'the year 9999'],
  ])('is refused when it would never hold, or nobody could say how long: %s', (end, why) => {
    const error = errorOf(createLock(staging, 'freeze', say({ end })))
    expect(error.code).toBe('INVALID_END')
    expect(error.message).toContain(why)
  })

  it.each([
    [everyTarget[0][0], 'Lock staging: freeze', 'environment staging'],
    [everyTarget[1][0], 'Lock cart in staging: freeze', 'application cart in staging'],
    [everyTarget[2][0], 'Lock team payments in staging: freeze', 'team payments in staging'],
    [everyTarget[3][0], 'Lock group production: freeze', 'group production'],
  ])('says in its commit what is locked, and why: %j', (target, subject, trailer) => {
    const text = say({ message: 'Load test\nuntil Thursday', ciLink: 'https://ci.example.com/1' })
    expect(decide(createLock(target, 'freeze', text)).text).toEqual({
      subject,
      sections: [
        { heading: 'Message', lines: ['Load test', 'until Thursday'] },
        { heading: 'Started by', lines: ['https://ci.example.com/1'] },
      ],
      trailers: [
        { key: 'Signalbox-Command', value: 'create-lock' },
        { key: 'Signalbox-Target', value: trailer },
      ],
    })
  })

  it('may come before its application', () => {
    const target: LockTarget = { kind: 'application', environment: 'staging', application: 'planned' }
    expect(changesOf(createLock(target, 'freeze', say()))).toContainEqual(
      file('environments/staging/applications/planned/locks/freeze/message', 'Load test'),
    )
  })

  it('needs nothing from the repository but the snapshot', () => {
    const input = { snapshot: shop.build(), loaded: new Map(), principal: aPrincipal({}), now }
    expect(createLock(staging, 'freeze', say()).reads(input)).toEqual([])
    expect(deleteLock(staging, 'freeze').reads(input)).toEqual([])
  })
})

describe('a lock in the place of one that still holds', () => {
  const soon = new Date('2026-05-04T09:30:02Z')
  const later = new Date('2026-05-06T00:00:00Z')
  const endless = aSnapshot().environment('staging', { locks: [freeze] })
  const ending = aSnapshot().environment('staging', { locks: [aLock('freeze', { expiresAt: later })] })
  const mayOnlyCreate = aPrincipal({ denied: ['DeleteLock staging'] })
  const mayDoBoth = aPrincipal({})

  it.each([
    ['without an end by one with', endless, soon],
    ['by one that ends earlier', ending, soon],
    ['of which nobody knows when it ends', aSnapshot().environment('staging', { unreadable: { locks: 'odd' } }), soon],
  ] as const)('takes the permission to remove it where it is cut short: one %s', (_what, snapshot, end) => {
    const command = createLock(staging, 'freeze', say({ end }))
    expect(errorOf(command, snapshot, mayOnlyCreate).problem).toEqual({
      code: 'PERMISSION_DENIED',
      action: 'DeleteLock',
      environment: 'staging',
    })
    expect(decide(command, snapshot, mayDoBoth).changes).not.toEqual([])
  })

  it.each([
    ['has none either', endless, undefined],
    ['gets the same end', ending, later],
    ['gets a later end', ending, '1w'],
    ['loses its end', ending, undefined],
    ['has ended already', aSnapshot().environment('staging', { locks: [aLock('freeze', { expiresAt: now })] }), soon],
    ['is another one', aSnapshot().environment('staging', { locks: [aLock('other')] }), soon],
  ] as const)('takes nothing more where it %s', (_what, snapshot, end) => {
    const command = createLock(staging, 'freeze', say({ end }))
    expect(decide(command, snapshot, mayOnlyCreate).changes).not.toEqual([])
  })

  it.each([[everyTarget[1][0]], [everyTarget[2][0]], [everyTarget[3][0]]])(
    'is asked about as its removal is: %j',
    (target) => {
      const snapshot = aSnapshot()
        .environment('staging', { teamLocks: { payments: [freeze] } })
        .environment('production-de', { group: 'production', locks: [freeze] })
        .environment('production-fr', { group: 'production' })
        .application('cart', { team: 'payments', releases: { 1: ['staging'] } })
        .applicationLock('staging', 'cart', freeze)
      const principal = aPrincipal({ denied: ['DeleteLock staging', 'DeleteLock production-de'] })
      expect(errorOf(createLock(target, 'freeze', say({ end: soon })), snapshot, principal).problem).toMatchObject({
        action: 'DeleteLock',
      })
    },
  )

  it('is told in the commit', () => {
    const sectionsOf = (snapshot: SnapshotBuilder) =>
      decide(createLock(staging, 'freeze', say()), snapshot).text.sections.filter(
        ({ heading }) => heading === 'Replaces',
      )
    expect(sectionsOf(endless)).toEqual([
      { heading: 'Replaces', lines: ['the lock of Keeper <keeper@example.com> in staging, without an end'] },
    ])
    expect(sectionsOf(ending)).toEqual([
      {
        heading: 'Replaces',
        lines: ['the lock of Keeper <keeper@example.com> in staging, until 2026-05-06T00:00:00.000Z'],
      },
    ])
    expect(sectionsOf(shop)).toEqual([])
  })
})

describe('a lock that is taken away', () => {
  const locked = aSnapshot()
    .environment('staging', { locks: [freeze], teamLocks: { payments: [freeze] } })
    .environment('production-fr', { group: 'production', locks: [freeze] })
    .environment('production-de', { group: 'production', locks: [freeze] })
    .application('cart', { team: 'payments' })
    .applicationLock('staging', 'cart', freeze)

  it.each(everyTarget)('goes with its whole directory: %j', (target, places) => {
    expect(changesOf(deleteLock(target, 'freeze'), locked)).toEqual(places.map((place) => absent(place)))
  })

  it.each(everyTarget)('changes nothing when there is none of its id: %j', (target) => {
    expect(changesOf(deleteLock(target, 'other'), locked)).toEqual([])
    expect(changesOf(deleteLock(target, 'freeze'))).toEqual([])
  })

  it('leaves those environments of the group alone that have none', () => {
    const snapshot = aSnapshot()
      .environment('a', { group: 'production' })
      .environment('b', { group: 'production', locks: [freeze] })
    expect(changesOf(deleteLock({ kind: 'group', group: 'production' }, 'freeze'), snapshot)).toEqual([
      absent('environments/b/locks/freeze'),
    ])
  })

  it('may be what makes the others unreadable', () => {
    const snapshot = aSnapshot()
      .environment('staging', { unreadable: { locks: 'is a file' }, teamLocks: { payments: unreadable('is a file') } })
      .application('cart', { team: 'payments' })
      .unreadableApplicationLocks('staging', 'cart', 'is a file')
    for (const [target, places] of everyTarget.slice(0, 3)) {
      expect(changesOf(deleteLock(target, 'freeze'), snapshot)).toEqual(places.map((place) => absent(place)))
    }
  })

  it('may be the last thing that is left of its team', () => {
    const snapshot = aSnapshot().environment('staging', { teamLocks: { 'Old Team': [freeze] } })
    const target: LockTarget = { kind: 'team', environment: 'staging', team: 'Old Team' }
    expect(changesOf(deleteLock(target, 'freeze'), snapshot)).toEqual([
      absent('environments/staging/teams/Old Team/locks/freeze'),
    ])
  })

  it.each(everyTarget)('says so in its commit: %j', (target) => {
    const { subject, trailers } = decide(deleteLock(target, 'freeze'), locked).text
    expect(subject).toBe(decide(createLock(target, 'freeze', say())).text.subject.replace('Lock', 'Unlock'))
    expect(trailers[0]).toEqual({ key: 'Signalbox-Command', value: 'delete-lock' })
  })
})

describe('a queued version', () => {
  /** cart: queued and deployed since; web: still waiting; tool: broken. */
  const queued = aSnapshot()
    .environment('staging', { group: 'tests', locks: [freeze], teamLocks: { payments: [freeze] } })
    .application('cart', { team: 'payments', releases: { 1: ['staging'], 2: ['staging'] } })
    .application('web', { team: 'payments', releases: { 1: ['staging'], 2: ['staging'] } })
    .application('tool', { team: 'payments' })
    .deployed('staging', 'cart', 2)
    .queued('staging', 'cart', 2)
    .deployed('staging', 'web', 1)
    .queued('staging', 'web', 2)
    .deployed('staging', 'tool', unreadable('is a file'))
    .queued('staging', 'tool', 1)
    .noRelease('tool', 1)
    .applicationLock('staging', 'cart', freeze)
    .applicationLock('staging', 'web', freeze)
  const forgotten = absent('environments/staging/applications/cart/queued_version')

  it.each([
    ['the environment', staging, true],
    ['its group', { kind: 'group', group: 'tests' }, true],
    ['the application', { kind: 'application', environment: 'staging', application: 'cart' }, true],
    ['another application', { kind: 'application', environment: 'staging', application: 'web' }, false],
    ['the team', { kind: 'team', environment: 'staging', team: 'payments' }, false],
  ] as const)('that is deployed by now is forgotten when a lock goes from %s: %j %s', (_name, target, isForgotten) => {
    const [lock, ...others] = changesOf(deleteLock(target, 'freeze'), queued)
    expect(lock?.path).toMatch(/\/locks\/freeze$/)
    expect(others).toEqual(isForgotten ? [forgotten] : [])
  })

  it('stays when there was no lock to take away', () => {
    expect(changesOf(deleteLock(staging, 'other'), queued)).toEqual([])
  })

  it('stays when a lock is made', () => {
    expect(changesOf(createLock(staging, 'other', say()), queued)).not.toContainEqual(forgotten)
  })
})

describe.each([
  ['create', (target: LockTarget, id: string) => createLock(target, id, say())],
  ['delete', deleteLock],
] as const)('to %s a lock', (verb, command) => {
  it.each([
    [{ kind: 'environment', environment: 'No Name' }, 'environment', 'environment lock', 'No Name'],
    [{ kind: 'environment', environment: '' }, 'environment', 'environment lock', ''],
    [
      { kind: 'application', environment: '..', application: 'cart' },
      'environment',
      'environment application lock',
      '..',
    ],
    [
      { kind: 'application', environment: 'staging', application: 'a/b' },
      'application',
      'environment application lock',
      'a/b',
    ],
    [{ kind: 'team', environment: 'x/y', team: 'payments' }, 'environment', 'environment team lock', 'x/y'],
    [{ kind: 'team', environment: 'staging', team: '../x' }, 'team', 'environment team lock', '../x'],
  ] as const)('on what cannot exist is refused: %j', (target, parameter, what, value) => {
    const error = errorOf(command(target, 'freeze'))
    expect(error.problem).toEqual({
      code: 'INVALID_NAME',
      invalid: [{ parameter, value, rule: expect.any(String) as string }],
    })
    expect(error.message).toBe(`cannot ${verb} ${what}: invalid ${parameter}: '${value}'`)
  })

  it.each(everyTarget)('of an invalid id is refused: %j', (target) => {
    for (const id of ['', 'x', '..', 'a/b', '.git', 'x'.repeat(100), 'a\nb']) {
      const error = errorOf(command(target, id))
      expect(error.problem).toMatchObject({ code: 'INVALID_NAME', invalid: [{ parameter: 'lock id', value: id }] })
      expect(error.message).toMatch(new RegExp(`^cannot ${verb} environment .*lock: invalid lock id: '`))
    }
  })

  it.each(['..', 'a/b', '.git', 'a\\b', 'x'.repeat(256)])(
    'of a team is refused when an application calls its team %j',
    (team) => {
      const error = errorOf(
        command({ kind: 'team', environment: 'staging', team }, 'freeze'),
        shop.application('x', { team }),
      )
      expect(error.code).toBe('INVALID_NAME')
    },
  )

  it('of a team with any other name is possible', () => {
    const snapshot = shop.application('x', { team: 'Team Ä' }).environment('a', { teamLocks: { 'Team Ä': [freeze] } })
    expect(changesOf(command({ kind: 'team', environment: 'a', team: 'Team Ä' }, 'freeze'), snapshot)[0]).toEqual(
      absent('environments/a/teams/Team Ä/locks/freeze'),
    )
  })

  it('in an unknown environment is refused', () => {
    for (const kind of ['environment', 'application', 'team'] as const) {
      const target = { kind, environment: 'nowhere', application: 'cart', team: 'payments' }
      expect(errorOf(command(target, 'freeze')).problem).toEqual({
        code: 'UNKNOWN_ENVIRONMENT',
        environment: 'nowhere',
      })
    }
  })

  it("of a group that no environment's config names is refused, an environment's name included", () => {
    for (const group of ['staging', 'nothing', '..', '']) {
      const error = errorOf(command({ kind: 'group', group }, 'freeze'))
      expect(error.problem).toEqual({ code: 'UNKNOWN_GROUP', group })
      expect(error.message).toBe(`error: no environment found with given group '${group}'`)
    }
  })

  const action = verb === 'create' ? 'CreateLock' : 'DeleteLock'

  it.each(everyTarget)('without the permission is refused: %j', (target) => {
    const [environment] = target.kind === 'group' ? ['production-fr'] : [target.environment]
    const principal = aPrincipal({ denied: [`${action} ${environment}`] })
    expect(errorOf(command(target, 'freeze'), shop, principal).problem).toEqual({
      code: 'PERMISSION_DENIED',
      action,
      environment,
    })
  })

  it('asks about the application only where one is locked, and about the group of the environment', () => {
    const asked: unknown[] = []
    const principal: Principal = { ...aPrincipal({}), mayDo: (...of) => asked.push(of) > 0 }
    for (const [target] of everyTarget) decide(command(target, 'freeze'), shop, principal)
    const inStaging = { environment: 'staging', environmentGroup: 'staging' }
    expect(asked).toEqual([
      [action, inStaging],
      [action, { ...inStaging, application: 'cart' }],
      [action, inStaging],
      [action, { environment: 'production-de', environmentGroup: 'production' }],
      [action, { environment: 'production-fr', environmentGroup: 'production' }],
    ])
  })
})

it('a team without applications cannot be locked, but unlocking it is no error', () => {
  const target: LockTarget = { kind: 'team', environment: 'staging', team: 'nobody' }
  const error = errorOf(createLock(target, 'freeze', say()))
  expect(error.problem).toEqual({ code: 'UNKNOWN_TEAM', team: 'nobody' })
  expect(error.message).toBe("Team 'nobody' does not exist.")
  expect(changesOf(deleteLock(target, 'freeze'))).toEqual([])
})
