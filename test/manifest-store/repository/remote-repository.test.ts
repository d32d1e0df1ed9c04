import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Command } from '../../../src/core/command.ts'
import type { ApplicationName, EnvironmentName } from '../../../src/core/names.ts'
import type { ObjectId } from '../../../src/core/object-id.ts'
import { createUnrestrictedPrincipal } from '../../../src/core/principal.ts'
import { createReleaseTrain } from '../../../src/core/release-train.ts'
import { prognoseReleaseTrain } from '../../../src/core/release-train-prognosis.ts'
import { parseCommit } from '../../../src/manifest-store/git/commit.ts'
import { InstanceRunningError } from '../../../src/manifest-store/git/git-errors.ts'
import { buildPack } from '../../../src/manifest-store/git/pack-file.ts'
import { gitDirectoryIn } from '../../../src/manifest-store/remote/local-clone.ts'
import { RemoteError } from '../../../src/manifest-store/remote/git-remote.ts'
import { createFirstCommit, readManifestFolder } from '../../../src/manifest-store/repository/seed-repository.ts'
import {
  BranchRewrittenError,
  OutcomeUnknownError,
  PushRefusedError,
  RepositoryRefusedError,
  StoreConflictError,
  StoreUnavailableError,
} from '../../../src/manifest-store/store-errors.ts'
import { commitBeside, environmentLock, file, textOf, toMake } from '../../support/changes.ts'
import { createCloneFolder, FakeGitServer } from '../../support/fake-git-remote.ts'
import type { OpenedRemote, OpenOptions } from '../../support/remote-repository.ts'
import { openRemote } from '../../support/remote-repository.ts'
import { createTestStore, fixtureFolder, seed, signalbox, testTime } from '../../support/test-store.ts'
import { writeSettings } from '../../support/write-settings.ts'

const deployer = createUnrestrictedPrincipal({ name: 'Deployer', email: 'deployer@example.com' })
const request = { principal: deployer, requestId: 'request-1' }
const staging = 'staging' as EnvironmentName
const cart = 'cart' as ApplicationName
const toStaging = { target: 'staging', lookup: 'environment-first', team: undefined } as const

const lock = (id: string) => toMake(environmentLock('staging', id), `Lock ${id}`)

/** A store on a server that holds the shop. */
async function openShop(options: OpenOptions = {}) {
  const opened = await openRemote({ ...options, server: options.server ?? (await createShopServer()) })
  return { ...opened, store: createTestStore(opened.repository, () => opened.time.now) }
}

async function createShopServer(): Promise<FakeGitServer> {
  const server = await FakeGitServer.create()
  const { repository } = await openRemote({ server })
  await seed(repository, await readManifestFolder(fixtureFolder))
  await repository.close()
  return server
}

/** A commit of somebody else, through a clone of their own. */
async function pushBeside(server: FakeGitServer, ...changes: Parameters<typeof commitBeside>[1]): Promise<ObjectId> {
  const { repository } = await openRemote({ server })
  try {
    return await commitBeside(repository, changes)
  } finally {
    await repository.close()
  }
}

async function subjectsOf(server: FakeGitServer): Promise<readonly string[]> {
  const subjects: string[] = []
  for (let id = await server.head(); id !== undefined;) {
    const commit: ReturnType<typeof parseCommit> = parseCommit((await server.read(id)).data)
    subjects.push(commit.message.split('\n', 1)[0] ?? '')
    id = commit.parents[0]
  }
  return subjects.toReversed()
}

async function locksIn(store: { snapshot: Awaited<ReturnType<typeof openShop>>['store']['snapshot'] }) {
  const locks = (await store.snapshot()).environments.get(staging)?.locks
  return locks?.ok === true ? [...locks.value.keys()].toSorted() : []
}

const messagesOf = ({ log }: Pick<OpenedRemote, 'log'>, level: string) =>
  log.filter((line) => line.level === level).map(({ message }) => message)

describe('a repository on a server', () => {
  it('is cloned once, and followed from then on', async () => {
    const server = await createShopServer()
    const first = await openShop({ server })
    expect(await first.repository.head()).toBe(await server.head())
    expect(first.repository.branch).toBe('main')
    expect(messagesOf(first, 'info')).toEqual([
      'cloning https://git.example.com/manifests.git: there is no copy on this machine yet',
    ])
    await first.store.close()
    const foreign = await pushBeside(server, ...environmentLock('staging', 'theirs'))

    const second = await openShop({ server, folder: first.folder })
    expect(second.remote.calls.clone).toBe(0)
    expect(await second.repository.head()).toBe(foreign)
    expect(await locksIn(second.store)).toEqual(['theirs'])
  })

  it('has each commit before its caller is answered', async () => {
    const { server, store, remote } = await openShop()
    const { commit } = await store.submit(lock('a'), request)
    expect(await server.head()).toBe(commit)
    expect((await store.snapshot()).commit).toBe(commit)
    expect(remote.calls.push).toBe(1)
    expect(store.health().problems).toEqual([])
  })

  it('gets its first commit from the first command', async () => {
    const server = await FakeGitServer.create()
    const { store } = await openShop({ server })
    expect(await server.head()).toBeUndefined()
    const { commit } = await store.submit(lock('first'), request)
    expect(await server.head()).toBe(commit)
  })

  it('may get its first commit from somebody else meanwhile', async () => {
    const server = await FakeGitServer.create()
    const { store } = await openShop({ server })
    await pushBeside(server, ...environmentLock('staging', 'theirs'))
    await store.submit(lock('ours'), request)
    expect(await locksIn(store)).toEqual(['ours', 'theirs'])
    expect(await subjectsOf(server)).toEqual(['By somebody else', 'Lock ours'])
  })

  it('without the branch, but with others, is a wrong name', async () => {
    const server = await createShopServer()
    const opening = openRemote({ server, repository: { branch: 'prod' } })
    await expect(opening).rejects.toThrow(RepositoryRefusedError)
    await expect(opening).rejects.toThrow("has no branch 'prod'; it has: main. Name one of them in SIGNALBOX_BRANCH")
  })

  it('is not served from one copy by two at a time', async () => {
    const { folder, server } = await openShop()
    const opening = openRemote({ server, folder })
    await expect(opening).rejects.toThrow(InstanceRunningError)
    await expect(opening).rejects.toThrow('set SIGNALBOX_CLONE_PATH to a folder of its own')
  })
})

