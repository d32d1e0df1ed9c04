import { describe, expect, it } from 'vitest'
import type { Command } from '../../src/core/command.ts'
import { createUnrestrictedPrincipal } from '../../src/core/principal.ts'
import type { PublishedUpdate } from '../../src/manifest-store/git-manifest-store.ts'
import { GitManifestStore } from '../../src/manifest-store/git-manifest-store.ts'
import { InMemoryRepository } from '../../src/manifest-store/repository/in-memory-repository.ts'
import { absent, commitBeside, file, toMake } from '../support/changes.ts'
import { signalbox, testTime } from '../support/test-store.ts'

const request = { principal: createUnrestrictedPrincipal(signalbox), requestId: 'request-1' }
const silent = { info: () => {}, warn: () => {}, error: () => {} }
const manifestOf = (application: string) => `environments/staging/applications/${application}/manifests/manifests.yaml`

const toRefuse: Command<string> = {
  reads: () => [],
  decide: () => {
    throw new Error('refused')
  },
}

function aStore(fail = () => {}) {
  const repository = new InMemoryRepository()
  const updates: PublishedUpdate[] = []
  const store = new GitManifestStore({
    repository,
    committer: signalbox,
    clock: () => testTime,
    log: silent,
    onPublished: (update) => {
      updates.push(update)
      fail()
    },
  })
  return { repository, store, updates }
}

describe('what has been published', () => {
  it('is told once for a batch, from the first to the last commit, before anybody is answered', async () => {
    const { store, updates } = aStore()
    const told: number[] = []
    const commands = [
      toMake([file(manifestOf('cart'), 'a')]),
      toMake([]),
      toMake([file(manifestOf('web'), 'b')]),
      toRefuse,
    ]
    const answers = await Promise.allSettled(
      commands.map((command) => store.submit(command, request).finally(() => told.push(updates.length))),
    )
    const commits = answers.map((answer) => (answer.status === 'fulfilled' ? answer.value.commit : undefined))
    expect(updates).toEqual([
      {
        branch: 'main',
        before: undefined,
        after: commits[2],
        changedPaths: [manifestOf('cart'), manifestOf('web')],
      },
    ])
    expect(told).toEqual([1, 1, 1, 1])
  })

  it('begins where others left the branch, and is nothing where nothing was changed', async () => {
    const { repository, store, updates } = aStore()
    await store.submit(toMake([file('a', 'x')]), request)
    const theirs = await commitBeside(repository, [file('b', 'x')])
    await store.submit(toMake([file('b', 'x')]), request)
    expect(updates).toHaveLength(1)
    const { commit } = await store.submit(toMake([absent('a')]), request)
    expect(updates.slice(1)).toEqual([{ branch: 'main', before: theirs, after: commit, changedPaths: ['a'] }])
  })

  it('is published, whatever becomes of telling it', async () => {
    const { repository, store } = aStore(() => {
      throw new Error('a fault')
    })
    const { commit } = await store.submit(toMake([file('a', 'x')]), request)
    expect(commit).toBe(await repository.head())
  })
})
