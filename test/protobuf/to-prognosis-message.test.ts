import { describe, expect, it } from 'vitest'
import type { EnvironmentName } from '../../src/core/names.ts'
import type { ApplicationPrognosis, EnvironmentPrognosis } from '../../src/core/release-train-prognosis.ts'
import { describeApplicationSkip, describeEnvironmentSkip } from '../../src/core/skip-cause.ts'
import { toJson } from '../../src/protobuf/messages.ts'
import { prognosisMessageType, toPrognosisMessage } from '../../src/protobuf/to-prognosis-message.ts'
import { releaseTrainMessageType, toReleaseTrainMessage } from '../../src/protobuf/to-release-train-message.ts'
import { toPublishedJson } from './published-proto.ts'
import {
  applicationSkips,
  aPrognosis,
  aPrognosisOfEverything,
  audit,
  decided,
  environmentSkips,
  freeze,
  skippedEnvironment,
  stays,
  travels,
} from './sample-prognosis.ts'

const context = { fingerprint: '3f2a', commit: '4b825dc642cb6eb9a060e54bf8d69288fbee4904' }

/** What the whole way to JSON text makes of it. */
function toEnvironmentJson(prognosis: EnvironmentPrognosis): unknown {
  const json = toJson(prognosisMessageType, toPrognosisMessage(aPrognosis([prognosis]), context))
  return (JSON.parse(json) as { envsPrognoses: Record<string, unknown> }).envsPrognoses[prognosis.environment]
}

function toApplicationJson(prognosis: ApplicationPrognosis): unknown {
  const json = toEnvironmentJson(decided('staging', [prognosis]))
  return (json as { appsPrognoses: { prognoses: Record<string, unknown> } }).appsPrognoses.prognoses[
    prognosis.application
  ]
}

const freezeJson = {
  message: 'until the fair is over',
  lockId: 'freeze',
  createdAt: '2024-07-01T12:00:00.123Z',
  createdBy: { name: 'Keeper', email: 'keeper@example.com' },
  ciLink: 'https://ci.example.com/1',
  suggestedLifetime: '2d',
  expiresAt: '2024-07-03T12:00:00Z',
}
const auditJson = { lockId: 'audit', createdBy: { name: 'Keeper', email: 'keeper@example.com' } }

