import type { OidcConfig } from './auth-config.ts'
import { OidcAuthenticator } from './auth/oidc-authenticator.ts'
import type { PolicyLog } from './auth/policy-files.ts'
import { PolicyFiles } from './auth/policy-files.ts'
import { SignInSearch } from './auth/sign-in-search.ts'
import { OidcTokenExchange } from './auth/token-exchange.ts'
import type { AdmissionOptions, CreatedAdmission } from './create-admission.ts'
import { readSecret } from './read-secret.ts'

/**
 * Asks callers for the tokens of an issuer. Throws PolicyFilesError, or ConfigError for a secret that cannot be read. An issuer that
 * does not answer yet is no reason not to start.
 */
export async function createOidcAdmission(
  auth: OidcConfig,
  requestsPerMinute: number,
  log: PolicyLog,
  { signInPause }: AdmissionOptions,
): Promise<CreatedAdmission> {
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
  warnOfForeignClients(auth, log)
  const { browserClientId } = auth
  const signIn =
    browserClientId === undefined
      ? undefined
      : await SignInSearch.start({
          issuer,
          metadata: () => authenticator.primary.metadata(),
          log,
          ...(signInPause !== undefined && { pause: signInPause }),
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
      requestsPerMinute,
      ...(signIn !== undefined &&
        browserClientId !== undefined && {
          signIn: { clientId: browserClientId, scopes: auth.scopes, endpoints: () => signIn.endpoints },
        }),
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
      ...(signIn !== undefined && signIn.endpoints === undefined
        ? ['Swagger UI cannot sign in until the issuer says where: the log says more']
        : []),
    ],
    close: () => {
      files.close()
      signIn?.close()
    },
  }
}

/** Whoever signs in with such a client gets a token that is not for us. */
function warnOfForeignClients({ audiences, browserClientId, cliClientId }: OidcConfig, log: PolicyLog): void {
  const clients = { SIGNALBOX_OIDC_BROWSER_CLIENT_ID: browserClientId, SIGNALBOX_OIDC_CLI_CLIENT_ID: cliClientId }
  for (const [variable, clientId] of Object.entries(clients)) {
    if (clientId === undefined || audiences.includes(clientId)) continue
    log.warn(
      { clientId },
      `the client of ${variable} is not among SIGNALBOX_OIDC_AUDIENCE: what it signs in with is answered 401, unless its issuer names ` +
        'another audience',
    )
  }
}
