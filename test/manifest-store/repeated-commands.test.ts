import { describe, expect, it } from 'vitest'
import type { Change } from '../../src/core/change.ts'
import type { Command } from '../../src/core/command.ts'
import { deployRelease } from '../../src/core/deploy-release.ts'
import { createLock } from '../../src/core/lock-commands.ts'
import type { ObjectId } from '../../src/core/object-id.ts'
import type { WriteSettings } from '../../src/core/write-settings.ts'
import type { Principal } from '../../src/core/principal.ts'
import { createUnrestrictedPrincipal } from '../../src/core/principal.ts'
import type { Prognosis } from '../../src/core/release-train-prognosis.ts'
import { createReleaseTrain } from '../../src/core/release-train.ts'
import { parseCommit, serializeCommit } from '../../src/manifest-store/git/commit.ts'
import { ObjectMissingError } from '../../src/manifest-store/git/git-errors.ts'
import { createObject } from '../../src/manifest-store/git/git-object.ts'
import { GitManifestStore } from '../../src/manifest-store/git-manifest-store.ts'
import { IdempotencyIndex } from '../../src/manifest-store/idempotency-index.ts'
import { ObjectCache } from '../../src/manifest-store/git/object-cache.ts'
import { AlreadyDoneError, KeyReusedError } from '../../src/manifest-store/store-errors.ts'
import { commitBeside, environmentLock, file, toMake } from '../support/changes.ts'
import { createShopRepository, createTestStore, signalbox, testTime } from '../support/test-store.ts'
import { WatchedRepository } from '../support/watched-repository.ts'
import { writeSettings } from '../support/write-settings.ts'

const deployer = createUnrestrictedPrincipal({ name: 'Deployer', email: 'deployer@example.com' })

function ask(key: string, request = 'request', principal: Principal = deployer) {
  return { principal, requestId: `id-of-${request}`, idempotency: { key, request } }
}

const settings = writeSettings()
const lock = createLock({ kind: 'environment', environment: 'staging' }, 'freeze', {
  message: 'x',
  ciLink: undefined,
  suggestedLifetime: undefined,
  end: '2d',
})
const train = (gitTag?: string, sourceGitTag?: string): Command<Prognosis> =>
  createReleaseTrain({
    request: { target: 'staging', lookup: 'environment-first', team: undefined, gitTag, sourceGitTag },
    ciLink: undefined,
    accepts: () => true,
    settings,
  })

async function startShop(changes: readonly Change[] = []) {
  const kept = await createShopRepository()
  if (changes.length > 0) await commitBeside(kept, changes)
  const repository = new WatchedRepository(kept)
  return { kept, repository, store: createTestStore(repository) }
}

/** Another process, an hour later. */
function anotherStore(repository: WatchedRepository) {
  return createTestStore(repository, () => new Date(testTime.getTime() + 3_600_000))
}

