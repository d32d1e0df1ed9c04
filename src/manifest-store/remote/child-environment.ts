import type { RemoteAddress } from './remote-address.ts'
import type { SshOptions } from './ssh-command.ts'
import { toSshCommand } from './ssh-command.ts'
import type { FixedCredentials } from './credentials.ts'

type Environment = Readonly<Record<string, string | undefined>>

/**
 * What programs may know of our environment: where things are, the user's own git config (with credential helpers in it),
 * and an ssh agent. Above all not what makes git run something else or ask people.
 */
const inherited = [
  'PATH',
  'HOME',
  'USER',
  'LOGNAME',
  'TMPDIR',
  'XDG_CONFIG_HOME',
  'XDG_RUNTIME_DIR',
  'SSH_AUTH_SOCK',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'GIT_EXEC_PATH',
  'GIT_CONFIG_GLOBAL',
  'GIT_CONFIG_SYSTEM',
  'GIT_CONFIG_NOSYSTEM',
]

/** For any program: in English, so that we understand it, and without anybody to ask. */
export function bareEnvironment(environment: Environment): Record<string, string> {
  const kept = inherited.flatMap((name) => {
    const value = environment[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  return {
    ...Object.fromEntries(kept),
    LC_ALL: 'C',
    GIT_TERMINAL_PROMPT: '0',
    // Empty, and set, so that no SSH_ASKPASS and no core.askPass is looked for.
    GIT_ASKPASS: '',
    SSH_ASKPASS_REQUIRE: 'never',
  }
}

export interface GitEnvironmentOptions {
  readonly address: RemoteAddress
  readonly environment: Environment
  readonly ssh: SshOptions
  /** The proxy of the environment for the address. */
  readonly proxy: URL | undefined
  readonly certificateAuthorityFile: string | undefined
  readonly credentials: FixedCredentials | undefined
}

/** For git when it speaks with the remote. What is configured is in the environment: not in arguments, and not on the disk. */
export function gitEnvironment(options: GitEnvironmentOptions): Record<string, string> {
  const { address, environment, ssh, proxy, certificateAuthorityFile, credentials } = options
  const settings: (readonly [key: string, value: string])[] = [
    ['core.hooksPath', '/dev/null'],
    ['gc.auto', '0'],
    ['maintenance.auto', 'false'],
    ['protocol.version', '2'],
    ['fetch.recurseSubmodules', 'false'],
    // One pack for each fetch, and not a file for each object, however few: packs are combined, files would stay.
    ['fetch.unpackLimit', '1'],
    // Empty for none, whatever the user's config says: our own requests know the environment alone.
    ['http.proxy', proxy?.href ?? ''],
    ...(credentials === undefined ? [] : credentialSettings(address)),
  ]
  return {
    ...bareEnvironment(environment),
    // Whatever a config or a server would have git speak instead, `ext::` above all.
    GIT_ALLOW_PROTOCOL: address.kind === 'http' ? 'http:https' : address.kind,
    GIT_SSH_COMMAND: toSshCommand(ssh),
    GIT_SSH_VARIANT: 'ssh',
    ...(certificateAuthorityFile !== undefined && { GIT_SSL_CAINFO: certificateAuthorityFile }),
    ...(credentials !== undefined && {
      SIGNALBOX_GIT_USERNAME: credentials.username,
      SIGNALBOX_GIT_PASSWORD: credentials.password,
    }),
    ...toConfigVariables(settings),
  }
}

/** For the helper program that is git's own word for `read it from the environment`, and for this server alone. */
function credentialSettings({ url }: RemoteAddress): (readonly [key: string, value: string])[] {
  const helper =
    '!f() { test "$1" = get && printf \'username=%s\\npassword=%s\\n\' "$SIGNALBOX_GIT_USERNAME" "$SIGNALBOX_GIT_PASSWORD"; }; f'
  const key = `credential.${new URL(url).origin}.helper`
  // The empty one makes git forget all others.
  return [
    [key, ''],
    [key, helper],
  ]
}

function toConfigVariables(settings: readonly (readonly [key: string, value: string])[]): Record<string, string> {
  const variables = settings.flatMap(([key, value], at) => [
    [`GIT_CONFIG_KEY_${at}`, key] as const,
    [`GIT_CONFIG_VALUE_${at}`, value] as const,
  ])
  return { GIT_CONFIG_COUNT: String(settings.length), ...Object.fromEntries(variables) }
}
