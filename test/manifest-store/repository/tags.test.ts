import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { ObjectId } from '../../../src/core/object-id.ts'
import { trailerKeys } from '../../../src/core/commit-text.ts'
import { toCommitMessage } from '../../../src/manifest-store/commit-message.ts'
import { parseCommit, serializeCommit } from '../../../src/manifest-store/git/commit.ts'
import { createObject } from '../../../src/manifest-store/git/git-object.ts'
import { LocalRepository } from '../../../src/manifest-store/repository/local-repository.ts'
import type { Repository } from '../../../src/manifest-store/repository/repository.ts'
import { readManifestFolder, seedRepository } from '../../../src/manifest-store/repository/seed-repository.ts'
import { createTemporaryFolder, git, hasGit } from '../../support/real-git.ts'
import { openRemote } from '../../support/remote-repository.ts'
import { createShopRepository, fixtureFolder, seed, signalbox, testTime } from '../../support/test-store.ts'
import { createWriteThread } from '../../support/write-thread.ts'

const silent = { info: () => {}, warn: () => {}, error: () => {} }

async function openLocal(): Promise<{ readonly path: string; readonly repository: LocalRepository }> {
  const path = join(createTemporaryFolder(), 'manifests.git')
  await seedRepository(path, fixtureFolder, signalbox, testTime)
  return { path, repository: await open(path) }
}

async function open(path: string): Promise<LocalRepository> {
  const createWriter = createWriteThread
  const repository = await LocalRepository.open({
    path,
    branch: undefined,
    committer: signalbox,
    log: silent,
    createWriter,
  })
  onTestFinished(() => repository.close())
  return repository
}

/** A commit on top of the branch that changes nothing but says that it has a tag. */
async function nextCommit(repository: Repository, tag: string) {
  const head = (await repository.head()) as ObjectId
  const { tree } = parseCommit((await repository.read(head)).data)
  const text = { subject: 'A train', sections: [], trailers: [{ key: trailerKeys.tag, value: tag }] }
  const commit = createObject(
    'commit',
    serializeCommit({
      tree,
      parents: [head],
      author: signalbox,
      authoredAt: testTime,
      committer: signalbox,
      committedAt: testTime,
      message: toCommitMessage(text, signalbox, 'request-1'),
    }),
  )
  return { from: head, to: commit.id, objects: [commit] }
}

const repositories: Readonly<Record<string, () => Promise<Repository>>> = {
  'in memory': createShopRepository,
  'on disk': async () => (await openLocal()).repository,
  'on a server': async () => {
    const { repository } = await openRemote()
    await seed(repository, await readManifestFolder(fixtureFolder))
    return repository
  },
}

describe.each(Object.entries(repositories))('tags of a repository %s', (_, create) => {
  it('are created together with the move of the branch', async () => {
    const repository = await create()
    const update = await nextCommit(repository, 'releases/v1')
    expect(await repository.readTag('releases/v1')).toEqual({ kind: 'absent' })
    expect(await repository.publish({ ...update, tags: [{ name: 'releases/v1', id: update.to }] })).toBe('published')
    expect(await repository.readTag('releases/v1')).toEqual({ kind: 'commit', commit: update.to })
    expect(await repository.head()).toBe(update.to)
  })

  it('keep the branch where it is when one exists already', async () => {
    const repository = await create()
    const first = await nextCommit(repository, 'v1')
    await repository.publish({ ...first, tags: [{ name: 'v1', id: first.to }] })
    const second = await nextCommit(repository, 'v1')
    const tags = ['v0', 'v1'].map((name) => ({ name, id: second.to }))
    expect(await repository.publish({ ...second, tags })).toBe('moved')
    expect(await repository.head()).toBe(first.to)
    expect(await repository.readTag('v0')).toEqual({ kind: 'absent' })
    expect(await repository.readTag('v1')).toEqual({ kind: 'commit', commit: first.to })
  })

  it('are not created when the branch has moved', async () => {
    const repository = await create()
    const early = await nextCommit(repository, 'v1')
    await repository.publish(await nextCommit(repository, 'other'))
    expect(await repository.publish({ ...early, tags: [{ name: 'v1', id: early.to }] })).toBe('moved')
    expect(await repository.readTag('v1')).toEqual({ kind: 'absent' })
  })

  it('cannot stand above or below another one', async () => {
    const repository = await create()
    const update = await nextCommit(repository, 'a/b')
    await repository.publish({ ...update, tags: [{ name: 'a/b', id: update.to }] })
    expect(await repository.readTag('a')).toMatchObject({ kind: 'unusable' })
    expect(await repository.readTag('a/b/c')).toMatchObject({ kind: 'unusable' })
    expect(await repository.readTag('a/c')).toEqual({ kind: 'absent' })
    const next = await nextCommit(repository, 'a')
    expect(await repository.publish({ ...next, tags: [{ name: 'a', id: next.to }] })).toBe('moved')
  })
})

