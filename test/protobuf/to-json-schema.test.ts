import { Ajv2020 } from 'ajv/dist/2020.js'
import ajvFormats from 'ajv-formats'
import protobuf from 'protobufjs'
import { describe, expect, it } from 'vitest'
import type { MessageType } from '../../src/protobuf/messages.ts'
import { messageType, root, toJson } from '../../src/protobuf/messages.ts'
import {
  applicationMessageType,
  applicationsMessageType,
  toApplicationMessage,
  toApplicationsMessage,
} from '../../src/protobuf/to-application-message.ts'
import {
  environmentGroupsMessageType,
  environmentMessageType,
  toEnvironmentGroupsMessage,
  toEnvironmentMessage,
} from '../../src/protobuf/to-environment-message.ts'
import type { JsonSchema } from '../../src/protobuf/to-json-schema.ts'
import { toJsonSchemas, toSchemaNames } from '../../src/protobuf/to-json-schema.ts'
import { prognosisMessageType, toPrognosisMessage } from '../../src/protobuf/to-prognosis-message.ts'
import { releaseTrainMessageType, toReleaseTrainMessage } from '../../src/protobuf/to-release-train-message.ts'
import { toUint64 } from '../../src/protobuf/uint64.ts'
import { unreadable } from '../../src/core/readable.ts'
import { aLock, aSnapshot } from '../support/snapshot-builder.ts'
import { aPrognosisOfEverything, freeze } from './sample-prognosis.ts'

const schemas = toJsonSchemas(root)

describe('the schemas of the messages', () => {
  it('are sorted, and the same each time', () => {
    expect(Object.keys(schemas)).toEqual(Object.keys(schemas).toSorted())
    expect(JSON.stringify(toJsonSchemas(root))).toBe(JSON.stringify(schemas))
  })

  it('have one for every message and enum, and none for what Google defines', () => {
    expect(Object.keys(schemas)).toEqual(
      expect.arrayContaining(['GetReleaseTrainPrognosisResponse', 'ReleaseTrainAppSkipCause', 'Lock', 'Problem']),
    )
    expect(Object.keys(schemas)).not.toContain('Timestamp')
  })

  it('refer only to each other', () => {
    const references = [...JSON.stringify(schemas).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/gu)]
    expect(references.length).toBeGreaterThan(20)
    for (const [, name = ''] of references) expect(Object.keys(schemas)).toContain(name)
  })

  it('require nothing: proto3 JSON leaves out what is at its default', () => {
    expect(JSON.stringify(schemas)).not.toContain('"required"')
  })

  it('describe a lock', () => {
    expect(schemas['Lock']).toEqual({
      type: 'object',
      properties: {
        message: { type: 'string' },
        lockId: { type: 'string' },
        createdAt: { type: 'string', format: 'date-time' },
        createdBy: { $ref: '#/components/schemas/Actor' },
        ciLink: { type: 'string', description: 'Where the pipeline that made the lock can be looked at.' },
        suggestedLifetime: {
          type: 'string',
          description: 'How long its author meant it to stay, such as `2d`.',
        },
        expiresAt: {
          type: 'string',
          format: 'date-time',
          description: 'From this moment on the lock no longer holds; absent for a lock without an end.',
        },
      },
    })
  })

  it('describe versions, maps, lists and alternatives', () => {
    const version: JsonSchema = { type: 'string', pattern: '^[0-9]+$', examples: ['7'] }
    const either = 'At most one of `skipCause`, `deployedVersion` is present.'
    const locks = { type: 'array', items: { $ref: '#/components/schemas/Lock' } }
    expect(schemas['ReleaseTrainAppPrognosis']?.properties).toMatchObject({
      skipCause: {
        $ref: '#/components/schemas/ReleaseTrainAppSkipCause',
        description: `The application stays.\n\n${either}`,
      },
      deployedVersion: {
        $ref: '#/components/schemas/ReleaseTrainPrognosisDeployedVersion',
        description: `The version that travels.\n\n${either}`,
      },
      appLocks: locks,
      teamLocks: locks,
      fromVersion: { ...version, description: 'The version deployed before; absent when nothing was.' },
    })
    expect(schemas['ReleaseTrainEnvPrognosis']?.properties?.['envLocks']).toEqual({
      type: 'object',
      description: 'The locks behind ENV_IS_LOCKED, by id.',
      additionalProperties: { $ref: '#/components/schemas/Lock' },
    })
  })

  it('describe a skip cause by its names, and say more where the .proto file does', () => {
    expect(schemas['ReleaseTrainEnvSkipCause']).toEqual({
      type: 'string',
      description: '`ENV_UNREADABLE`: Its files, or those of its upstream, cannot be read.',
      enum: [
        'ENV_HAS_NO_UPSTREAM',
        'ENV_HAS_NO_UPSTREAM_LATEST_OR_UPSTREAM_ENV',
        'ENV_HAS_BOTH_UPSTREAM_LATEST_AND_UPSTREAM_ENV',
        'UPSTREAM_ENV_CONFIG_NOT_FOUND',
        'ENV_IS_LOCKED',
        'ENV_UNREADABLE',
      ],
    })
  })
})

