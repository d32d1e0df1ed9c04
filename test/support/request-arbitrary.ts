import fc from 'fast-check'
import { actions } from '../../src/core/principal.ts'
import type { Part } from './multipart.ts'
import { multipartType, toMultipart } from './multipart.ts'
import type { Document, LocatedOperation } from './openapi.ts'
import { operationsOf, violations } from './openapi.ts'

/** A request that the document led to. */
export interface FuzzRequest {
  readonly operationId: string
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | undefined
  /** Made as the document says, of names that exist or may: nothing about its form may be refused. */
  readonly isValid: boolean
  readonly isDenied: boolean
  /** How many minutes pass before it. */
  readonly minutes: number
}

/** Something that is sent, and whether the document allows it. */
interface Choice<T> {
  readonly of: T
  readonly isValid: boolean
}

type JsonSchema = Readonly<Record<string, unknown>>

const environments = ['development', 'staging', 'production-de', 'production-fr', 'production-jp', 'sandbox']
const newEnvironments = ['qa', 'load-test']
const applications = ['cart', 'catalog', 'inventory', 'web', 'shipping', 'new-1', 'new-2']
const teams = ['storefront', 'payments', 'logistics']
const lockIds = ['freeze', 'Freeze', 'load test', 'ärger', 'x'.repeat(99)]
const versions = ['1', '2', '3', '4', '5', '6', '101', '9007199254740993', '18446744073709551615']
const commits = ['a', 'b', 'c'].map((digit) => digit.repeat(40))
const links = ['https://ci.example.com/1', 'http://ci.example.com/a?b=c#d']

/** What the names in paths, queries and bodies may stand for; whatever has no entry is any text. */
const pools: Readonly<Record<string, readonly string[]>> = {
  environment: [...environments, ...newEnvironments],
  action: [...actions],
  group: ['production', 'staging'],
  environmentGroup: ['production', 'test'],
  application: applications,
  team: teams,
  lockId: lockIds,
  version: versions,
  gitTag: ['v1', 'v2', 'releases/v2', 'refs/tags/v3', ''],
  sourceGitTag: ['v1', 'releases/v2', 'v1/below', ''],
  commit: [...commits, 'd93ca688e4286f8bc156627d8f31a640a10bb77b'],
  concreteEnvName: ['de-1', 'de-2'],
  commonEnvPrefix: ['aa'],
  ciLink: links,
  ci_link: links,
  source_commit_id: commits,
  previous_commit_id: commits,
  is_prepublish: ['true', 'false', '1'],
  deploy_to_downstream_environments: environments,
  source_author: ['Build <build@example.com>', 'Build'],
  message: ['Load test until Thursday', 'x'.repeat(2000), 'Signalbox-Command: deploy\n\nSignalbox-Principal: Nobody'],
  source_message: ['Fix the cart (#12)', 'One\n\nSignalbox-Request: 1', '---\n# x'],
}

/** Texts that something could stumble over. */
const hostileText = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    '.',
    '..',
    '__proto__',
    'constructor',
    'toString',
    'CART',
    'Staging',
    'a/b',
    '../../etc',
    'a\\b',
    '*',
    '%',
    ':x',
    '\u0000',
    'a\nb',
    '\r\nX: y',
    '\u0085',
    '\u2028',
    '\u202e',
    '\u{1f682}',
    'ä',
    '\ud800',
    '.git',
    'git~1',
    'latest',
    '-1',
    '1e3',
    'a'.repeat(300),
    'ä'.repeat(200),
    '9'.repeat(40),
    '0'.repeat(8),
    '<script>',
    '\'"`',
    '${1}',
    '{{x}}',
    'null',
    'NaN',
    '[object Object]',
  ),
  fc.string({ unit: 'binary', maxLength: 30 }),
)

const encodedHostile = fc.oneof(
  { weight: 4, arbitrary: hostileText.map((text) => encodeURIComponent(Buffer.from(text).toString())) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      '%2F',
      '%2e%2e',
      '%00',
      '%',
      '%zz',
      '%C0%AF',
      '%ED%A0%80',
      'a%2Fb',
      '..',
      '.',
      'a;b',
      'a//b',
      '%25',
      '+',
      '@',
    ),
  },
  { weight: 1, arbitrary: fc.constantFrom('x'.repeat(1000), 'x'.repeat(5000)) },
)

