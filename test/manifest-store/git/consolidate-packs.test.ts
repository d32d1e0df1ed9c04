import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Change } from '../../../src/core/change.ts'
import { consolidatePacks, removeLeftovers } from '../../../src/manifest-store/git/consolidate-packs.ts'
import { createObject } from '../../../src/manifest-store/git/git-object.ts'
import { ObjectReader } from '../../../src/manifest-store/git/object-reader.ts'
import { buildPack } from '../../../src/manifest-store/git/pack-file.ts'
import { writePack } from '../../../src/manifest-store/git/write-pack.ts'
import { file } from '../../support/changes.ts'
import { deployment, GrowingRepository, manyApplications } from '../../support/growing-repository.ts'
import { createBareRepository, git, gitEnvironment, hasGit } from '../../support/real-git.ts'
import { edit } from '../../support/random-edits.ts'

/** A repository with a pack for each of as many deployments. */
async function deployments(count: number, applications = 200): Promise<GrowingRepository> {
  const repository = hasGit ? new GrowingRepository(createBareRepository()) : new GrowingRepository()
  await repository.commit(manyApplications(applications))
  for (let at = 0; at < count; at += 1) await repository.commit([deployment((at * 7) % applications, at + 2)])
  return repository
}

async function idsOf(repository: GrowingRepository): Promise<readonly string[]> {
  const { PackIndex } = await import('../../../src/manifest-store/git/pack-index.ts')
  return repository.files('.idx').flatMap((name) => new PackIndex(join(repository.folder, name)).ids())
}

async function consolidateAll(repository: GrowingRepository, minimumPacks = 2): Promise<number> {
  let times = 0
  while ((await consolidatePacks(repository.gitDirectory, { minimumPacks })) !== undefined) times += 1
  return times
}

describe('consolidating', () => {
  it('makes one pack of many, with every object, and needs no git program', async () => {
    const repository = await deployments(20)
    const ids = new Set(await idsOf(repository))
    // Which has as many files as trees of applications, and five above them.
    const firstCommit = 2 * 200 + 5
    const done = await consolidatePacks(repository.gitDirectory)
    expect(done).toMatchObject({ packs: 20, objects: ids.size - firstCommit, damaged: [] })
    expect(repository.packCount()).toBe(2)
    const reader = new ObjectReader(repository.gitDirectory)
    for (const id of ids) expect(createObject(...toParts(await reader.read(id))).id).toBe(id)
    reader.close()
    expect(readdirSync(join(repository.gitDirectory, 'signalbox'))).toEqual([])
  })

  it('does nothing where there are few packs, or they are a progression already', async () => {
    const repository = await deployments(15)
    const before = repository.files()
    expect(await consolidatePacks(repository.gitDirectory)).toBeUndefined()
    expect(repository.files()).toEqual(before)
    expect(await consolidatePacks(new GrowingRepository().gitDirectory)).toBeUndefined()
  })

  it('writes the same bytes for the same packs', async () => {
    const [one, other] = [await deployments(20), await deployments(20)]
    await consolidatePacks(one.gitDirectory)
    await consolidatePacks(other.gitDirectory)
    expect(one.files()).toEqual(other.files())
  })

  it.runIf(hasGit)('leaves what git accepts, and versions of a tree as small deltas', async () => {
    const repository = await deployments(200)
    const [contents, before] = [repository.contents(), repository.bytes()]
    await consolidateAll(repository)
    expect(repository.complaints()).toBe('')
    expect(repository.contents()).toBe(contents)
    expect(repository.bytes()).toBeLessThan(before / 4)
    git(['repack', '-a', '-d', '-q', '-f'], { cwd: repository.gitDirectory })
    expect(repository.contents()).toBe(contents)
  })

  it.runIf(hasGit)('takes not much more than git does, however often what was combined is combined again', async () => {
    const repository = await deployments(16)
    for (let at = 0; at < 400; at += 1) {
      await repository.commit([deployment(at % 200, at + 1000)])
      await consolidatePacks(repository.gitDirectory, { minimumPacks: 8 })
    }
    expect(repository.packCount()).toBeLessThan(18)
    expect(repository.deepestChain()).toBeLessThanOrEqual(50)
    expect(repository.complaints()).toBe('')
    await consolidateAll(repository)
    const [contents, ours] = [repository.contents(), repository.bytes()]
    git(['repack', '-a', '-d', '-q'], { cwd: repository.gitDirectory })
    expect(repository.contents()).toBe(contents)
    expect(ours).toBeLessThan(2 * repository.bytes())
  })

  it.runIf(hasGit)('keeps every object, whatever was written and however it was packed before', async () => {
    const step = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.array(edit, { minLength: 1, maxLength: 3 }).map((batch) => ({ kind: 'publish' as const, batch })),
      },
      {
        weight: 3,
        arbitrary: fc.integer({ min: 2, max: 6 }).map((minimum) => ({ kind: 'consolidate' as const, minimum })),
      },
      { weight: 1, arbitrary: fc.constant({ kind: 'abandon' as const }) },
      {
        weight: 1,
        arbitrary: fc
          .constantFrom(
            ['repack', '-d', '-q'],
            ['gc', '-q'],
            ['repack', '-q', '-d', '--geometric=2'],
            ['repack', '-q', '-a'],
          )
          .map((args) => ({ kind: 'git' as const, args })),
      },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 14 }), async (steps) => {
        const repository = new GrowingRepository(createBareRepository())
        await repository.commit(manyApplications(20))
        for (const next of steps) {
          if (next.kind === 'publish') await publish(repository, next.batch)
          else if (next.kind === 'git') git(next.args, { cwd: repository.gitDirectory })
          else if (next.kind === 'abandon') {
            // Not below what an edit may have made a file.
            const { objects } = await repository.make([[file('of-an-attempt', 'that nobody published')]])
            await (await writePack(repository.gitDirectory, await buildPack(objects))).release()
          } else {
            const before = repository.contents()
            await consolidateAll(repository, next.minimum)
            expect(repository.contents()).toBe(before)
          }
          expect(git(['rev-list', '--objects', '--count', '--all'], { cwd: repository.gitDirectory })).not.toBe('0\n')
        }
        expect(repository.complaints()).toBe('')
        expect(repository.files().filter((name) => name.startsWith('tmp_'))).toEqual([])
      }),
      { numRuns: 12 },
    )
  })
})