describe.runIf(hasGit)('tags that git reads and writes', () => {
  it('are found loose, packed, and annotated, and nothing but commits is taken', async () => {
    const { path, repository } = await openLocal()
    const head = (await repository.head()) as ObjectId
    git(['tag', 'light', head], { cwd: path })
    git(['tag', '-m', 'Annotated', 'annotated', head], { cwd: path })
    git(['tag', '-m', 'Of a tag', 'nested', 'annotated'], { cwd: path })
    git(['tag', 'tree', `${head}^{tree}`], { cwd: path })
    for (const state of ['loose', 'packed']) {
      if (state === 'packed') git(['pack-refs', '--all'], { cwd: path })
      for (const name of ['light', 'annotated', 'nested']) {
        expect(await repository.readTag(name), `${state} ${name}`).toEqual({ kind: 'commit', commit: head })
      }
      expect(await repository.readTag('tree')).toEqual({ kind: 'unusable', reason: 'names a tree, not a commit' })
      expect(await repository.readTag('light/below')).toMatchObject({ kind: 'unusable' })
    }
    const update = await nextCommit(repository, 'light')
    expect(await repository.publish({ ...update, tags: [{ name: 'light', id: update.to }] })).toBe('moved')
  })

  it('are what git expects, and leave no lock behind', async () => {
    const { path, repository } = await openLocal()
    const update = await nextCommit(repository, 'v1')
    await repository.publish({ ...update, tags: [{ name: 'v1', id: update.to }] })
    expect(git(['tag', '-l', '--points-at', 'HEAD'], { cwd: path })).toBe('v1\n')
    expect(git(['fsck', '--strict'], { cwd: path })).toBe('')
    expect(existsSync(join(path, 'refs/tags/v1.lock'))).toBe(false)
  })
})

describe('a tag whose process died between branch and tag', () => {
  async function interrupt(isPublished: boolean) {
    const { path, repository } = await openLocal()
    const update = await nextCommit(repository, 'v1')
    await repository.publish(update)
    if (!isPublished) await repository.publish({ from: update.to, to: update.from, objects: [] })
    await repository.close()
    mkdirSync(join(path, 'refs/tags'), { recursive: true })
    writeFileSync(join(path, 'refs/tags/v1.lock'), `${update.to}\n`)
    return { path, commit: update.to }
  }

  it('is completed at the next start when the branch has its commit', async () => {
    const { path, commit } = await interrupt(true)
    const repository = await open(path)
    expect(await repository.readTag('v1')).toEqual({ kind: 'commit', commit })
    expect(existsSync(join(path, 'refs/tags/v1.lock'))).toBe(false)
  })

  it('is forgotten when the branch never got its commit', async () => {
    const { path } = await interrupt(false)
    const repository = await open(path)
    expect(await repository.readTag('v1')).toEqual({ kind: 'absent' })
    expect(existsSync(join(path, 'refs/tags/v1.lock'))).toBe(false)
  })

  it('stays deleted when somebody deleted it', async () => {
    const { path, commit } = await interrupt(true)
    await (await open(path)).close()
    expect(readFileSync(join(path, 'refs/tags/v1'), 'utf8')).toBe(`${commit}\n`)
    rmSync(join(path, 'refs/tags/v1'))
    const repository = await open(path)
    expect(await repository.readTag('v1')).toEqual({ kind: 'absent' })
  })

  it('is left to whoever holds its lock when that is no lock of ours', async () => {
    const { path, repository } = await openLocal()
    const lock = join(path, 'refs/tags/v2.lock')
    mkdirSync(join(path, 'refs/tags'), { recursive: true })
    const head = await repository.head()
    await repository.close()
    writeFileSync(lock, `${head}\n`)
    await open(path)
    expect(readFileSync(lock, 'utf8')).toBe(`${head}\n`)
  })
})

it('an in-memory repository takes tags of commits that it has', async () => {
  const repository = await createShopRepository()
  const head = (await repository.head()) as ObjectId
  await repository.publish({ from: head, to: head, objects: [], tags: [{ name: 'v1', id: head }] })
  expect(await repository.readTag('v1')).toEqual({ kind: 'commit', commit: head })
})
