import type { RemoteAddress } from './remote-address.ts'

export interface SshOptions {
  /** The file of a private key without a passphrase; undefined for those that ssh finds by itself, in an agent too. */
  readonly keyFile: string | undefined
  /** The only file whose host keys are believed; undefined for those that ssh reads by itself. */
  readonly knownHostsFile: string | undefined
  /** Seconds until there must be a connection. */
  readonly connectTimeout: number
}

/** Asks nobody, and never believes a host key that it does not know. A user's ssh config cannot change that. */
export function toSshArguments({ keyFile, knownHostsFile, connectTimeout }: SshOptions): string[] {
  const settings = [
    'BatchMode=yes',
    'StrictHostKeyChecking=yes',
    'UpdateHostKeys=no',
    `ConnectTimeout=${connectTimeout}`,
    'ServerAliveInterval=15',
    'ClearAllForwardings=yes',
    'PermitLocalCommand=no',
    'LogLevel=ERROR',
    ...(knownHostsFile === undefined
      ? []
      : [`UserKnownHostsFile=${quoteSetting(knownHostsFile)}`, 'GlobalKnownHostsFile=/dev/null']),
    ...(keyFile === undefined ? [] : ['IdentitiesOnly=yes', `IdentityFile=${quoteSetting(keyFile)}`]),
  ]
  return ['-a', '-x', '-T', ...settings.flatMap((setting) => ['-o', setting])]
}

/** The same for git, which hands it to a shell. */
export function toSshCommand(options: SshOptions): string {
  return ['ssh', ...toSshArguments(options)].map(quoteForShell).join(' ')
}

/** What ssh is called with to run one of git's programs on the server. */
export function toRemoteCommand(address: RemoteAddress & { kind: 'ssh' }, program: string): string[] {
  const { user, host, port, path } = address
  return [
    ...(port === undefined ? [] : ['-p', String(port)]),
    '--',
    user === undefined ? host : `${user}@${host}`,
    `${program} ${quoteForShell(path)}`,
  ]
}

function quoteForShell(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}

/** ssh splits values at spaces, and replaces what stands behind a percent sign. */
function quoteSetting(path: string): string {
  return `"${path.replaceAll('%', '%%').replaceAll(/["\\]/gu, String.raw`\$&`)}"`
}