describe('the schemas of other .proto files', () => {
  function schemasOf(...sources: readonly string[]) {
    const other = new protobuf.Root()
    for (const source of sources) protobuf.parse(`syntax = "proto3"; ${source}`, other, { alternateCommentMode: true })
    other.resolveAll()
    return { names: Object.fromEntries(toSchemaNames(other)), schemas: toJsonSchemas(other) }
  }

  it('name a nested message together with those around it', () => {
    const { names } = schemasOf(
      'package a.v1; message Outer { message Middle { message Inner {} enum Kind { X = 0; } } }',
    )
    expect(names).toEqual({
      'a.v1.Outer': 'Outer',
      'a.v1.Outer.Middle': 'OuterMiddle',
      'a.v1.Outer.Middle.Inner': 'OuterMiddleInner',
      'a.v1.Outer.Middle.Kind': 'OuterMiddleKind',
    })
  })

  it('keep the full names of two that would have the same', () => {
    const a = 'package a.v1; message Lock { Release release = 1; } message Release {}'
    const b = 'package b.v1; message Lock { a.v1.Lock other = 1; Lock same = 2; }'
    for (const sources of [
      [a, b],
      [b, a],
    ]) {
      const found = schemasOf(...sources)
      expect(found.names).toEqual({ 'a.v1.Lock': 'a.v1.Lock', 'b.v1.Lock': 'b.v1.Lock', 'a.v1.Release': 'Release' })
      expect(found.schemas).toEqual({
        Release: { type: 'object', properties: {} },
        'a.v1.Lock': { type: 'object', properties: { release: { $ref: '#/components/schemas/Release' } } },
        'b.v1.Lock': {
          type: 'object',
          properties: {
            other: { $ref: '#/components/schemas/a.v1.Lock' },
            same: { $ref: '#/components/schemas/b.v1.Lock' },
          },
        },
      })
    }
  })

  it('have every scalar there is in proto3 JSON, in the order of the field numbers', () => {
    const { schemas: found } = schemasOf(`package a.v1; message All {
      bytes raw = 9; uint64 big = 1; int64 signed = 2; int32 small = 3; uint32 natural = 4; bool yes = 5;
      string text_with_words = 6; string renamed = 7 [json_name = "other"]; optional string maybe = 8;
    }`)
    const properties = {
      big: { type: 'string', pattern: '^[0-9]+$', examples: ['7'] },
      signed: { type: 'string', pattern: '^-?[0-9]+$', examples: ['7'] },
      small: { type: 'integer', format: 'int32' },
      natural: { type: 'integer', minimum: 0 },
      yes: { type: 'boolean' },
      textWithWords: { type: 'string' },
      other: { type: 'string' },
      maybe: { type: 'string' },
      raw: { type: 'string', contentEncoding: 'base64' },
    }
    expect(JSON.stringify(found['All'])).toBe(JSON.stringify({ type: 'object', properties }))
  })

  it('take comments without their line breaks, but with their paragraphs', () => {
    const { schemas: found } = schemasOf(`package a.v1;
      // One
      // sentence.
      //
      // Another.
      message Told {
        // Of this.
        string this = 1;
        string that = 2;
      }`)
    expect(found['Told']).toEqual({
      type: 'object',
      description: 'One sentence.\n\nAnother.',
      properties: { this: { type: 'string', description: 'Of this.' }, that: { type: 'string' } },
    })
  })

  it('are refused where they would be wrong', () => {
    expect(() => schemasOf('package a.v1; message Real { double number = 1; }')).toThrow('fields of type double')
  })
})

