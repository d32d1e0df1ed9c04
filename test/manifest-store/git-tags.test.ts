import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { ApplicationName, EnvironmentName } from '../../src/core/names.ts'
import { createUnrestrictedPrincipal } from '../../src/core/principal.ts'
import { prognoseReleaseTrain } from '../../src/core/release-train-prognosis.ts'
import { createReleaseTrain } from '../../src/core/release-train.ts'
import { RemoteError } from '../../src/manifest-store/remote/git-remote.ts'
import { LocalRepository } from '../../src/manifest-store/repository/local-repository.ts'
import { seedRepository } from '../../src/manifest-store/repository/seed-repository.ts'
import { absent, deployment, file, toMake } from '../support/changes.ts'
import { createTemporaryFolder, git, hasGit } from '../support/real-git.ts'
import { createShopRepository, createTestStore, fixtureFolder, signalbox, testTime } from '../support/test-store.ts'
import { WatchedRepository } from '../support/watched-repository.ts'
import { writeSettings } from '../support/write-settings.ts'

const principal = createUnrestrictedPrincipal({ name: 'Deployer', email: 'deployer@example.com' })
const request = { principal, requestId: 'request-1' }

function trainTo(target: string, tags: { readonly gitTag?: string; readonly sourceGitTag?: string }) {
  return createReleaseTrain({
    request: { target, lookup: 'environment-first', team: undefined, ...tags },
    ciLink: undefined,
    accepts: () => true,
    settings: writeSettings(),
  })
}

async function openShop() {
  const path = join(createTemporaryFolder(), 'manifests.git')
  await seedRepository(path, fixtureFolder, signalbox, testTime)
  const log = { info: () => {}, warn: () => {}, error: () => {} }
  const repository = await LocalRepository.open({ path, branch: undefined, committer: signalbox, log })
  const store = createTestStore(repository)
  onTestFinished(() => store.close())
  return { path, store }
}

describe.runIf(hasGit)('a replay of what git has tagged', () => {
  it.each([['light'], ['annotated']])('brings a release back, byte for byte, from a tag that is %s', async (kind) => {
    const { path, store } = await openShop()
    const release = 'applications/cart/releases/5'
    const before = git(['rev-parse', `HEAD:${release}`], { cwd: path })
    git(['tag', ...(kind === 'light' ? [] : ['-m', 'As it was']), 'v1', 'HEAD'], { cwd: path })
    await store.submit(
      toMake([
        file('applications/cart/releases/9/environments/staging/manifests.yaml', 'a: 9\n'),
        file('applications/cart/releases/9/environments/development/manifests.yaml', 'a: 9\n'),
        deployment('development', 'cart', 9),
        absent(release),
      ]),
      request,
    )
    git(['pack-refs', '--all'], { cwd: path })

    const train = trainTo('staging', { sourceGitTag: 'v1', gitTag: 'replays/1' })
    const wish = {
      target: 'staging',
      lookup: 'environment-first' as const,
      team: undefined,
      sourceGitTag: 'v1',
      gitTag: 'replays/1',
    }
    const tags = await store.readTags({ created: 'replays/1', source: 'v1' })
    const prognosis = prognoseReleaseTrain(await store.snapshot(), wish, principal, testTime, tags)
    const { result, commit } = await store.submit(train, request)
    expect(result).toEqual(prognosis)
    expect(git(['rev-parse', `HEAD:${release}`], { cwd: path })).toBe(before)
    expect(git(['show', 'HEAD:environments/staging/applications/cart/version'], { cwd: path })).toBe(
      `../../../../${release}`,
    )
    expect(git(['tag', '-l', '--points-at', commit ?? ''], { cwd: path })).toBe('replays/1\n')
    expect(git(['log', '-1', '--format=%(trailers:key=Signalbox-Source-Tag,valueonly)'], { cwd: path })).toMatch(
      /^v1 [0-9a-f]{40}\n/,
    )
    expect(git(['fsck', '--strict'], { cwd: path })).toBe('')
    const page = { environment: 'staging' as EnvironmentName, application: 'cart' as ApplicationName, pageSize: 1 }
    const history = await store.readHistory(await store.snapshot(), { ...page, from: undefined })
    expect(history?.events).toMatchObject([{ version: 5n, gitTag: 'replays/1', sourceGitTag: 'v1' }])
  })

  it('sees a tag that git moves between preview and run', async () => {
    const { path, store } = await openShop()
    git(['tag', 'v1', 'HEAD'], { cwd: path })
    const first = await store.readTags({ created: undefined, source: 'v1' })
    await store.submit(toMake([file('x', 'y')]), request)
    git(['tag', '-f', 'v1', 'HEAD'], { cwd: path })
    const second = await store.readTags({ created: undefined, source: 'v1' })
    expect(second.source).not.toEqual(first.source)
  })
})

describe('a tag that a train is to get', () => {
  it('goes to one of two trains in the same batch; the other is told, and nothing of it is done', async () => {
    const repository = new WatchedRepository(await createShopRepository())
    const store = createTestStore(repository)
    const [one, two] = await Promise.allSettled([
      store.submit(trainTo('staging', { gitTag: 'v1' }), request),
      store.submit(trainTo('production-de', { gitTag: 'v1' }), request),
    ])
    expect(one.status).toBe('fulfilled')
    expect(two).toMatchObject({ status: 'rejected', reason: { code: 'TAG_EXISTS' } })
    expect(repository.updates).toHaveLength(1)
  })

  it('cannot stand above one that comes with the same batch', async () => {
    const repository = new WatchedRepository(await createShopRepository())
    const store = createTestStore(repository)
    const [, two] = await Promise.allSettled([
      store.submit(trainTo('staging', { gitTag: 'v1/a' }), request),
      store.submit(trainTo('production-de', { gitTag: 'v1' }), request),
    ])
    expect(two).toMatchObject({ status: 'rejected', reason: { code: 'TAG_EXISTS' } })
  })

  it('fails the train alone that asks for it when the server cannot be asked, and says so', async () => {
    const repository = new WatchedRepository(await createShopRepository())
    const store = createTestStore(repository)
    repository.readTag = () => Promise.reject(new RemoteError('REMOTE_UNREACHABLE', 'nobody answers'))
    const [one, two] = await Promise.allSettled([
      store.submit(trainTo('staging', { gitTag: 'v1' }), request),
      store.submit(trainTo('production-de', {}), request),
    ])
    expect(one).toMatchObject({ status: 'rejected', reason: { code: 'STORE_UNAVAILABLE' } })
    expect(two.status).toBe('fulfilled')
    await expect(store.readTags({ created: 'v1', source: undefined })).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
    })
  })

  it('is not created without a commit', async () => {
    const repository = new WatchedRepository(await createShopRepository())
    const store = createTestStore(repository)
    await store.submit(trainTo('staging', {}), request)
    expect((await store.submit(trainTo('staging', { gitTag: 'v1' }), request)).commit).toBeUndefined()
    expect(await repository.readTag('v1')).toEqual({ kind: 'absent' })
  })

  it('is refused when somebody creates it while the train is decided', async () => {
    const repository = new WatchedRepository(await createShopRepository())
    const store = createTestStore(repository)
    const head = (await repository.head()) as string
    repository.beforePublish = async () => {
      repository.beforePublish = () => {}
      await repository.publish({ from: head, to: head, objects: [], tags: [{ name: 'v1', id: head }] })
    }
    await expect(store.submit(trainTo('staging', { gitTag: 'v1' }), request)).rejects.toMatchObject({
      code: 'TAG_EXISTS',
    })
    expect(await repository.head()).toBe(head)
  })
})
