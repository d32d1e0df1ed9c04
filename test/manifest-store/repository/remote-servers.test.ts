import { chmodSync, writeFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { execFile } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import type { ApplicationName, EnvironmentName } from '../../../src/core/names.ts'
import { createUnrestrictedPrincipal } from '../../../src/core/principal.ts'
import { createReleaseTrain } from '../../../src/core/release-train.ts'
import { prognoseReleaseTrain } from '../../../src/core/release-train-prognosis.ts'
import { gitDirectoryIn } from '../../../src/manifest-store/remote/local-clone.ts'
import {
  BranchRewrittenError,
  OutcomeUnknownError,
  PushRefusedError,
  RepositoryRefusedError,
  StoreUnavailableError,
} from '../../../src/manifest-store/store-errors.ts'
import { environmentLock, file, toMake } from '../../support/changes.ts'
import type { GitHttpServerOptions } from '../../support/git-http-server.ts'
import { createServedRepository, hasGitHttpBackend, startTestGitHttpServer } from '../../support/git-http-server.ts'
import { transports } from '../../support/git-remotes.ts'
import { createTemporaryFolder, git, gitEnvironment } from '../../support/real-git.ts'
import { openServedStore, seedServed, subjectsOn } from '../../support/served-store.ts'
import { testTime } from '../../support/test-store.ts'
import { writeSettings } from '../../support/write-settings.ts'

const run = promisify(execFile)
const deployer = createUnrestrictedPrincipal({ name: 'Deployer', email: 'deployer@example.com' })
const other = createUnrestrictedPrincipal({ name: 'Other', email: 'other@example.com' })
const request = { principal: deployer, requestId: 'request-1' }
const staging = 'staging' as EnvironmentName
const toStaging = { target: 'staging', lookup: 'environment-first', team: undefined } as const
const begin = 'Begin the manifest repository'

const lock = (id: string) => toMake(environmentLock('staging', id), `Lock ${id}`)
const aTrain = (accepts: () => boolean = () => true) =>
  createReleaseTrain({ request: toStaging, ciLink: undefined, accepts, settings: writeSettings() })

for (const { name, isHere, serve } of transports) {
  describe.runIf(isHere)(`a repository on a git server over ${name}`, () => {
    async function openShop() {
      const served = await serve()
      await seedServed(served.repository)
      const remote = served.options
      return { served, open: (folder?: string) => openServedStore(served.url, { remote, ...(folder && { folder }) }) }
    }

    it('is cloned, written and read by several, who honour what the others did', async () => {
      const { served, open } = await openShop()
      const [one, two] = [await open(), await open()]
      const prognosis = prognoseReleaseTrain(await two.store.snapshot(), toStaging, deployer, testTime)
      expect(prognosis.environments).toMatchObject([{ outcome: { kind: 'decided' } }])
      await one.store.submit(lock('one'), request)
      const { commit, result } = await two.store.submit(aTrain(), request)
      expect(commit).toBeUndefined()
      expect(result.environments).toMatchObject([{ outcome: { kind: 'skipped', cause: 'ENV_IS_LOCKED' } }])
      await one.store.submit(toMake([{ path: 'environments/staging/locks/one', content: { kind: 'absent' } }]), request)
      expect((await two.store.submit(aTrain(), request)).commit).toBe((await two.store.snapshot()).commit)
      expect(subjectsOn(served.repository)).toHaveLength(4)
      git(['-C', served.repository, 'fsck', '--strict'])
    })

    it('follows what others push, over a restart too', async () => {
      const { served, open } = await openShop()
      const first = await open()
      await first.store.submit(lock('a'), request)
      await first.store.close()
      const head = git(['-C', served.repository, 'rev-parse', 'main']).trim()
      const second = await open(first.folder)
      expect(await second.repository.head()).toBe(head)
      expect(second.log.filter(({ message }) => message.startsWith('cloning'))).toEqual([])
      git(['--git-dir', gitDirectoryIn(first.folder), 'fsck', '--strict'])
    })

    it('begins with the first commit where there is none', async () => {
      const served = await serve()
      const { store } = await openServedStore(served.url, { remote: served.options })
      await store.submit(lock('first'), request)
      expect(subjectsOn(served.repository)).toEqual(['Lock first'])
    })

    it('that was deleted or moved by force is told, and never overwritten', async () => {
      const { served, open } = await openShop()
      const { store } = await open()
      const seeded = git(['-C', served.repository, 'rev-parse', 'main']).trim()
      const { commit = '' } = await store.submit(lock('a'), request)
      git(['-C', served.repository, 'update-ref', '-d', 'refs/heads/main'])
      await store.refresh()
      expect((await store.snapshot()).commit).toBe(commit)
      expect(store.health().problems.join()).toContain(`branch main has disappeared; it was at ${commit}`)
      await expect(store.submit(lock('b'), request)).rejects.toThrow(StoreUnavailableError)
      git(['-C', served.repository, 'update-ref', 'refs/heads/main', seeded])
      await expect(store.submit(lock('c'), request)).rejects.toThrow(BranchRewrittenError)
      await store.submit(lock('c'), request)
      expect(subjectsOn(served.repository)).toEqual([begin, 'Lock c'])
      expect(store.health().problems.join()).toContain(`was moved by force from ${commit} to ${seeded}`)
    })

    it('refuses by hook, for one author or for all', async () => {
      const { served, open } = await openShop()
      const { store } = await open()
      const hook = join(served.repository, 'hooks/pre-receive')
      const refuse = (pattern: string) => {
        const script = `while read old new ref; do git log --format=%an $old..$new | grep -q '${pattern}' && { echo "not from ${pattern}"; exit 1; }; done; exit 0`
        writeFileSync(hook, `#!/bin/sh\n${script}\n`)
        chmodSync(hook, 0o755)
      }
      refuse('Other')
      const submitted = await Promise.allSettled([
        store.submit(lock('a'), request),
        store.submit(lock('b'), { ...request, principal: other }),
        store.submit(lock('c'), request),
      ])
      expect(submitted.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
      expect(submitted[1]).toMatchObject({ reason: expect.any(PushRefusedError) as unknown })
      expect(String((submitted[1] as PromiseRejectedResult).reason)).toContain('not from Other')
      refuse('.')
      await expect(store.submit(lock('d'), request)).rejects.toThrow(PushRefusedError)
      expect(subjectsOn(served.repository)).toEqual([begin, 'Lock a', 'Lock c'])
    })

    // Over ssh each of its many pushes is a connection of its own.
    it(
      'loses nothing and doubles nothing when three and a stranger write at the same time',
      { timeout: 240_000 },
      async () => {
        const { served, open } = await openShop()
        const instances = await Promise.all([open(), open(), open()])
        const stranger = join(createTemporaryFolder(), 'work')
        git(['clone', '--quiet', served.repository, stranger])
        const strange = async (...args: string[]) => {
          await run('git', ['-C', stranger, ...args], { env: gitEnvironment() })
        }
        const state = { isOver: false, pushed: 0 }
        const strangeWrites = (async () => {
          while (!state.isOver) {
            await strange('fetch', '--quiet')
            await strange('reset', '--quiet', '--hard', 'origin/main')
            writeFileSync(join(stranger, 'README.md'), `${state.pushed}`)
            await strange('add', '.')
            await strange('commit', '--quiet', '-m', `Strange ${state.pushed}`)
            // Somebody may be faster.
            await strange('push', '--quiet', 'origin', 'main').then(
              () => (state.pushed += 1),
              () => undefined,
            )
            await sleep(1000)
          }
        })()
        const ids = instances.flatMap((_, of) => Array.from({ length: 7 }, (__, each) => `${of}-${each}`))
        await Promise.all(
          instances.map(async ({ store }, of) => {
            for (const id of ids.filter((one) => one.startsWith(`${of}-`))) await store.submit(lock(id), request)
          }),
        ).finally(() => (state.isOver = true))
        await strangeWrites
        const expected = [
          begin,
          ...ids.map((id) => `Lock ${id}`),
          ...Array.from({ length: state.pushed }, (_, index) => `Strange ${index}`),
        ]
        expect(subjectsOn(served.repository).toSorted()).toEqual(expected.toSorted())
        git(['-C', served.repository, 'fsck', '--strict'])
      },
    )

    it('with a tag of its own moves branch and tag together', async () => {
      const { served, open } = await openShop()
      const { repository, store } = await open()
      const { commit = '' } = await store.submit(lock('a'), request)
      git(['-C', served.repository, 'tag', '-a', '-m', 'Annotated', 'v1', commit], { env: gitEnvironment() })
      git(['-C', served.repository, 'tag', 'tree', `${commit}^{tree}`])
      expect(await repository.readTag('v1')).toEqual({ kind: 'commit', commit })
      expect(await repository.readTag('v2')).toEqual({ kind: 'absent' })
      expect(await repository.readTag('v1/a')).toMatchObject({ kind: 'unusable' })
      expect(await repository.readTag('tree')).toEqual({ kind: 'unusable', reason: 'names a tree, not a commit' })
    })
  })
}

describe.runIf(hasGitHttpBackend)('a git server over HTTP', () => {
  /** A server that can be told what to do with the requests that it gets. */
  async function openBroken() {
    const state: { intercept: NonNullable<GitHttpServerOptions['intercept']> } = { intercept: () => false }
    const folder = createTemporaryFolder()
    const server = await startTestGitHttpServer({ folder, intercept: (...both) => state.intercept(...both) })
    const path = createServedRepository(folder)
    await seedServed(path)
    return { server, path, state, url: `${server.url}/manifests.git` }
  }

  const isPush = ({ method, url }: IncomingMessage) => method === 'POST' && url?.endsWith('/git-receive-pack') === true

  /** Lets git do it, and says nothing of it. */
  function dropAnswer(response: ServerResponse): false {
    response.writeHead = () => response
    response.write = () => true
    response.end = () => response.destroy()
    return false
  }

  it('whose answers are lost has each write once', async () => {
    const { state, path, url } = await openBroken()
    const { store, repository } = await openServedStore(url)
    let count = 0
    state.intercept = (message, response) => {
      if (!isPush(message)) return false
      count += 1
      if (count % 3 === 0) return false
      if (count % 3 === 1) return dropAnswer(response)
      message.socket.destroy()
      return true
    }
    for (const id of ['a', 'b', 'c', 'd', 'e']) await store.submit(lock(id), request)
    expect(subjectsOn(path)).toEqual([begin, 'Lock a', 'Lock b', 'Lock c', 'Lock d', 'Lock e'])
    expect(repository.problems).toEqual([])
    git(['-C', path, 'fsck', '--strict'])
  })

  it('that is gone after a push leaves the caller without a verdict, and is asked before the next write', async () => {
    const { state, path, url } = await openBroken()
    const { store } = await openServedStore(url, { repository: { doubtTimeout: 1000 } })
    let isGone = false
    state.intercept = (message, response) => {
      if (isGone) {
        message.socket.destroy()
        return true
      }
      if (!isPush(message)) return false
      isGone = true
      return dropAnswer(response)
    }
    await expect(store.submit(lock('a'), request)).rejects.toThrow(OutcomeUnknownError)
    await expect(store.submit(lock('b'), request)).rejects.toThrow(StoreUnavailableError)
    state.intercept = () => false
    await store.submit(lock('c'), request)
    expect(subjectsOn(path)).toEqual([begin, 'Lock a', 'Lock c'])
  })

  it('that is away leaves the reads, and takes writes again when it is back', async () => {
    const { state, path, url } = await openBroken()
    const { store } = await openServedStore(url)
    await store.snapshot()
    state.intercept = (message) => {
      message.socket.destroy()
      return true
    }
    for (const id of ['a', 'b']) await expect(store.submit(lock(id), request)).rejects.toThrow(StoreUnavailableError)
    expect((await store.snapshot()).applications.size).toBe(8)
    expect(store.health()).toMatchObject({ isReadable: true, problems: [expect.any(String), expect.any(String)] })
    state.intercept = () => false
    await store.submit(lock('c'), request)
    expect(store.health().problems).toEqual([])
    expect(subjectsOn(path)).toEqual([begin, 'Lock c'])
  })

  it('that says only read is our problem', async () => {
    const { path, url } = await openBroken()
    const { store } = await openServedStore(url)
    git(['-C', path, 'config', 'http.receivepack', 'false'])
    await expect(store.submit(lock('a'), request)).rejects.toThrow(StoreUnavailableError)
    expect(subjectsOn(path)).toEqual([begin])
  })

  it('without the branch, but with others, is refused', async () => {
    const { url } = await openBroken()
    const opening = openServedStore(url, { repository: { branch: 'prod' } })
    await expect(opening).rejects.toThrow(RepositoryRefusedError)
    await expect(opening).rejects.toThrow(/has no branch 'prod'; it has: main/)
  })

  it('gives out manifests that the copy lacks, all of them at one go', async () => {
    const folder = createTemporaryFolder()
    const server = await startTestGitHttpServer({ folder })
    const path = createServedRepository(folder)
    const manifests = Array.from({ length: 40 }, (_, index) =>
      file(`applications/app-${index}/releases/1/environments/staging/manifests.yaml`, `${index}`.repeat(5000)),
    )
    await seedServed(path, manifests)
    const { store } = await openServedStore(`${server.url}/manifests.git`)
    const snapshot = await store.snapshot()
    const fetches = () =>
      server.seen.filter((line) => line.startsWith('POST') && line.endsWith('git-upload-pack')).length
    const before = fetches()
    const paths = manifests.map((manifest) => manifest.path)
    await store.readAhead(snapshot, { paths })
    const fetched = fetches()
    expect(fetched - before).toBeLessThan(5)
    for (const one of paths) expect((await store.readFile(snapshot, one))?.length).toBeGreaterThanOrEqual(5000)
    expect(fetches()).toBe(fetched)
    await store.submit({ ...lock('a'), reads: () => paths }, request)
    expect(fetches()).toBe(fetched)
  })

  it('gives a copy as many commits as it is asked for, and the history says where it ends', async () => {
    const folder = createTemporaryFolder()
    const server = await startTestGitHttpServer({ folder })
    const path = createServedRepository(folder)
    await seedServed(path)
    const url = `${server.url}/manifests.git`
    const full = await openServedStore(url)
    for (const id of ['a', 'b', 'c']) await full.store.submit(lock(id), request)
    const { store, log } = await openServedStore(url, { remote: { cloneDepth: 2 } })
    const history = { environment: staging, application: 'web' as ApplicationName, pageSize: 10, from: undefined }
    expect(await store.readHistory(await store.snapshot(), history)).toMatchObject({ events: [], isTruncated: true })
    expect(await full.store.readHistory(await full.store.snapshot(), history)).toMatchObject({ isTruncated: false })
    for (const id of ['d', 'e', 'f']) await full.store.submit(lock(id), request)
    await store.refresh()
    await store.submit(lock('g'), request)
    expect(log.filter(({ level }) => level !== 'info')).toEqual([])
    expect(subjectsOn(path)).toHaveLength(8)
  })
})
