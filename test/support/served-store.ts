import { onTestFinished } from 'vitest'
import type { Change } from '../../src/core/change.ts'
import type { GitManifestStore } from '../../src/manifest-store/git-manifest-store.ts'
import { gitDirectoryIn } from '../../src/manifest-store/remote/local-clone.ts'
import type { SystemGitRemoteOptions } from '../../src/manifest-store/remote/system-git-remote.ts'
import type { RemoteRepositoryOptions } from '../../src/manifest-store/repository/remote-repository.ts'
import { RemoteRepository } from '../../src/manifest-store/repository/remote-repository.ts'
import { createFirstCommit, readManifestFolder } from '../../src/manifest-store/repository/seed-repository.ts'
import { buildPack } from '../../src/manifest-store/git/pack-file.ts'
import { createCloneFolder } from './fake-git-remote.ts'
import { openTestRemote } from './git-remotes.ts'
import { git } from './real-git.ts'
import type { LogLine } from './remote-repository.ts'
import { createTestStore, fixtureFolder, signalbox, testTime } from './test-store.ts'

export interface ServedStore {
  readonly repository: RemoteRepository
  readonly store: GitManifestStore
  readonly folder: string
  readonly log: readonly LogLine[]
}

export interface ServedStoreOptions {
  readonly folder?: string
  readonly remote?: Partial<SystemGitRemoteOptions>
  readonly repository?: Partial<RemoteRepositoryOptions>
}

/** A store on a real git server; it fetches only when asked to. Inside of a test only. */
export async function openServedStore(url: string, options: ServedStoreOptions = {}): Promise<ServedStore> {
  const { folder = createCloneFolder() } = options
  const log: LogLine[] = []
  const write = (level: string) => (details: object, message: string) => void log.push({ level, details, message })
  const repository = await RemoteRepository.open({
    folder,
    remote: openTestRemote(url, { gitDirectory: gitDirectoryIn(folder), ...options.remote }).remote,
    branch: undefined,
    committer: signalbox,
    clock: () => new Date(),
    fetchInterval: 1_000_000,
    log: { info: write('info'), warn: write('warn'), error: write('error') },
    ...options.repository,
  })
  const store = createTestStore(repository, () => testTime)
  onTestFinished(() => store.close())
  return { repository, store, folder, log }
}

/** Puts the shop, and what else is given, into an empty repository on the server's disk. */
export async function seedServed(path: string, changes: readonly Change[] = []): Promise<void> {
  const files = [...(await readManifestFolder(fixtureFolder)), ...changes]
  const { commit, objects } = await createFirstCommit(files, signalbox, testTime)
  const { pack } = await buildPack(objects)
  git(['-C', path, 'index-pack', '--stdin'], { input: pack })
  git(['-C', path, 'update-ref', 'refs/heads/main', commit])
}

/** The subjects of all commits on the server, oldest first. */
export function subjectsOn(path: string): readonly string[] {
  return git(['-C', path, 'log', '--first-parent', '--reverse', '--format=%s', 'main']).trimEnd().split('\n')
}