/** Edits that cannot be made to what there is are left out. */
async function publish(repository: GrowingRepository, batch: Change[][]): Promise<void> {
  await repository.commit(...batch).catch(() => undefined)
}

function toParts({ type, data }: { type: Parameters<typeof createObject>[0]; data: Uint8Array }) {
  return [type, data] as const
}

describe('packs that are left alone', () => {
  it('are kept ones, those with a bitmap, cruft, and any with a file that we do not know', async () => {
    const repository = await deployments(20)
    const names = repository.files('.pack').map((name) => name.replace('.pack', ''))
    const endings = ['keep', 'bitmap', 'mtimes', 'future']
    for (const [index, ending] of endings.entries())
      writeFileSync(join(repository.folder, `${names[index]}.${ending}`), '')
    await consolidateAll(repository)
    for (const [index, ending] of endings.entries()) {
      for (const each of [ending, 'pack', 'idx']) expect(repository.files()).toContain(`${names[index]}.${each}`)
    }
    expect(repository.packCount()).toBeLessThanOrEqual(6)
  })

  it('are all of them where nothing may be removed', async () => {
    const repository = await deployments(20)
    writeFileSync(
      join(repository.gitDirectory, 'config'),
      '[core]\nbare = true\nrepositoryformatversion = 1\n[extensions]\npreciousObjects = true\n',
    )
    expect(await consolidatePacks(repository.gitDirectory)).toBeUndefined()
  })

  it('are very large ones', async () => {
    const repository = await deployments(20)
    const before = repository.files()
    expect(await consolidatePacks(repository.gitDirectory, { mergedBytes: 1000 })).toBeUndefined()
    expect(await consolidatePacks(repository.gitDirectory, { mergedObjects: 6 })).toBeUndefined()
    expect(repository.files()).toEqual(before)
    expect(await consolidatePacks(repository.gitDirectory, { maximumObjects: 7 })).toMatchObject({ packs: 20 })
  })

  it.runIf(hasGit)('are those that a multi-pack-index of git names', async () => {
    const repository = await deployments(6)
    git(['multi-pack-index', 'write'], { cwd: repository.gitDirectory })
    const indexed = repository.files('.pack')
    for (let at = 0; at < 5; at += 1) await repository.commit([deployment(at, 100 + at)])
    expect(await consolidatePacks(repository.gitDirectory, { minimumPacks: 5 })).toMatchObject({ packs: 5 })
    expect(repository.files('.pack')).toEqual(expect.arrayContaining(indexed))
    git(['multi-pack-index', 'verify'], { cwd: repository.gitDirectory })
    expect(repository.complaints()).toBe('')
  })

  it('are damaged ones, and the others are combined without them', async () => {
    const repository = await deployments(20)
    const [broken, empty] = repository.files('.pack').map((name) => join(repository.folder, name)) as [string, string]
    damage(broken, (bytes) => bytes.fill(0xff, Math.floor(bytes.length / 2), bytes.length - 20))
    damage(empty, () => Buffer.alloc(0))
    const done = await consolidatePacks(repository.gitDirectory)
    expect(done?.packs).toBeGreaterThanOrEqual(18)
    expect(done?.damaged).toHaveLength(2)
    expect(existsSync(broken) && existsSync(empty)).toBe(true)
    expect(repository.files().filter((name) => name.startsWith('tmp_'))).toEqual([])
  })
})

