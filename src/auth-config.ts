import { z } from 'zod'
import { findIssuerUrlProblem } from './auth/issuer-url.ts'

/** Whether callers are asked who they are, and what for. */
export type AuthConfig = { readonly mode: 'none' } | OidcConfig

export interface OidcConfig {
  readonly mode: 'oidc'
  /** The issuer of people, as its tokens name it. */
  readonly issuer: string
  /** A token of it must name one of them. */
  readonly audiences: readonly string[]
  /** By how many seconds the clocks of issuers may differ from ours. */
  readonly leeway: number
  /** Whether issuers on other machines may be asked without TLS. */
  readonly allowsHttp: boolean
  readonly files: {
    readonly policy: string
    readonly teams: string | undefined
    readonly trust: string | undefined
  }
  readonly scopes: readonly string[]
  /** The public client that signs people in in the browser; undefined when Swagger UI cannot. */
  readonly browserClientId: string | undefined
  /** The public client with which the client program signs in; undefined when it cannot. */
  readonly cliClientId: string | undefined
  /** What `POST /token` exchanges tokens with; undefined when it does not. */
  readonly exchange: ExchangeConfig | undefined
}

export interface ExchangeConfig {
  readonly clientId: string
  readonly clientSecret: { readonly value: string } | { readonly file: string }
  /** The issuer's connector that knows the tokens to be exchanged. */
  readonly connector: string
}

const oneLine = z.string().regex(/^\P{Cc}+$/u, 'must be one line of text')
const flag = z.enum(['true', 'false'], { error: 'must be true or false' }).transform((value) => value === 'true')

/** The variables that this is about, without their prefix. */
export const authVariables = {
  AUTH: z.enum(['none', 'oidc'], { error: 'must be none or oidc' }).default('none'),
  OIDC_ISSUER: oneLine.optional(),
  OIDC_AUDIENCE: z
    .string()
    .transform((list) => list.split(',').map((name) => name.trim()))
    .refine(
      (names) => names.every((name) => /^[^\s\p{Cc}]+$/u.test(name)),
      'must be audiences separated by commas, such as the client id of Signalbox',
    )
    .optional(),
  OIDC_ALLOW_HTTP: flag.default(false),
  OIDC_LEEWAY_SECONDS: z.coerce
    .number({ error: 'must be a number' })
    .int('must be a whole number')
    .min(0, 'must be at least 0')
    .max(300, 'must be at most 300')
    .default(30),
  OIDC_TRUST: oneLine.optional(),
  OIDC_SCOPES: z
    .string()
    .transform((list) => list.split(/[\s,]+/).filter((name) => name !== ''))
    .refine((names) => names.includes('openid'), 'must be scopes separated by spaces, openid among them')
    .default(['openid', 'email', 'profile', 'groups']),
  OIDC_BROWSER_CLIENT_ID: oneLine.optional(),
  OIDC_CLI_CLIENT_ID: oneLine.optional(),
  OIDC_CLIENT_ID: oneLine.optional(),
  OIDC_CLIENT_SECRET: oneLine.optional(),
  OIDC_CLIENT_SECRET_FILE: oneLine.optional(),
  OIDC_EXCHANGE_CONNECTOR: oneLine.default('google'),
  RBAC_POLICY: oneLine.optional(),
  RBAC_TEAMS: oneLine.optional(),
}

const required = ['OIDC_ISSUER', 'OIDC_AUDIENCE', 'RBAC_POLICY'] as const

/** What of it cannot go together, one sentence each. `values` are the variables that are set, by name without prefix. */
export function findAuthProblems(values: Readonly<Record<string, string>>, prefix: string): readonly string[] {
  const mode = values['AUTH'] ?? 'none'
  const isSet = (name: string) => values[name] !== undefined
  if (mode !== 'oidc') {
    // Whoever wrote a policy believes that it holds.
    const others = [
      'RBAC_TEAMS',
      'OIDC_TRUST',
      'OIDC_CLIENT_ID',
      'OIDC_CLIENT_SECRET',
      'OIDC_CLIENT_SECRET_FILE',
      'OIDC_BROWSER_CLIENT_ID',
      'OIDC_CLI_CLIENT_ID',
    ]
    const forgotten = [...required, ...others].filter(isSet).map((name) => prefix + name)
    return mode === 'none' && forgotten.length > 0
      ? [`${prefix}AUTH must be oidc for ${forgotten.join(', ')} to mean anything: nobody is asked who they are`]
      : []
  }
  const problems = required
    .filter((name) => !isSet(name))
    .map((name) => `${prefix}${name} must be set, because ${prefix}AUTH is oidc`)
  const { OIDC_ISSUER: issuer } = values
  const problem = issuer === undefined ? undefined : findIssuerUrlProblem(issuer, values['OIDC_ALLOW_HTTP'] === 'true')
  if (problem !== undefined) {
    problems.push(
      `${prefix}OIDC_ISSUER ${problem}${problem.startsWith('is http') ? `, or with ${prefix}OIDC_ALLOW_HTTP=true` : ''}`,
    )
  }
  const secrets = ['OIDC_CLIENT_SECRET', 'OIDC_CLIENT_SECRET_FILE'].filter(isSet)
  if (secrets.length === 2) {
    problems.push(`${prefix}OIDC_CLIENT_SECRET and ${prefix}OIDC_CLIENT_SECRET_FILE are both set: one will do`)
  }
  if (isSet('OIDC_CLIENT_ID') && secrets.length === 0) {
    problems.push(
      `${prefix}OIDC_CLIENT_SECRET or ${prefix}OIDC_CLIENT_SECRET_FILE must be set, because ${prefix}OIDC_CLIENT_ID is`,
    )
  }
  if (!isSet('OIDC_CLIENT_ID') && secrets.length > 0) {
    problems.push(`${prefix}OIDC_CLIENT_ID must be set, because ${secrets.map((name) => prefix + name).join(', ')} is`)
  }
  return problems
}

/** The configuration, when there were no problems. */
export function toAuthConfig(config: z.infer<z.ZodObject<typeof authVariables>>): AuthConfig {
  const { OIDC_ISSUER: issuer, OIDC_AUDIENCE: audiences, RBAC_POLICY: policy } = config
  if (config.AUTH === 'none' || issuer === undefined || audiences === undefined || policy === undefined) {
    return { mode: 'none' }
  }
  const { OIDC_CLIENT_ID: clientId, OIDC_CLIENT_SECRET: secret, OIDC_CLIENT_SECRET_FILE: file = '' } = config
  return {
    mode: 'oidc',
    issuer,
    audiences,
    leeway: config.OIDC_LEEWAY_SECONDS,
    allowsHttp: config.OIDC_ALLOW_HTTP,
    files: { policy, teams: config.RBAC_TEAMS, trust: config.OIDC_TRUST },
    scopes: config.OIDC_SCOPES,
    browserClientId: config.OIDC_BROWSER_CLIENT_ID,
    cliClientId: config.OIDC_CLI_CLIENT_ID,
    exchange:
      clientId === undefined
        ? undefined
        : {
            clientId,
            clientSecret: secret === undefined ? { file } : { value: secret },
            connector: config.OIDC_EXCHANGE_CONNECTOR,
          },
  }
}
