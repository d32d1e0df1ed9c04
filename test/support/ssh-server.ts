import type { ChildProcess } from 'node:child_process'
import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { AddressInfo, Socket } from 'node:net'
import { createServer } from 'node:net'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { hasGit } from './real-git.ts'

const sshd = ['/usr/sbin/sshd', '/usr/local/sbin/sshd', '/opt/homebrew/sbin/sshd'].find((path) => existsSync(path))
const hasSsh = spawnSync('ssh', ['-V']).status === 0 && spawnSync('ssh-keygen', ['-?']).error === undefined

/** Whether OpenSSH is here, client and server: `it.runIf(hasSshServer)`. */
export const hasSshServer = hasGit && hasSsh && sshd !== undefined

if (!hasSshServer) {
  process.stderr.write(
    'skipped: tests against a git server over ssh, because OpenSSH is not installed (openssh-server)\n',
  )
}

export interface SshServer {
  readonly port: number
  /** As whom one logs in: whoever runs the tests. */
  readonly user: string
  /** A private key that is let in. */
  readonly keyFile: string
  /** A private key that is not. */
  readonly strangeKeyFile: string
  /** With the server's own host key. */
  readonly knownHostsFile: string
  /** With another key under the server's name. */
  readonly wrongKnownHostsFile: string
  /** How many connections there were. */
  connections(): number
  /** Ends all that there are, and what they run. */
  breakConnections(): void
  close(): Promise<void>
}

/** OpenSSH's sshd on a free port of loopback, with keys of its own in `folder`. Its maker closes it. */
export async function startSshServer(folder: string): Promise<SshServer> {
  const program = sshd ?? 'sshd'
  const file = (name: string) => join(folder, name)
  for (const name of ['host_key', 'other_host_key', 'key', 'strange_key']) {
    spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'test', '-f', file(name)])
  }
  writeFileSync(file('authorized_keys'), readFileSync(file('key.pub')))
  writeFileSync(
    file('sshd_config'),
    [
      `HostKey ${file('host_key')}`,
      `AuthorizedKeysFile ${file('authorized_keys')}`,
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      'PermitRootLogin prohibit-password',
      'UsePAM no',
      'StrictModes no',
      'PermitUserRC no',
      'PidFile none',
      'AcceptEnv GIT_PROTOCOL',
      'SetEnv GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1',
      'LogLevel ERROR',
      '',
    ].join('\n'),
  )
  chmodSync(folder, 0o755)
  // sshd that runs as root puts a part of itself into this folder, which its package makes when it is started as a service.
  if (userInfo().uid === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 })

  const children = new Map<ChildProcess, Socket>()
  let connections = 0
  // One sshd for each connection, as inetd does it: it takes any free port, and ends with its connection.
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    connections += 1
    const child = spawn(program, ['-i', '-f', file('sshd_config')], { stdio: [socket, socket, 'ignore'] })
    children.set(child, socket)
    socket.on('error', () => undefined)
    child.once('close', () => {
      children.delete(child)
      socket.destroy()
    })
    child.once('error', () => socket.destroy())
  })
  function breakConnections(): void {
    for (const [child, socket] of children) {
      child.kill()
      socket.destroy()
    }
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const toKnownHost = (key: string) => `[127.0.0.1]:${port} ${readFileSync(file(`${key}.pub`), 'utf8')}`
  writeFileSync(file('known_hosts'), toKnownHost('host_key'))
  writeFileSync(file('wrong_known_hosts'), toKnownHost('other_host_key'))
  return {
    port,
    user: userInfo().username,
    keyFile: file('key'),
    strangeKeyFile: file('strange_key'),
    knownHostsFile: file('known_hosts'),
    wrongKnownHostsFile: file('wrong_known_hosts'),
    connections: () => connections,
    breakConnections,
    close: async () => {
      breakConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
