import { describe, expect, it } from 'vitest'
import { actions } from '../../src/core/principal.ts'
import { parseIdempotencyKey } from '../../src/http/idempotency.ts'
import { absent } from '../support/changes.ts'
import type { Answer, TestServer } from '../support/test-server.ts'
import { createTestServer } from '../support/test-server.ts'
import { aCaller, aTokenAdmission, bearer } from '../support/token-admission.ts'

const json = { 'content-type': 'application/json' }

function releaseForm(version?: string, manifest = 'a: 1'): string {
  return [
    '--b\r\nContent-Disposition: form-data; name="application"\r\n\r\ncart',
    ...(version === undefined ? [] : [`--b\r\nContent-Disposition: form-data; name="version"\r\n\r\n${version}`]),
    `--b\r\nContent-Disposition: form-data; name="manifests[development]"; filename="m"\r\n\r\n${manifest}`,
    '--b--\r\n',
  ].join('\r\n')
}

const form = { 'content-type': 'multipart/form-data; boundary=b' }
const trainPath = 'PUT /api/environments/staging/releasetrain'
const config = { upstream: { environment: 'staging' } }

function send(
  { send: ask }: TestServer,
  request: string,
  key: string,
  options: { readonly headers?: Readonly<Record<string, string>>; readonly body?: string | object } = {},
): Promise<Answer> {
  return ask(request, { ...options, headers: { ...options.headers, 'idempotency-key': key } })
}

/** All that an answer says of what was done. */
function bodyOf({ status, text, headers }: Answer) {
  return { status, text, location: headers['location'], type: headers['content-type'] }
}

