import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toEnvironmentConfigText } from '../../src/core/environment-config-text.ts'
import { parseEnvironmentConfig } from '../../src/manifest-store/layout/environment-config.ts'
import { fromBinary } from '../../src/protobuf/messages.ts'
import { environmentChangeMessageType } from '../../src/protobuf/to-environment-change-message.ts'
import { file } from '../support/changes.ts'
import { environmentConfig } from '../support/environment-config-arbitrary.ts'
import type { RequestOptions } from '../support/test-server.ts'
import { createTestStore } from '../support/test-store.ts'
import { aPrincipal, aProblem, createTestServer, itAnswers } from '../support/test-server.ts'
import { writeSettings } from '../support/write-settings.ts'

const argoCd = { repositoryUrl: 'git@example.com:shop/manifests.git', branch: 'main' }
const qa = 'POST /api/environments/qa'

/** A multipart body of these parts, each a name, its content, and whether it is a file. */
function aForm(...parts: readonly (readonly [name: string, content: string, kind?: 'file'])[]): RequestOptions {
  const texts = parts.map(
    ([name, content, kind]) =>
      `--x\r\nContent-Disposition: form-data; name="${name}"${kind === 'file' ? '; filename="f"' : ''}\r\n\r\n${content}\r\n`,
  )
  return { headers: { 'content-type': 'multipart/form-data; boundary=x' }, body: `${texts.join('')}--x--\r\n` }
}

const taken = { status: 200, hasCommitted: true, json: { environment: 'qa', commit: expect.any(String) as string } }

describe('creating an environment', () => {
  itAnswers([
    { name: 'takes a form', request: qa, ...aForm(['config', '{"upstream":{"latest":true}}']), expected: taken },
    { name: 'takes a file', request: qa, ...aForm(['config', '\ufeff{}', 'file']), expected: taken },
    {
      name: 'does not look at a signature',
      request: 'POST /environments/qa',
      ...aForm(['config', '{}'], ['signature', 'x']),
      expected: taken,
    },
    { name: 'takes JSON', request: qa, body: { environment_group: 'tests' }, expected: taken },
    {
      name: 'takes JSON that claims to be something else',
      request: qa,
      body: '{"environmentGroup": "tests"}',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      expected: taken,
    },
    {
      name: 'warns, in a dry run too',
      request: `${qa}?dryrun=true`,
      body: { upstream: { environment: 'nowhere' } },
      expected: {
        status: 200,
        headers: expect.objectContaining({ 'cache-control': 'no-store' }),
        json: { environment: 'qa', dryrun: true, warnings: ["its upstream environment 'nowhere' does not exist"] },
      },
    },
  ])

  it('writes config.json as Kuberpult does and the Argo CD file, and is seen by every read', async () => {
    const { send, repository } = await createTestServer({ options: { settings: writeSettings({ argoCd }) } })
    const config = { upstream: { environment: 'staging' }, argocd: { destination: { server: 'https://a?b&c' } } }
    const { headAfter, json } = await send(qa, { body: config })
    expect(json).toEqual({ environment: 'qa', commit: headAfter })
    expect((await send('GET /api/environments/qa/config')).json).toEqual(config)
    expect((await send('GET /api/environments/qa')).json).toMatchObject({ upstream: { environment: 'staging' } })

    const store = createTestStore(repository)
    const read = async (path: string) => {
      const bytes = await store.readFile(await store.snapshot(), path)
      return bytes && Buffer.from(bytes).toString()
    }
    expect(await read('environments/qa/config.json')).toBe(
      [
        '{',
        '  "upstream": {',
        '    "environment": "staging"',
        '  },',
        '  "argocd": {',
        '    "destination": {',
        '      "name": "",',
        '      "server": "https://a?b\\u0026c"',
        '    }',
        '  }',
        '}',
        '',
      ].join('\n'),
    )
    expect(await read('argocd/v1alpha1/qa.yaml')).toMatch(/^apiVersion: [^]* {2}- server: https:\/\/a\?b&c\n/)
    expect(await read('argocd/v1alpha1/staging.yaml')).toBeUndefined()
  })

  it('answers in protobuf', async () => {
    const { send } = await createTestServer()
    const { bytes, headAfter } = await send(qa, { body: {}, headers: { accept: 'application/x-protobuf' } })
    expect(fromBinary(environmentChangeMessageType, bytes)).toEqual({
      environment: 'qa',
      warnings: [],
      commit: headAfter,
    })
  })
})

const missing = aProblem(400, 'INVALID_REQUEST', 'Missing config in request body')

