import { fastify } from 'fastify'
import { describe, expect, it, onTestFinished } from 'vitest'
import { actions, createUnrestrictedPrincipal } from '../../src/core/principal.ts'
import { registerGuard } from '../../src/http/guard.ts'
import { open, request } from '../support/connection.ts'
import { actionOf, isPublic, requestOf, routesOf } from '../support/route-requests.ts'
import { aProblem, createTestServer, itAnswers, listenTestServer } from '../support/test-server.ts'
import { aCaller, aTokenAdmission, bearer } from '../support/token-admission.ts'

const json = { 'content-type': 'application/json' }

describe('where callers are asked who they are', () => {
  const keeper = aCaller('keeper', actions)
  const guest = aCaller('guest')
  // Webhooks prove themselves in a way of their own: see receive-push-hook.test.ts.
  const options = { admission: aTokenAdmission({ keeper, guest }, 1_000_000), pushHook: undefined }

  it('every route is public, for those who are known, or for those who may do an action', async () => {
    const routes = await routesOf(await createTestServer({ options }))
    expect(routes.length).toBeGreaterThan(60)
    const writes = routes.filter((route) => !isPublic.test(route) && !/^(GET|HEAD) |\/release\/.*manifests/.test(route))
    expect(writes.toSorted()).toEqual(Object.keys(actionOf).toSorted())

    for (const route of routes) {
      const { send, log } = await createTestServer({ options })
      const { line, headers, body } = requestOf(route)
      const ask = async (more: object) => {
        const before = log.filter((one) => 'audit' in one).length
        const answer = await send(line, { headers: { ...headers, ...more }, ...(body !== undefined && { body }) })
        const isDecision = actionOf[route] !== undefined || [401, 403].includes(answer.status)
        const written = log.filter((one) => 'audit' in one).length - before
        expect([route, answer.status, 'audit lines', written]).toEqual([
          route,
          answer.status,
          'audit lines',
          isDecision ? 1 : 0,
        ])
        return answer
      }
      const nobody = await ask({})
      expect([route, nobody.status === 401, nobody.hasCommitted]).toEqual([route, !isPublic.test(route), false])
      if (isPublic.test(route)) continue
      expect(nobody.headers).toMatchObject({ 'www-authenticate': 'Bearer realm="signalbox"' })
      const stranger = await ask(bearer('stranger'))
      expect([route, stranger.status, stranger.hasCommitted]).toEqual([route, 401, false])
      if (actionOf[route] === undefined) {
        // Whom nothing is allowed may read, but for a prognosis of a train that they may not run.
        expect([route, (await ask(bearer('guest'))).status]).toEqual([route, route.includes('/prognosis') ? 403 : 200])
      } else {
        expect([route, (await ask(bearer('guest'))).status]).toEqual([route, 403])
        const allowed = await ask(bearer('keeper'))
        // This one still runs somewhere.
        const isInTheWay = route === 'DELETE /api/applications/:application'
        expect([route, allowed.status]).toEqual([route, isInTheWay ? 409 : expect.toBeOneOf([200, 201])])
      }
    }
  })

  it('an action that a route is bound to is not made up for by all others', async () => {
    for (const [route, action] of Object.entries(actionOf)) {
      const others = aCaller(
        'others',
        actions.filter((one) => one !== action),
      )
      const { send } = await createTestServer({ options: { admission: aTokenAdmission({ others }) } })
      const { line, headers, body } = requestOf(route)
      const answer = await send(line, {
        headers: { ...headers, ...bearer('others') },
        ...(body !== undefined && { body }),
      })
      expect([route, answer.status, answer.hasCommitted]).toEqual([route, 403, false])
      expect(answer.json).toMatchObject({
        code: 'PERMISSION_DENIED',
        detail: expect.stringContaining(action) as string,
      })
    }
  })

  it("the commit is the principal's, whatever headers claim", async () => {
    const { send, log } = await createTestServer({ options })
    const claims = {
      'author-name': btoa('Intruder'),
      'author-email': btoa('intruder@example.com'),
      'author-role': btoa('x'),
    }
    const headers = { ...json, ...claims, ...bearer('keeper') }
    expect(await send('PUT /environments/staging/locks/freeze', { headers, body: { message: 'x' } })).toMatchObject({
      status: 200,
    })
    const { json: locks } = await send('GET /api/locks?environment=staging', { headers })
    expect(locks).toMatchObject({
      locks: expect.arrayContaining([
        expect.objectContaining({
          lock: expect.objectContaining({
            lockId: 'freeze',
            createdBy: { name: 'keeper', email: 'keeper@example.com' },
          }) as object,
        }),
      ]) as object,
    })
    expect(JSON.stringify(log)).not.toContain('Intruder')
    // Nor is anything wrong with claims that nobody reads.
    expect(await send('GET /api/whoami', { headers: { ...bearer('guest'), 'author-name': '%' } })).toMatchObject({
      status: 200,
    })
  })

  itAnswers([
    {
      name: 'a token that is not good is told so, in words that a header can hold',
      request: 'GET /api/whoami',
      headers: bearer('stranger'),
      options,
      expected: {
        ...aProblem(401, 'UNAUTHENTICATED', 'the token is "not\\good" – at all'),
        headers: expect.objectContaining({
          'cache-control': 'no-store',
          'www-authenticate':
            'Bearer realm="signalbox", error="invalid_token", error_description="the token is \'not?good\' ? at all"',
        }) as object,
      },
    },
    {
      name: 'it is our failure when the issuer is away',
      request: 'PUT /api/environments/staging/releasetrain',
      headers: bearer('unavailable'),
      options,
      expected: {
        status: 503,
        json: { code: 'ISSUER_UNAVAILABLE', detail: 'the issuer is away' },
        headers: expect.objectContaining({ 'retry-after': '5' }) as object,
      },
    },
    {
      name: 'a path that is none needs nobody',
      request: 'PUT /api/nothing',
      options,
      expected: aProblem(404, 'NOT_FOUND', expect.any(String)),
    },
    {
      name: 'nor does a wrong method',
      request: 'DELETE /api/locks',
      options,
      expected: aProblem(405, 'METHOD_NOT_ALLOWED', expect.any(String)),
    },
    { name: 'OPTIONS says what is possible', request: 'OPTIONS /api/locks', options, expected: { status: 204 } },
    {
      name: 'a slash at the end is no way around it',
      request: 'GET /api/locks/',
      options,
      expected: aProblem(401, 'UNAUTHENTICATED', expect.any(String)),
    },
    {
      name: 'nor is a path in other letters',
      request: 'GET /%61pi/locks',
      options,
      expected: aProblem(401, 'UNAUTHENTICATED', expect.any(String)),
    },
    {
      name: 'nor are two slashes',
      request: 'GET //api/locks',
      options,
      expected: aProblem(404, 'NOT_FOUND', expect.any(String)),
    },
  ])

  it('is asked before the body is read', async () => {
    const server = await listenTestServer({ options })
    const connection = await open(server)
    connection.socket.write(
      request('POST /api/release', ['Content-Length: 1000000', 'Content-Type: multipart/form-data; boundary=b']),
    )
    expect(await connection.read()).toMatchObject({ status: 401 })
  })

  it('takes no request with two Authorization headers', async () => {
    const server = await listenTestServer({ options })
    const connection = await open(server)
    connection.socket.write(request('GET /api/whoami', ['Authorization: Bearer guest', 'authorization: Bearer keeper']))
    expect(await connection.read()).toMatchObject({
      status: 401,
      headers: { 'www-authenticate': expect.stringContaining('error="invalid_request"') as string },
    })
  })
})

describe('a route that does not say who may use it', () => {
  it.each([undefined, 'public'] as const)('keeps the server from becoming ready: %s', async (access) => {
    const app = fastify()
    onTestFinished(() => app.close())
    const principal = createUnrestrictedPrincipal({ name: 'x', email: 'x' })
    registerGuard(app, { mode: 'none', principal, hosts: ['*'], acceptsAddresses: true }, undefined)
    app.get('/open', { ...(access && { config: { access } }) }, () => 'open')
    if (access === undefined) await expect(app.ready()).rejects.toThrow(/do not declare who may use them: GET \/open/)
    else expect((await app.inject('/open')).statusCode).toBe(200)
  })
})