describe('a request that is sent again with its Idempotency-Key', () => {
  it.each<[string, { headers?: Record<string, string>; body?: string | object }]>([
    [trainPath, {}],
    [
      `${trainPath}?team=storefront`,
      { body: { ciLink: 'https://ci.example.com/1' }, headers: { accept: 'text/plain' } },
    ],
    ['PUT /environment-groups/production/releasetrain', {}],
    ['POST /api/release', { headers: form, body: releaseForm() }],
    ['POST /release', { headers: form, body: releaseForm('77') }],
    [
      'PUT /api/environments/staging/applications/cart/deployment',
      { headers: json, body: { version: 5, lockBehavior: 'FAIL' } },
    ],
    ['PUT /environments/staging/locks/freeze', { headers: json, body: { message: 'x', lifetime: '2d' } }],
    ['PUT /environments/staging/applications/cart/locks/freeze', { headers: json, body: { message: 'x' } }],
    ['PUT /api/environments/staging/lock/team/payments/freeze', { headers: json, body: { message: 'x' } }],
    ['PUT /environment-groups/production/locks/freeze', { headers: json, body: { message: 'x' } }],
    ['DELETE /api/environments/staging/lock/team/payments/acquirer-load-test', {}],
    ['DELETE /api/environments/staging/applications/cart', {}],
    ['POST /api/applications/cart/undeploy-release', {}],
    ['POST /api/environments/qa', { headers: json, body: config }],
  ])('gets the same answer, and nothing is done: %s', async (request, options) => {
    const server = await createTestServer()
    const first = await send(server, request, 'key-1', options)
    expect(first.status).toBeLessThan(300)
    expect(first.hasCommitted).toBe(true)
    expect(first.headers['idempotency-replayed']).toBeUndefined()
    // Whatever has become of all of it.
    await server.commit(absent('applications/catalog'), absent('environments/sandbox'))
    const again = await send(server, request, '"key-1"', options)
    expect(again.hasCommitted).toBe(false)
    expect(bodyOf(again)).toEqual(bodyOf(first))
    expect(again.headers['idempotency-replayed']).toBe('true')
  })

  it.each<[string, string, object, string, object]>([
    ['another query', trainPath, {}, `${trainPath}?team=payments`, {}],
    ['another target', trainPath, {}, 'PUT /api/environments/production-de/releasetrain', {}],
    ['another body', trainPath, {}, trainPath, { body: { ciLink: 'https://ci.example.com/2' } }],
    ['another precondition', trainPath, {}, trainPath, { headers: { 'if-match': '*' } }],
    [
      'another manifest',
      'POST /api/release',
      { headers: form, body: releaseForm('77') },
      'POST /api/release',
      { headers: form, body: releaseForm('77', 'a: 2') },
    ],
    [
      'another config',
      'POST /api/environments/qa',
      { headers: json, body: config },
      'POST /api/environments/qa',
      { headers: json, body: { upstream: { latest: true } } },
    ],
  ])('is 422 with %s', async (_, request, options, otherRequest, otherOptions) => {
    const server = await createTestServer()
    const first = await send(server, request, 'key-1', options)
    expect(first.hasCommitted).toBe(true)
    const other = await send(server, otherRequest, 'key-1', otherOptions)
    expect(other).toMatchObject({ status: 422, hasCommitted: false, json: { code: 'IDEMPOTENCY_KEY_REUSED' } })
  })

  it('may have its members in another order, and another form of answer', async () => {
    const server = await createTestServer()
    const first = await send(server, trainPath, 'b')
    const text = await send(server, trainPath, 'b', { headers: { accept: 'text/plain' } })
    expect(text).toMatchObject({
      status: 200,
      hasCommitted: false,
      text: expect.stringContaining('deployed') as string,
    })
    expect(text.text).toContain((first.json as { commit: string }).commit)
    const request = 'PUT /environments/staging/locks/freeze'
    await send(server, request, 'a', { headers: json, body: '{"message":"x","lifetime":"2d"}' })
    const again = await send(server, request, 'a', { headers: json, body: '{ "lifetime":"2d", "message":"x" }' })
    expect(again).toMatchObject({ status: 200, hasCommitted: false })
  })

  it('is another one when somebody else sends it', async () => {
    const admission = aTokenAdmission({ one: aCaller('one', actions), two: aCaller('two', actions) })
    const server = await createTestServer({ options: { admission } })
    const body = { headers: form, body: releaseForm() }
    const as = (token: string) => ({ ...body, headers: { ...body.headers, ...bearer(token) } })
    expect(await send(server, 'POST /api/release', 'key-1', as('one'))).toMatchObject({ hasCommitted: true })
    expect(await send(server, 'POST /api/release', 'key-1', as('two'))).toMatchObject({ hasCommitted: true })
    expect(await send(server, 'POST /api/release', 'key-1', as('one'))).toMatchObject({
      hasCommitted: false,
      status: 201,
    })
  })

  it('is another one when it is sent under another claimed name', async () => {
    const server = await createTestServer()
    const by = (name: string) => ({
      headers: {
        ...form,
        'author-name': Buffer.from(name).toString('base64'),
        'author-email': Buffer.from(`${name}@example.com`).toString('base64'),
      },
      body: releaseForm(),
    })
    expect(await send(server, 'POST /api/release', 'key-1', by('ann'))).toMatchObject({ hasCommitted: true })
    expect(await send(server, 'POST /api/release', 'key-1', by('ben'))).toMatchObject({ hasCommitted: true })
    expect(await send(server, 'POST /api/release', 'key-1', by('ben'))).toMatchObject({ hasCommitted: false })
  })

  it('runs the train that If-Match allowed, and says so again afterwards', async () => {
    const server = await createTestServer()
    const { headers } = await server.send('GET /api/environments/staging/releasetrain/prognosis')
    const options = { headers: { 'if-match': headers['etag'] ?? '' } }
    const first = await send(server, trainPath, 'a', options)
    expect(first).toMatchObject({ status: 200, hasCommitted: true })
    const again = await send(server, trainPath, 'a', options)
    expect(again).toMatchObject({ status: 200, hasCommitted: false, text: first.text })
    expect(await send(server, trainPath, 'b', options)).toMatchObject({ status: 412 })
  })

  it('has an audit line that says so, and makes no line about a commit', async () => {
    const server = await createTestServer()
    await send(server, trainPath, 'a')
    const head = await server.head()
    await send(server, trainPath, 'a')
    const audits = server.log.flatMap(({ audit }) => (audit === undefined ? [] : [audit]))
    expect(audits).toMatchObject([
      { outcome: 'done', commit: head },
      { outcome: 'done', commit: head, repeated: true },
    ])
    expect(audits[0]).not.toHaveProperty('repeated')
  })

  it('is not remembered when it was refused or changed nothing', async () => {
    const server = await createTestServer()
    const unlock = 'DELETE /environments/staging/locks/freeze'
    expect(await send(server, unlock, 'a')).toMatchObject({ status: 200, hasCommitted: false })
    await send(server, 'PUT /environments/staging/locks/freeze', 'b', { headers: json, body: { message: 'x' } })
    expect(await send(server, unlock, 'a')).toMatchObject({ status: 200, hasCommitted: true })
  })

  it('leaves nothing of the key in the commit or the log but its hash', async () => {
    const server = await createTestServer()
    await send(server, trainPath, 'do-not-tell-anybody')
    const commit = await server.repository.read((await server.head()) ?? '')
    expect(Buffer.from(commit.data).toString()).toMatch(/\nSignalbox-Idempotency-Key: [0-9a-f]{64} [0-9a-f]{64} /)
    expect(Buffer.from(commit.data).toString() + JSON.stringify(server.log)).not.toContain('do-not-tell')
  })
})

describe('an Idempotency-Key', () => {
  it.each(['', ' ', 'a b', '"', '"a', 'a, b', '"a", "b"', 'x'.repeat(256), 'schlüssel', String.raw`"a\b"`, '""'])(
    'is refused, and nothing is done: %s',
    async (key) => {
      const server = await createTestServer()
      expect(await send(server, trainPath, key)).toMatchObject({
        status: 400,
        hasCommitted: false,
        json: { code: 'INVALID_REQUEST', errors: [{ path: 'header.idempotency-key' }] },
      })
    },
  )

  it.each([
    ['a', 'a'],
    ['"a"', 'a'],
    ['"two words"', 'two words'],
    [String.raw`"a \" and \\"`, String.raw`a " and \ `.trim()],
    ['8e03978e-40d5-43e8-bc93-6894a57f9324', '8e03978e-40d5-43e8-bc93-6894a57f9324'],
    ['x'.repeat(255), 'x'.repeat(255)],
  ])('is read: %s', (header, key) => {
    expect(parseIdempotencyKey(header)).toBe(key)
  })

  it('means nothing to reads', async () => {
    const { send: ask } = await createTestServer()
    expect(await ask('GET /api/locks', { headers: { 'idempotency-key': '' } })).toMatchObject({ status: 200 })
  })
})