describe('creating an environment is refused', () => {
  itAnswers([
    { name: 'without a body', request: qa, expected: missing },
    { name: 'with a form without config', request: qa, ...aForm(['signature', 'x']), expected: missing },
    { name: 'with an empty config', request: qa, ...aForm(['config', ' ']), expected: missing },
    {
      name: 'with two configs',
      request: qa,
      ...aForm(['config', '{}'], ['config', '{}', 'file']),
      expected: aProblem(400, 'INVALID_REQUEST', expect.any(String), [['form.config', 'must be given at most once']]),
    },
    {
      name: 'with a part that nobody knows',
      request: qa,
      ...aForm(['config', '{}'], ['konfig', '{}']),
      expected: aProblem(400, 'INVALID_REQUEST', expect.any(String), [['form.konfig', expect.any(String)]]),
    },
    {
      name: 'with a config that is not JSON',
      request: qa,
      ...aForm(['config', '{']),
      expected: aProblem(400, 'INVALID_REQUEST', expect.stringMatching(/^Invalid body: ./)),
    },
    {
      name: 'with a body that is not JSON',
      request: qa,
      body: '{} x',
      expected: aProblem(400, 'INVALID_REQUEST', expect.stringMatching(/^Invalid body: ./)),
    },
    {
      name: 'with a form that is cut off',
      request: qa,
      headers: { 'content-type': 'multipart/form-data; boundary=x' },
      body: '--x\r\nContent-Disposition: form-data; name="config"\r\n\r\n{}',
      expected: aProblem(400, 'INVALID_REQUEST', 'Invalid body: multipart: NextPart: EOF'),
    },
    {
      name: 'with a config that is too large',
      request: qa,
      ...aForm(['config', `{"environmentGroup":"${'x'.repeat(70_000)}"}`, 'file']),
      expected: aProblem(413, 'BODY_TOO_LARGE', 'the config is larger than 64 KB'),
    },
    {
      name: 'with all that is wrong at once',
      request: qa,
      ...aForm(['config', '{"upstream":{"latest":1},"group":"x"}']),
      expected: aProblem(400, 'INVALID_REQUEST', expect.any(String), [
        ['config.upstream.latest', 'must be a boolean'],
        ['config.group', expect.stringContaining('is unknown here')],
      ]),
    },
    {
      name: 'under a name that cannot be',
      request: 'POST /api/environments/Q_A',
      body: {},
      expected: aProblem(400, 'INVALID_NAME', "cannot create environment: invalid environment: 'Q_A'"),
    },
    {
      name: 'by somebody who may not',
      request: qa,
      body: {},
      principal: aPrincipal({ denied: ['CreateEnvironment qa'] }),
      expected: aProblem(403, 'PERMISSION_DENIED', expect.stringContaining("action 'CreateEnvironment'")),
    },
    {
      name: 'where a file stands',
      request: qa,
      body: {},
      changes: [file('environments/qa', 'a file')],
      expected: aProblem(409, 'PATH_NOT_WRITABLE', expect.stringContaining('environments/qa')),
    },
    {
      name: 'with another method on the old path',
      request: 'PUT /environments/qa',
      expected: {
        ...aProblem(405, 'METHOD_NOT_ALLOWED', 'PUT is not possible here; possible: OPTIONS, POST'),
      },
    },
  ])
})

describe('what GET answers of a config', () => {
  it('changes nothing when it is sent back, whatever stands in config.json, and however it is spelt', async () => {
    const { send, commit } = await createTestServer({ options: { settings: writeSettings({ argoCd }) } })
    let several = 0
    const property = fc.asyncProperty(environmentConfig, fc.constantFrom(...spellings), async (config, inSpelling) => {
      const text = JSON.stringify(inSpelling(JSON.parse(toEnvironmentConfigText(config))))
      const stored = parseEnvironmentConfig(text)
      if (!stored.ok) throw new Error(stored.reason)
      if (stored.value.argoCd?.kind === 'several') several += 1
      await commit(file('environments/qa/config.json', text))

      const { json, status } = await send('GET /api/environments/qa/config')
      expect(status).toBe(200)
      for (const options of [{ body: json as object }, aForm(['config', JSON.stringify(json)])]) {
        const answer = await send(qa, options)
        expect({ status: answer.status, text: answer.text }).toMatchObject({ status: 200 })
        expect(answer.hasCommitted).toBe(false)
      }
    })
    await fc.assert(property, { numRuns: 150 })
    expect(several).toBeGreaterThan(10)
  })

  it('is what was sent, where that was made of names that can be', async () => {
    const { send } = await createTestServer()
    const config = {
      upstream: { latest: true },
      environmentGroup: 'tests',
      argoConfigs: {
        configs: [
          { concreteEnvName: 'de-1', destination: { server: 'https://a.example.com', namespace: '' } },
          { concreteEnvName: 'de-2', destination: { name: 'b' }, applicationAnnotations: { '9': 'x', '10': '' } },
        ],
        commonEnvPrefix: 'eu',
      },
      isActiveActive: true,
    }
    expect(await send(qa, { body: config })).toMatchObject({ status: 200, hasCommitted: true })
    expect((await send('GET /api/environments/qa/config')).json).toEqual(config)
    expect(await send(qa, { body: config })).toMatchObject({ status: 200, hasCommitted: false })
  })
})

/** The spellings that the reader of config.json takes; annotations have keys of their own. */
const spellings: readonly ((json: unknown) => unknown)[] = [
  (json) => json,
  (json) => respell(json, (key) => key.toUpperCase()),
  (json) => respell(json, (key) => key.replaceAll(/(?<=[a-z])[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)),
  (json) => respell(json, (key) => (key === 'upstream' ? 'Upstream' : key), { unknown: { a: [1] } }),
]

function respell(json: unknown, spell: (key: string) => string, more: object = {}): unknown {
  if (Array.isArray(json)) return json.map((item) => respell(item, spell))
  if (typeof json !== 'object' || json === null) return json
  const entries = Object.entries(json).map(([key, value]) => [
    spell(key),
    key === 'applicationAnnotations' ? value : respell(value, spell),
  ])
  return { ...(Object.fromEntries(entries) as object), ...more }
}