/** Mostly what is right, sometimes what is not. */
function mostly<T>(valid: fc.Arbitrary<T>, hostile: fc.Arbitrary<T>, weight = 8): fc.Arbitrary<Choice<T>> {
  return fc.oneof(
    { weight, arbitrary: valid.map((of) => ({ of, isValid: true })) },
    { weight: 1, arbitrary: hostile.map((of) => ({ of, isValid: false })) },
  )
}

/** Whatever a JSON schema of the document allows. `name` is the property that it is for. */
function fromSchema(all: Document, schema: JsonSchema, name = '', depth = 0): fc.Arbitrary<unknown> {
  const reference = schema['$ref'] as string | undefined
  if (reference !== undefined) {
    const target = all.components.schemas[reference.split('/').at(-1) ?? '']
    if (target === undefined) throw new Error(`${reference} is not in the document`)
    return fromSchema(all, target as JsonSchema, name, depth)
  }
  const alternatives = (schema['anyOf'] ?? schema['oneOf']) as readonly JsonSchema[] | undefined
  if (alternatives !== undefined) return fc.oneof(...alternatives.map((one) => fromSchema(all, one, name, depth)))
  if (Array.isArray(schema['enum'])) return fc.constantFrom(...(schema['enum'] as unknown[]))
  switch (schema['type']) {
    case 'string':
      return stringOf(schema, name)
    case 'integer':
      return fc.oneof(fc.constantFrom(0, 1, 2, 3, 4, 5, 101), fc.maxSafeNat())
    case 'boolean':
      return fc.boolean()
    case 'array':
      return fc.array(fromSchema(all, schema['items'] as JsonSchema, name, depth + 1), { maxLength: 2 })
    case 'object':
      return objectOf(all, schema, name, depth)
  }
  throw new Error(`nobody knows how to make a ${JSON.stringify(schema)}`)
}

function stringOf(schema: JsonSchema, name: string): fc.Arbitrary<string> {
  const pattern = typeof schema['pattern'] === 'string' ? new RegExp(schema['pattern']) : undefined
  const pool = pools[name]?.filter((text) => pattern?.test(text) ?? true)
  if (pool !== undefined && pool.length > 0) return fc.constantFrom(...pool)
  if (schema['format'] === 'date-time') {
    return fc
      .integer({ min: 1, max: 100_000 })
      .map((minutes) => new Date(Date.UTC(2030, 0) + minutes * 60_000).toISOString())
  }
  if (name === 'olderThan' || /life_?time/i.test(name)) return fc.constantFrom('1h', '3d', '2w')
  if (pattern !== undefined) return fc.stringMatching(pattern, { size: '-1' })
  return fc.string({ maxLength: Math.min(Number(schema['maxLength'] ?? 20), 20) })
}

function objectOf(all: Document, schema: JsonSchema, name: string, depth: number): fc.Arbitrary<object> {
  const properties = Object.entries((schema['properties'] ?? {}) as Record<string, JsonSchema>)
  const others = schema['additionalProperties']
  if (properties.length === 0 && typeof others === 'object') {
    const entry = fc.tuple(fc.constantFrom('a', 'b.c/d'), fromSchema(all, others as JsonSchema, name, depth + 1))
    return fc.array(entry, { maxLength: 2 }).map((entries) => Object.fromEntries(entries))
  }
  const required = (schema['required'] ?? []) as string[]
  const model = properties.map(([key, one]) => [key, fromSchema(all, one, key, depth + 1)] as const)
  return fc.record(Object.fromEntries(model), { requiredKeys: required })
}

const anyJson = fc.oneof(
  fc.json({ maxDepth: 3 }),
  fc.constantFrom(
    '',
    ' ',
    '{',
    '[]',
    'null',
    '"',
    '{"a":}',
    '\ufeff{}',
    '{"__proto__":{"x":1}}',
    '{"message":"x"} {}',
    '\u0000',
  ),
  fc.constantFrom(
    'x'.repeat(70_000),
    '['.repeat(20_000),
    `${'{"a":'.repeat(3000)}1${'}'.repeat(3000)}`,
    JSON.stringify({ message: 'x'.repeat(66_000) }),
  ),
)