describe('a command that is repeated with its key', () => {
  it('gets the first answer, and nothing is done', async () => {
    const { store, repository } = await startShop()
    const first = await store.submit(train(), ask('a'))
    const head = await repository.head()
    const again = await store.submit(train(), ask('a'))
    expect(again).toEqual({ ...first, isRepeated: true })
    expect(first.commit).toBe(head)
    expect(await repository.head()).toBe(head)
  })

  it('gets it from another process, after commits of others, whatever they changed', async () => {
    const { store, repository, kept } = await startShop()
    const deploy = deployRelease({
      environment: 'staging',
      application: 'cart',
      version: 5n,
      lockBehavior: 'FAIL',
      settings,
    })
    const first = await store.submit(deploy, ask('a'))
    await commitBeside(kept, environmentLock('staging', 'later'))
    await commitBeside(kept, [{ path: 'applications/cart', content: { kind: 'absent' } }])
    const head = await repository.head()
    expect(await anotherStore(repository).submit(deploy, ask('a'))).toEqual({ ...first, isRepeated: true })
    expect(first.result).toMatchObject({ outcome: 'deployed', from: 4n })
    expect(await repository.head()).toBe(head)
  })

  it('gets it although locks have ended meanwhile, and although a lifetime began then', async () => {
    const ending = [
      ...environmentLock('staging', 'ended'),
      file('environments/staging/locks/ended/expires_at', testTime.toISOString()),
    ]
    const { store, repository } = await startShop(ending)
    const first = await store.submit(lock, ask('a'))
    const again = await anotherStore(repository).submit(lock, ask('a'))
    expect(again).toEqual({ ...first, isRepeated: true })
  })

  it('gets it in the same batch', async () => {
    const { store, repository } = await startShop()
    const [first, again, other] = await Promise.all([
      store.submit(train(), ask('a')),
      store.submit(train(), ask('a')),
      store.submit(lock, ask('b')),
    ])
    expect(repository.updates).toHaveLength(1)
    expect(again).toEqual({ ...first, isRepeated: true })
    expect(other.isRepeated).toBeUndefined()
  })

  it('has no line in the log about a commit, also when its batch makes one', async () => {
    const { repository } = await startShop()
    const lines: object[] = []
    const log = { info: (details: object) => void lines.push(details), warn: () => {}, error: () => {} }
    const store = new GitManifestStore({ repository, committer: signalbox, clock: () => testTime, log })
    const first = await store.submit(train(), ask('a'))
    const [, other] = await Promise.all([store.submit(train(), ask('a')), store.submit(lock, ask('b'))])
    expect(lines).toMatchObject([{ commit: first.commit }, { commit: other.commit }])
  })

  it('gets it when the branch moved while the batch was decided: nothing of the lost attempt is believed', async () => {
    const { store, repository, kept } = await startShop()
    let turn = 0
    repository.beforePublish = async () => {
      turn += 1
      if (turn === 1) await commitBeside(kept, environmentLock('sandbox', 'other'))
    }
    const [first, again] = await Promise.all([store.submit(lock, ask('a')), store.submit(lock, ask('a'))])
    expect(turn).toBe(2)
    expect(again).toEqual({ ...first, isRepeated: true })
    expect(first.commit).toBe(await repository.head())
  })

  it('finds the commit of another replica that was faster', async () => {
    const { store, repository, kept } = await startShop()
    const replica = createTestStore(kept)
    let elsewhere: unknown
    repository.beforePublish = async () => {
      repository.beforePublish = () => {}
      elsewhere = await replica.submit(lock, ask('a'))
    }
    const answer = await store.submit(lock, ask('a'))
    expect(answer).toEqual({ ...(elsewhere as object), isRepeated: true })
  })

  it('gets it for a train that created a tag, and for one that replayed a tag that was moved since', async () => {
    const { store, repository, kept } = await startShop()
    const start = (await kept.head()) as ObjectId
    await kept.publish({ from: start, to: start, objects: [], tags: [{ name: 'v0', id: start }] })
    const first = await store.submit(train('v1', 'v0'), ask('a'))
    const again = await anotherStore(repository).submit(train('v1', 'v0'), ask('a'))
    expect(again).toEqual({ ...first, isRepeated: true })
    expect(await kept.readTag('v1')).toEqual({ kind: 'commit', commit: first.commit })
  })

  it('is told of another request with that key, in later batches and in the same one', async () => {
    const { store, repository } = await startShop()
    const [, same] = await Promise.allSettled([
      store.submit(lock, ask('a')),
      store.submit(train(), ask('a', 'another request')),
    ])
    expect(same).toMatchObject({ status: 'rejected', reason: expect.any(KeyReusedError) as unknown })
    const head = await repository.head()
    await expect(store.submit(train(), ask('a', 'another request'))).rejects.toThrow(KeyReusedError)
    expect(await repository.head()).toBe(head)
  })

  it('is carried out again when it made no commit', async () => {
    const { store } = await startShop()
    expect((await store.submit(toMake([]), ask('a'))).commit).toBeUndefined()
    const made = await store.submit(toMake([file('x', 'y')]), ask('a', 'another request'))
    expect(made).toMatchObject({ commit: expect.any(String) as unknown })
    expect(made.isRepeated).toBeUndefined()
  })

  it('is carried out again when it failed', async () => {
    const { store, repository } = await startShop()
    repository.beforePublish = () => {
      repository.beforePublish = () => {}
      throw new Error('the disk is full')
    }
    await expect(store.submit(lock, ask('a'))).rejects.toThrow('the disk is full')
    expect((await store.submit(lock, ask('a'))).isRepeated).toBeUndefined()
  })
})

