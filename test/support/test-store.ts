import { fileURLToPath } from 'node:url'
import type { Change } from '../../src/core/change.ts'
import type { StoreOptions } from '../../src/manifest-store/git-manifest-store.ts'
import { GitManifestStore } from '../../src/manifest-store/git-manifest-store.ts'
import { InMemoryRepository } from '../../src/manifest-store/repository/in-memory-repository.ts'
import type { Repository } from '../../src/manifest-store/repository/repository.ts'
import { createFirstCommit, readManifestFolder } from '../../src/manifest-store/repository/seed-repository.ts'

export const signalbox = { name: 'Signalbox', email: 'signalbox@localhost' }
export const fixtureFolder = fileURLToPath(new URL('../../manifests-fixture', import.meta.url))
export const testTime = new Date('2026-05-04T09:30:00.250Z')

const silent = { info: () => {}, warn: () => {}, error: () => {} }

/** A store over the repository at a fixed time. */
export function createTestStore(
  repository: Repository,
  clock: () => Date = () => testTime,
  options: Partial<StoreOptions> = {},
): GitManifestStore {
  return new GitManifestStore({ repository, committer: signalbox, clock, log: silent, ...options })
}

/** Puts the changes into an empty repository as its first commit. */
export async function seed(repository: Repository, changes: readonly Change[]): Promise<void> {
  const { commit, objects } = await createFirstCommit(changes, signalbox, testTime)
  await repository.publish({ from: undefined, to: commit, objects })
}

/** An in-memory repository with the shop of manifests-fixture. */
export async function createShopRepository(): Promise<InMemoryRepository> {
  const repository = new InMemoryRepository()
  await seed(repository, await readManifestFolder(fixtureFolder))
  return repository
}