/** A JSON text that was right before something was done to it. */
function spoilt(json: fc.Arbitrary<unknown>): fc.Arbitrary<string> {
  return fc
    .tuple(json, fc.nat(), fc.constantFrom(0, 1, 1, 1, 1, 2, 3, 4, 5), hostileText)
    .map(([made, at, how, text]) => {
      const members: Record<string, unknown> = { ...(made as object) }
      const key = Object.keys(members)[at % Math.max(Object.keys(members).length, 1)] ?? 'message'
      if (how === 0) delete members[key]
      if (how === 1) members[key] = text
      if (how === 2) members[key] = [members[key]]
      if (how === 3) members[key.toUpperCase()] = members[key]
      if (how === 4) members[key] = at
      const whole = JSON.stringify(members)
      return how === 5 ? whole.slice(0, at % whole.length) : whole
    })
}

interface Body {
  readonly bytes: Uint8Array | undefined
  readonly contentType: string | undefined
}

const contentTypes = fc.constantFrom(
  'text/plain',
  'application/json',
  multipartType,
  'multipart/form-data',
  'json',
  '',
  'a/b; c=d',
  'application/json; charset=utf-8',
  'x/y/z',
)

function bodyOf(all: Document, { path, method, operation }: LocatedOperation): fc.Arbitrary<Choice<Body>> {
  const { content = {}, required = false } = operation.requestBody ?? {}
  // OpenAPI has no way to ask for a Content-Type without a body: the description of the status does.
  const insistsOnJson = operation.requestBody === undefined && operation.responses['415'] !== undefined
  const nothing: Body = { bytes: undefined, contentType: insistsOnJson ? 'application/json' : undefined }
  const good: fc.Arbitrary<Body>[] = []
  const bad: fc.Arbitrary<Body>[] = [
    fc.tuple(anyJson, contentTypes).map(([text, contentType]) => ({ bytes: Buffer.from(text), contentType })),
    fc.tuple(fc.uint8Array({ maxLength: 200 }), contentTypes).map(([bytes, contentType]) => ({ bytes, contentType })),
  ]
  const json = content['application/json']
  if (json !== undefined) {
    const where = ['paths', path, method.toLowerCase(), 'requestBody', 'content', 'application/json', 'schema']
    const made = fromSchema(all, json.schema as JsonSchema)
    const isAllowed = (body: unknown) => violations(all, where, body).length === 0
    const toBody = (text: string): Body => ({ bytes: Buffer.from(text), contentType: 'application/json' })
    good.push(made.filter((body) => isAllowed(body) && keepsTheRules(body)).map((body) => toBody(JSON.stringify(body))))
    bad.push(
      ...[1, 2, 3].map(() => spoilt(made).map(toBody)),
      made.map((body) => ({ ...toBody(JSON.stringify(body)), contentType: undefined })),
    )
  }
  const form = content['multipart/form-data']
  if (form !== undefined) {
    const parts = path.endsWith('release') ? releaseParts(form.schema as JsonSchema) : configParts(all)
    const toBody = (some: readonly Part[]): Body => ({ bytes: toMultipart(some), contentType: multipartType })
    good.push(parts.map(toBody))
    bad.push(spoiltForm(parts))
  }
  const urlencoded = content['application/x-www-form-urlencoded']
  if (urlencoded !== undefined) {
    const toBody = (values: Record<string, string>): Body => ({
      bytes: Buffer.from(new URLSearchParams(values).toString()),
      contentType: 'application/x-www-form-urlencoded',
    })
    const made = fromSchema(all, urlencoded.schema as JsonSchema) as fc.Arbitrary<Record<string, string>>
    good.push(made.map(toBody))
    bad.push(
      spoilt(made).map((text): Body => ({ ...toBody({}), bytes: Buffer.from(text) })),
      made.map((values): Body => ({ ...toBody(values), contentType: undefined })),
    )
  }
  if (!required) good.push(fc.constant(nothing))
  else bad.push(fc.constant(nothing))
  return mostly(fc.oneof(...good), fc.oneof(...bad), 2)
}

