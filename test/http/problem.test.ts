import { describe, expect, it } from 'vitest'
import type { DomainProblem } from '../../src/core/errors.ts'
import { DomainError } from '../../src/core/errors.ts'
import { RequestError, toProblem, toProblemJson } from '../../src/http/problem.ts'
import { AbandonedError, StoreConflictError, StoreUnavailableError } from '../../src/manifest-store/store-errors.ts'
import { createTestServer, itAnswers } from '../support/test-server.ts'

const prognosis = '/api/environments/staging/releasetrain/prognosis'

describe('an error that a caller can do something about', () => {
  it.each<[DomainProblem, number]>([
    [{ code: 'INVALID_NAME', invalid: [{ parameter: 'team', value: 'X', rule: 'y' }] }, 400],
    [{ code: 'UNKNOWN_TARGET', target: 'nowhere' }, 400],
    [{ code: 'UNKNOWN_ENVIRONMENT', environment: 'nowhere' }, 404],
    [{ code: 'UNKNOWN_APPLICATION', application: 'nothing' }, 404],
    [{ code: 'INVALID_CI_LINK', ciLink: 'nothing' }, 404],
    [{ code: 'PERMISSION_DENIED', action: 'DeployReleaseTrain', environment: 'staging' }, 403],
  ])('of the domain has a status: %o', (problem, status) => {
    expect(toProblem(new DomainError(problem, 'a sentence'))).toMatchObject({
      status,
      code: problem.code,
      detail: 'a sentence',
    })
  })

  it.each([
    ['unavailable, with the time to wait', new StoreUnavailableError('why'), 503, { retryAfter: 'as-configured' }],
    ['moved again and again', new StoreConflictError('why'), 409, {}],
    ['not asked, because the caller had left', new AbandonedError('why'), 408, {}],
  ])('of the store has one, too: %s', (_what, error, status, more) => {
    expect(toProblem(error)).toMatchObject({ status, code: error.code, detail: 'why', ...more })
  })

  it.each([
    ['INVALID_REQUEST', 400],
    ['NOT_FOUND', 404],
    ['METHOD_NOT_ALLOWED', 405],
    ['NOT_ACCEPTABLE', 406],
    ['REQUEST_TIMEOUT', 408],
    ['BODY_TOO_LARGE', 413],
    ['URL_TOO_LONG', 414],
    ['UNSUPPORTED_MEDIA_TYPE', 415],
    ['HEADERS_TOO_LARGE', 431],
  ] as const)('of the request has one, too: %s', (code, status) => {
    expect(toProblem(new RequestError(code, 'why'))).toMatchObject({ status, code, detail: 'why' })
  })
})

describe('an error that nobody foresaw', () => {
  const secret = 'password=hunter2'

  it.each([
    new Error(secret),
    new TypeError(secret),
    Object.assign(new Error(secret), { statusCode: 418 }),
    Object.assign(new Error(secret), { code: 'FST_ERR_SOMETHING_NEW', statusCode: 400 }),
    Object.assign(new Error(secret), { code: '__proto__' }),
    Object.assign(new Error(secret), { code: 'constructor' }),
    { message: secret },
    secret,
    null,
    undefined,
  ])('is a 500 that says nothing: %s', (error) => {
    expect(toProblem(error)).toEqual({ status: 500, code: 'INTERNAL_ERROR', detail: 'Internal Server Error' })
  })

  it('is logged in full under the id that the answer names', async () => {
    const { send, log } = await createTestServer({
      options: {
        clock: () => {
          throw new Error(secret)
        },
      },
    })
    const answer = await send(`GET ${prognosis}`)
    expect(answer).toMatchObject({ status: 500, headers: { 'content-type': /^application\/problem\+json/ } })
    expect(answer.text).not.toContain(secret)
    expect(log.filter(({ level }) => Number(level) >= 50)).toMatchObject([
      {
        reqId: answer.headers['x-request-id'],
        msg: 'answered 500',
        err: { message: secret, stack: expect.stringContaining('problem.test.ts') },
      },
    ])
  })
})

describe('the body of a problem', () => {
  it('has all that RFC 9457 wants, and names the request', () => {
    const problem = toProblem(new RequestError('INVALID_REQUEST', 'why', [{ path: 'query.x', message: 'is wrong' }]))
    expect(JSON.parse(toProblemJson(problem, 'request-1'))).toEqual({
      type: 'about:blank',
      title: 'Bad Request',
      status: 400,
      detail: 'why',
      code: 'INVALID_REQUEST',
      requestId: 'request-1',
      errors: [{ path: 'query.x', message: 'is wrong' }],
    })
  })

  it('names the request as the header does', async () => {
    const { send } = await createTestServer()
    const { headers, json } = await send('GET /nowhere')
    expect(json).toMatchObject({ requestId: headers['x-request-id'] })
  })

  it('is JSON whatever the client accepts', async () => {
    const { send } = await createTestServer()
    for (const accept of ['text/plain', 'application/x-protobuf', 'application/vnd.kuberpult+json']) {
      const answer = await send('GET /api/environments/nowhere/releasetrain/prognosis', { headers: { accept } })
      expect(answer).toMatchObject({ status: 400, json: { code: 'UNKNOWN_TARGET' } })
    }
  })
})

describe('a URL that cannot be served', () => {
  const long = 'x'.repeat(5000)

  itAnswers([
    ...[`/api/environments/${long}`, `/api/environments/staging?${long}`, `/${long}`, `/docs/static/${long}`].map(
      (url) => ({
        name: `because it is longer than 4,096 characters: ${url.slice(0, 30)}`,
        request: `GET ${url}`,
        expected: {
          status: 414,
          json: { code: 'URL_TOO_LONG', detail: 'the URL is longer than 4096 characters' },
          headers: { 'x-request-id': expect.any(String) as string },
        },
      }),
    ),
    ...['%zz', '%', '%f', '%ff', '%c3%28', 'a%', '%e2%82'].map((name) => ({
      name: `because it is no text: ${name}`,
      request: `GET /api/environments/${name}`,
      expected: {
        status: 400,
        json: { code: 'INVALID_REQUEST', detail: 'the URL has a % that does not begin the UTF-8 code of a character' },
        headers: {
          'x-request-id': expect.any(String) as string,
          'x-content-type-options': 'nosniff',
          'cache-control': 'no-store',
        },
      },
    })),
    ...['/docs/static/%00', '/docs/static/..%2f..%2fpackage.json', '/docs/static/%5c..%5cpackage.json'].map((url) => ({
      name: `because there is nothing: ${url}`,
      request: `GET ${url}`,
      expected: {
        status: 404,
        json: { code: 'NOT_FOUND', detail: expect.stringMatching(/^unknown endpoint/) as string },
      },
    })),
  ])

  it('is logged like any other', async () => {
    const { send, log } = await createTestServer()
    const { headers } = await send('GET /api/environments/%zz')
    expect(log).toContainEqual(
      expect.objectContaining({ reqId: headers['x-request-id'], url: '/api/environments/%zz', status: 400 }),
    )
  })
})
