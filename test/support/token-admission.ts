import type { AuthenticatedCaller } from '../../src/auth/authenticator.ts'
import { IssuerUnavailableError, UnauthenticatedError } from '../../src/auth/authenticator.ts'
import type { Action, Principal } from '../../src/core/principal.ts'
import type { TokenAdmission } from '../../src/http/admission.ts'

/** A caller who may do these actions everywhere and belongs to every team. */
export function aCaller(name: string, actions: readonly Action[] = []): AuthenticatedCaller {
  const principal: Principal = {
    name,
    email: `${name}@example.com`,
    mayDo: (action) => actions.includes(action),
    isInTeam: () => true,
  }
  return {
    principal,
    id: `https://issuer.example.com ${name}`,
    budget: `https://issuer.example.com ${name}`,
    roles: ['Releaser', 'Developer'],
    teams: ['*'],
    permissions: actions.map((action) => ({ action, environmentGroup: '*', environment: '*', application: '*' })),
  }
}

/**
 * Callers send the key under which they stand here as their token. For `unavailable` the issuer cannot be asked, and every other
 * token is not good.
 */
export function aTokenAdmission(
  callers: Readonly<Record<string, AuthenticatedCaller>>,
  requestsPerMinute = 600,
): TokenAdmission {
  return {
    mode: 'oidc',
    requestsPerMinute,
    exchange: { exchange: async () => 'exchanged' },
    authenticator: {
      authenticate: async ({ authorization }) => {
        if (authorization === undefined) return undefined
        const token = authorization.replace(/^Bearer /, '')
        if (token === 'unavailable')
          throw new IssuerUnavailableError('https://issuer.example.com', 'the issuer is away')
        const caller = callers[token]
        if (caller === undefined) throw new UnauthenticatedError('invalid_token', 'the token is "not\\good" – at all')
        return caller
      },
    },
  }
}

/** The headers of somebody who sends that token. */
export function bearer(token: string): Readonly<Record<string, string>> {
  return { authorization: `Bearer ${token}` }
}