describe('two instances on one server', () => {
  it('honour the locks of each other, however old what they know is', async () => {
    const server = await createShopServer()
    const [one, two] = [await openShop({ server }), await openShop({ server })]
    const stale = await two.store.snapshot()
    await one.store.submit(lock('one'), request)
    expect(prognoseReleaseTrain(stale, toStaging, deployer, testTime).environments[0]?.outcome.kind).toBe('decided')

    const train = createReleaseTrain({
      request: toStaging,
      ciLink: undefined,
      accepts: () => true,
      settings: writeSettings(),
    })
    const { result, commit } = await two.store.submit(train, request)
    expect(result.environments).toMatchObject([{ outcome: { kind: 'skipped', cause: 'ENV_IS_LOCKED' } }])
    expect(commit).toBeUndefined()
    expect(await subjectsOf(server)).toEqual(['Begin the manifest repository', 'Lock one'])
  })

  it('refuse nothing, and leave nothing out, because of what is old', async () => {
    const server = await createShopServer()
    const [one, two] = [await openShop({ server }), await openShop({ server })]
    await two.store.snapshot()
    await one.store.submit(lock('one'), request)
    const onlyWith = (id: string): Command<string> => ({
      reads: () => [],
      decide: ({ snapshot }) => {
        const locks = snapshot.environments.get(staging)?.locks
        if (locks?.ok !== true || !locks.value.has(id)) throw new Error(`there is no lock ${id}`)
        return { changes: [], text: textOf('Look'), result: id }
      },
    })
    expect(await two.store.submit(onlyWith('one'), request)).toEqual({ result: 'one', commit: undefined })
    const { calls } = two.remote
    const before = calls.fetch
    await expect(two.store.submit(onlyWith('two'), request)).rejects.toThrow('there is no lock two')
    expect(calls.fetch - before).toBe(1)
    expect(await subjectsOf(server)).toHaveLength(2)
  })

  it('lose nothing and double nothing when they write at the same time', async () => {
    const server = await createShopServer()
    const instances = await Promise.all([openShop({ server }), openShop({ server }), openShop({ server })])
    const ids = Array.from({ length: 10 }, (_, index) => `lock-${index}`)
    await Promise.all(instances.flatMap(({ store }, of) => ids.map((id) => store.submit(lock(`${id}-${of}`), request))))
    const expected = instances.flatMap((_, of) => ids.map((id) => `Lock ${id}-${of}`))
    expect((await subjectsOf(server)).slice(1).toSorted()).toEqual(expected.toSorted())
  })

  it('give way to each other for as long as others write, too', async () => {
    const server = await createShopServer()
    const pauses: number[] = []
    const pause = async (milliseconds: number) => void pauses.push(milliseconds)
    const [one, two] = [await openShop({ server, repository: { pause } }), await openShop({ server })]
    await one.store.submit(lock('alone'), request)
    await one.store.refresh()
    expect(pauses).toEqual([])
    await two.store.submit(lock('two'), request)
    await one.store.submit(lock('one'), request)
    await one.store.submit(lock('once more'), request)
    await expect.poll(() => pauses.length).toBe(2)
    expect(pauses.every((milliseconds) => milliseconds > 0)).toBe(true)
    one.time.now = new Date(testTime.getTime() + 60_000)
    await one.store.submit(lock('later'), request)
    await one.store.close()
    expect(pauses).toHaveLength(2)
  })

  it('see what the other one did after the next fetch, and their own at once', async () => {
    const server = await createShopServer()
    const [one, two] = [await openShop({ server }), await openShop({ server })]
    await one.store.submit(lock('one'), request)
    expect(await locksIn(one.store)).toEqual(['one'])
    expect(await locksIn(two.store)).toEqual([])
    await two.store.refresh()
    expect(await locksIn(two.store)).toEqual(['one'])
  })

  it('give up when others are faster again and again', async () => {
    const { store, remote, server } = await openShop()
    const { repository } = await openRemote({ server })
    remote.beforePush = async () => void (await commitBeside(repository, environmentLock('staging', randomUUID())))
    await expect(store.submit(lock('a'), request)).rejects.toThrow(StoreConflictError)
    const [, ...others] = await subjectsOf(server)
    expect(new Set(others)).toEqual(new Set(['By somebody else']))
  })
})

