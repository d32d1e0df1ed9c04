import type { OidcConfig } from './auth-config.ts'
import type { IssuerKeys } from './auth/issuer-keys.ts'
import { OidcAuthenticator } from './auth/oidc-authenticator.ts'
import type { PolicyLog } from './auth/policy-files.ts'
import { PolicyFiles } from './auth/policy-files.ts'
import { OidcTokenExchange } from './auth/token-exchange.ts'
import type { ServerConfig } from './config.ts'
import { createUnrestrictedPrincipal } from './core/principal.ts'
import type { Admission, SignIn } from './http/admission.ts'
import { readSecret } from './read-secret.ts'

export interface CreatedAdmission {
  readonly admission: Admission
  /** What does not work as it should, one sentence each. */
  readonly problems: () => readonly string[]
  readonly close: () => void
}

/**
 * Whoever asks callers who they are, as the configuration says. Throws PolicyFilesError, or ConfigError for a secret that cannot
 * be read. An issuer that does not answer yet is no reason not to start.
 */
export async function createAdmission(config: ServerConfig, log: PolicyLog): Promise<CreatedAdmission> {
  const { auth } = config
  if (auth.mode === 'none') {
    const principal = createUnrestrictedPrincipal(config.author)
    const hosts = [config.host, ...config.allowedHosts]
    const acceptsAddresses = config.allowsAnonymous
    return {
      admission: { mode: 'none', principal, hosts, acceptsAddresses },
      problems: () => [],
      close: () => undefined,
    }
  }
  const { issuer, allowsHttp } = auth
  const clientSecret =
    auth.exchange && (await readSecret('SIGNALBOX_OIDC_CLIENT_SECRET_FILE', auth.exchange.clientSecret))
  const files = await PolicyFiles.open({ ...auth.files, primaryIssuer: issuer, allowsHttp, log })
  const authenticator = new OidcAuthenticator({
    issuer,
    audiences: auth.audiences,
    leeway: auth.leeway,
    allowsHttp,
    access: () => files.access,
    clock: () => new Date(),
    log,
  })
  const exchange =
    auth.exchange &&
    new OidcTokenExchange({
      issuer: authenticator.primary,
      clientId: auth.exchange.clientId,
      clientSecret: clientSecret ?? '',
      connector: auth.exchange.connector,
      scopes: auth.scopes,
      log,
    })
  return {
    admission: {
      mode: 'oidc',
      authenticator,
      requestsPerMinute: config.requestsPerMinute,
      signIn: await findSignIn(auth, authenticator.primary, log),
      terminalSignIn: { issuer, clientId: auth.cliClientId, scopes: auth.scopes },
      exchange,
    },
    // Anybody may ask for these: what the files say, and who the issuers are, stands in the log alone.
    problems: () => [
      ...(files.problems().length > 0
        ? ['the changed policy files are not used, and what they said before still holds: the log says why']
        : []),
      ...(authenticator.problems().length > 0
        ? ['an issuer of tokens cannot be asked for its keys: the log says which']
        : []),
    ],
    close: () => files.close(),
  }
}

/** The document is made once, so an issuer that cannot be asked now leaves Swagger UI without its button until the next start. */
async function findSignIn(auth: OidcConfig, primary: IssuerKeys, log: PolicyLog): Promise<SignIn | undefined> {
  const { browserClientId: clientId, scopes } = auth
  if (clientId === undefined) return undefined
  const found = await primary.metadata().catch(() => undefined)
  const { authorizationEndpoint: authorizationUrl, tokenEndpoint: tokenUrl } = found ?? {}
  if (authorizationUrl !== undefined && tokenUrl !== undefined) return { authorizationUrl, tokenUrl, clientId, scopes }
  log.warn({ issuer: auth.issuer }, 'Swagger UI cannot sign in until the next start: the issuer does not say where')
  return undefined
}