/** What a JSON schema does not say, and the description does: of locks, and of the configs of environments. */
function keepsTheRules(body: unknown): boolean {
  const { argocd, argoConfigs, isActiveActive } = body as {
    readonly argocd?: { readonly concreteEnvName?: string }
    readonly argoConfigs?: {
      readonly commonEnvPrefix?: string
      readonly configs?: readonly { concreteEnvName?: string }[]
    }
    readonly isActiveActive?: boolean
  }
  if (argocd !== undefined && (argoConfigs !== undefined || Boolean(argocd.concreteEnvName))) return false
  const names = (argoConfigs?.configs ?? []).map(({ concreteEnvName = '' }) => concreteEnvName)
  const isSeveral = names.length > 1 || Boolean(names[0])
  if (isSeveral && (!argoConfigs?.commonEnvPrefix || names.includes('') || new Set(names).size < names.length))
    return false
  return isSeveral || isActiveActive !== true
}

const yaml = fc.constantFrom('kind: Deployment\n', 'a: 1\n---\nb: 2\n', '', ' ', '# nothing\n', 'kind:   Deployment\n')

function releaseParts(schema: JsonSchema): fc.Arbitrary<readonly Part[]> {
  const properties = Object.entries(schema['properties'] as Record<string, JsonSchema>)
  const single = properties.filter(
    ([name, { type, format }]) => type === 'string' && format === undefined && name !== 'application',
  )
  return fc
    .record({
      application: fc.constantFrom(...applications),
      values: fc.tuple(...single.map(([name, one]) => fc.option(stringOf(one, name), { nil: undefined, freq: 2 }))),
      environments: fc.subarray([...environments, ...newEnvironments], { minLength: 1 }),
      downstream: fc.subarray(environments, { maxLength: 1 }),
      text: yaml,
    })
    .map(({ application, values, environments: names, downstream, text }) => [
      { name: 'application', content: application },
      ...single.flatMap(([name], index): Part[] => {
        const content = values[index]
        return content === undefined ? [] : [{ name, content }]
      }),
      ...downstream.map((content) => ({ name: 'deploy_to_downstream_environments', content })),
      ...names.map((name) => ({ name: `manifests[${name}]`, content: text, fileName: 'manifests.yaml' })),
    ])
}

function configParts(all: Document): fc.Arbitrary<readonly Part[]> {
  const config = fromSchema(all, { $ref: '#/components/schemas/EnvironmentConfig' })
  return config.filter(keepsTheRules).map((body) => [{ name: 'config', content: JSON.stringify(body) }])
}

/** Ten levels of ten aliases each. */
const bomb = `a0: &a0 [x]\n${Array.from({ length: 10 }, (_, n) => `a${n + 1}: &a${n + 1} [${`*a${n},`.repeat(10)}]\n`).join('')}`