describe('an answer that cannot be given again', () => {
  it.each<[string, Command<unknown>, Principal]>([
    [
      'because settings make something else of it',
      createTrainWith({ argoCd: { repositoryUrl: 'https://example.com/other', branch: 'main' } }),
      deployer,
    ],
    ['because who asks has another name now', train(), createUnrestrictedPrincipal({ name: 'D', email: 'd@x.org' })],
    ['because they may not do it any more', train(), { ...deployer, mayDo: () => false }],
  ])('is none, %s', async (_, command, principal) => {
    const { store, repository } = await startShop()
    const { commit } = await store.submit(train(), ask('a'))
    await expect(store.submit(command, ask('a', 'request', principal))).rejects.toMatchObject({
      code: 'ALREADY_DONE',
      commit,
    })
    expect(await repository.head()).toBe(commit)
  })

  it('is none where the clone ends with its commit', async () => {
    const { store, repository, kept } = await startShop()
    const start = await kept.head()
    const { commit } = await store.submit(train(), ask('a'))
    const shallow = new WatchedRepository(kept)
    shallow.shallow = new Set([commit as ObjectId])
    shallow.beforeRead = (id) => {
      if (id === start) throw new ObjectMissingError(id)
    }
    await expect(anotherStore(shallow).submit(train(), ask('a'))).rejects.toThrow(AlreadyDoneError)
    await expect(anotherStore(shallow).submit(train(), ask('a'))).rejects.toMatchObject({ commit })
    expect(await repository.head()).toBe(commit)
  })
})

function createTrainWith(changed: Partial<WriteSettings>): Command<unknown> {
  return createReleaseTrain({
    request: { target: 'staging', lookup: 'environment-first', team: undefined },
    ciLink: undefined,
    accepts: () => true,
    settings: { ...settings, ...changed },
  })
}

