import { describe, expect, it } from 'vitest'
import type { Prognosis } from '../../src/core/release-train-prognosis.ts'
import { fromBinary, toBinary } from '../../src/protobuf/messages.ts'
import {
  toKuberpultManifestsJson,
  toKuberpultPrognosisJson,
  toKuberpultReleaseTrainJson,
} from '../../src/protobuf/to-kuberpult-json.ts'
import { toLockMessage } from '../../src/protobuf/to-lock-message.ts'
import { prognosisMessageType, toPrognosisMessage } from '../../src/protobuf/to-prognosis-message.ts'
import { toReleaseTrainMessage } from '../../src/protobuf/to-release-train-message.ts'
import { toTimestampMessage } from '../../src/protobuf/to-timestamp-message.ts'
import { aLock } from '../support/snapshot-builder.ts'
import {
  applicationSkips,
  aPrognosis,
  aPrognosisOfEverything,
  audit,
  decided,
  environmentSkips,
  skippedEnvironment,
  stays,
  travels,
} from './sample-prognosis.ts'

const context = { fingerprint: '3f2a', commit: '4b825dc642cb6eb9a060e54bf8d69288fbee4904' }

function toNewer(prognosis: Prognosis): string {
  return toKuberpultPrognosisJson(toPrognosisMessage(prognosis, context), { deployedVersion: 'object' })
}

function toOlder(prognosis: Prognosis): string {
  return toKuberpultPrognosisJson(toPrognosisMessage(prognosis, context), { deployedVersion: 'number' })
}

const n = { name: 'n', email: 'e@x' }
const lock = aLock('l1', { message: 'm', createdBy: n, createdAt: new Date('2024-07-01T12:00:00Z') })
const wordyLock = {
  ...lock,
  createdAt: new Date('2024-07-01T12:00:00.123Z'),
  ciLink: 'https://ci',
  suggestedLifetime: '2d',
}
const { APP_HAS_NO_VERSION_IN_UPSTREAM_ENV: nothingUpstream, APP_IS_LOCKED, TEAM_IS_LOCKED } = applicationSkips
const emptyProd = aPrognosis([decided('prod', [])])
const sevenTravels = aPrognosis([decided('prod', [travels('app1', 7n)])])
const bothStay = aPrognosis([
  decided('prod', [stays('app1', nothingUpstream), stays('app2', { ...TEAM_IS_LOCKED, locks: [lock] })]),
])

/** The bodies that spec 2.8 has from running the original. Only the one with a revision is missing: we have none. */
describe("Kuberpult's bodies up to v13.22", () => {
  const skipped = Object.values(environmentSkips).slice(0, 5)
  it.each(skipped.map((skip, number) => [`{"prod":{"Outcome":{"SkipCause":${number}}}}`, skip] as const))(
    '%s',
    (body, skip) => {
      expect(toOlder(aPrognosis([skippedEnvironment('prod', skip)]))).toBe(body)
    },
  )

  it.each([
    ['{"prod":{"Outcome":{"AppsPrognoses":{}}}}', emptyProd],
    ['{"prod":{"Outcome":{"AppsPrognoses":{"prognoses":{"app1":{"Outcome":{"DeployedVersion":7}}}}}}}', sevenTravels],
    [
      '{"prod":{"Outcome":{"AppsPrognoses":{"prognoses":{"app1":{"Outcome":{"SkipCause":0}},"app2":{"Outcome":{"SkipCause":5}}}}}}}',
      bothStay,
    ],
  ])('%s', (body, prognosis) => {
    expect(toOlder(prognosis)).toBe(body)
  })

  it('know no locks', () => {
    for (const field of ['envLocks', 'appLocks', 'teamLocks']) {
      expect(toNewer(aPrognosisOfEverything())).toContain(`"${field}"`)
    }
    expect(toOlder(aPrognosisOfEverything())).not.toContain('Locks"')
  })
})

