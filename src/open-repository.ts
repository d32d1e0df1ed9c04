import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { ServerConfig } from './config.ts'
import type { StoreLog } from './manifest-store/git-manifest-store.ts'
import { ConsolidationThread } from './manifest-store/git/consolidation-thread.ts'
import { WriteThread } from './manifest-store/git/write-thread.ts'
import { gitDirectoryIn } from './manifest-store/remote/local-clone.ts'
import { ObservedGitRemote } from './manifest-store/remote/observed-git-remote.ts'
import type { RemoteConfig } from './manifest-store/remote/remote-config.ts'
import { SystemGitRemote } from './manifest-store/remote/system-git-remote.ts'
import { LocalRepository } from './manifest-store/repository/local-repository.ts'
import { RemoteRepository } from './manifest-store/repository/remote-repository.ts'
import type { Repository } from './manifest-store/repository/repository.ts'
import type { RemoteObserver } from './manifest-store/store-observer.ts'

const demoRepository = 'data/manifests.git'
const fixture = fileURLToPath(new URL('../manifests-fixture', import.meta.url))

export interface OpenRepositoryOptions {
  readonly clock: () => Date
  readonly log: StoreLog
  readonly observer: RemoteObserver
}

export interface OpenedRepository {
  readonly repository: Repository
  /** Where it is on this machine's disk. */
  readonly gitDirectory: string
}

/** The repository that the configuration names: on a git server, on this machine's disk, or the demo, which is made at first. */
export async function openRepository(config: ServerConfig, options: OpenRepositoryOptions): Promise<OpenedRepository> {
  const { branch, committer, remote } = config
  const { clock, log } = options
  if (remote !== undefined) {
    return { repository: await openRemote(config, remote, options), gitDirectory: gitDirectoryIn(config.clonePath) }
  }
  const path = config.repository ?? demoRepository
  if (config.repository === undefined && !existsSync(path)) {
    // Brings a whole git along, which only this needs.
    const { seedRepository } = await import('./manifest-store/repository/seed-repository.ts')
    await seedRepository(path, fixture, committer, clock())
    log.info({ path }, 'made the demo repository from manifests-fixture')
  }
  const { consolidate } = new ConsolidationThread()
  const createWriter = (...of: ConstructorParameters<typeof WriteThread>) => new WriteThread(...of)
  const repository = await LocalRepository.open({ path, branch, committer, log, consolidate, createWriter })
  return { repository, gitDirectory: path }
}

function openRemote(
  { branch, committer, clonePath, fetchInterval }: ServerConfig,
  config: RemoteConfig,
  { clock, log, observer }: OpenRepositoryOptions,
): Promise<RemoteRepository> {
  const remote = new SystemGitRemote({
    ...config,
    gitDirectory: gitDirectoryIn(clonePath),
    environment: process.env,
    log,
  })
  return RemoteRepository.open({
    folder: clonePath,
    remote: new ObservedGitRemote(remote, observer),
    branch,
    committer,
    log,
    clock,
    fetchInterval,
    consolidate: new ConsolidationThread().consolidate,
  })
}