describe('a fetch', () => {
  it('is shared by all who ask while another one runs', async () => {
    const { store, remote } = await openShop()
    const before = remote.calls.fetch
    await Promise.all(Array.from({ length: 20 }, () => store.refresh()))
    expect(remote.calls.fetch - before).toBe(2)
  })

  it('happens by itself', async () => {
    const { server, store } = await openShop({ repository: { fetchInterval: 20 } })
    await pushBeside(server, ...environmentLock('staging', 'theirs'))
    await expect.poll(() => locksIn(store), { timeout: 10_000 }).toEqual(['theirs'])
  })

  it('that is slower than a push does not take the push back', async () => {
    const { store, remote, repository, log, server } = await openShop()
    const pending = ['first', 'second']
    const push = async () => {
      const id = pending.shift()
      if (id !== undefined) await store.submit(lock(id), request)
    }
    // The server is asked in between, so that it tells of the one and not of the other.
    remote.beforeFetch = push
    remote.afterFetch = push
    await store.refresh()
    expect(pending).toEqual([])
    expect(await repository.head()).toBe(await server.head())
    expect(await locksIn(store)).toEqual(['first', 'second'])
    expect(messagesOf({ log }, 'error')).toEqual([])
  })
})

it('a fetch that sees more than a push whose answer is slow is not taken back by it', async () => {
  const { store, remote, repository, server } = await openShop()
  remote.afterPush = async () => {
    remote.afterPush = () => {}
    await pushBeside(server, ...environmentLock('staging', 'theirs'))
    await repository.refresh()
  }
  await store.submit(lock('a'), request)
  expect(await repository.head()).toBe(await server.head())
  expect(await locksIn(store)).toEqual(['a', 'theirs'])
})

