import { describe, expect, it } from 'vitest'
import { aProblem, createTestServer, itAnswers } from '../support/test-server.ts'

const train = 'PUT /api/environments/staging/releasetrain'
const ciLink = '{"ciLink":"https://ci.example.com/1"}'

describe('numbers in a body', () => {
  it.each([
    ['9007199254740993', 'as a number'],
    ['"9007199254740993"', 'as a text'],
    ['18446744073709551615', 'the highest'],
  ])('are kept exactly: %s %s', async (version) => {
    const { send } = await createTestServer()
    const answer = await send('PUT /api/environments/staging/applications/cart/deployment', {
      body: `{"version": ${version}, "lockBehavior": "FAIL"}`,
    })
    expect(answer).toMatchObject(
      aProblem(404, 'UNKNOWN_RELEASE', `application 'cart' has no release ${version.replaceAll('"', '')}`),
    )
  })

  it.each(['18446744073709551616', '-9007199254740993', '1.5', '1e3000', '1.5e0', '"x"', '"1.0"', '01'])(
    'that are no versions are refused: %s',
    async (version) => {
      const { send } = await createTestServer()
      const body = `{"version": ${version}}`
      expect(await send('PUT /api/environments/staging/applications/cart/deployment', { body })).toMatchObject({
        status: 400,
      })
    },
  )

  it('in texts are left alone', async () => {
    const { send } = await createTestServer()
    const message = 'order \\"12345678901234567890\\" 12345678901234567890'
    await send('PUT /environments/staging/locks/long', {
      headers: { 'content-type': 'application/json' },
      body: `{"message": "${message}"}`,
    })
    expect((await send('GET /api/locks?environment=staging')).text).toContain(message)
  })
})

describe('the body of a train', () => {
  it.each([
    ['none', undefined, {}],
    ['an empty one', '', {}],
    ['an empty one that is said to be JSON', '', { 'content-type': 'application/json' }],
    ['blanks', ' \r\n\t', { 'content-type': 'application/json' }],
    ['JSON without a Content-Type', ciLink, {}],
    ['JSON', ciLink, { 'content-type': 'application/json' }],
    ['JSON with a charset', ciLink, { 'content-type': 'application/json; charset=utf-8' }],
    [
      'JSON that is said to be a form, as `curl -d` does',
      ciLink,
      { 'content-type': 'application/x-www-form-urlencoded' },
    ],
    ['JSON that is said to be text', ciLink, { 'content-type': 'text/plain' }],
    ['an empty object', '{}', {}],
    ['JSON with a byte order mark, as PowerShell sends it', `\u{feff}${ciLink}`, {}],
    ['JSON with blanks around it', `\n ${ciLink} \n`, {}],
    ['the last of two equal keys, as in most JSON parsers', `{"ciLink":1,${ciLink.slice(1)}`, {}],
  ])('may be %s', async (_what, body, headers) => {
    const { send } = await createTestServer()
    const options = body === undefined ? { headers } : { headers, body }
    expect(await send(train, options)).toMatchObject({ status: 200, hasCommitted: true })
  })

  const notJson = (body: string, name = body) => ({
    name: `may not be ${name}`,
    request: train,
    body,
    expected: aProblem(400, 'INVALID_REQUEST', expect.stringMatching(/^body is not JSON: ./s), [
      ['body', expect.stringMatching(/^is not JSON: ./s)],
    ]),
  })

  const notAnObject = (body: string, name = body) => ({
    name: `may not be ${name}`,
    request: train,
    body,
    expected: aProblem(400, 'INVALID_REQUEST', 'body must be an object', [['body', 'must be an object']]),
  })

  const unknownKey = (body: string, key: string) => ({
    name: `may not be ${body}`,
    request: train,
    body,
    expected: aProblem(400, 'INVALID_REQUEST', `body.${key} is unknown here, where only ciLink is taken`, [
      [`body.${key}`, 'is unknown here, where only ciLink is taken'],
    ]),
  })

  itAnswers([
    notJson('{'),
    notJson('{"ciLink":"https://ci.example.com/1"'),
    notJson('{}{}'),
    notJson("{'ciLink':'https://ci.example.com/1'}"),
    notJson('ciLink=https://ci.example.com/1'),
    notJson('\0', 'a null byte'),
    notJson('['.repeat(60_000), 'nested without an end'),
    notAnObject('null'),
    notAnObject('[]'),
    notAnObject('"x"'),
    notAnObject('1'),
    notAnObject(`${'['.repeat(30_000)}${']'.repeat(30_000)}`, 'nested 30,000 times'),
    unknownKey('{"cilink":"https://ci.example.com/1"}', 'cilink'),
    unknownKey('{"__proto__":{"ciLink":"https://ci.example.com/1"}}', '__proto__'),
    unknownKey('{"constructor":{"prototype":{}}}', 'constructor'),
    ...['1', 'null', '{}', '["https://ci.example.com"]', 'true'].map((value) => ({
      name: `may not have the ciLink ${value}`,
      request: train,
      body: `{"ciLink":${value}}`,
      expected: aProblem(400, 'INVALID_REQUEST', 'body.ciLink must be a string', [['body.ciLink', 'must be a string']]),
    })),
    {
      name: 'may not be larger than 64 KB',
      request: train,
      body: `{"ciLink":"https://ci.example.com/${'x'.repeat(64 * 1024)}"}`,
      expected: aProblem(413, 'BODY_TOO_LARGE', 'the body is larger than 64 KB'),
    },
    {
      name: 'may not have a Content-Type that is none',
      request: train,
      headers: { 'content-type': 'json' },
      body: ciLink,
      expected: aProblem(
        415,
        'UNSUPPORTED_MEDIA_TYPE',
        'the Content-Type header names no media type: send application/json, or leave it out',
      ),
    },
  ])

  it('does not end the connection when it is wrong: a client may try again on it', async () => {
    const { send } = await createTestServer()
    expect((await send(train, { body: '{' })).headers['connection']).not.toBe('close')
  })

  it('with a thousand unknown keys is answered with all of them, and a sentence that can be read', async () => {
    const { send } = await createTestServer()
    const body = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`key${index}`, 1]))
    const { status, json } = await send(train, { body })
    const { errors, detail } = json as { readonly errors: unknown[]; readonly detail: string }
    expect(status).toBe(400)
    expect(errors).toHaveLength(1000)
    expect(detail).toMatch(/; and 990 more$/)
  })
})

describe('the body of a request that takes none', () => {
  it('is not looked at', async () => {
    const { send } = await createTestServer()
    expect(await send('GET /api/applications', { body: '{' })).toMatchObject({ status: 200 })
    expect(await send('DELETE /api/applications', { body: '{' })).toMatchObject({ status: 405 })
    expect(await send('POST /nowhere', { body: '{' })).toMatchObject({ status: 404 })
  })
})
