import { describe, expect, it } from 'vitest'
import { OidcAuthenticator } from '../../src/auth/oidc-authenticator.ts'
import type { Action } from '../../src/core/principal.ts'
import { actions } from '../../src/core/principal.ts'
import { anAccess } from '../support/access.ts'
import { audience, startOidcIssuer } from '../support/oidc-issuer.ts'
import { actionOf, isPublic, requestOf, routesOf } from '../support/route-requests.ts'
import { createTestServer } from '../support/test-server.ts'
import { bearer } from '../support/token-admission.ts'

/** What each role of the policy may do, everywhere. */
const roles: Readonly<Record<string, readonly Action[]>> = {
  Reader: [],
  Locker: ['CreateLock', 'DeleteLock'],
  Conductor: ['DeployReleaseTrain'],
  Releaser: ['CreateRelease', 'DeployRelease'],
  Founder: ['CreateEnvironment', 'DeleteEnvironment', 'DeleteEnvironmentApplication'],
  Undertaker: ['CreateUndeploy', 'DeployUndeploy', 'DeployRelease'],
  Admin: actions,
}
const policy = [
  ...Object.entries(roles).flatMap(([role, all]) => all.map((action) => `p, role:${role}, ${action}, *:*, *, allow`)),
  ...Object.keys(roles).map((role) => `g, ${role}s, role:${role}`),
  'p, role:StagingLocker, CreateLock, staging:staging, *, allow',
  'p, role:StagingLocker, DeleteLock, *:staging, *, allow',
  'g, StagingLockers, role:StagingLocker',
].join('\n')
const teams = '*,member@example.com'

interface Person {
  readonly name: string
  /** Undefined for whom nobody knows. */
  readonly may: ((action: Action, route: string) => boolean) | undefined
  readonly isInTeams: boolean
  readonly token: string | undefined
}

/** Everyone with a token of a real issuer, or none. */
async function createPeople() {
  const [issuer, ci, stranger] = await Promise.all([
    startOidcIssuer({ path: '/dex' }),
    startOidcIssuer({ hasOwnKeys: true }),
    startOidcIssuer({ hasOwnKeys: true }),
  ])
  const trust = `issuers:
  - issuer: ${ci.issuer}
    audience: ${audience}
    rules:
      - claims: { repository: example/shop, ref: refs/heads/main }
        roles: [Releaser]
        teams: [storefront]
`
  const access = anAccess(issuer.issuer, { policy, teams, trust })
  const authenticator = new OidcAuthenticator({
    issuer: issuer.issuer,
    audiences: [audience],
    leeway: 30,
    allowsHttp: false,
    access: () => access,
    clock: () => new Date(),
    log: { info: () => undefined, warn: () => undefined },
    // The issuers live in this process, which is busy.
    timeout: 60_000,
  })
  const people: Person[] = [
    { name: 'nobody', may: undefined, isInTeams: false, token: undefined },
    {
      name: 'an admin of another issuer',
      may: undefined,
      isInTeams: true,
      token: await stranger.issueToken({ groups: ['Admins'], email: 'member@example.com' }),
    },
    {
      name: 'a job of another branch',
      may: undefined,
      isInTeams: true,
      token: await ci.issueToken({ repository: 'example/shop', ref: 'refs/heads/x', groups: ['Admins'] }),
    },
    {
      name: 'a job of the main branch',
      may: (action) => roles['Releaser']?.includes(action) === true,
      isInTeams: true,
      token: await ci.issueToken({ repository: 'example/shop', ref: 'refs/heads/main', groups: ['Admins'] }),
    },
    {
      name: 'an admin outside of all teams',
      may: () => true,
      isInTeams: false,
      token: await issuer.issueToken({ groups: ['Admins'], email: 'outsider@example.com' }),
    },
    {
      name: 'StagingLocker',
      may: (action, route) => roles['Locker']?.includes(action) === true && !route.includes('environment-groups'),
      isInTeams: true,
      token: await issuer.issueToken({ groups: ['StagingLockers'], email: 'member@example.com' }),
    },
  ]
  for (const [role, all] of Object.entries(roles)) {
    people.push({
      name: role,
      may: (action) => all.includes(action),
      isInTeams: true,
      token: await issuer.issueToken({ groups: [`${role}s`], email: 'member@example.com' }),
    })
  }
  // Both are known when it begins: a connection that was closed meanwhile would be 503 for a moment.
  for (const { token, may } of people) {
    if (token === undefined || may === undefined) continue
    await expect
      .poll(() => authenticator.authenticate({ authorization: `Bearer ${token}` }), { timeout: 20_000 })
      .toBeDefined()
  }
  return { people, admission: { mode: 'oidc', authenticator, requestsPerMinute: 1_000_000 } as const }
}

/** What a request to the route takes beside its own action: it deploys, or takes away what runs. */
const alsoNeeded = (route: string): readonly Action[] => {
  if (route.endsWith('/release')) return ['DeployRelease']
  return route === 'DELETE /api/environments/:environment' ? ['DeleteEnvironmentApplication'] : []
}

/** With an environment goes what runs there. */
const isForTeam = (route: string) =>
  /\/(lock\/team|applications)\/|\/release$/.test(route) || route === 'DELETE /api/environments/:environment'

function expectedStatus(person: Person, route: string): unknown {
  if (isPublic.test(route)) return expect.not.toBeOneOf([403])
  if (person.may === undefined) return 401
  const action = route.endsWith('/prognosis') ? 'DeployReleaseTrain' : actionOf[route]
  if (action === undefined) return 200
  const isAllowed = [action, ...alsoNeeded(route)].every((needed) => person.may?.(needed, route))
  if (!isAllowed || (!person.isInTeams && isForTeam(route) && actionOf[route] !== undefined)) return 403
  // It still runs somewhere.
  return route === 'DELETE /api/applications/:application' ? 409 : expect.toBeOneOf([200, 201])
}

describe('every principal on every route', () => {
  it('is answered as the policy says, with tokens of real issuers', async () => {
    const { people, admission } = await createPeople()
    // Webhooks prove themselves in a way of their own.
    const options = { admission, pushHook: undefined }
    let server = await createTestServer({ options })
    const routes = await routesOf(server)
    expect(routes.length).toBeGreaterThan(60)
    const statuses = new Set<number>()
    for (const route of routes) {
      const { line, headers, body } = requestOf(route)
      for (const person of people) {
        const answer = await server.send(line, {
          // A browser asks like this, and is not led anywhere either.
          headers: { ...headers, accept: 'text/html, */*', ...(person.token !== undefined && bearer(person.token)) },
          ...(body !== undefined && { body }),
        })
        expect([route, person.name, answer.status]).toEqual([route, person.name, expectedStatus(person, route)])
        statuses.add(answer.status)
        if ([401, 403].includes(answer.status) && !isPublic.test(route)) {
          expect([answer.hasCommitted, answer.headers['location'], answer.headers['content-type']]).toEqual([
            false,
            undefined,
            'application/problem+json; charset=utf-8',
          ])
          expect('www-authenticate' in answer.headers).toBe(answer.status === 401)
        }
        if (answer.hasCommitted) server = await createTestServer({ options })
      }
    }
    expect([...statuses]).toEqual(expect.arrayContaining([200, 201, 401, 403, 409]))
  })
})
