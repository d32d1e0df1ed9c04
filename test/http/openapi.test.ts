import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { absent, environmentLock, file, link } from '../support/changes.ts'
import type { Document } from '../support/openapi.ts'
import { contradictions, documentOf, findOperation, operationsOf, violations } from '../support/openapi.ts'
import { registeredPaths } from '../support/registered-paths.ts'
import type { RequestOptions, ServerSetup } from '../support/test-server.ts'
import { aPrincipal, createTestServer } from '../support/test-server.ts'
import { aTokenAdmission, bearer } from '../support/token-admission.ts'

const fileUrl = new URL('../../api/openapi.yaml', import.meta.url)
const packageUrl = new URL('../../package.json', import.meta.url)

describe('the OpenAPI document', () => {
  it('is checked in as it is served', async () => {
    const { version } = JSON.parse(readFileSync(packageUrl, 'utf8')) as { readonly version: string }
    const { send } = await createTestServer({ options: { version } })
    const served = (await send('GET /openapi.yaml')).text
    const isCurrent = served === readFileSync(fileUrl, 'utf8')
    expect(isCurrent ? 'current' : 'api/openapi.yaml is stale: run npm run openapi').toBe('current')
  })

  it('has every route, and knows which are hidden', async () => {
    const server = await createTestServer()
    const described = operationsOf(await documentOf(server)).map(({ method, path }) => `${method} ${path}`)
    const registered: string[] = []
    for (const path of registeredPaths(server)) {
      const { headers } = await server.send(`OPTIONS ${path.replaceAll(/:\w+/g, 'x')}`)
      const methods = (headers['allow'] ?? 'GET').split(', ').filter((method) => !/HEAD|OPTIONS/.test(method))
      registered.push(...methods.map((method) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`))
    }
    const hidden = registered.filter((route) => !described.includes(route))
    expect(described.filter((route) => !registered.includes(route))).toEqual([])
    expect(hidden.filter((route) => !route.startsWith('GET /docs')).toSorted()).toEqual([
      'GET /',
      'GET /openapi.json',
      'GET /openapi.yaml',
    ])
  })

  it('names every operation once, and says what each is for', async () => {
    const operations = operationsOf(await documentOf(await createTestServer()))
    const ids = operations.map(({ operation }) => operation.operationId)
    expect(new Set(ids).size).toBe(ids.length)
    for (const { path, operation } of operations) {
      expect(operation).toMatchObject({
        operationId: expect.stringMatching(/^[a-z][A-Za-z]+$/),
        summary: expect.stringMatching(/./),
        tags: [expect.any(String)],
      })
      const inPath = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path')
      expect(inPath.map(({ name, required }) => `${name} ${required}`)).toEqual(
        [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => `${name} true`),
      )
      // What it is about comes first.
      expect((operation.parameters ?? []).slice(0, inPath.length)).toEqual(inPath)
      // What a lock is for, what a release or an environment is, and which release to deploy must be said.
      const isRequired = /^create(\w+Lock|Release|Environment)|^deployRelease$|^exchangeToken$|^receivePushHook$/.test(
        operation.operationId,
      )
      expect(operation.requestBody?.required ?? false).toBe(isRequired)
    }
  })

  it('shows JSON bodies that can be sent as they stand, as Swagger UI does', async () => {
    const operations = operationsOf(await documentOf(await createTestServer()))
    const names = { application: 'cart', group: 'production', team: 'payments', lockId: 'freeze' }
    const sent: string[] = []
    for (const { method, path, operation } of operations) {
      const media = operation.requestBody?.content['application/json']
      // Webhooks are signed.
      if (media === undefined || operation.operationId === 'receivePushHook') continue
      const { send } = await createTestServer()
      const environment = /environments\/\{\w+\}$/.test(path) ? 'qa' : 'staging'
      const all: Readonly<Record<string, string>> = { ...names, environment }
      const url = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => all[name] ?? '')
      const headers = { 'content-type': 'application/json' }
      const answer = await send(`${method} ${url}`, { headers, body: media.example ?? '' })
      expect([path, media.example, answer.status]).toEqual([path, expect.any(Object), expect.toBeOneOf([200, 201])])
      sent.push(`${method} ${path}`)
    }
    expect(sent.length).toBeGreaterThan(10)
  })

  it('says of every operation who may use it', async () => {
    const operations = operationsOf(await documentOf(await createTestServer()))
    const open = operations.filter(({ operation }) => operation.security.length === 0)
    expect(open.map(({ path }) => path)).toEqual(['/api/sign-in', '/token', '/hooks/git', '/healthz', '/readyz'])
    for (const { operation } of operations) {
      const isOpen = operation.security.length === 0
      expect(operation.security).toEqual(isOpen ? [] : [{ bearer: [] }])
      const is401 = !isOpen || ['exchangeToken', 'receivePushHook'].includes(operation.operationId)
      expect([operation.operationId, '401' in operation.responses]).toEqual([operation.operationId, is401])
    }
  })

  it('says of every write that it may end without a verdict', async () => {
    const operations = operationsOf(await documentOf(await createTestServer()))
    const writes = operations.filter(({ operation }) =>
      operation.parameters?.some(({ name }) => name === 'Idempotency-Key'),
    )
    expect(writes.length).toBeGreaterThan(10)
    const silent = writes.filter(({ operation }) => !('504' in operation.responses))
    expect(silent.map(({ operation }) => operation.operationId)).toEqual([])
  })

  it('is told how to sign in where there is an issuer to do so', async () => {
    const endpoints = {
      authorizationUrl: 'https://dex.example.com/dex/auth',
      tokenUrl: 'https://dex.example.com/dex/token',
    }
    let known: typeof endpoints | undefined
    const signIn = { clientId: 'swagger-ui', scopes: ['openid', 'groups'], endpoints: () => known }
    const { send } = await createTestServer({ options: { admission: { ...aTokenAdmission({}), signIn } } })
    // The issuer may be away when the server starts.
    for (const path of ['/docs/json', '/openapi.json', '/openapi.yaml']) {
      expect((await send(`GET ${path}`)).text).not.toContain('oauth2')
    }
    expect((await send('GET /docs')).headers['content-security-policy']).toContain("connect-src 'self';")
    known = endpoints
    expect((await send('GET /openapi.yaml')).text).toContain(endpoints.tokenUrl)
    const all = (await send('GET /docs/json')).json as Document
    expect((await send('GET /openapi.json')).json).toEqual(all)
    expect(all.components.securitySchemes).toMatchObject({
      bearer: { type: 'http', scheme: 'bearer' },
      signIn: {
        type: 'oauth2',
        flows: {
          authorizationCode: { authorizationUrl: endpoints.authorizationUrl, scopes: { openid: '', groups: '' } },
        },
      },
    })
    expect(all.paths['/api/locks']?.['get']?.security).toEqual([{ bearer: [] }, { signIn: [] }])
    const initializer = (await send('GET /docs/static/swagger-initializer.js')).text
    expect(initializer).toMatch(/initOAuth\(.*"clientId":"swagger-ui".*"usePkceWithAuthorizationCodeGrant":true/)
    expect((await send('GET /docs')).headers['content-security-policy']).toContain(
      "connect-src 'self' https://dex.example.com;",
    )
  })

  it('refers to nothing that is not in it', async () => {
    const all = await documentOf(await createTestServer())
    const references = [...JSON.stringify(all).matchAll(/"\$ref":"([^"]*)"/g)].map(([, target = '']) => target)
    expect(references.length).toBeGreaterThan(20)
    for (const reference of new Set(references)) {
      expect(reference).toMatch(/^#\/components\/schemas\/\w+$/)
      expect(Object.keys(all.components.schemas)).toContain(reference.split('/').at(-1))
    }
  })
})

const staging = '/api/environments/staging/releasetrain'
const production = '/api/environment-groups/production/releasetrain'
const kuberpult = 'application/vnd.kuberpult+json'

interface Conversation extends ServerSetup, RequestOptions {
  readonly request: string
  readonly status: number
}

const broken: ServerSetup = {
  changes: [
    ...environmentLock('production-de', 'freeze'),
    file('environments/production-de/locks/freeze/expires_at', '2026-06-01T00:00:00Z'),
    file('environments/production-de/locks/freeze/ci_link', 'https://ci.example.com'),
    file('environments/production-fr/config.json', '{'),
    file('environments/lost/config.json', '{"upstream":{"environment":"nowhere"},"environmentGroup":"production"}'),
    link('environments/staging/applications/cart/version', '../nowhere'),
    absent('applications/catalog/releases'),
    file('applications/catalog/releases', 'a file'),
    file('applications/web/releases/4/created_at', 'yesterday'),
    file('applications/shipping/releases/3/is_prepublish', ''),
    file('applications/shipping/releases/2/undeploy', ''),
  ],
}

const forms = ['application/json', 'application/x-protobuf', kuberpult, 'text/plain', 'text/markdown']

const conversations: readonly Conversation[] = [
  ...[staging, production, '/environments/staging/releasetrain', '/environment-groups/production/releasetrain'].flatMap(
    (path) =>
      [{}, broken].flatMap((setup): Conversation[] => [
        { ...setup, request: `GET ${path}/prognosis`, status: 200 },
        { ...setup, request: `PUT ${path}`, status: 200 },
      ]),
  ),
  ...forms.flatMap((accept): Conversation[] => [
    { request: `GET ${staging}/prognosis`, headers: { accept }, status: 200 },
    { request: `PUT ${staging}`, headers: { accept }, status: 200 },
    { request: `GET ${staging}/prognosis`, headers: { accept, 'if-none-match': '*' }, status: 304 },
  ]),
  { request: `GET ${staging}/prognosis`, principal: aPrincipal({ teams: [] }), status: 200 },
  { request: `GET ${staging}/prognosis?tema=x`, status: 400 },
  {
    request: `GET ${staging}/prognosis`,
    principal: aPrincipal({ denied: ['DeployReleaseTrain staging'] }),
    status: 403,
  },
  { request: `GET ${staging}/prognosis`, headers: { accept: 'image/png' }, status: 406 },
  { request: `PUT ${staging}`, body: '{', status: 400 },
  { request: 'PUT /api/environments/nowhere/releasetrain', status: 400 },
  { request: `PUT ${staging}`, principal: aPrincipal({ denied: ['DeployReleaseTrain staging'] }), status: 403 },
  { request: `PUT ${staging}`, body: { ciLink: 'nothing' }, status: 404 },
  { request: `PUT ${staging}`, headers: { accept: 'image/png' }, status: 406 },
  { request: `PUT ${staging}`, headers: { 'if-match': '"stale"' }, status: 412 },
  { request: `PUT ${production}`, headers: { 'if-match': '"stale"' }, ...broken, status: 412 },
  { request: `PUT ${staging}`, body: 'x'.repeat(70_000), status: 413 },
  { request: `PUT ${staging}`, headers: { 'content-type': 'json' }, body: '{}', status: 415 },
  { request: `GET ${staging}/prognosis?${'x'.repeat(5000)}`, status: 414 },
  ...[
    '/api/environment-groups',
    '/api/environments/staging',
    '/api/environments/production-de',
    '/api/environments/production-fr',
    '/api/environments/staging/config',
    '/api/applications',
    '/api/applications/cart',
    '/api/applications/catalog',
    '/api/applications/shipping',
    '/api/applications/web',
    '/api/locks',
    '/api/application/cart/release/manifests/latest',
    '/api/application/shipping/release/2/manifests',
    '/api/application/web/release/manifests/4',
    '/api/commit-deployments/d93ca688e4286f8bc156627d8f31a640a10bb77b',
    '/api/environments/staging/applications/cart/history',
    '/api/whoami',
    '/api/whoami/permissions/DeployRelease/staging',
    '/api/sign-in',
    '/healthz',
    '/readyz',
  ].flatMap((path): Conversation[] => [
    { request: `GET ${path}`, status: 200 },
    { ...broken, request: `GET ${path}`, status: 200 },
    { request: `GET ${path}`, headers: { accept: 'application/x-protobuf' }, status: 200 },
    // Probes take whatever a load balancer adds.
    { request: `GET ${path}?x=1`, status: path.endsWith('z') ? 200 : 400 },
    { request: `GET ${path}`, headers: { accept: 'image/png' }, status: 406 },
    ...(path.endsWith('z') ? [] : [{ request: `GET ${path}`, headers: { 'if-none-match': '*' }, status: 304 }]),
  ]),
  { request: 'GET /api/whoami/permissions/DeployRelease/nowhere', status: 404 },
  { request: 'POST /api/application/cart/release/manifests/1', status: 200 },
  { request: 'GET /api/application/cart/release/manifests/x', status: 400 },
  { request: 'GET /api/application/cart/release/9/manifests', status: 404 },
  { request: `GET /api/commit-deployments/${'0'.repeat(40)}`, status: 404 },
  { request: 'GET /api/environments/staging/applications/cart/commit', status: 200 },
  { request: 'GET /api/environments/staging/applications/invoicing/commit', ...broken, status: 200 },
  { request: 'GET /api/environments/nowhere/applications/cart/commit', status: 404 },
  { request: 'GET /api/environments/nowhere/applications/cart/history', status: 404 },
  { request: 'GET /api/process-delay', status: 200 },
  { request: 'POST /token', status: 401 },
  { request: 'POST /hooks/git', status: 401 },
  { request: 'GET /api/whoami', status: 200 },
  { request: 'GET /api/whoami', options: { admission: aTokenAdmission({}) }, status: 401 },
  { request: `PUT ${staging}`, headers: bearer('x'), options: { admission: aTokenAdmission({}, 1) }, status: 401 },
  { request: 'GET /api/environments/nowhere', status: 404 },
  { request: 'GET /api/applications/nothing', status: 404 },
  { request: 'GET /api/environments/nowhere/config', status: 404 },
  { request: 'GET /api/environments/production-fr/config', ...broken, status: 409 },
  ...['/api/environments', '/environments'].flatMap((path): Conversation[] => [
    { request: `POST ${path}/qa`, body: { upstream: { environment: 'nowhere' } }, status: 200 },
    { request: `POST ${path}/qa?dryrun=true`, body: {}, headers: { accept: 'application/x-protobuf' }, status: 200 },
    { request: `POST ${path}/qa`, body: { upstream: 1 }, status: 400 },
    { request: `POST ${path}/qa`, body: {}, headers: { accept: 'text/plain' }, status: 406 },
    { request: `POST ${path}/qa`, body: 'x'.repeat(70_000), status: 413 },
    {
      request: `POST ${path}/qa`,
      body: {},
      principal: aPrincipal({ denied: ['CreateEnvironment qa'] }),
      status: 403,
    },
  ]),
  { request: 'DELETE /api/environments/production-de?dryrun=true', status: 200 },
  { request: 'DELETE /api/environments/production-de', status: 200 },
  { request: 'DELETE /api/environments/production-de?dryrun=1', status: 400 },
  { request: 'DELETE /api/environments/staging', status: 404 },
  { request: 'DELETE /api/environments/nowhere', status: 404 },
  ...[
    '/environments/staging/locks',
    '/environments/staging/applications/cart/locks',
    '/api/environments/staging/lock/team/payments',
    '/environment-groups/production/locks',
  ].flatMap((path): Conversation[] => [
    { request: `PUT ${path}/freeze`, body: { message: 'x' }, status: path.includes('groups') ? 201 : 200 },
    { request: `PUT ${path}/x`, body: { message: 'x' }, status: 400 },
    { request: `PUT ${path}/freeze`, body: '{}', status: 415 },
    { request: `DELETE ${path}/freeze`, headers: { 'content-type': 'application/json' }, status: 200 },
    { request: `DELETE ${path}/x`, headers: { 'content-type': 'application/json' }, status: 400 },
  ]),
]

describe('what the OpenAPI document says of an answer', () => {
  it.each(conversations.map((one) => [`${one.request.slice(0, 80)} ${one.status}`, one] as const))(
    'holds: %s',
    async (_name, one) => {
      const server = await createTestServer(one)
      const answer = await server.send(one.request, one)
      expect({ status: answer.status, text: answer.text }).toMatchObject({ status: one.status })

      const all = await documentOf(server)
      expect(contradictions(all, findOperation(all, one.request), answer)).toEqual([])
    },
  )

  it('is told apart from what it does not say', async () => {
    const all = await documentOf(await createTestServer())
    const where = ['components', 'schemas', 'Problem']
    expect(violations(all, where, { status: 400, code: 'X' })).toEqual([])
    expect(violations(all, where, { status: '400' })).toHaveLength(1)
    expect(violations(all, where, { word: 'unknown' })).toHaveLength(1)
  })
})