describe('a push whose answer is lost', () => {
  it('is found where it arrived, and not done twice', async () => {
    const { store, remote, server, repository } = await openShop()
    remote.faults = ['lose-answer']
    const { commit } = await store.submit(lock('a'), request)
    expect(await server.head()).toBe(commit)
    expect(await subjectsOf(server)).toEqual(['Begin the manifest repository', 'Lock a'])
    expect(remote.calls.push).toBe(1)
    expect(repository.problems).toEqual([])
  })

  it('is found below what others have added since', async () => {
    const { store, remote, server } = await openShop()
    remote.faults = ['lose-answer']
    let isFirst = true
    remote.beforeFetch = async () => {
      if (!isFirst) return
      isFirst = false
      await pushBeside(server, ...environmentLock('staging', 'theirs'))
    }
    const { commit } = await store.submit(lock('a'), request)
    expect(commit).toBeDefined()
    expect(await subjectsOf(server)).toEqual(['Begin the manifest repository', 'Lock a', 'By somebody else'])
    expect(await locksIn(store)).toEqual(['a', 'theirs'])
  })

  it('is repeated, the very same, where it did not arrive', async () => {
    const { store, remote, server, time } = await openShop()
    remote.faults = ['lose-request', 'lose-request']
    // What is decided again is another commit.
    remote.beforePush = () => void (time.now = new Date(time.now.getTime() + 1000))
    const { commit } = await store.submit(lock('a'), request)
    expect(await server.head()).toBe(commit)
    expect(remote.pushes).toHaveLength(3)
    expect(new Set(remote.pushes.map(({ to }) => to)).size).toBe(1)
  })

  it('is decided again where others were faster', async () => {
    const { store, remote, server } = await openShop()
    remote.faults = ['lose-request']
    let isFirst = true
    remote.beforeFetch = async () => {
      if (!isFirst) return
      isFirst = false
      await pushBeside(server, ...environmentLock('staging', 'theirs'))
    }
    const { commit } = await store.submit(lock('a'), request)
    expect(await server.head()).toBe(commit)
    expect(await subjectsOf(server)).toEqual(['Begin the manifest repository', 'By somebody else', 'Lock a'])
  })

  it('that arrives after its repetition changes nothing', async () => {
    const { store, remote, server } = await openShop()
    remote.faults = ['delay']
    const { commit } = await store.submit(lock('a'), request)
    expect(await remote.deliver()).toEqual(['moved'])
    expect(await server.head()).toBe(commit)
  })

  it('that arrives between a look and its repetition is found', async () => {
    const { store, remote, server } = await openShop()
    remote.faults = ['delay']
    remote.beforePush = async () => void (await remote.deliver())
    await store.submit(lock('a'), request)
    expect(await subjectsOf(server)).toEqual(['Begin the manifest repository', 'Lock a'])
  })

  describe('while the server cannot be reached any more', () => {
    async function loseContact(fault: 'delay' | 'lose-answer' | 'lose-request') {
      const opened = await openShop({ repository: { doubtTimeout: 300 } })
      const { remote, store } = opened
      remote.faults = [fault]
      remote.beforePush = () => {
        // The request leaves, and that is the last that is heard.
        queueMicrotask(() => setImmediate(() => (remote.isDown = true)))
      }
      remote.beforeFetch = () => {
        remote.isDown = true
      }
      const error: unknown = await store.submit(lock('a'), request).catch((reason: unknown) => reason)
      remote.beforePush = () => {}
      remote.beforeFetch = () => {}
      return { ...opened, error }
    }

    it('leaves its caller without a verdict, and says so', async () => {
      const { error, store } = await loseContact('lose-answer')
      expect(error).toBeInstanceOf(OutcomeUnknownError)
      expect((error as Error).message).toMatch(
        /^commit [0-9a-f]{40} was sent to .*It may have been done, or may still be/,
      )
      expect(store.health().problems).toContainEqual(expect.stringMatching(/it is not known whether the push of/))
      expect(await locksIn(store)).toEqual([])
    })

    it('keeps others from writing until it is settled', async () => {
      const { store, remote, server, repository, log } = await loseContact('lose-answer')
      const pushes = remote.calls.push
      await expect(store.submit(lock('b'), request)).rejects.toThrow(StoreUnavailableError)
      await expect(store.submit(toMake([]), request)).rejects.toThrow(StoreUnavailableError)
      expect(remote.calls.push).toBe(pushes)
      remote.isDown = false
      await store.submit(lock('b'), request)
      expect(await subjectsOf(server)).toEqual(['Begin the manifest repository', 'Lock a', 'Lock b'])
      expect(repository.problems).toEqual([])
      expect(messagesOf({ log }, 'warn')).toContainEqual(expect.stringMatching(/: it had arrived$/))
    })

    it('cannot arrive any more once another write has', async () => {
      const { store, remote, server, repository } = await loseContact('delay')
      remote.isDown = false
      await store.submit(lock('b'), request)
      expect(await remote.deliver()).toEqual(['moved'])
      expect(await subjectsOf(server)).toEqual(['Begin the manifest repository', 'Lock b'])
      expect(repository.problems).toEqual([])
    })

    it('may arrive between the look and the next write, which is then decided on it', async () => {
      const { store, remote, server } = await loseContact('delay')
      remote.isDown = false
      let isFirst = true
      remote.beforePush = async () => {
        if (isFirst) await remote.deliver()
        isFirst = false
      }
      await store.submit(lock('b'), request)
      expect(await subjectsOf(server)).toEqual(['Begin the manifest repository', 'Lock a', 'Lock b'])
      expect(await locksIn(store)).toEqual(['a', 'b'])
    })
  })

  it.each([
    ['it had arrived', 'lose-answer', ['Lock a']],
    ['somebody else was faster', 'lose-request', ['By somebody else', 'Lock a']],
  ] as const)('is in doubt no more when a fetch has seen before that %s', async (_, fault, subjects) => {
    const { store, remote, server, repository } = await openShop()
    remote.faults = [fault]
    const push = remote.push.bind(remote)
    remote.push = async (...args) => {
      const outcome = await push(...args)
      if (outcome.kind !== 'unknown') return outcome
      if (fault === 'lose-request') await pushBeside(server, ...environmentLock('staging', 'theirs'))
      await repository.refresh()
      return outcome
    }
    await store.submit(lock('a'), request)
    expect(await subjectsOf(server)).toEqual(['Begin the manifest repository', ...subjects])
    expect(repository.problems).toEqual([])
  })

  it('while the branch is deleted leaves its caller without a verdict: it can arrive once that is restored', async () => {
    const { store, remote, server } = await openShop()
    const head = await server.head()
    remote.faults = ['delay']
    let isFirst = true
    remote.beforeFetch = async () => {
      if (isFirst && remote.calls.push > 0) await server.setBranch(undefined)
      isFirst &&= remote.calls.push === 0
    }
    await expect(store.submit(lock('a'), request)).rejects.toThrow(OutcomeUnknownError)
    await expect(store.submit(lock('b'), request)).rejects.toThrow(StoreUnavailableError)
    await server.setBranch(head)
    expect(await remote.deliver()).toEqual(['accepted'])
    await store.submit(lock('c'), request)
    expect(await subjectsOf(server)).toEqual(['Begin the manifest repository', 'Lock a', 'Lock c'])
    expect(store.health().problems).toEqual([])
  })

  it('and whose repetition is refused stays in doubt: the first may still be on its way', async () => {
    const { store, remote } = await openShop()
    remote.faults = ['delay', { kind: 'refused', reason: 'not today' }]
    const writing = store.submit(lock('a'), request)
    await expect(writing).rejects.toThrow(OutcomeUnknownError)
    await expect(writing).rejects.toThrow('the server refused it: not today')
  })
})

