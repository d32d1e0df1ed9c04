import type { Action } from '../../src/core/principal.ts'
import { registeredPaths } from './registered-paths.ts'
import type { TestServer } from './test-server.ts'

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
    'GET /docs/*': { url: '/docs/static/swagger-ui.css' },
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

/** The routes, by method and path, that are for everybody. */
export const isPublic = /^((GET|HEAD) \/(docs.*|healthz|readyz|openapi\.(json|yaml)|api\/sign-in)?|POST \/token)$/

/** The action that each write needs at least. */
export const actionOf: Readonly<Record<string, Action>> = {
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
    action: 'CreateLock',
    commit: 'd93ca688e4286f8bc156627d8f31a640a10bb77b',
  }
  return path.replaceAll(/:(\w+)/g, (_, name: string) => names[name] ?? name)
}

/** Every route that is registered, but for those that answer wrong methods; HEAD too. */
export async function routesOf(server: TestServer): Promise<readonly string[]> {
  const routes = await Promise.all(
    [...new Set(registeredPaths(server))].map(async (path) => {
      const { headers } = await server.send(`OPTIONS ${withNames(path)}`)
      const methods = (headers['allow'] ?? 'GET, HEAD').split(', ').filter((method) => method !== 'OPTIONS')
      return methods.map((method) => `${method} ${path}`)
    }),
  )
  return routes.flat()
}

/** A request to a route that works for somebody who may. */
export function requestOf(route: string): {
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