describe('the index of keys', () => {
  async function withKeys(count: number) {
    const { store, kept, repository } = await startShop()
    const commits: (ObjectId | undefined)[] = []
    for (let index = 0; index < count; index += 1) {
      commits.push((await store.submit(toMake([file(`f${index}`, 'x')]), ask(`key-${index}`))).commit)
    }
    return { commits, kept, repository, objects: new ObjectCache(repository) }
  }

  it('reads each commit once, and later only what is new', async () => {
    const { commits, kept, repository, objects } = await withKeys(5)
    const index = new IdempotencyIndex(objects, repository, signalbox, 100)
    repository.reads = []
    expect(await index.find(commits[3], 'key-2')).toBe(commits[2])
    expect(await index.find(commits[3], 'key-4')).toBeUndefined()
    expect(repository.reads).toHaveLength(5)
    repository.reads = []
    expect(await index.find(await kept.head(), 'key-4')).toBe(commits[4])
    expect(await index.find(await kept.head(), 'key-0')).toBe(commits[0])
    expect(repository.reads).toHaveLength(1)
  })

  it('forgets what no longer leads to the branch', async () => {
    const { commits, objects, repository } = await withKeys(4)
    const index = new IdempotencyIndex(objects, repository, signalbox, 100)
    await index.find(commits[3], 'key-3')
    expect(await index.find(commits[1], 'key-3')).toBeUndefined()
    expect(await index.find(commits[1], 'key-1')).toBe(commits[1])
  })

  it('keeps the newest, and no more than it may', async () => {
    const { commits, objects, repository } = await withKeys(6)
    const index = new IdempotencyIndex(objects, repository, signalbox, 3)
    expect(await index.find(commits[1], 'key-1')).toBe(commits[1])
    expect(await index.find(commits[3], 'key-1')).toBe(commits[1])
    expect(await index.find(commits[3], 'key-0')).toBeUndefined()
    expect(await index.find(commits[5], 'key-5')).toBe(commits[5])
    expect(await index.find(commits[5], 'key-2')).toBeUndefined()
  })

  describe('when a branch is merged that is older than all that is remembered', () => {
    /** Eight commits, a minute apart, and a merge of what somebody had added to the second one. */
    async function mergeOldBranch() {
      const kept = await createShopRepository()
      let minutes = 0
      const at = (minute: number) => new Date(testTime.getTime() + minute * 60_000)
      const store = createTestStore(kept, () => at(minutes))
      const commits: ObjectId[] = []
      for (minutes = 1; minutes <= 8; minutes += 1) {
        const { commit } = await store.submit(toMake([file(`f${minutes}`, 'x')]), ask(`key-${minutes}`))
        commits.push(commit as ObjectId)
      }
      const before = commits.at(-1) as ObjectId
      const { tree } = parseCommit((await kept.read(before)).data)
      const make = (parents: readonly ObjectId[], minute: number) => {
        const date = { authoredAt: at(minute), committedAt: at(minute) }
        const fields = { author: deployer, committer: deployer, message: 'By somebody else\n', ...date }
        return createObject('commit', serializeCommit({ ...fields, tree, parents }))
      }
      const side = make([commits[1] as ObjectId], 2)
      const merge = make([before, side.id], 9)
      await kept.publish({ from: before, to: merge.id, objects: [side, merge] })
      return {
        before,
        merge: merge.id,
        commits,
        index: new IdempotencyIndex(new ObjectCache(kept), kept, signalbox, 4),
      }
    }

    it('knows the newest as before', async () => {
      const { index, before, merge, commits } = await mergeOldBranch()
      expect(await index.find(before, 'key-8')).toBe(commits[7])
      for (const key of [8, 7, 6]) expect(await index.find(merge, `key-${key}`)).toBe(commits[key - 1])
      expect(await index.find(merge, 'key-1')).toBeUndefined()
    })

    it('knows them after a restart, too', async () => {
      const { index, merge, commits } = await mergeOldBranch()
      for (const key of [8, 7, 6]) expect(await index.find(merge, `key-${key}`)).toBe(commits[key - 1])
    })
  })

  it.each([
    [undefined, false],
    [10_003, true],
  ])('goes back 10,000 commits, or as far as a copy of depth %s', async (cloneDepth, isKnown) => {
    const { kept, commits } = await withKeys(1)
    let from = commits[0] as ObjectId
    const { tree } = parseCommit((await kept.read(from)).data)
    const objects = Array.from({ length: 10_001 }, (_, index) => {
      const fields = { author: deployer, authoredAt: testTime, committer: deployer, committedAt: testTime }
      const commit = createObject(
        'commit',
        serializeCommit({ ...fields, tree, parents: [from], message: `Commit ${index}` }),
      )
      from = commit.id
      return commit
    })
    await kept.publish({ from: commits[0], to: from, objects })
    const store = createTestStore(kept, () => testTime, cloneDepth === undefined ? {} : { cloneDepth })
    const command = toMake([file('f0', 'changed since')])
    const answer = store.submit(command, ask('key-0', 'another request'))
    if (isKnown) await expect(answer).rejects.toThrow(KeyReusedError)
    else expect((await answer).commit).toBe(await kept.head())
  })

  it('believes nobody else', async () => {
    const { commits, objects, repository } = await withKeys(1)
    const index = new IdempotencyIndex(objects, repository, { name: 'Somebody else', email: 'else@example.com' }, 100)
    expect(await index.find(commits[0], 'key-0')).toBeUndefined()
  })

  it('is written as hashes and a moment to the millisecond', async () => {
    const { store, kept } = await startShop()
    await store.submit(lock, ask('a'.repeat(64), 'b'.repeat(64)))
    const { message } = parseCommit((await kept.read((await kept.head()) as ObjectId)).data)
    expect(message).toContain(
      `\nSignalbox-Idempotency-Key: ${'a'.repeat(64)} ${'b'.repeat(64)} 2026-05-04T09:30:00.250Z\n`,
    )
  })
})
