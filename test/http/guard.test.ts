import { fastify } from 'fastify'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Action } from '../../src/core/principal.ts'
import { actions, createUnrestrictedPrincipal } from '../../src/core/principal.ts'
import { registerGuard } from '../../src/http/guard.ts'
import { open, request } from '../support/connection.ts'
import { registeredPaths } from '../support/registered-paths.ts'
import type { TestServer } from '../support/test-server.ts'
import { aProblem, createTestServer, itAnswers, listenTestServer } from '../support/test-server.ts'
import { aCaller, aTokenAdmission, bearer } from '../support/token-admission.ts'

const manifest = 'a: 1'
const form = [
  '--b\r\nContent-Disposition: form-data; name="application"\r\n\r\ncart',
  `--b\r\nContent-Disposition: form-data; name="manifests[development]"; filename="m"\r\n\r\n${manifest}`,
  '--b--\r\n',
].join('\r\n')
const json = { 'content-type': 'application/json' }
const lock = { headers: json, body: { message: 'x' } }
const release = { headers: { 'content-type': 'multipart/form-data; boundary=b' }, body: form }

/** A request that works for somebody who may, by the route that takes it. */
const requests: Readonly<Record<string, { readonly url: string; readonly headers?: object; readonly body?: unknown }>> =
  {
    'GET /': { url: '/' },
    'GET /docs': { url: '/docs' },
    'GET /docs/json': { url: '/docs/json' },
    'GET /docs/yaml': { url: '/docs/yaml' },
    'GET /docs/static/*': { url: '/docs/static/swagger-ui.css' },
    'GET /docs/static/index.html': { url: '/docs/static/index.html' },
    'GET /docs/static/swagger-initializer.js': { url: '/docs/static/swagger-initializer.js' },
    'GET /docs/static/theme/theme.css': { url: '/docs/static/theme/theme.css' },
    'GET /healthz': { url: '/healthz' },
    'GET /readyz': { url: '/readyz' },
    'GET /openapi.json': { url: '/openapi.json' },
    'GET /openapi.yaml': { url: '/openapi.yaml' },
    'POST /api/release': { url: '/api/release', ...release },
    'POST /release': { url: '/release', ...release },
    'PUT /api/environments/:environment/applications/:application/deployment': {
      url: '/api/environments/staging/applications/cart/deployment',
      body: { version: 4 },
    },
    ...Object.fromEntries(
      [
        '/environments/:environment/locks/:lockId',
        '/environments/:environment/applications/:application/locks/:lockId',
        '/api/environments/:environment/lock/team/:team/:lockId',
        '/environment-groups/:group/locks/:lockId',
      ].flatMap((path) => [
        [`PUT ${path}`, { url: withNames(path), ...lock }],
        [`DELETE ${path}`, { url: withNames(path), headers: json }],
      ]),
    ),
    'POST /api/environments/:environment': { url: '/api/environments/qa', headers: json, body: {} },
    'POST /environments/:environment': { url: '/environments/qa', headers: json, body: {} },
  }

const isPublic = /^((GET|HEAD) \/(docs.*|healthz|readyz|openapi\.(json|yaml))?|POST \/token)$/

/** The action that each write needs at least. */
const actionOf: Readonly<Record<string, Action>> = {
  'PUT /environments/:environment/releasetrain': 'DeployReleaseTrain',
  'PUT /environment-groups/:group/releasetrain': 'DeployReleaseTrain',
  'PUT /api/environments/:environment/releasetrain': 'DeployReleaseTrain',
  'PUT /api/environment-groups/:group/releasetrain': 'DeployReleaseTrain',
  'POST /api/release': 'CreateRelease',
  'POST /release': 'CreateRelease',
  'POST /api/environments/:environment': 'CreateEnvironment',
  'POST /environments/:environment': 'CreateEnvironment',
  'DELETE /api/environments/:environment': 'DeleteEnvironment',
  'PUT /api/environments/:environment/applications/:application/deployment': 'DeployRelease',
  'DELETE /api/environments/:environment/applications/:application': 'DeleteEnvironmentApplication',
  'POST /api/applications/:application/undeploy-release': 'CreateUndeploy',
  'DELETE /api/applications/:application': 'DeployUndeploy',
  ...Object.fromEntries(
    ['PUT', 'DELETE'].flatMap((method) =>
      Object.keys(requests)
        .filter((route) => route.startsWith(`${method} `) && route.endsWith('/:lockId'))
        .map((route): [string, Action] => [route, method === 'PUT' ? 'CreateLock' : 'DeleteLock']),
    ),
  ),
}

function withNames(path: string): string {
  const names: Record<string, string> = {
    environment:
      path.startsWith('/api/environments/:environment') && path.endsWith(':environment') ? 'production-fr' : 'staging',
    application: 'cart',
    group: 'production',
    team: 'payments',
    lockId: 'freeze',
    version: '4',
    commit: 'd93ca688e4286f8bc156627d8f31a640a10bb77b',
  }
  return path.replaceAll(/:(\w+)/g, (_, name: string) => names[name] ?? name)
}

/** Every route that is registered, but for those that answer wrong methods; HEAD too. */
async function routesOf(server: TestServer): Promise<readonly string[]> {
  const routes = await Promise.all(
    [...new Set(registeredPaths(server))].map(async (path) => {
      const { headers } = await server.send(`OPTIONS ${withNames(path)}`)
      const methods = (headers['allow'] ?? 'GET, HEAD').split(', ').filter((method) => method !== 'OPTIONS')
      return methods.map((method) => `${method} ${path}`)
    }),
  )
  return routes.flat()
}

function requestOf(route: string): {
  readonly line: string
  readonly headers: Record<string, string>
  readonly body?: string | object
} {
  const [method = '', path = ''] = route.split(' ')
  const known = requests[route.replace(/^HEAD /, 'GET ')]
  return {
    line: `${method} ${known?.url ?? withNames(path)}`,
    headers: { ...(known?.headers as Record<string, string> | undefined) },
    ...(known?.body !== undefined && { body: known.body as object }),
  }
}

describe('where callers are asked who they are', () => {
  const keeper = aCaller('keeper', actions)
  const guest = aCaller('guest')
  const options = { admission: aTokenAdmission({ keeper, guest }, 1_000_000) }

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
