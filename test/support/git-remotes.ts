import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { parseRemoteAddress } from '../../src/manifest-store/remote/remote-address.ts'
import type { SystemGitRemoteOptions } from '../../src/manifest-store/remote/system-git-remote.ts'
import { SystemGitRemote } from '../../src/manifest-store/remote/system-git-remote.ts'
import { createServedRepository, hasGitHttpBackend, startTestGitHttpServer } from './git-http-server.ts'
import { createTemporaryFolder, gitEnvironment, hasGit } from './real-git.ts'
import { hasSshServer, startSshServer } from './ssh-server.ts'

export interface LogLine {
  readonly details: object
  readonly message: string
}

export interface TestRemote {
  readonly remote: SystemGitRemote
  /** Where the remote's clone is, once it is made. */
  readonly clone: string
  /** What it has logged. */
  readonly log: readonly LogLine[]
}

/** A remote at an address, as the process would open it, away from the configuration of this machine. Inside of a test only. */
export function openTestRemote(url: string, options: Partial<SystemGitRemoteOptions> = {}): TestRemote {
  const parsed = parseRemoteAddress(url)
  if (!parsed.ok) throw new Error(`${url} ${parsed.problem}`)
  const clone = join(createTemporaryFolder(), 'clone.git')
  const log: LogLine[] = []
  const write = (details: object, message: string) => void log.push({ details, message })
  const remote = new SystemGitRemote({
    address: parsed.address,
    cloneFilter: 'blob:limit=2k',
    cloneDepth: 1000,
    ssh: { keyFile: undefined, knownHostsFile: undefined },
    credentials: { username: undefined, token: undefined },
    certificateAuthorityFile: undefined,
    networkTimeout: 30_000,
    gitDirectory: clone,
    environment: gitEnvironment(),
    log: { info: write, warn: write, error: write },
    ...options,
  })
  onTestFinished(() => remote.close())
  return { remote, clone, log }
}

/** A repository on a server of its own, and how to get there. */
export interface ServedRepository {
  /** On the server's disk. */
  readonly repository: string
  readonly url: string
  /** What it takes to be let in. */
  readonly options: Partial<SystemGitRemoteOptions>
  readonly open: (options?: Partial<SystemGitRemoteOptions>) => TestRemote
}

/** The ways to a git server: each with a real one. Those that this machine does not have are skipped, and say so. */
export const transports: readonly {
  readonly name: 'http' | 'file' | 'ssh'
  readonly isHere: boolean
  readonly serve: () => Promise<ServedRepository>
}[] = [
  {
    name: 'file',
    isHere: hasGit,
    serve: async () => {
      const repository = createServedRepository(createTemporaryFolder())
      return toServed(repository, `file://${repository}`)
    },
  },
  {
    name: 'http',
    isHere: hasGitHttpBackend,
    serve: async () => {
      const folder = createTemporaryFolder()
      const { url } = await startTestGitHttpServer({ folder })
      return toServed(createServedRepository(folder), `${url}/manifests.git`)
    },
  },
  {
    name: 'ssh',
    isHere: hasSshServer,
    serve: async () => {
      const folder = createTemporaryFolder()
      const keys = join(folder, 'keys')
      mkdirSync(keys)
      const server = await startSshServer(keys)
      const { port, user, keyFile, knownHostsFile } = server
      onTestFinished(() => server.close())
      const repository = createServedRepository(folder)
      return toServed(repository, `ssh://${user}@127.0.0.1:${port}${repository}`, { ssh: { keyFile, knownHostsFile } })
    },
  },
]

function toServed(repository: string, url: string, defaults: Partial<SystemGitRemoteOptions> = {}): ServedRepository {
  return { repository, url, options: defaults, open: (options) => openTestRemote(url, { ...defaults, ...options }) }
}
