import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { AuthenticatedCaller, Authenticator } from '../auth/authenticator.ts'
import { UnauthenticatedError } from '../auth/authenticator.ts'
import type { Action, Principal } from '../core/principal.ts'
import { actions } from '../core/principal.ts'
import type { Admission } from './admission.ts'
import { readClaimedAuthor } from './claimed-author.ts'
import { headerCount } from './header-count.ts'
import { RequestError } from './problem.ts'
import type { RateLimits } from './rate-limits.ts'

/**
 * Who may use a route: everyone, everyone who is known, or those whom the policy allows an action. Where and to what that
 * action is done only the command knows, so it asks the principal itself; a route says here that it does.
 */
export type Access = 'public' | 'authenticated' | { readonly action: Action }

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access
  }

  interface FastifyRequest {
    /** Who asks; undefined on public routes. */
    caller: AuthenticatedCaller | undefined
  }
}

/**
 * Asks everyone who they are before their body is read, but for public routes and paths that are none: those say nothing that
 * is not in the source. A server with a route that does not declare its access does not become ready. Call it before routes
 * are registered.
 */
export function registerGuard(app: FastifyInstance, admission: Admission, limits: RateLimits | undefined): void {
  app.decorateRequest('caller')
  app.decorateRequest('keyed')
  denyUndeclaredRoutes(app)
  app.addHook('onRequest', async (request, reply) => {
    if (request.is404 || request.routeOptions.config.access === 'public') {
      await limits?.countAddress(request)
      return
    }
    request.caller =
      admission.mode === 'none'
        ? toAnonymousCaller(admission.principal, request)
        : await identify(admission.authenticator, request, reply, limits)
    await limits?.countCaller(request)
  })
}

/** Who asks, on a route that is not public. */
export function callerOf({ caller }: FastifyRequest): AuthenticatedCaller {
  if (caller === undefined) throw new Error('a public route asks who its caller is')
  return caller
}

/** A hook of the route may still add it when the guard's own hook has seen the route: so all are looked at in the end. */
function denyUndeclaredRoutes(app: FastifyInstance): void {
  const routes: { readonly name: string; readonly options: { readonly config?: { readonly access?: Access } } }[] = []
  app.addHook('onRoute', (options) => {
    routes.push({ name: `${[options.method].flat().join('|')} ${options.url}`, options })
  })
  app.addHook('onReady', async () => {
    const undeclared = routes.filter(({ options }) => options.config?.access === undefined)
    if (undeclared.length === 0) return
    throw new Error(`these routes do not declare who may use them: ${undeclared.map(({ name }) => name).join(', ')}`)
  })
}

function toAnonymousCaller(principal: Principal, { headers }: FastifyRequest): AuthenticatedCaller {
  const claimed = readClaimedAuthor(headers)
  return {
    principal: claimed === undefined ? principal : { ...principal, ...claimed, isClaimed: true },
    id: 'anonymous',
    budget: 'anonymous',
    roles: [],
    teams: ['*'],
    permissions: actions.map((action) => ({ action, environmentGroup: '*', environment: '*', application: '*' })),
  }
}

/** Throws what becomes 401, 429 or, when the issuer cannot be asked, 503: never a redirect, since programs call. */
async function identify(
  authenticator: Authenticator,
  request: FastifyRequest,
  reply: FastifyReply,
  limits: RateLimits | undefined,
): Promise<AuthenticatedCaller> {
  let refusal: UnauthenticatedError | undefined
  try {
    // Node takes the first of several, and a proxy before it may have looked at another one.
    if (headerCount(request, 'authorization') > 1) {
      throw new UnauthenticatedError('invalid_request', 'there is more than one Authorization header')
    }
    const caller = await authenticator.authenticate({ authorization: request.headers.authorization })
    if (caller !== undefined) return caller
  } catch (error) {
    if (!(error instanceof UnauthenticatedError)) throw error
    refusal = error
  }
  await limits?.countFailure(request)
  reply.header('WWW-Authenticate', toChallenge(refusal))
  throw new RequestError(
    'UNAUTHENTICATED',
    refusal?.message ?? 'nobody is known by this request: send a token as Authorization: Bearer',
  )
}

/** RFC 6750, section 3: of a request without credentials it says no more than how to send them. */
function toChallenge(refusal: UnauthenticatedError | undefined): string {
  const scheme = 'Bearer realm="signalbox"'
  if (refusal === undefined) return scheme
  return `${scheme}, error="${refusal.reason}", error_description="${toQuotable(refusal.message)}"`
}

/** The characters that RFC 6750 allows there. */
function toQuotable(text: string): string {
  return text.replaceAll('"', "'").replaceAll(/[^\u0020-\u007e]|\\/gu, '?')
}