/** As strict as can be: a field that the schema does not know is an error here, although clients must live with it. */
function strictly(schema: JsonSchema): object {
  return schema.properties === undefined ? schema : { ...schema, additionalProperties: false }
}

describe('messages of ours', () => {
  const ajv = new Ajv2020({ strict: true, allErrors: true })
  ajvFormats.default(ajv, ['date-time', 'int32'])
  const strict = Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, strictly(schema)]))
  ajv.addVocabulary(['components'])
  ajv.addSchema({ $id: 'signalbox', components: { schemas: strict } })

  function errorsOf<Message extends object>(type: MessageType<Message>, message: NoInfer<Message>): unknown {
    const name = toSchemaNames(root).get(type.fullName.slice(1)) ?? ''
    const validate = ajv.getSchema(`signalbox#/components/schemas/${name}`)
    if (validate === undefined) throw new Error(`no schema ${name}`)
    return validate(JSON.parse(toJson(type, message))) === true ? null : validate.errors
  }

  const context = { fingerprint: '3f2a', commit: '4b825dc642cb6eb9a060e54bf8d69288fbee4904' }
  const snapshot = aSnapshot()
    .problem('applications: has a file in it')
    .environment('development', { upstream: 'latest', group: 'tests', locks: [freeze] })
    .environment('staging', {
      upstream: { environment: 'development', latest: true },
      teamLocks: { storefront: [aLock('audit')], payments: unreadable('locks: is a file') },
    })
    .environment('production', { unreadable: { config: 'config.json is not JSON' } })
    .unreadableApplication('broken', 'applications/broken: is a file')
    .application('cart', {
      team: 'storefront',
      sourceRepoUrl: 'https://example.com/cart',
      releases: { '18446744073709551615': ['staging'] },
    })
    .deployed('staging', 'cart', 2n ** 64n - 1n)
    .queued('staging', 'cart', 2n ** 64n - 1n)
    .applicationLock('staging', 'cart', freeze)
    .build()

  it('fit: a prognosis and a train of everything there is', () => {
    expect(errorsOf(prognosisMessageType, toPrognosisMessage(aPrognosisOfEverything(), context))).toBeNull()
    expect(errorsOf(releaseTrainMessageType, toReleaseTrainMessage(aPrognosisOfEverything(), context))).toBeNull()
  })

  it('fit: environments', () => {
    expect(errorsOf(environmentGroupsMessageType, toEnvironmentGroupsMessage(snapshot))).toBeNull()
    expect([...snapshot.environments.values()].length).toBe(3)
    for (const environment of snapshot.environments.values()) {
      expect(errorsOf(environmentMessageType, toEnvironmentMessage(snapshot, environment))).toBeNull()
    }
  })

  it('fit: applications', () => {
    expect(errorsOf(applicationsMessageType, toApplicationsMessage(snapshot))).toBeNull()
    for (const application of snapshot.applications.values()) {
      if (!application.ok) continue
      const release = {
        version: 2n ** 64n - 1n,
        sourceCommitId: 'c0ffee',
        sourceAuthor: 'Deployer',
        sourceMessage: 'a cart (#12)',
        displayVersion: 'v1',
        ciLink: 'https://ci.example.com/1',
        createdAt: new Date('2025-03-01T08:00:00Z'),
        isUndeploy: true,
        isPrepublish: true,
        environments: [],
        unreadable: 'created_at: is no moment',
      }
      expect(errorsOf(applicationMessageType, toApplicationMessage(snapshot, application.value, [release]))).toBeNull()
    }
  })

  it('fit: a problem with its prognosis', () => {
    const problem = {
      type: 'about:blank',
      title: 'Precondition Failed',
      status: 412,
      errors: [{ path: 'query.team', message: 'invalid' }],
      prognosis: toPrognosisMessage(aPrognosisOfEverything(), context),
    }
    expect(errorsOf(messageType('signalbox.v1.Problem'), problem)).toBeNull()
  })

  it('would not fit with a number that no schema has', () => {
    const message = { skipCause: 77, appLocks: [], teamLocks: [], fromVersion: toUint64(1n) }
    expect(errorsOf(messageType('api.v1.ReleaseTrainAppPrognosis'), message)).not.toBeNull()
  })
})