describe('a server that refuses', () => {
  const other = { ...request, principal: createUnrestrictedPrincipal({ name: 'Other', email: 'other@example.com' }) }

  it('one author of a batch gets the commits of the others', async () => {
    const { store, server } = await openShop()
    server.refuses = ({ author }) => (author.name === 'Other' ? 'Other may not push here' : undefined)
    const submitted = await Promise.allSettled([
      store.submit(lock('a'), request),
      store.submit(lock('b'), other),
      store.submit(lock('c'), request),
    ])
    expect(submitted.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    const error: unknown = submitted[1].status === 'rejected' ? submitted[1].reason : undefined
    expect(error).toBeInstanceOf(PushRefusedError)
    expect((error as Error).message).toBe(
      "could not push to manifest repository 'https://git.example.com/manifests.git' on branch 'main': " +
        'the server refused: Other may not push here',
    )
    expect(await subjectsOf(server)).toEqual(['Begin the manifest repository', 'Lock a', 'Lock c'])
    expect(await locksIn(store)).toEqual(['a', 'c'])
  })

  it('everybody leaves everything as it was', async () => {
    const { store, server } = await openShop()
    server.refuses = () => 'the branch is protected'
    const submitted = await Promise.allSettled([store.submit(lock('a'), request), store.submit(lock('b'), other)])
    expect(submitted.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(await locksIn(store)).toEqual([])
    server.refuses = () => undefined
    await store.submit(lock('c'), request)
    expect(await subjectsOf(server)).toEqual(['Begin the manifest repository', 'Lock c'])
  })

  it('because it cannot do it is waited for, and health says so', async () => {
    const { store, remote, server, repository } = await openShop()
    remote.faults = [{ kind: 'failed', reason: 'the pack could not be read: No space left on device' }]
    const submitted = await Promise.allSettled([store.submit(lock('a'), request), store.submit(lock('b'), request)])
    for (const outcome of submitted) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'STORE_UNAVAILABLE' } })
    }
    expect(store.health().problems).toEqual([expect.stringMatching(/could not take .*: No space left on device/)])
    expect(remote.calls.push).toBe(1)
    await store.submit(lock('c'), request)
    expect(store.health().problems).toEqual([])
    expect(repository.problems).toEqual([])
    expect(await subjectsOf(server)).toEqual(['Begin the manifest repository', 'Lock c'])
  })

  it('to take a push again that may have arrived is asked until it can say', async () => {
    const { store, remote, server } = await openShop()
    remote.faults = ['lose-request', { kind: 'failed', reason: 'No space left on device' }]
    const { commit } = await store.submit(lock('a'), request)
    expect(await server.head()).toBe(commit)
    expect(remote.calls.push).toBe(3)
  })

  it.each([
    ['a hook that speaks like git', 'pre-receive hook declined: error: fetch first', PushRefusedError],
    [
      'a lock file left behind',
      "failed to update ref: Unable to create '/srv/main.lock': File exists",
      StoreUnavailableError,
    ],
    ['lock failure', 'lock failure', StoreUnavailableError],
  ])('in words of a branch that moves, which it does not, is believed to refuse: %s', async (_, reason, kind) => {
    const pause = () => Promise.resolve()
    const { store, remote, server } = await openShop({ repository: { pause } })
    remote.faults = Array.from({ length: 30 }, () => ({ kind: 'moved', reason }) as const)
    const writing = store.submit(lock('a'), request)
    await expect(writing).rejects.toThrow(kind)
    await expect(writing).rejects.toThrow(reason)
    expect(remote.calls.push).toBe(4)
    remote.faults = []
    await store.submit(lock('b'), request)
    expect(store.health().problems).toEqual([])
    expect(await subjectsOf(server)).toEqual(['Begin the manifest repository', 'Lock b'])
  })

  it('for a moment because a ref is locked gets the commit after it', async () => {
    const { store, remote, server } = await openShop()
    remote.faults = [1, 2, 3].map(() => ({ kind: 'moved', reason: 'lock failure' }) as const)
    await store.submit(lock('a'), request)
    expect(await subjectsOf(server)).toEqual(['Begin the manifest repository', 'Lock a'])
  })

  it('to know us is our problem, and health says so', async () => {
    const { store, remote } = await openShop()
    remote.faults = ['denied']
    await expect(store.submit(lock('a'), request)).rejects.toThrow(StoreUnavailableError)
    expect(store.health().problems).toEqual(['the repository could not be written: may not write: look at the key'])
  })
})

describe('a server that cannot be reached', () => {
  it('leaves the reads, refuses writes at once, and is found again without a restart', async () => {
    const { store, remote, server, time, log } = await openShop()
    remote.isDown = true
    await expect(store.refresh()).rejects.toThrow(RemoteError)
    await expect(store.refresh()).rejects.toThrow(RemoteError)
    expect(messagesOf({ log }, 'error')).toHaveLength(1)
    time.now = new Date(testTime.getTime() + 60_000)
    expect((await store.snapshot()).applications.size).toBe(8)
    expect(store.health()).toMatchObject({ isReadable: true, stateAge: 60_000 })
    expect(store.health().problems).toEqual([expect.stringMatching(/could not be asked what is new: no answer/)])
    const pushes = remote.calls.push
    await expect(store.submit(lock('a'), request)).rejects.toThrow(StoreUnavailableError)
    expect(remote.calls.push).toBe(pushes)

    remote.isDown = false
    await store.submit(lock('b'), request)
    expect(await subjectsOf(server)).toEqual(['Begin the manifest repository', 'Lock b'])
    expect(store.health()).toMatchObject({ problems: [], stateAge: 0 })
    expect(messagesOf({ log }, 'info')).toContainEqual(expect.stringMatching(/can be reached again$/))
  })

  it('when a write is pushed fails that one, which never appears', async () => {
    const { store, remote, server } = await openShop()
    remote.faults = ['unreachable']
    await expect(store.submit(lock('a'), request)).rejects.toThrow(StoreUnavailableError)
    await store.submit(lock('b'), request)
    expect(await subjectsOf(server)).toEqual(['Begin the manifest repository', 'Lock b'])
  })

  it('that does not even answer holds a write up for a bounded time', async () => {
    const { store, remote } = await openShop({ repository: { probeTimeout: 300 } })
    remote.isDown = true
    await store.refresh().catch(() => undefined)
    remote.isDown = false
    let answer = () => {}
    const silence = new Promise<void>((resolve) => (answer = resolve))
    onTestFinished(() => answer())
    remote.beforeFetch = () => silence
    await expect(store.submit(lock('a'), request)).rejects.toThrow('does not answer')
  })

  it('at the start leaves what the copy has', async () => {
    const first = await openShop()
    await first.store.submit(lock('a'), request)
    await first.store.close()
    const { server, folder } = first
    const { store, remote, repository } = await openShop({ server, folder, isDown: true })
    expect(await locksIn(store)).toEqual(['a'])
    expect(store.health().problems).toHaveLength(1)
    expect(repository.confirmedAt.getTime()).toBeGreaterThan(0)
    remote.isDown = false
    await store.submit(lock('b'), request)
    expect(await locksIn(store)).toEqual(['a', 'b'])
  })

  it('at the first start is an error', async () => {
    const folder = createCloneFolder()
    const server = await createShopServer()
    await expect(openRemote({ server, folder, isDown: true })).rejects.toThrow(RemoteError)
    // Nothing is in the way of the next start.
    await openRemote({ server, folder })
  })
})