describe("Kuberpult's bodies of today", () => {
  it.each([
    [
      '{"prod":{"Outcome":{"SkipCause":4},"envLocks":{"l1":{"message":"m","lock_id":"l1","created_at":{"seconds":1719835200,"nanos":123000000},"created_by":{"name":"n","email":"e@x"},"ci_link":"https://ci","suggested_lifetime":"2d"}}}}',
      aPrognosis([skippedEnvironment('prod', { cause: 'ENV_IS_LOCKED', locks: [wordyLock] })]),
    ],
    [
      '{"prod":{"Outcome":{"AppsPrognoses":{"prognoses":{"app1":{"Outcome":{"DeployedVersion":{"version":7}}}}}}}}',
      sevenTravels,
    ],
    [
      '{"prod":{"Outcome":{"AppsPrognoses":{"prognoses":{"app1":{"Outcome":{"SkipCause":2},"appLocks":[{"message":"m","lock_id":"l1","created_at":{"seconds":1719835200},"created_by":{"name":"n","email":"e@x"}}]}}}}}}',
      aPrognosis([decided('prod', [stays('app1', { ...APP_IS_LOCKED, locks: [lock] })])]),
    ],
    [
      '{"prod":{"Outcome":{"AppsPrognoses":{"prognoses":{"app1":{"Outcome":{"SkipCause":5},"teamLocks":[{"message":"m","lock_id":"l1","created_at":{"seconds":1719835200},"created_by":{"name":"n","email":"e@x"}}]}}}}}}',
      aPrognosis([decided('prod', [stays('app1', { ...TEAM_IS_LOCKED, locks: [lock] })])]),
    ],
  ])('%s', (body, prognosis) => {
    expect(toNewer(prognosis)).toBe(body)
  })

  it('have nanoseconds where a message has them', () => {
    const createdAt = { ...toTimestampMessage(lock.createdAt), nanos: 123_456_000 }
    const envLocks = { l1: { ...toLockMessage(wordyLock), createdAt } }
    const message = { envsPrognoses: { prod: { skipCause: 4, envLocks } }, warnings: [] }
    expect(toKuberpultPrognosisJson(message, { deployedVersion: 'object' })).toBe(
      '{"prod":{"Outcome":{"SkipCause":4},"envLocks":{"l1":{"message":"m","lock_id":"l1","created_at":{"seconds":1719835200,"nanos":123456000},"created_by":{"name":"n","email":"e@x"},"ci_link":"https://ci","suggested_lifetime":"2d"}}}}',
    )
  })

  it('answer null when there is no environment at all', () => {
    expect(toNewer(aPrognosis([]))).toBe('null')
    expect(toOlder(aPrognosis([]))).toBe('null')
  })

  it.each(
    Object.values(environmentSkips).map((skip, index) => [skip.cause, skip, [0, 1, 2, 3, 4, 100][index]] as const),
  )('have the number of %s', (_cause, skip, number) => {
    const body = JSON.parse(toNewer(aPrognosis([skippedEnvironment('prod', skip)]))) as unknown
    expect(body).toMatchObject({ prod: { Outcome: { SkipCause: number } } })
  })

  it.each(
    Object.values(applicationSkips).map((skip, index) => [skip.cause, skip, [0, 1, 2, 3, 5, 6, 100][index]] as const),
  )('have the number of %s', (_cause, skip, number) => {
    for (const toBody of [toNewer, toOlder]) {
      expect(JSON.parse(toBody(aPrognosis([decided('prod', [stays('app1', skip)])])))).toMatchObject({
        prod: { Outcome: { AppsPrognoses: { prognoses: { app1: { Outcome: { SkipCause: number } } } } } },
      })
    }
  })

  it.each([2n ** 53n + 1n, 2n ** 64n - 1n])('have version %s exactly', (version) => {
    const prognosis = aPrognosis([decided('prod', [travels('app1', version)])])
    expect(toNewer(prognosis)).toContain(`"DeployedVersion":{"version":${version}}`)
    expect(toOlder(prognosis)).toContain(`"DeployedVersion":${version}}`)
  })

  it('leave out version 0 where it is a field, and keep it where it stands alone', () => {
    const prognosis = aPrognosis([decided('prod', [travels('app1', 0n)])])
    expect(toNewer(prognosis)).toContain('"DeployedVersion":{}')
    expect(toOlder(prognosis)).toContain('"DeployedVersion":0}')
  })

  it("have Go's zero time for a lock that does not know when it was made", () => {
    const prognosis = aPrognosis([skippedEnvironment('prod', { cause: 'ENV_IS_LOCKED', locks: [audit] })])
    expect(toNewer(prognosis)).toContain(
      '"envLocks":{"audit":{"lock_id":"audit","created_at":{"seconds":-62135596800},"created_by":',
    )
  })

  it('leave out the parts of a moment that are zero, and keep who made a lock even when nobody knows', () => {
    const old = { ...lock, createdAt: new Date(0), createdBy: { name: '', email: '' } }
    const prognosis = aPrognosis([skippedEnvironment('prod', { cause: 'ENV_IS_LOCKED', locks: [old] })])
    expect(toNewer(prognosis)).toContain('"created_at":{},"created_by":{}')
  })

  it('escape what Go escapes', () => {
    const message = '<a href="x">&\u2028\u2029\u0001\n</a>'
    const prognosis = aPrognosis([
      skippedEnvironment('prod', { cause: 'ENV_IS_LOCKED', locks: [{ ...lock, id: '<l>', message }] }),
    ])
    expect(toNewer(prognosis)).toContain(
      String.raw`"envLocks":{"\u003cl\u003e":{"message":"\u003ca href=\"x\"\u003e\u0026\u2028\u2029\u0001\n\u003c/a\u003e"`,
    )
  })

  it('sort names as Go does, by their bytes in UTF-8', () => {
    const names = ['b', '\u{1f600}', '10', 'a', 'ab', '2', '\uff5e', 'a\u{1f600}', 'a\uff5e', '__proto__', 'B']
    const sorted = names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    const body = toNewer(aPrognosis(names.map((name) => decided(name, []))))
    expect([...body.matchAll(/"([^"]+)":\{"Outcome"/gu)].map(([, name]) => name)).toEqual(sorted)
  })

  it('are the same from a message that was sent in binary', () => {
    const message = toPrognosisMessage(aPrognosisOfEverything(), context)
    const received = fromBinary(prognosisMessageType, toBinary(prognosisMessageType, message))
    for (const deployedVersion of ['object', 'number'] as const) {
      expect(toKuberpultPrognosisJson(received, { deployedVersion })).toBe(
        toKuberpultPrognosisJson(message, { deployedVersion }),
      )
    }
  })

  it('have null for an outcome that was not set', () => {
    const message = { envsPrognoses: { prod: { envLocks: {} } }, warnings: [] }
    expect(toKuberpultPrognosisJson(message, { deployedVersion: 'object' })).toBe('{"prod":{"Outcome":null}}')
  })
})

describe("Kuberpult's answer to a train", () => {
  it.each([
    ['{"target":"staging"}', aPrognosis([])],
    ['{"target":"production","team":"payments"}', aPrognosisOfEverything()],
  ])('%s', (body, prognosis) => {
    expect(toKuberpultReleaseTrainJson(toReleaseTrainMessage(prognosis, context))).toBe(body)
  })
})

describe('the manifests of a release', () => {
  it('come in small pieces, however large they are', () => {
    const release = { environments: [], deployedIn: [] }
    const pieces = [...toKuberpultManifestsJson(release, new Map([['dev', Buffer.alloc(1_000_000, '<')]]))]
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(500_000)
    expect(JSON.parse(pieces.join(''))).toMatchObject({ manifests: { dev: { content: '<'.repeat(1_000_000) } } })
  })
})
