import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Lock } from '../../src/core/lock.ts'
import type { EnvironmentName, TeamName } from '../../src/core/names.ts'
import type { ApplicationSkip, EnvironmentSkip } from '../../src/core/skip-cause.ts'
import { describeApplicationSkip, describeEnvironmentSkip } from '../../src/core/skip-cause.ts'
import { aLock } from '../support/snapshot-builder.ts'

const freeze = aLock('freeze', { message: 'until the fair is over' })

describe('why an environment takes nothing', () => {
  const nowhere = 'nowhere' as EnvironmentName
  it.each<[EnvironmentSkip, string]>([
    [{ cause: 'ENV_HAS_NO_UPSTREAM' }, 'it has no upstream'],
    [{ cause: 'ENV_HAS_NO_UPSTREAM_LATEST_OR_UPSTREAM_ENV' }, 'its upstream names neither an environment nor latest'],
    [{ cause: 'ENV_HAS_BOTH_UPSTREAM_LATEST_AND_UPSTREAM_ENV' }, 'its upstream names both an environment and latest'],
    [
      { cause: 'UPSTREAM_ENV_CONFIG_NOT_FOUND', upstream: nowhere },
      "its upstream environment 'nowhere' does not exist",
    ],
    [{ cause: 'ENV_IS_LOCKED', locks: [freeze] }, 'the environment is locked: freeze (until the fair is over)'],
    [{ cause: 'ENV_UNREADABLE', reason: 'config.json is not JSON' }, 'unreadable: config.json is not JSON'],
  ])('%o', (skip, sentence) => {
    expect(describeEnvironmentSkip(skip)).toBe(sentence)
  })
})

describe('why an application stays', () => {
  const payments = 'payments' as TeamName
  it.each<[ApplicationSkip, string]>([
    [{ cause: 'APP_HAS_NO_VERSION_IN_UPSTREAM_ENV' }, 'nothing is deployed upstream'],
    [{ cause: 'APP_ALREADY_IN_UPSTREAM_VERSION', version: 2n ** 64n - 1n }, 'already at version 18446744073709551615'],
    [
      { cause: 'APP_IS_LOCKED', locks: [freeze], heldVersion: 7n },
      'the application is locked: freeze (until the fair is over)',
    ],
    [{ cause: 'APP_DOES_NOT_EXIST_IN_ENV', version: 7n }, 'version 7 has no manifest for this environment'],
    [
      { cause: 'TEAM_IS_LOCKED', team: payments, locks: [freeze], heldVersion: 7n },
      'team payments is locked: freeze (until the fair is over)',
    ],
    [
      { cause: 'NO_TEAM_PERMISSION', reason: "Deployer is not in team 'payments'" },
      "Deployer is not in team 'payments'",
    ],
    [{ cause: 'APP_UNREADABLE', reason: 'no link' }, 'unreadable: no link'],
  ])('%o', (skip, sentence) => {
    expect(describeApplicationSkip(skip)).toBe(sentence)
  })
})

describe('locks', () => {
  it.each<[string, readonly Lock[], string]>([
    ['with a message', [aLock('a', { message: 'fair' })], 'a (fair)'],
    ['without one', [aLock('a')], 'a'],
    ['one after the other', [aLock('a', { message: 'fair' }), aLock('b'), aLock('c')], 'a (fair), b, c'],
    ['with a message that ends with a line break', [aLock('a', { message: 'fair\n' })], 'a (fair)'],
    ['with more than one line', [aLock('a', { message: 'fair\nsays Keeper' })], 'a (fair)'],
    ['with a carriage return', [aLock('a', { message: 'fair\rsays Keeper' })], 'a (fair)'],
    ['with empty lines before', [aLock('a', { message: '\n\n  fair' })], 'a (fair)'],
    ['with a tab', [aLock('a', { message: 'the\tfair' })], 'a (the fair)'],
    ['with colours', [aLock('a', { message: '\u001b[31mfair\u001b[0m' })], 'a ( [31mfair [0m)'],
    ['with 100 characters', [aLock('a', { message: 'x'.repeat(100) })], `a (${'x'.repeat(100)})`],
    ['with more', [aLock('a', { message: 'x'.repeat(101) })], `a (${'x'.repeat(99)}…)`],
    ['with an empty message that a text editor ended', [aLock('a', { message: '\n' })], 'a'],
  ])('%s', (_, locks, expected) => {
    expect(describeEnvironmentSkip({ cause: 'ENV_IS_LOCKED', locks })).toBe(`the environment is locked: ${expected}`)
  })

  it('are not cut in the middle of a character', () => {
    const message = `${'x'.repeat(98)}🚂${'x'.repeat(10)}`
    const sentence = describeEnvironmentSkip({ cause: 'ENV_IS_LOCKED', locks: [aLock('a', { message })] })
    expect(sentence).not.toMatch(/\p{Cs}/u)
  })
})

describe('a sentence is one line without control characters', () => {
  const hostile = fc.oneof(
    fc.string(),
    fc.string({ unit: fc.constantFrom('a', '\n', '\r', '\t', '\u001b', '\u007f', '\u0085', '\u0000', ' ') }),
  )
  const locks = fc.array(
    fc.record({ id: hostile, message: hostile }).map(({ id, message }) => aLock(id, { message })),
    { minLength: 1, maxLength: 3 },
  )
  const controlCharacter = /\p{Cc}/u

  it('whatever a lock message says', () => {
    fc.assert(
      fc.property(hostile, (message) => {
        const skip = { cause: 'ENV_IS_LOCKED', locks: [aLock('freeze', { message })] } as const
        expect(describeEnvironmentSkip(skip)).not.toMatch(controlCharacter)
      }),
    )
  })

  const environmentSkips: Record<string, fc.Arbitrary<EnvironmentSkip>> = {
    'whatever a lock is called': locks.map((of) => ({ cause: 'ENV_IS_LOCKED', locks: of })),
    'whatever the config names as upstream': hostile.map((upstream) => ({
      cause: 'UPSTREAM_ENV_CONFIG_NOT_FOUND',
      upstream: upstream as EnvironmentName,
    })),
    'whatever made an environment unreadable': hostile.map((reason) => ({ cause: 'ENV_UNREADABLE', reason })),
  }
  it.each(Object.entries(environmentSkips))('%s', (_, skips) => {
    fc.assert(
      fc.property(skips, (skip) => {
        expect(describeEnvironmentSkip(skip)).not.toMatch(controlCharacter)
      }),
    )
  })

  const applicationSkips: Record<string, fc.Arbitrary<ApplicationSkip>> = {
    'whatever a lock of an application is called': locks.map((of) => ({
      cause: 'APP_IS_LOCKED',
      locks: of,
      heldVersion: undefined,
    })),
    'whatever a team is called': fc.tuple(hostile, locks).map(([team, of]) => ({
      cause: 'TEAM_IS_LOCKED',
      team: team as TeamName,
      locks: of,
      heldVersion: 1n,
    })),
    'whatever the principal is called': hostile.map((reason) => ({ cause: 'NO_TEAM_PERMISSION', reason })),
    'whatever made an application unreadable': hostile.map((reason) => ({ cause: 'APP_UNREADABLE', reason })),
  }
  it.each(Object.entries(applicationSkips))('%s', (_, skips) => {
    fc.assert(
      fc.property(skips, (skip) => {
        expect(describeApplicationSkip(skip)).not.toMatch(controlCharacter)
      }),
    )
  })
})