it('a single bit that is not as it was is noticed, also in what is copied without being unpacked', async () => {
  const repository = await deployments(0)
  const [first] = repository.files('.pack')
  // The oldest of the small ones has nothing to be a delta of; the tree of all applications takes up most of it.
  await repository.commit([deployment(1, 2)])
  const oldest = join(repository.folder, repository.files('.pack').find((name) => name !== first) ?? '')
  for (let at = 0; at < 19; at += 1) await repository.commit([deployment(at, at + 100)])
  damage(oldest, (bytes) => bytes.fill((bytes[2500] ?? 0) ^ 1, 2500, 2501))
  const done = await consolidatePacks(repository.gitDirectory)
  expect(done).toMatchObject({ packs: 19, damaged: [expect.stringContaining('is not what its index says')] })
  expect(existsSync(oldest)).toBe(true)
})

function damage(path: string, change: (bytes: Buffer) => Buffer): void {
  const bytes = change(readFileSync(path))
  chmodSync(path, 0o644)
  writeFileSync(path, bytes)
}

describe.runIf(hasGit)('in a partial clone', () => {
  it('what the server gave and what was made here stay apart, and git accepts what is missing', async () => {
    const server = await deployments(3)
    git(['config', 'uploadpack.allowFilter', 'true'], { cwd: server.gitDirectory })
    const clone = join(dirname(server.gitDirectory), 'clone.git')
    git(['clone', '-q', '--bare', '--filter=blob:none', `file://${server.gitDirectory}`, clone])
    // With objects missing git cannot write bitmaps, and gives up instead of doing without.
    git(['config', 'repack.writeBitmaps', 'false'], { cwd: clone })
    const repository = new GrowingRepository(clone)
    for (let at = 0; at < 5; at += 1) {
      await server.commit([deployment(at, 500 + at)])
      git(['fetch', '-q', 'origin', '+refs/heads/main:refs/heads/main'], { cwd: clone })
    }
    for (let at = 0; at < 5; at += 1) await repository.commit([deployment(at, 900 + at)])
    const promised = repository.files('.promisor').length
    expect(promised).toBeGreaterThan(4)
    const [contents, missing] = [repository.contents(), missingObjects(clone)]
    expect(missing).not.toBe('')

    expect(await consolidateAll(repository)).toBe(2)
    expect(repository.files('.promisor').length).toBeLessThan(promised)
    expect(repository.files('.promisor').length).toBeGreaterThan(0)
    expect(repository.files('.promisor').length).toBeLessThan(repository.packCount())
    expect(repository.contents()).toBe(contents)
    expect(missingObjects(clone)).toBe(missing)
    expect(repository.complaints()).toBe('')
    git(['gc', '-q', '--prune=now'], { cwd: clone })
    expect(missingObjects(clone)).toBe(missing)
  })
})

function missingObjects(cwd: string): string {
  const listed = git(['rev-list', '--objects', '--all', '--missing=print'], { cwd }).split('\n')
  return listed
    .filter((line) => line.startsWith('?'))
    .toSorted()
    .join('\n')
}