describe('a prognosis as a message', () => {
  it('says what was asked, and what it was decided from', () => {
    const prognosis = aPrognosis([], {
      target: 'production',
      team: aPrognosisOfEverything().team,
      warnings: ['a group cannot be known'],
      validUntil: new Date('2024-07-03T12:00:00.5Z'),
    })
    expect(JSON.parse(toJson(prognosisMessageType, toPrognosisMessage(prognosis, context)))).toEqual({
      target: 'production',
      team: 'payments',
      fingerprint: '3f2a',
      commit: context.commit,
      warnings: ['a group cannot be known'],
      validUntil: '2024-07-03T12:00:00.500Z',
    })
  })

  it('leaves out what there is not', () => {
    const message = toPrognosisMessage(aPrognosis([]), { fingerprint: '3f2a', commit: undefined })
    expect(toJson(prognosisMessageType, message)).toBe('{"target":"staging","fingerprint":"3f2a"}')
  })

  it('is the same for every reader of the published .proto files', () => {
    const message = toPrognosisMessage(aPrognosisOfEverything(), context)
    expect(toJson(prognosisMessageType, message)).toBe(toPublishedJson(prognosisMessageType, message))
  })

  it.each(Object.values(environmentSkips))('keeps $cause of an environment', (skip) => {
    const locks = skip.cause === 'ENV_IS_LOCKED' ? { envLocks: { audit: auditJson, freeze: freezeJson } } : {}
    expect(toEnvironmentJson({ ...skippedEnvironment('staging', skip), upstream: 'latest' })).toEqual({
      skipCause: skip.cause,
      upstream: 'latest',
      reason: describeEnvironmentSkip(skip),
      ...locks,
    })
  })

  it.each(Object.values(applicationSkips))('keeps $cause of an application', (skip) => {
    const expected = {
      APP_IS_LOCKED: { appLocks: [auditJson, freezeJson] },
      TEAM_IS_LOCKED: { teamLocks: [freezeJson], queuedVersion: '7' },
    }
    expect(toApplicationJson(stays('cart', skip, { from: 5n, team: 'payments' }))).toEqual({
      skipCause: skip.cause,
      fromVersion: '5',
      team: 'payments',
      reason: describeApplicationSkip(skip),
      ...expected[skip.cause as keyof typeof expected],
    })
  })

  it('remembers the version that an application lock holds back', () => {
    const skip = { ...applicationSkips.APP_IS_LOCKED, locks: [freeze], heldVersion: 0n }
    expect(toApplicationJson(stays('cart', skip))).toMatchObject({ queuedVersion: '0' })
  })

  it('says where an application comes from and where it goes', () => {
    expect(toApplicationJson(travels('cart', 4n, { from: 3n, team: 'storefront' }))).toEqual({
      deployedVersion: { version: '4' },
      fromVersion: '3',
      team: 'storefront',
    })
  })

  it('tells nothing deployed from version 0', () => {
    expect(toApplicationJson(travels('cart', 4n))).toEqual({ deployedVersion: { version: '4' } })
    expect(toApplicationJson(travels('cart', 4n, { from: 0n }))).toEqual({
      deployedVersion: { version: '4' },
      fromVersion: '0',
    })
  })

  it.each([2n ** 53n + 1n, 2n ** 64n - 1n])('has version %s exactly', (version) => {
    expect(toApplicationJson(travels('cart', version, { from: version - 1n }))).toEqual({
      deployedVersion: { version: String(version) },
      fromVersion: String(version - 1n),
    })
    const skip = { ...applicationSkips.TEAM_IS_LOCKED, heldVersion: version }
    expect(toApplicationJson(stays('cart', skip))).toMatchObject({ queuedVersion: String(version) })
  })

  it('tells an environment without applications from one that was skipped', () => {
    expect(toEnvironmentJson(decided('staging', []))).toEqual({ appsPrognoses: {}, upstream: 'development' })
  })

  it('shows one lock of each id, whatever the id', () => {
    const locks = [{ ...audit, id: '__proto__' }, freeze]
    const json = toEnvironmentJson(skippedEnvironment('staging', { cause: 'ENV_IS_LOCKED', locks }))
    expect(Object.keys((json as { envLocks: object }).envLocks)).toEqual(['__proto__', 'freeze'])
  })

  it('takes names that mean something to JavaScript', () => {
    const name = '__proto__' as EnvironmentName
    const message = toPrognosisMessage(aPrognosis([decided(name, [travels(name, 1n)])]), context)
    expect(toJson(prognosisMessageType, message)).toContain(
      '"envsPrognoses":{"__proto__":{"appsPrognoses":{"prognoses":{"__proto__":{"deployedVersion":{"version":"1"}}}}',
    )
    expect(toJson(prognosisMessageType, message)).toBe(toPublishedJson(prognosisMessageType, message))
  })
})

describe('a train that ran, as a message', () => {
  it('says the same of its environments as the prognosis it ran', () => {
    const prognosis = aPrognosisOfEverything()
    const train = toReleaseTrainMessage(prognosis, context)

    expect(train.environments).toEqual(toPrognosisMessage(prognosis, context).envsPrognoses)
    expect(toJson(releaseTrainMessageType, train)).toBe(toPublishedJson(releaseTrainMessageType, train))
    expect(JSON.parse(toJson(releaseTrainMessageType, { ...train, environments: {} }))).toEqual({
      target: 'production',
      team: 'payments',
      commit: context.commit,
      fingerprint: '3f2a',
      warnings: prognosis.warnings,
    })
  })

  it('has no commit when nothing changed', () => {
    const train = toReleaseTrainMessage(aPrognosis([]), { fingerprint: '3f2a', commit: undefined })
    expect(toJson(releaseTrainMessageType, train)).toBe('{"target":"staging","fingerprint":"3f2a"}')
  })
})
