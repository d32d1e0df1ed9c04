import type { PolicyLog } from './auth/policy-files.ts'
import type { ServerConfig } from './config.ts'
import { createUnrestrictedPrincipal } from './core/principal.ts'
import type { Admission } from './http/admission.ts'

export interface CreatedAdmission {
  readonly admission: Admission
  /** What does not work as it should, one sentence each. */
  readonly problems: () => readonly string[]
  readonly close: () => void
}

export interface AdmissionOptions {
  /** Milliseconds between two attempts to ask the issuer where browsers sign in. */
  readonly signInPause?: number
}

/** Whoever asks callers who they are, as the configuration says. Throws what `createOidcAdmission` throws. */
export async function createAdmission(
  config: ServerConfig,
  log: PolicyLog,
  options: AdmissionOptions = {},
): Promise<CreatedAdmission> {
  const { auth } = config
  if (auth.mode === 'oidc') {
    // Who asks nobody needs no keys, tokens and policies: they are not loaded then.
    const { createOidcAdmission } = await import('./create-oidc-admission.ts')
    return createOidcAdmission(auth, config.requestsPerMinute, log, options)
  }
  return {
    admission: {
      mode: 'none',
      principal: createUnrestrictedPrincipal(config.author),
      hosts: [config.host, ...config.allowedHosts],
      acceptsAddresses: config.allowsAnonymous,
    },
    problems: () => [],
    close: () => undefined,
  }
}