describe('readers that were there before', () => {
  it('go on reading, those of this process from packs that are gone', async () => {
    const repository = await deployments(20)
    const ids = await idsOf(repository)
    const reader = new ObjectReader(repository.gitDirectory)
    for (const id of ids.slice(0, 60)) await reader.read(id)
    await consolidatePacks(repository.gitDirectory)
    for (const id of ids) expect(createObject(...toParts(await reader.read(id))).id).toBe(id)
    reader.forgetRemovedPacks()
    for (const id of ids) expect(createObject(...toParts(await reader.read(id))).id).toBe(id)
    reader.close()
  })

  it('and read while it happens, object by object', async () => {
    const repository = await deployments(60)
    const ids = await idsOf(repository)
    const reader = new ObjectReader(repository.gitDirectory)
    const done = new AbortController()
    const consolidating = consolidateAll(repository).finally(() => done.abort())
    let reads = 0
    for (let at = 0; !done.signal.aborted || at < ids.length; at += 1, reads += 1) {
      const id = ids[(at * 31) % ids.length] ?? ''
      expect(createObject(...toParts(await reader.read(id))).id).toBe(id)
    }
    await consolidating
    expect(reads).toBeGreaterThan(ids.length)
    reader.close()
  })

  it.runIf(hasGit)('a git that runs beside us finds every object, too', async () => {
    const repository = await deployments(60)
    const ids = await idsOf(repository)
    const child = spawn('git', ['cat-file', '--batch-check'], { cwd: repository.gitDirectory, env: gitEnvironment() })
    let answers = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (answers += text))
    const ask = async (from: number, to: number) => {
      for (const id of ids.slice(from, to)) child.stdin.write(`${id}\n`)
      while (answers.split('\n').length <= to) await once(child.stdout, 'data')
    }
    await ask(0, 50)
    await consolidateAll(repository)
    await ask(50, ids.length)
    child.stdin.end()
    await once(child, 'close')
    expect(answers).not.toContain('missing')
  })
})

describe.runIf(hasGit)('when git repacks at the same moment', () => {
  it.each([
    ['gc', ['gc', '--quiet', '--prune=now']],
    ['repack -ad', ['repack', '-a', '-d', '-q']],
    ['geometric repack', ['repack', '-d', '-q', '--geometric=2', '--write-midx']],
  ])('(%s) nothing that the branch reaches is lost', async (_, args) => {
    const repository = await deployments(30)
    const done = new AbortController()
    let rounds = 0
    const repacking = (async () => {
      while (!done.signal.aborted) {
        // One that finds a pack gone while it reads gives up, and changes nothing.
        const child = spawn('git', args, { cwd: repository.gitDirectory, env: gitEnvironment(), stdio: 'ignore' })
        await once(child, 'close')
        rounds += 1
      }
    })()
    const heads: string[] = []
    for (let at = 0; at < 60; at += 1) {
      heads.push(await repository.commit([deployment(at, 2000 + at)]))
      if (at % 3 === 0) await consolidatePacks(repository.gitDirectory, { minimumPacks: 2 }).catch(ignoreVanished)
    }
    done.abort()
    await repacking
    expect(rounds).toBeGreaterThan(2)
    expect(repository.complaints()).toBe('')
    const reached = git(['rev-list', 'main'], { cwd: repository.gitDirectory })
    for (const head of heads) expect(reached).toContain(head)
    await consolidateAll(repository)
    expect(repository.complaints()).toBe('')
    expect(repository.files().filter((name) => name.startsWith('tmp_pack_signalbox'))).toEqual([])
  })
})

/** A pack was gone before it was opened, or a temporary file was pruned: the next consolidation looks anew. */
function ignoreVanished(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error
}

describe('what a crash left', () => {
  it('is removed at the next start: parts of packs that were being removed, and temporary files of ours', async () => {
    const repository = await deployments(3)
    const [first, second, third] = repository.files('.pack').map((name) => name.replace('.pack', '')) as [
      string,
      string,
      string,
    ]
    mkdirSync(join(repository.gitDirectory, 'signalbox'), { recursive: true })
    writeFileSync(join(repository.gitDirectory, 'signalbox', 'consolidation'), `${first}\n${second}\npack-../x\n`)
    rmSync(join(repository.folder, `${first}.idx`))
    for (const name of ['tmp_pack_signalbox_0a', 'tmp_idx_signalbox_0a', 'tmp_pack_gitsown']) {
      writeFileSync(join(repository.folder, name), '')
    }
    expect(await removeLeftovers(repository.gitDirectory)).toBe(3)
    const rest = repository.files()
    expect(rest.filter((name) => name.startsWith(first))).toEqual([])
    expect(rest).toEqual(
      expect.arrayContaining([`${second}.idx`, `${second}.pack`, `${third}.pack`, 'tmp_pack_gitsown']),
    )
    expect(readdirSync(join(repository.gitDirectory, 'signalbox'))).toEqual([])
    expect(await removeLeftovers(repository.gitDirectory)).toBe(0)
  })

  it('is removed also where it ended before it said what it would do', async () => {
    const repository = await deployments(3)
    const before = repository.files()
    mkdirSync(join(repository.gitDirectory, 'signalbox'), { recursive: true })
    writeFileSync(join(repository.gitDirectory, 'signalbox', 'consolidation'), '')
    expect(await removeLeftovers(repository.gitDirectory)).toBe(0)
    expect(readdirSync(join(repository.gitDirectory, 'signalbox'))).toEqual([])
    expect(repository.files()).toEqual(before)
  })
})
