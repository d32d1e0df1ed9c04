import { describe, expect, it } from 'vitest'
import { aProblem, createTestServer, itAnswers } from '../support/test-server.ts'

const reads = [
  '/api/environment-groups',
  '/api/environments/staging',
  '/api/applications',
  '/api/locks',
]
/** Read here, and written too. */
const both = ['/api/applications/cart']
const prognoses = [
  '/environments/staging/releasetrain/prognosis',
  '/environment-groups/production/releasetrain/prognosis',
  '/api/environments/staging/releasetrain/prognosis',
  '/api/environment-groups/production/releasetrain/prognosis',
]
const trains = prognoses.map((path) => path.replace('/prognosis', ''))
const operations = ['/healthz', '/readyz', '/openapi.json', '/openapi.yaml']

const methods = ['DELETE', 'GET', 'HEAD', 'PATCH', 'POST', 'PUT', 'QUERY', 'TRACE']

describe('a wrong method', () => {
  it.each([...reads, ...operations, ...prognoses])('is told what is possible: %s', async (path) => {
    const { send } = await createTestServer()
    for (const method of methods) {
      if (['GET', 'HEAD'].includes(method)) continue
      const answer = await send(`${method} ${path}`, { body: '{' })
      expect(answer).toMatchObject(aProblem(405, 'METHOD_NOT_ALLOWED', expect.stringContaining(method)))
      expect(answer.headers['allow']).toBe('GET, HEAD, OPTIONS')
    }
  })

  it.each(trains)('does not run a train, not even with a body that is none: %s', async (path) => {
    const { send } = await createTestServer()
    for (const method of methods) {
      if (method === 'PUT') continue
      const answer = await send(`${method} ${path}`, { body: '{' })
      expect(answer).toMatchObject({ status: 405, hasCommitted: false, headers: { allow: 'OPTIONS, PUT' } })
      const detail = `releasetrain only accepts method PUT, got: '${method}'`
      expect(answer.text).toContain(method === 'HEAD' ? '' : detail)
    }
  })

  itAnswers([
    {
      name: "is told in Kuberpult's words on a prognosis",
      request: 'PUT /api/environments/staging/releasetrain/prognosis',
      expected: aProblem(405, 'METHOD_NOT_ALLOWED', "releasetrain prognosis only accepts method GET, got: 'PUT'"),
    },
    {
      name: 'is told in a sentence elsewhere',
      request: 'DELETE /api/applications',
      expected: aProblem(405, 'METHOD_NOT_ALLOWED', 'DELETE is not possible here; possible: GET, HEAD, OPTIONS'),
    },
    {
      name: 'comes before everything else that may be wrong',
      request: 'POST /api/environments/No%20Name/releasetrain?x=1',
      headers: { accept: 'image/png', 'content-type': 'json', 'if-match': '"stale"' },
      body: '{',
      expected: aProblem(405, 'METHOD_NOT_ALLOWED', expect.any(String)),
    },
    ...['DELETE', 'QUERY', 'PROPFIND'].map((method) => ({
      name: `matters only where there is something: ${method}`,
      request: `${method} /api/nothing`,
      expected: aProblem(404, 'NOT_FOUND', expect.stringMatching(/^unknown endpoint/)),
    })),
  ])
})

describe('OPTIONS', () => {
  it.each([
    ...[...reads, ...operations, ...prognoses].map((path) => [path, 'GET, HEAD, OPTIONS']),
    ...both.map((path) => [path, 'DELETE, GET, HEAD, OPTIONS']),
    ...trains.map((path) => [path, 'OPTIONS, PUT']),
  ])('says what is possible: %s', async (path, allow) => {
    const { send } = await createTestServer()
    expect(await send(`OPTIONS ${path}`)).toMatchObject({
      status: 204,
      text: '',
      headers: { allow },
      hasCommitted: false,
    })
  })
})

describe('HEAD', () => {
  it.each([...reads, ...both, ...operations, ...prognoses])('answers as GET does, without the body: %s', async (path) => {
    const { send } = await createTestServer()
    const get = await send(`GET ${path}`)
    const head = await send(`HEAD ${path}`)
    expect(head).toMatchObject({ status: get.status, text: '' })
    expect({ ...head.headers, 'x-request-id': '', date: '' }).toEqual({ ...get.headers, 'x-request-id': '', date: '' })
  })
})