function spoiltForm(parts: fc.Arbitrary<readonly Part[]>): fc.Arbitrary<Body> {
  const spoil = fc.tuple(parts, fc.nat(), fc.nat(8), hostileText).map(([good, at, how, text]): Body => {
    const index = at % good.length
    const part = good[index] ?? { name: 'x', content: '' }
    const others = good.filter((one) => one !== part)
    const name = text.replaceAll(/["\r\n\0]/g, '')
    const changed: readonly Part[] =
      [
        others,
        [...good, part],
        [...others, { name: part.name, content: part.content, ...(part.fileName === undefined && { fileName: 'x' }) }],
        [...others, { ...part, name }],
        [...others, { ...part, name: `manifests[${name}]` }],
        [...others, { ...part, content: text }],
        [...others, { name: 'manifests[staging]', fileName: 'x', content: bomb }],
        [...others, { name: 'manifests[staging]', fileName: 'x', content: `a: ${'['.repeat(5000)}` }],
        good,
      ][how] ?? good
    const bytes = toMultipart(changed)
    return { bytes: how === 8 ? bytes.subarray(0, at % bytes.length) : bytes, contentType: multipartType }
  })
  return spoil
}

function queryOf(all: Document, { operation }: LocatedOperation): fc.Arbitrary<Choice<string>> {
  const known = (operation.parameters ?? []).filter((parameter) => parameter.in === 'query')
  // A page token must be one that a page before had.
  const free = known.filter(({ name }) => name !== 'pageToken')
  const pairs = free.map((parameter) => {
    const { name, schema = {} } = parameter as unknown as { name: string; schema?: JsonSchema }
    return fc.option(
      fromSchema(all, schema, name).map((text) => `${name}=${encodeURIComponent(String(text))}`),
      { nil: undefined, freq: 2 },
    )
  })
  const valid = fc.tuple(...pairs).map((some) => some.filter((pair) => pair !== undefined).join('&'))
  const name = fc.oneof(
    fc.constantFrom('x', '__proto__', 'constructor', 'a[b]', ''),
    ...known.map((one) => fc.constant(one.name)),
  )
  const pair = fc.tuple(name, encodedHostile).map(([key, text]) => `${key}=${text}`)
  return mostly(
    valid,
    fc.array(pair, { minLength: 1, maxLength: 3 }).map((some) => some.join('&')),
  )
}

function headersOf({ operation }: LocatedOperation): fc.Arbitrary<Choice<Record<string, string>>> {
  const accepted = Object.values(operation.responses).flatMap(({ content = {} }) => Object.keys(content))
  const usual = [...new Set(accepted)].filter((type) => type !== 'application/problem+json')
  const accept = mostly(
    fc.constantFrom(undefined, '*/*', 'application/json, */*;q=0.1', ...usual),
    fc.oneof(
      fc.constantFrom('image/png', '', ',,;q', 'application/json;q=0', 'text/*', '*/*;q=2', 'application/*'),
      fc.string({ unit: 'grapheme-ascii', maxLength: 30 }),
    ),
  )
  const match = fc.constantFrom(undefined, undefined, undefined, '*', '"stale"', 'W/"a", "b"', '"', 'x'.repeat(3000))
  const key = mostly(
    fc.constantFrom(
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
      'a',
      '"a"',
      '"b c"',
      'x'.repeat(255),
    ),
    fc.constantFrom('', '"', 'a b', '"a", "b"', 'x'.repeat(256), '\u00e9'),
    30,
  )
  const name = fc.constantFrom('if-match', 'if-none-match')
  return fc.tuple(accept, match, name, key).map(([choice, tag, condition, idempotencyKey]) => ({
    isValid: choice.isValid && idempotencyKey.isValid,
    of: {
      ...(choice.of !== undefined && { accept: choice.of }),
      ...(tag !== undefined && { [condition]: tag }),
      ...(idempotencyKey.of !== undefined && { 'idempotency-key': idempotencyKey.of }),
    },
  }))
}

function pathOf({ path }: LocatedOperation): fc.Arbitrary<Choice<string>> {
  const segments = path.split('/').map((segment): fc.Arbitrary<Choice<string>> => {
    const [, name] = /^\{(\w+)\}$/.exec(segment) ?? []
    if (name === undefined) return fc.constant({ of: segment, isValid: true })
    const known = name === 'version' ? ['latest', ...versions] : pools[name]
    if (known === undefined) throw new Error(`nobody knows what the path parameter ${name} may be`)
    return mostly(fc.constantFrom(...known.map(encodeURIComponent)), encodedHostile, 12)
  })
  return fc.tuple(...segments).map((all) => ({
    of: all.map(({ of }) => of).join('/'),
    isValid: all.every(({ isValid }) => isValid),
  }))
}

function requestOf(all: Document, operation: LocatedOperation): fc.Arbitrary<FuzzRequest> {
  return fc
    .record({
      path: pathOf(operation),
      query: queryOf(all, operation),
      headers: headersOf(operation),
      body: bodyOf(all, operation),
      isDenied: fc.nat(15).map((one) => one === 0),
      minutes: fc.constantFrom(0, 1, 1, 1, 60, 60 * 24),
    })
    .map(({ path, query, headers, body, ...rest }) => {
      const type = body.of.contentType
      return {
        operationId: operation.operation.operationId,
        method: operation.method,
        url: query.of === '' ? path.of : `${path.of}?${query.of}`,
        headers: { ...headers.of, ...(type !== undefined && { 'content-type': type }) },
        body: body.of.bytes,
        isValid: [path, query, headers, body].every(({ isValid }) => isValid),
        ...rest,
      }
    })
}

/** Requests to every operation of the document: most of them as it says, others not. */
export function requestArbitrary(all: Document): fc.Arbitrary<FuzzRequest> {
  const operations = operationsOf(all)
  return fc.oneof(
    ...operations.map((operation) => ({
      // Writes make the states that reads stumble over, and bodies have the most ways of being wrong.
      weight: operation.method === 'GET' ? 2 : operation.operation.requestBody === undefined ? 3 : 7,
      arbitrary: requestOf(all, operation),
    })),
  )
}