describe('a branch that was', () => {
  it('deleted leaves the last state served, refuses writes, and comes back', async () => {
    const { store, server, log } = await openShop()
    const head = await server.head()
    await store.submit(lock('a'), request)
    const last = await server.head()
    await server.setBranch(undefined)
    await store.refresh()
    expect(await locksIn(store)).toEqual(['a'])
    expect(store.health().problems).toEqual([expect.stringMatching(/branch main has disappeared; it was at/)])
    await expect(store.submit(lock('b'), request)).rejects.toThrow('has disappeared')
    expect(await server.head()).toBeUndefined()
    expect(messagesOf({ log }, 'error')).toContainEqual(expect.stringMatching(/has been deleted; it was at/))

    await server.setBranch(last)
    await store.submit(lock('b'), request)
    expect(store.health().problems).toEqual([])
    expect(await subjectsOf(server)).toEqual(['Begin the manifest repository', 'Lock a', 'Lock b'])
    expect(head).toBeDefined()
  })

  it.each(['alone', 'beside others'])(
    'deleted %s is not made anew by a restart, but without its copy',
    async (where) => {
      const { store, server, folder } = await openShop()
      await store.submit(lock('a'), request)
      const last = await server.head()
      await store.close()
      if (where === 'beside others') await server.setBranch(last, 'other')
      await server.setBranch(undefined)

      const again = await openShop({ server, folder })
      expect(await locksIn(again.store)).toEqual(['a'])
      expect(again.store.health().problems).toEqual([expect.stringMatching(/main has disappeared; it was at/)])
      await expect(again.store.submit(lock('b'), request)).rejects.toThrow(StoreUnavailableError)
      expect(await server.head()).toBeUndefined()
      await server.setBranch(last)
      await again.store.submit(lock('b'), request)
      expect(again.store.health().problems).toEqual([])
      expect(await subjectsOf(server)).toEqual(['Begin the manifest repository', 'Lock a', 'Lock b'])

      if (where === 'beside others') return
      await again.store.close()
      await server.setBranch(undefined)
      rmSync(folder, { recursive: true })
      const anew = await openShop({ server, folder })
      await anew.store.submit(lock('c'), request)
      expect(await subjectsOf(server)).toEqual(['Lock c'])
    },
  )

  it.each(['taken back', 'begun anew'])('%s by force is followed, reported, and never overwritten', async (kind) => {
    const { store, server, repository, time, folder } = await openShop()
    const first = await server.head()
    const { commit: lost = '' } = await store.submit(lock('lost'), request)
    if (kind === 'taken back') await server.setBranch(first)
    else await server.setBranch(await pushUnrelated(server))
    const theirs = await server.head()
    await store.refresh()
    expect(await locksIn(store)).toEqual([])
    expect((await store.snapshot()).commit).toBe(theirs)
    expect(store.health().problems).toEqual([
      `branch main of https://git.example.com/manifests.git was moved by force from ${lost} to ${theirs}: ` +
        'commits were taken back. What it was is kept in the copy on this machine as ' +
        `refs/signalbox/replaced/${lost}`,
    ])
    expect(readFileSync(join(gitDirectoryIn(folder), 'refs/signalbox/replaced', lost), 'utf8')).toBe(`${lost}\n`)
    const { commit = '' } = await store.submit(lock('next'), request)
    expect(parseCommit((await repository.read(commit)).data).parents).toEqual([theirs])
    time.now = new Date(testTime.getTime() + 2 * 3600_000)
    expect(store.health().problems).toEqual([])
  })

  it('moved by force promises nothing of a copy that has been made anew since', async () => {
    const { store, server, folder } = await openShop()
    const first = await server.head()
    await store.submit(lock('lost'), request)
    await server.setBranch(first)
    await store.refresh()
    rmSync(gitDirectoryIn(folder), { recursive: true })
    await store.refresh().catch(() => undefined)
    await store.refresh()
    expect(store.health().problems).toEqual([expect.stringMatching(/was moved by force .*: commits were taken back$/)])
  })

  it('moved by force while a command was decided fails that command, which may try again', async () => {
    const { store, server } = await openShop()
    const first = await server.head()
    await store.submit(lock('lost'), request)
    await server.setBranch(first)
    await expect(store.submit(lock('a'), request)).rejects.toThrow(BranchRewrittenError)
    await store.submit(lock('a'), request)
    expect(await subjectsOf(server)).toEqual(['Begin the manifest repository', 'Lock a'])
  })

  it('moved on further than a shallow copy goes is followed, and nobody is accused', async () => {
    const { store, server, log, folder } = await openShop({ depth: 1 })
    await store.submit(lock('a'), request)
    // The next fetch brings only what is new, without how it came from what was.
    await pushBeside(server, ...environmentLock('staging', 'b'))
    const foreign = await server.head()
    await store.refresh()
    expect((await store.snapshot()).commit).toBe(foreign)
    expect(messagesOf({ log }, 'error')).toEqual([])
    expect(existsSync(join(gitDirectoryIn(folder), 'shallow'))).toBe(true)
  })
})

