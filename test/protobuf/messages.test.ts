import { describe, expect, it } from 'vitest'
import { fromBinary, fromJson, messageType, toBinary, toJson } from '../../src/protobuf/messages.ts'
import type { EnvironmentPrognosisMessage } from '../../src/protobuf/to-prognosis-message.ts'
import { prognosisMessageType } from '../../src/protobuf/to-prognosis-message.ts'
import { toTimestampMessage } from '../../src/protobuf/to-timestamp-message.ts'
import type { DeploymentMessage } from '../../src/protobuf/to-application-message.ts'
import { toUint64 } from '../../src/protobuf/uint64.ts'
import { toPublishedJson } from './published-proto.ts'

describe('a message type', () => {
  it('is found by its full name', () => {
    expect(messageType('signalbox.v1.Problem').fullName).toBe('.signalbox.v1.Problem')
  })

  it('is an error when proto/ has none of that name', () => {
    expect(() => messageType('api.v1.Nothing')).toThrow('api.v1.Nothing')
  })
})

describe('a version', () => {
  const deployment = messageType<DeploymentMessage>('signalbox.v1.Deployment')

  it.each([1n, 2n ** 31n, 2n ** 32n, 2n ** 53n + 1n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n])(
    'of %s is exact in JSON and binary, there and back',
    (version) => {
      const message = { environment: 'staging', version: toUint64(version) }
      const json = `{"environment":"staging","version":"${version}"}`
      expect(toJson(deployment, message)).toBe(json)
      expect(toPublishedJson(deployment, message)).toBe(json)
      expect(fromBinary(deployment, toBinary(deployment, message)).version?.toString()).toBe(version.toString())
    },
  )
})

describe('reading binary', () => {
  it('has a skip cause of 0 where one was sent, and none where none was', () => {
    const environment = messageType<EnvironmentPrognosisMessage>('api.v1.ReleaseTrainEnvPrognosis')
    const read = (message: EnvironmentPrognosisMessage) => fromBinary(environment, toBinary(environment, message))

    expect(read({ skipCause: 0, envLocks: {} })).toEqual({ skipCause: 0, envLocks: {} })
    expect(read({ appsPrognoses: { prognoses: {} }, envLocks: {} })).toEqual({
      appsPrognoses: { prognoses: {} },
      envLocks: {},
    })
  })

  it('refuses what is no message', () => {
    expect(() => fromBinary(prognosisMessageType, Uint8Array.of(0xff, 0xff))).toThrow('index out of range')
  })

  it('knows names that mean something to JavaScript', () => {
    const names = ['__proto__', 'constructor', 'hasOwnProperty', 'toString', '1']
    const message = {
      envsPrognoses: Object.fromEntries(names.map((name) => [name, { skipCause: 0, envLocks: {} }])),
      warnings: [],
    }
    const read = fromBinary(prognosisMessageType, toBinary(prognosisMessageType, message))

    expect(Object.keys(read.envsPrognoses).toSorted()).toEqual(names.toSorted())
    expect(toJson(prognosisMessageType, read)).toBe(toPublishedJson(prognosisMessageType, message))
    expect(toJson(prognosisMessageType, message)).toContain('"__proto__":{"skipCause":"ENV_HAS_NO_UPSTREAM"}')
  })
})

describe('a moment', () => {
  const timestamp = messageType('google.protobuf.Timestamp')

  it.each([
    ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00Z'],
    ['1969-12-31T23:59:59.999Z', '1969-12-31T23:59:59.999Z'],
    ['1970-01-01T00:00:00Z', '1970-01-01T00:00:00Z'],
    ['2024-07-01T14:00:00.120+02:00', '2024-07-01T12:00:00.120Z'],
    ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
  ])('%s is exact', (text, expected) => {
    const message = toTimestampMessage(new Date(text)) ?? {}
    expect(toJson(timestamp, message)).toBe(JSON.stringify(expected))
    expect(toPublishedJson(timestamp, message)).toBe(JSON.stringify(expected))
  })

  it.each(['0000-12-31T23:59:59.999Z', '+010000-01-01T00:00:00Z', 'no moment'])(
    'that no message can hold is left out: %s',
    (text) => {
      expect(toTimestampMessage(new Date(text))).toBeUndefined()
    },
  )

  it('is left out when there is none', () => {
    expect(toTimestampMessage(undefined)).toBeUndefined()
  })
})

describe('reading JSON', () => {
  it('gives what reading binary gives', () => {
    const prognoses: EnvironmentPrognosisMessage['appsPrognoses'] = {
      prognoses: {
        cart: { deployedVersion: { version: toUint64(2n ** 64n - 1n) }, appLocks: [], teamLocks: [] },
        web: { skipCause: 0, appLocks: [{ lockId: 'l', createdAt: toTimestampMessage(new Date(0)) }], teamLocks: [] },
      },
    }
    const message = {
      envsPrognoses: {
        staging: { appsPrognoses: prognoses, envLocks: {} },
        test: { skipCause: 0, envLocks: {} },
      },
      fingerprint: 'f1',
      warnings: [],
    }
    const read = fromJson(prognosisMessageType, toJson(prognosisMessageType, message))
    expect(read).toEqual(fromBinary(prognosisMessageType, toBinary(prognosisMessageType, message)))
  })

  it('leaves out what it does not know, and refuses what is no message', () => {
    const json = '{"fingerprint":"f1","addedLater":{"a":1}}'
    expect(fromJson(prognosisMessageType, json)).toMatchObject({ fingerprint: 'f1', warnings: [] })
    expect(() => fromJson(prognosisMessageType, '{"fingerprint":1}')).toThrow(/fingerprint|string/u)
    expect(() => fromJson(prognosisMessageType, '{')).toThrow(SyntaxError)
  })
})
