import { onTestFinished } from 'vitest'
import type { RemoteRepositoryOptions } from '../../src/manifest-store/repository/remote-repository.ts'
import { RemoteRepository } from '../../src/manifest-store/repository/remote-repository.ts'
import { gitDirectoryIn } from '../../src/manifest-store/remote/local-clone.ts'
import { createCloneFolder, FakeGitRemote, FakeGitServer } from './fake-git-remote.ts'
import { signalbox, testTime } from './test-store.ts'

export interface LogLine {
  readonly level: string
  readonly details: object
  readonly message: string
}

export interface OpenedRemote {
  readonly server: FakeGitServer
  readonly remote: FakeGitRemote
  readonly repository: RemoteRepository
  readonly log: LogLine[]
  readonly folder: string
  readonly time: { now: Date }
}

export interface OpenOptions {
  readonly server?: FakeGitServer
  readonly folder?: string
  readonly blobLimit?: number
  readonly depth?: number
  readonly isDown?: boolean
  readonly repository?: Partial<RemoteRepositoryOptions>
}

/** A repository on a fake server; it fetches only when asked to. Inside of a test only. */
export async function openRemote(options: OpenOptions = {}): Promise<OpenedRemote> {
  const server = options.server ?? (await FakeGitServer.create())
  const folder = options.folder ?? createCloneFolder()
  const { blobLimit, depth } = options
  const remote = new FakeGitRemote({
    server,
    gitDirectory: gitDirectoryIn(folder),
    ...(blobLimit !== undefined && { blobLimit }),
    ...(depth !== undefined && { depth }),
  })
  remote.isDown = options.isDown ?? false
  const log: LogLine[] = []
  const write = (level: string) => (details: object, message: string) => void log.push({ level, details, message })
  const time = { now: testTime }
  const repository = await RemoteRepository.open({
    folder,
    remote,
    branch: undefined,
    committer: signalbox,
    clock: () => time.now,
    fetchInterval: 1_000_000,
    // Never short of time, however busy the machine is: what is about running out of it sets its own.
    doubtTimeout: 50_000,
    probeTimeout: 50_000,
    log: { info: write('info'), warn: write('warn'), error: write('error') },
    ...options.repository,
  })
  onTestFinished(() => repository.close())
  return { server, remote, repository, log, folder, time }
}
