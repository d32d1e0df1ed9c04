import { execFile } from 'node:child_process'
import fs, {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import fc from 'fast-check'
import isomorphicGit from 'isomorphic-git'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { Command } from '../../../src/core/command.ts'
import type { ApplicationName, EnvironmentName } from '../../../src/core/names.ts'
import type { ObjectId } from '../../../src/core/object-id.ts'
import { createUnrestrictedPrincipal } from '../../../src/core/principal.ts'
import { createReleaseTrain } from '../../../src/core/release-train.ts'
import { InstanceRunningError } from '../../../src/manifest-store/git/git-errors.ts'
import { createObject } from '../../../src/manifest-store/git/git-object.ts'
import type { GitManifestStore } from '../../../src/manifest-store/git-manifest-store.ts'
import { LocalRepository } from '../../../src/manifest-store/repository/local-repository.ts'
import { buildPack } from '../../../src/manifest-store/git/pack-file.ts'
import { seedRepository } from '../../../src/manifest-store/repository/seed-repository.ts'
import { StoreUnavailableError } from '../../../src/manifest-store/store-errors.ts'
import { writePack } from '../../../src/manifest-store/git/write-pack.ts'
import { deployment, environmentLock, toMake } from '../../support/changes.ts'
import { createBareRepository, createTemporaryFolder, git, gitEnvironment, hasGit } from '../../support/real-git.ts'
import { createTestStore, fixtureFolder, signalbox, testTime } from '../../support/test-store.ts'
import { createWriteThread } from '../../support/write-thread.ts'
import { writeSettings } from '../../support/write-settings.ts'

const request = {
  principal: createUnrestrictedPrincipal({ name: 'Deployer', email: 'deployer@example.com' }),
  requestId: 'request-1',
}
const run = promisify(execFile)

describe.runIf(hasGit)('a repository that others write, pack and clean while we write and read it', () => {
  it('loses nothing that was acknowledged, and git finds nothing wrong with it', async () => {
    const { path, store } = await openShop()
    const acknowledged: ObjectId[] = []
    const locks: string[] = []
    const state = { isOver: false }
    // git itself loses what another git is about to commit when it prunes at once. We must not.
    const turns = createTurns()

    async function writeThroughStore(round: number): Promise<void> {
      const wishes = fc.sample(wish, 6)
      const submitted = await Promise.all(
        wishes.map((each, index) => store.submit(toCommand(each, `ours-${round}-${index}`), request)),
      )
      for (const { commit } of submitted) if (commit !== undefined) acknowledged.push(commit)
      for (const [index, { kind }] of wishes.entries()) {
        if (kind === 'lock') locks.push(`environments/sandbox/locks/ours-${round}-${index}/message`)
      }
    }

    async function writeWithGit(round: number): Promise<void> {
      const file = `environments/sandbox/locks/theirs-${round}/message`
      const commit = await turns.take(() => importCommit(path, file)).catch(() => undefined)
      if (commit === undefined) return
      acknowledged.push(commit)
      locks.push(file)
    }

    async function maintain(): Promise<void> {
      const commands = [
        ['gc', '--quiet', '--prune=now'],
        ['repack', '-q', '-a', '-d'],
        ['pack-refs', '--all'],
      ]
      for (let turn = 0; !state.isOver; turn += 1) {
        const command = commands[turn % commands.length] ?? []
        await turns.take(() => run('git', command, { cwd: path, env: gitEnvironment() }))
        await sleep(5)
      }
    }

    async function readAllTheTime(): Promise<void> {
      while (!state.isOver) {
        const snapshot = await store.snapshot()
        expect(store.health().problems).toEqual([])
        expect([snapshot.environments.size, snapshot.problems]).toEqual([6, []])
        for (const environment of snapshot.environments.values()) {
          const { name: _, ...parts } = environment
          expect(Object.values(parts).filter((part) => !part.ok)).toEqual([])
        }
        const releases = await store.readReleases(snapshot, 'cart' as ApplicationName)
        expect(releases.map(({ unreadable }) => unreadable)).toEqual(Array.from({ length: 5 }))
        await sleep(1)
      }
    }

    const others = [maintain(), readAllTheTime()]
    const writers = (async () => {
      for (let round = 0; round < 45; round += 1) await Promise.all([writeThroughStore(round), writeWithGit(round)])
    })()
    await Promise.race([writers, ...others]).finally(() => {
      state.isOver = true
    })
    await Promise.all([writers, ...others])

    expect(acknowledged.length).toBeGreaterThan(150)
    expect(git(['fsck', '--strict', '--full', '--no-dangling', '--no-progress'], { cwd: path })).toBe('')
    const reachable = new Set(git(['rev-list', 'main'], { cwd: path }).split('\n'))
    expect(acknowledged.filter((commit) => !reachable.has(commit))).toEqual([])
    const files = new Set(git(['ls-tree', '-r', '--name-only', 'main'], { cwd: path }).split('\n'))
    expect(locks.filter((file) => !files.has(file))).toEqual([])
    expect((await store.snapshot()).commit).toBe(git(['rev-parse', 'main'], { cwd: path }).trim())
    expect(await countFilesWithIsomorphicGit(path)).toBe(files.size - 1)
    expect(leftoversIn(path)).toEqual([])
  })

  it('is seen by a clone, and sees what the clone pushes', async () => {
    const { path, store } = await openShop()
    const clone = join(createTemporaryFolder(), 'clone')
    git(['clone', '--quiet', path, clone])
    writeFileSync(join(clone, 'environments/staging/config.json'), '{"environmentGroup":"pushed"}')
    git(['commit', '--quiet', '--all', '--message=Theirs'], { cwd: clone })
    git(['push', '--quiet', 'origin', 'main'], { cwd: clone })
    const environment = (await store.snapshot()).environments.get('staging' as EnvironmentName)
    expect(environment?.config).toMatchObject({ value: { environmentGroup: 'pushed' } })

    const { commit } = await store.submit(toMake(environmentLock('staging', 'ours')), request)
    git(['pull', '--quiet', '--ff-only'], { cwd: clone })
    expect(git(['rev-parse', 'HEAD'], { cwd: clone }).trim()).toBe(commit)
    expect(readFileSync(join(clone, 'environments/staging/locks/ours/message'), 'utf8')).toBe('ours holds')
    expect(git(['log', '-1', '--format=%an|%cn|%(trailers:key=Signalbox-Request,valueonly)'], { cwd: clone })).toBe(
      'Deployer|Signalbox|request-1\n\n',
    )
  })

  it('may be repacked while a write waits that then comes too late', async () => {
    const { path, store } = await openShop()
    // This train writes trees that the releases have too. While its pack is kept, git leaves them out of the new pack.
    const lockFile = join(path, 'refs/heads/main.lock')
    writeFileSync(lockFile, '')
    const submitted = store.submit(aTrain('production'), request)
    await findKeepFile(path)
    git(['repack', '-q', '-a', '-d'], { cwd: path })
    const env = { GIT_INDEX_FILE: join(path, 'their-index') }
    git(['read-tree', 'main'], { cwd: path, env })
    const blob = git(['hash-object', '-w', '--stdin'], { cwd: path, input: 'wait' }).trim()
    for (const name of ['production-de', 'production-fr']) {
      const file = `environments/${name}/locks/theirs/message`
      git(['update-index', '--add', '--cacheinfo', `100644,${blob},${file}`], { cwd: path, env })
    }
    const tree = git(['write-tree'], { cwd: path, env }).trim()
    const theirs = git(['commit-tree', '-p', 'main', '-m', 'Theirs', tree], { cwd: path })
    writeFileSync(lockFile, theirs)
    renameSync(lockFile, join(path, 'refs/heads/main'))
    expect(await submitted).toMatchObject({ commit: undefined })
    expect(git(['rev-parse', 'main'], { cwd: path })).toBe(theirs)
    expect(git(['fsck', '--strict', '--full', '--no-dangling', '--no-progress'], { cwd: path })).toBe('')
    expect(leftoversIn(path)).toEqual([])
  })

  it('is not written at all when the branch has moved already', async () => {
    const { path, store, repository } = await openShop()
    const first = (await store.snapshot()).commit
    const { commit } = await store.submit(toMake(environmentLock('staging', 'a')), request)
    const files = listFiles(path)
    const object = createObject('blob', Buffer.from('too late'))
    expect(await repository.publish({ from: first, to: object.id, objects: [object] })).toBe('moved')
    expect(await repository.publish({ from: undefined, to: object.id, objects: [object] })).toBe('moved')
    expect(listFiles(path)).toEqual(files)
    expect(await repository.head()).toBe(commit)
  })

  it('may lose its newest commits: what is there then is served', async () => {
    const { path, store } = await openShop()
    const first = (await store.snapshot()).commit
    await store.submit(toMake(environmentLock('staging', 'a')), request)
    git(['update-ref', 'refs/heads/main', first ?? ''], { cwd: path })
    git(['gc', '--quiet', '--prune=now'], { cwd: path })
    expect(await store.snapshot()).toMatchObject({ commit: first })
    await store.submit(toMake(environmentLock('staging', 'b')), request)
    expect(git(['fsck', '--strict', '--no-progress'], { cwd: path })).toBe('')
    expect(git(['ls-tree', '-d', '--name-only', 'main:environments/staging/locks'], { cwd: path })).toBe('b\n')
  })

  it('may have a branch of another name, whose ref is packed', async () => {
    const path = await createShop()
    git(['branch', '--move', 'main', 'release/1.x'], { cwd: path })
    git(['symbolic-ref', 'HEAD', 'refs/heads/release/1.x'], { cwd: path })
    git(['pack-refs', '--all'], { cwd: path })
    const { repository, store } = await open(path)
    expect(repository.branch).toBe('release/1.x')
    const { commit } = await store.submit(toMake(environmentLock('staging', 'a')), request)
    expect(git(['rev-parse', 'release/1.x'], { cwd: path }).trim()).toBe(commit)
  })

  it('gets its first commit from us', async () => {
    const path = createBareRepository()
    const { store } = await open(path)
    const { commit } = await store.submit(toMake(environmentLock('staging', 'a')), request)
    expect(git(['rev-list', 'main'], { cwd: path })).toBe(`${commit}\n`)
    expect(git(['fsck', '--strict', '--no-progress'], { cwd: path })).toBe('')
  })
})

describe.runIf(hasGit)('the reflog of the branch', () => {
  it('gets a line for each batch where the repository keeps one, and is not begun where it keeps none', async () => {
    const { path, store } = await openShop()
    const before = (await store.snapshot()).commit
    await store.submit(toMake(environmentLock('staging', 'a')), request)
    expect(existsSync(join(path, 'logs'))).toBe(false)

    mkdirSync(join(path, 'logs/refs/heads'), { recursive: true })
    writeFileSync(join(path, 'logs/refs/heads/main'), '')
    const one = await store.submit(toMake(environmentLock('staging', 'b')), request)
    const two = await store.submit(toMake(environmentLock('staging', 'c')), request)
    expect(git(['reflog', 'show', '--format=%H %gn %ge %gs', 'main'], { cwd: path })).toBe(
      `${two.commit} Signalbox signalbox@localhost signalbox\n${one.commit} Signalbox signalbox@localhost signalbox\n`,
    )
    expect(git(['rev-parse', 'main@{1}', 'main~3'], { cwd: path })).toBe(`${one.commit}\n${before}\n`)
  })
})

describe('a second instance', () => {
  it('is refused while the first one lives, and only then', async () => {
    const { path, repository, store } = await openShop()
    await expect(open(path)).rejects.toThrow(InstanceRunningError)
    await store.submit(toMake(environmentLock('staging', 'a')), request)
    await repository.close()
    const second = await open(path)
    await second.store.submit(toMake(environmentLock('staging', 'b')), request)
    await expect(open(path)).rejects.toThrow(`process ${process.pid}`)
  })

  it('is not kept out by one that could not start', async () => {
    const path = await createShop()
    const putBack = replaceByFile(join(path, 'objects/pack'))
    await expect(open(path)).rejects.toThrow('ENOTDIR')
    putBack()
    const { store } = await open(path)
    expect((await store.snapshot()).environments.size).toBe(6)
  })
})

describe('what a dead instance of ours left', () => {
  it('is taken over at the start: its claim, its lock of the branch, its packs', async () => {
    const path = await createShop()
    mkdirSync(join(path, 'signalbox'), { recursive: true })
    const dead = { hostname: hostname(), pid: 0x7ffffffe, startedAt: '2026-01-01T00:00:00Z' }
    writeFileSync(join(path, 'signalbox/instance.json'), JSON.stringify(dead))
    writeFileSync(join(path, 'signalbox/ref-lock'), `${'1'.repeat(40)}\n`)
    linkSync(join(path, 'signalbox/ref-lock'), join(path, 'refs/heads/main.lock'))
    await writePack(path, await buildPack([createObject('blob', Buffer.from('never published'))]))
    expect(leftoversIn(path)).toHaveLength(2)

    const { store, warnings } = await open(path)
    expect(leftoversIn(path)).toEqual([])
    expect(warnings).toEqual([
      'taking over from an instance that did not give the repository back',
      'removed the lock of refs/heads/main that an earlier process of ours left when it died',
      'released packs that an earlier process of ours left when it died',
    ])
    const { commit } = await store.submit(toMake(environmentLock('staging', 'a')), request)
    expect(await store.snapshot()).toMatchObject({ commit })
  })

  it("is not mistaken for somebody else's: that lock stays", async () => {
    const path = await createShop()
    writeFileSync(join(path, 'refs/heads/main.lock'), '')
    const { warnings } = await open(path)
    expect(existsSync(join(path, 'refs/heads/main.lock'))).toBe(true)
    expect(warnings).toEqual([])
  })
})

describe("somebody else's lock of the branch", () => {
  it('is waited for', async () => {
    const { path, store } = await openShop()
    const lockFile = join(path, 'refs/heads/main.lock')
    writeFileSync(lockFile, '')
    const submitted = store.submit(toMake(environmentLock('staging', 'a')), request)
    await sleep(150)
    rmSync(lockFile)
    expect((await submitted).commit).toBe((await store.snapshot()).commit)
  })

  // The wait of 5 seconds cannot be configured.
  it('that is not given back makes the write fail, and the next one works', async () => {
    const { path, store } = await openShop()
    const before = await store.snapshot()
    const lockFile = join(path, 'refs/heads/main.lock')
    writeFileSync(lockFile, '')
    const failed = store.submit(toMake(environmentLock('staging', 'a')), request)
    await expect(failed).rejects.toThrow(StoreUnavailableError)
    await expect(failed).rejects.toThrow(`is locked by ${lockFile}`)
    expect(store.health().problems).toEqual([expect.stringContaining(lockFile)])
    expect(leftoversIn(path)).toEqual(['refs/heads/main.lock'])
    expect(await store.snapshot()).toBe(before)

    rmSync(lockFile)
    const { commit } = await store.submit(toMake(environmentLock('staging', 'b')), request)
    expect(await store.snapshot()).toMatchObject({ commit })
    expect(store.health().problems).toEqual([])
  })
})

describe('a disk that does not take our objects', () => {
  it.each(['objects', 'objects/pack'])(
    'makes writes fail while %s cannot be written, and only then',
    async (folder) => {
      const { path, store } = await openShop()
      const before = await store.snapshot()
      await store.submit(toMake(environmentLock('staging', 'a')), request)
      const putBack = replaceByFile(join(path, folder))
      for (const id of ['b', 'c']) {
        await expect(store.submit(toMake(environmentLock('staging', id)), request)).rejects.toThrow(
          StoreUnavailableError,
        )
      }
      expect((await store.snapshot()).environments).not.toBe(before.environments)
      expect(store.health()).toMatchObject({
        isReadable: true,
        problems: [expect.stringMatching(/^the repository (cannot be read|could not be written): ENOTDIR/)],
      })

      putBack()
      await store.submit(toMake(environmentLock('staging', 'd')), request)
      expect([...locksOf(await store.snapshot())]).toEqual(['a', 'd'])
      expect(store.health().problems).toEqual([])
      expect(leftoversIn(path)).toEqual([])
    },
  )

  it('cannot be read either before the first snapshot, and is read when it is back', async () => {
    const { path, store } = await openShop()
    const putBack = replaceByFile(join(path, 'objects'))
    await expect(store.snapshot()).rejects.toThrow(StoreUnavailableError)
    expect(store.health()).toMatchObject({ isReadable: false, problems: [expect.stringContaining('cannot be read')] })
    putBack()
    expect((await store.snapshot()).environments.size).toBe(6)
    expect(store.health()).toMatchObject({ isReadable: true, problems: [] })
  })

  it('does not make a write fail that has already happened', async () => {
    const { path, store, warnings } = await openShop()
    await store.snapshot()
    const lockFile = join(path, 'refs/heads/main.lock')
    writeFileSync(lockFile, '')
    const submitted = store.submit(toMake(environmentLock('staging', 'a')), request)
    const keepFile = await findKeepFile(path)
    rmSync(keepFile)
    mkdirSync(join(keepFile, 'cannot be removed'), { recursive: true })
    rmSync(lockFile)
    const { commit } = await submitted
    expect(await store.snapshot()).toMatchObject({ commit })
    expect(store.health().problems).toEqual([])
    expect(warnings).toEqual([expect.stringContaining('.keep')])
  })
})

async function createShop(): Promise<string> {
  const path = join(createTemporaryFolder(), 'manifests.git')
  await seedRepository(path, fixtureFolder, signalbox, testTime)
  return path
}

async function open(path: string) {
  const warnings: string[] = []
  const log = { info: () => {}, warn: (_: object, message: string) => void warnings.push(message), error: () => {} }
  const createWriter = createWriteThread
  const repository = await LocalRepository.open({ path, branch: undefined, committer: signalbox, log, createWriter })
  onTestFinished(() => repository.close())
  return { path, repository, store: createTestStore(repository), warnings }
}

async function openShop() {
  return open(await createShop())
}

type Wish =
  | { readonly kind: 'lock' }
  | { readonly kind: 'train'; readonly target: string }
  | { readonly kind: 'deployments'; readonly cart: number; readonly web: number }

const wish: fc.Arbitrary<Wish> = fc.oneof(
  { weight: 3, arbitrary: fc.constant<Wish>({ kind: 'lock' }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('train' as const),
      target: fc.constantFrom('staging', 'production', 'development'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('deployments' as const),
      cart: fc.integer({ min: 1, max: 5 }),
      web: fc.integer({ min: 1, max: 4 }),
    }),
  },
)

function toCommand(of: Wish, lockId: string): Command<unknown> {
  switch (of.kind) {
    case 'lock':
      return toMake(environmentLock('sandbox', lockId))
    case 'train':
      return aTrain(of.target)
    case 'deployments':
      return toMake([deployment('development', 'cart', of.cart), deployment('staging', 'web', of.web)])
  }
}

function aTrain(target: string) {
  return createReleaseTrain({
    request: { target, lookup: 'environment-first', team: undefined },
    ciLink: undefined,
    accepts: () => true,
    settings: writeSettings({ argoCd: { repositoryUrl: 'https://example.com/manifests.git', branch: 'main' } }),
  })
}

/** Commits one more file with git itself, and answers the commit. Rejects when the branch moved meanwhile. */
function importCommit(path: string, file: string): Promise<ObjectId> {
  const marks = join(path, `marks-${file.replaceAll('/', '-')}`)
  const script =
    'commit refs/heads/main\nmark :1\ncommitter Committer <committer@example.com> 1700000000 +0000\ndata 6\nTheirs\n' +
    `from refs/heads/main^0\nM 100644 inline ${file}\ndata 1\nx\n\ndone\n`
  return new Promise((resolve, reject) => {
    const options = { cwd: path, env: gitEnvironment() }
    const child = execFile('git', ['fast-import', '--quiet', '--done', `--export-marks=${marks}`], options, (error) => {
      if (error !== null) return reject(error)
      resolve(readFileSync(marks, 'utf8').trim().slice(3))
    })
    child.stdin?.end(script)
  })
}

/** Runs what it is given one after the other. */
function createTurns() {
  let last: Promise<unknown> = Promise.resolve()
  return {
    take<T>(work: () => Promise<T>): Promise<T> {
      const result = last.then(work)
      last = result.catch(() => undefined)
      return result
    },
  }
}

async function countFilesWithIsomorphicGit(path: string): Promise<number> {
  const sizes = (await isomorphicGit.walk({
    fs,
    gitdir: path,
    trees: [isomorphicGit.TREE({ ref: 'main' })],
    map: async (_, [entry]) =>
      (await entry?.type()) === 'blob' ? ((await entry?.content())?.length ?? Number.NaN) : undefined,
    reduce: async (parent, children: unknown[]) => [
      ...(parent === undefined ? [] : [parent as unknown]),
      ...children.flat(),
    ],
  })) as number[]
  expect(sizes.filter((size) => Number.isNaN(size))).toEqual([])
  return sizes.length
}

/** Files that a write makes for a while. */
function leftoversIn(path: string): readonly string[] {
  const folders = ['objects/pack', 'refs/heads', 'objects']
  return folders
    .flatMap((folder) => readdirSync(join(path, folder)).map((name) => `${folder}/${name}`))
    .filter((file) => /\.(keep|lock)$|\/tmp_/.test(file))
}

function listFiles(path: string): readonly string[] {
  return readdirSync(path, { recursive: true, encoding: 'utf8' }).toSorted()
}

/** Puts a file where the folder is. Answers how to undo that. */
function replaceByFile(folder: string): () => void {
  renameSync(folder, `${folder}-aside`)
  writeFileSync(folder, '')
  return () => {
    rmSync(folder)
    renameSync(`${folder}-aside`, folder)
  }
}

/** Waits until a pack is being kept, and answers the file that says so. */
async function findKeepFile(path: string): Promise<string> {
  const folder = join(path, 'objects/pack')
  while (true) {
    const names = readdirSync(folder)
    const keepFile = names.find((name) => name.endsWith('.keep'))
    if (keepFile !== undefined && names.includes(keepFile.replace('.keep', '.idx'))) return join(folder, keepFile)
    await sleep(5)
  }
}

function locksOf(snapshot: Awaited<ReturnType<GitManifestStore['snapshot']>>): Iterable<string> {
  const locks = snapshot.environments.get('staging' as EnvironmentName)?.locks
  return locks?.ok ? locks.value.keys() : []
}

describe('packs', () => {
  it('do not pile up while it serves, and what an earlier process left is combined, too', async () => {
    const path = await createShop()
    const first = await open(path)
    const heads: (ObjectId | undefined)[] = []
    for (let lock = 0; lock < 60; lock += 1) {
      const { commit } = await first.store.submit(toMake(environmentLock('staging', `lock-${lock}`)), request)
      heads.push(commit)
    }
    const packCount = () => readdirSync(join(path, 'objects/pack')).filter((name) => name.endsWith('.pack')).length
    await vi.waitFor(() => expect(packCount()).toBeLessThan(25), { timeout: 20_000 })
    expect((await first.store.snapshot()).commit).toBe(heads.at(-1))
    for (const head of heads) await first.repository.read(head ?? '')
    const measured = await first.repository.measurePacks()
    expect(measured.packs).toBe(packCount())
    expect(measured.consolidations).toBeGreaterThan(0)
    await first.store.close()

    for (let pack = 0; pack < 20; pack += 1) {
      const object = createObject('blob', Buffer.from(`never published ${pack}`))
      await (await writePack(path, await buildPack([object]))).release()
    }
    const second = await open(path)
    await vi.waitFor(() => expect(packCount()).toBeLessThan(25), { timeout: 20_000 })
    expect((await second.store.snapshot()).commit).toBe(heads.at(-1))
    expect(second.warnings).toEqual([])
  })
})