/** A history of its own, on the server. */
async function pushUnrelated(server: FakeGitServer): Promise<ObjectId> {
  const { commit, objects } = await createFirstCommit(
    [file('environments/staging/config.json', '{}')],
    signalbox,
    testTime,
  )
  const { pack } = await buildPack(objects)
  await server.receive([{ ref: 'refs/heads/other', from: undefined, to: commit }], pack)
  await server.setBranch(undefined, 'other')
  return commit
}

describe('a copy that does not have everything', () => {
  const big = file('applications/cart/releases/5/environments/staging/manifests.yaml', `text: ${'x'.repeat(5000)}\n`)

  async function openFiltered() {
    const server = await createShopServer()
    const many = Array.from({ length: 10 }, (_, index) =>
      file(
        `applications/app-${index}/releases/1/environments/staging/manifests.yaml`,
        `text: ${`${index}`.repeat(5000)}\n`,
      ),
    )
    await pushBeside(server, big, ...many)
    return { ...(await openShop({ server, blobLimit: 4096 })), paths: many.map(({ path }) => path) }
  }

  it('fetches what it lacks when that is needed, once', async () => {
    const { store, remote } = await openFiltered()
    const snapshot = await store.snapshot()
    expect(remote.calls.fetchObjects).toBe(0)
    const read = () => store.readFile(snapshot, big.path)
    const [one, two] = await Promise.all([read(), read()])
    expect([one?.length, two?.length]).toEqual([5007, 5007])
    await read()
    expect(remote.calls.fetchObjects).toBe(1)
  })

  it('fetches all that is announced at one go', async () => {
    const { store, remote, paths } = await openFiltered()
    const snapshot = await store.snapshot()
    await store.readAhead(snapshot, { paths })
    for (const path of paths) expect((await store.readFile(snapshot, path))?.length).toBe(5007)
    expect(remote.calls.fetchObjects).toBe(1)
  })

  it('fetches all that a command asks for at one go', async () => {
    const { store, remote, paths } = await openFiltered()
    const command = { ...lock('a'), reads: () => paths }
    await store.submit(command, request)
    expect(remote.calls.fetchObjects).toBe(1)
  })

  it('says what is missing when the server cannot be reached, and has it later', async () => {
    const { store, remote, repository } = await openFiltered()
    const snapshot = await store.snapshot()
    remote.isDown = true
    await store.readAhead(snapshot, { paths: [big.path] })
    const reading = store.readFile(snapshot, big.path)
    await expect(reading).rejects.toThrow(StoreUnavailableError)
    await expect(reading).rejects.toThrow('is missing: it is not in the copy here, and no answer')
    remote.isDown = false
    expect(await store.readFile(snapshot, big.path)).toBeDefined()
    expect(repository.problems).toEqual([])
  })

  it('asks for what does not exist only once in a while, and its neighbours do not suffer', async () => {
    const { store, remote } = await openFiltered()
    const snapshot = await store.snapshot()
    const unknown = 'c0ffee'.padEnd(40, '0')
    const entry = snapshot.applications.get(cart)
    const id = entry?.ok === true ? entry.value.releases.get(5n) : undefined
    const manifest = id?.ok === true ? id.value.manifests.get(staging) : undefined
    await store.readAhead(snapshot, { blobs: [unknown, manifest ?? ''] })
    const asked = remote.calls.fetchObjects
    expect(await store.readBlob(manifest ?? '')).toHaveLength(5007)
    await expect(store.readBlob(unknown)).rejects.toThrow('the server has no object')
    expect(remote.calls.fetchObjects).toBe(asked)
  })

  it('ends its histories where it ends, and says so, without asking the server', async () => {
    const server = await createShopServer()
    for (const version of [4, 5]) {
      await pushBeside(server, file('environments/staging/applications/cart/note', `${version}`), {
        path: 'environments/staging/applications/cart/version',
        content: { kind: 'link', target: `../../../../applications/cart/releases/${version}` },
      })
    }
    const { store, remote } = await openShop({ server, depth: 1 })
    const history = { environment: staging, application: cart, pageSize: 10, from: undefined }
    expect(await store.readHistory(await store.snapshot(), history)).toEqual({
      events: [],
      next: undefined,
      isTruncated: true,
    })
    expect(remote.calls.fetchObjects).toBe(0)
  })
})

