import fs from 'node:fs'
import { join } from 'node:path'
import git from 'isomorphic-git'
import { InMemoryRepository } from '../../src/manifest-store/repository/in-memory-repository.ts'
import { LocalRepository } from '../../src/manifest-store/repository/local-repository.ts'
import { describeManifestStore } from '../support/manifest-store-contract.ts'
import { createTemporaryFolder } from '../support/real-git.ts'
import { openRemote } from '../support/remote-repository.ts'
import { signalbox } from '../support/test-store.ts'

describeManifestStore('a repository in memory', { histories: 150 }, async () => new InMemoryRepository())

describeManifestStore('a repository on disk', { histories: 5 }, async () => {
  const path = join(createTemporaryFolder(), 'manifests.git')
  await git.init({ fs, gitdir: path, bare: true, defaultBranch: 'main' })
  const log = { info: () => {}, warn: () => {}, error: () => {} }
  return LocalRepository.open({ path, branch: undefined, committer: signalbox, log })
})

describeManifestStore('a repository on a server', { histories: 5 }, async () => (await openRemote()).repository)