describe('a copy that is damaged', () => {
  async function damage(folder: string, how: 'remove' | 'cut') {
    const gitDirectory = gitDirectoryIn(folder)
    if (how === 'remove') rmSync(gitDirectory, { recursive: true })
    else {
      const packs = join(gitDirectory, 'objects/pack')
      for (const name of readdirSync(packs).filter((entry) => entry.endsWith('.pack'))) {
        chmodSync(join(packs, name), 0o644)
        truncateSync(join(packs, name), 100)
      }
    }
  }

  it.each(['remove', 'cut'] as const)('(%s) before the start is made anew, with a log line', async (how) => {
    const first = await openShop()
    await first.store.submit(lock('a'), request)
    await first.store.close()
    await damage(first.folder, how)
    const opened = await openShop({ server: first.server, folder: first.folder })
    expect(await locksIn(opened.store)).toEqual(['a'])
    expect(opened.remote.calls.clone).toBe(1)
    expect([...messagesOf(opened, 'warn'), ...messagesOf(opened, 'info')].join()).toMatch(
      /cloning .*: .*copy on this machine/,
    )
  })

  it('of another repository is made anew', async () => {
    const first = await openShop()
    await first.store.close()
    writeFileSync(join(first.folder, 'signalbox/clone-of'), 'https://git.example.com/another.git\n')
    const opened = await openShop({ server: first.server, folder: first.folder })
    expect(opened.remote.calls.clone).toBe(1)
  })

  it('of another branch is made anew', async () => {
    const first = await openShop()
    await first.store.close()
    await first.server.setBranch(await first.server.head(), 'other')
    const opened = await openShop({ server: first.server, folder: first.folder, repository: { branch: 'other' } })
    expect(opened.remote.calls.clone).toBe(1)
    expect(opened.repository.branch).toBe('other')
    await opened.store.submit(lock('a'), request)
    expect(await first.server.head()).not.toBe(await first.server.head('other'))
  })

  it('under the running process is made anew with the next fetch', async () => {
    const { store, folder, remote, server } = await openShop()
    await store.submit(lock('a'), request)
    await damage(folder, 'remove')
    remote.beforeFetch = () => {
      if (!existsSync(gitDirectoryIn(folder))) throw new RemoteError('REMOTE_UNREACHABLE', 'not a git repository')
    }
    await store.refresh()
    expect(await locksIn(store)).toEqual(['a'])
    await store.submit(lock('b'), request)
    expect(await subjectsOf(server)).toEqual(['Begin the manifest repository', 'Lock a', 'Lock b'])
    expect(remote.calls.clone).toBe(2)
  })

  it('is not to blame for a server that hung until somebody looked, and is for what fails beside one that answers', async () => {
    const { store, remote } = await openShop()
    let failures = 5
    remote.beforeFetch = () => {
      failures -= 1
      if (failures >= 0) throw new RemoteError('REMOTE_UNREACHABLE', 'git fetch took longer than 5 s')
    }
    for (let fetch = 0; fetch < 3; fetch += 1) await store.refresh().catch(() => undefined)
    // The fetch fails, the server answers, and then the fetch works.
    failures = 1
    await store.refresh()
    expect(remote.calls.clone).toBe(1)
    failures = 100
    remote.afterClone = () => (failures = 0)
    for (let fetch = 0; fetch < 4; fetch += 1) await store.refresh().catch(() => undefined)
    expect(remote.calls.clone).toBe(2)
    await store.refresh()
  })

  it.each(['the clone', 'the whole folder'])(
    'under the running process (%s) is made anew when a write notices',
    async (what) => {
      const { store, folder, remote, server } = await openShop()
      await store.submit(lock('a'), request)
      rmSync(what === 'the clone' ? gitDirectoryIn(folder) : folder, { recursive: true })
      await expect(store.submit(lock('lost'), request)).rejects.toThrow(StoreUnavailableError)
      await store.submit(lock('b'), request)
      expect(remote.calls.clone).toBe(2)
      expect(await subjectsOf(server)).toEqual(['Begin the manifest repository', 'Lock a', 'Lock b'])
      // It is ours again.
      await expect(openRemote({ server, folder })).rejects.toThrow(InstanceRunningError)
    },
  )

  it('under the running process is left to the one who took its place meanwhile', async () => {
    const { store, folder, server } = await openShop()
    rmSync(folder, { recursive: true })
    const other = await openShop({ server, folder })
    await expect(store.refresh()).rejects.toThrow(InstanceRunningError)
    await expect(store.submit(lock('a'), request)).rejects.toThrow('set SIGNALBOX_CLONE_PATH to a folder of its own')
    await other.store.submit(lock('b'), request)
    await other.store.close()
    await store.submit(lock('c'), request)
    expect(await subjectsOf(server)).toEqual(['Begin the manifest repository', 'Lock b', 'Lock c'])
  })

  it('by a pack under the running process is made anew when that is noticed', async () => {
    const server = await createShopServer()
    const { store, folder, remote } = await openShop({ server })
    // Nothing has been read yet but the head.
    await damage(folder, 'cut')
    await store.snapshot().catch(() => undefined)
    await expect.poll(() => remote.calls.clone, { timeout: 10_000 }).toBe(2)
    await expect.poll(async () => (await store.snapshot()).applications.size, { timeout: 10_000 }).toBe(8)
  })
})
