import { chmodSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { consolidatePacks } from '../../../src/manifest-store/git/consolidate-packs.ts'
import { createObject } from '../../../src/manifest-store/git/git-object.ts'
import { ObjectReader } from '../../../src/manifest-store/git/object-reader.ts'
import { PackIndex } from '../../../src/manifest-store/git/pack-index.ts'
import { deployment, GrowingRepository, manyApplications } from '../../support/growing-repository.ts'
import { createBareRepository, createTemporaryFolder, git, hasGit } from '../../support/real-git.ts'
import { edit } from '../../support/random-edits.ts'

/** As if every pack were a large one. */
const allLarge = { maximumObjects: 0, minimumLargePacks: 2 }

/** Packs of deltas, as git writes them, that have some objects in common. */
async function largePacks(...config: readonly (readonly [string, string])[]): Promise<GrowingRepository> {
  const repository = new GrowingRepository(createBareRepository())
  const { gitDirectory } = repository
  for (const [key, value] of [['repack.writeBitmaps', 'false'], ...config])
    git(['config', key, value], { cwd: gitDirectory })
  await repository.commit(manyApplications(60))
  for (let part = 0; part < 4; part += 1) {
    const before = repository.files('.pack')
    for (let at = 0; at < 12; at += 1) await repository.commit([deployment(at * 3, 100 * part + at)])
    // What came last as one pack; every other one with all that is reached.
    const names = repository.files('.pack').filter((name) => !before.includes(name))
    const objects =
      part % 2 === 0 ? git(['rev-list', '--objects', '--all'], { cwd: gitDirectory }) : idsIn(repository, names)
    git(['pack-objects', '-q', join(repository.folder, 'pack')], { cwd: gitDirectory, input: objects })
  }
  return repository
}

function idsIn(repository: GrowingRepository, packs: readonly string[]): string {
  return packs
    .flatMap((name) => new PackIndex(join(repository.folder, name.replace('.pack', '.idx'))).ids())
    .map((id) => `${id}\n`)
    .join('')
}

/** What git makes of the pack by itself. */
function indexByGit(pack: string): Buffer {
  const copy = join(createTemporaryFolder(), 'pack-copy.pack')
  copyFileSync(pack, copy)
  git(['index-pack', copy])
  return readFileSync(copy.replace('.pack', '.idx'))
}

describe.runIf(hasGit)('large packs', () => {
  it.each([
    ['whose deltas name their bases by place', []],
    ['whose deltas name their bases by id', [['repack.useDeltaBaseOffset', 'false'] as const]],
    ['without any deltas', [['pack.window', '0'] as const]],
  ])('%s become one, with each object once and the index that git would write', async (_, config) => {
    const repository = await largePacks(...config)
    const contents = repository.contents()
    const packs = repository.packCount()
    const done = await consolidatePacks(repository.gitDirectory, allLarge)
    expect(done).toMatchObject({ packs, objects: contents.trim().split('\n').length, damaged: [] })
    expect(repository.packCount()).toBe(1)
    expect([repository.complaints(), repository.contents()]).toEqual(['', contents])
    const path = join(repository.folder, repository.files('.pack')[0] ?? '')
    expect(Buffer.compare(readFileSync(path.replace('.pack', '.idx')), indexByGit(path))).toBe(0)
    const reader = new ObjectReader(repository.gitDirectory)
    for (const line of contents.trim().split('\n')) {
      const id = line.split(' ')[0] ?? ''
      const { type, data } = await reader.read(id)
      expect(createObject(type, data).id).toBe(id)
    }
    reader.close()
    expect(await consolidatePacks(repository.gitDirectory, allLarge)).toBeUndefined()
  })

  it('keep every object, whatever was written and however it was packed before', async () => {
    const step = fc.oneof(
      { weight: 5, arbitrary: fc.array(edit, { minLength: 1, maxLength: 3 }).map((batch) => ({ batch })) },
      { weight: 2, arbitrary: fc.constantFrom(['repack', '-q', '-d'], ['repack', '-q', '-a', '-f']) },
      { weight: 2, arbitrary: fc.constant('merge' as const) },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 12 }), async (steps) => {
        const repository = new GrowingRepository(createBareRepository())
        git(['config', 'repack.writeBitmaps', 'false'], { cwd: repository.gitDirectory })
        await repository.commit(manyApplications(20))
        for (const next of [...steps, 'merge' as const]) {
          if (next === 'merge') {
            const contents = repository.contents()
            while ((await consolidatePacks(repository.gitDirectory, allLarge)) !== undefined);
            expect(repository.contents()).toBe(contents)
          } else if ('batch' in next) await repository.commit(...next.batch).catch(() => undefined)
          else git(next, { cwd: repository.gitDirectory })
        }
        expect(repository.complaints()).toBe('')
      }),
      { numRuns: 12 },
    )
  })

  it('are merged as far as memory and time allow, and left alone beyond', async () => {
    const repository = await largePacks()
    const before = repository.files()
    const sizes = repository.files('.idx').map((name) => new PackIndex(join(repository.folder, name)).count)
    const merge = (options: object) => consolidatePacks(repository.gitDirectory, { ...allLarge, ...options })
    expect(await merge({ mergedObjects: Math.min(...sizes) - 1 })).toBeUndefined()
    expect(await merge({ mergedBytes: 10 })).toBeUndefined()
    expect(await merge({ minimumLargePacks: sizes.length + 1 })).toBeUndefined()
    expect(repository.files()).toEqual(before)
    const done = await merge({ mergedObjects: 100 })
    expect(done?.objects).toBeLessThanOrEqual(200)
    expect(done?.packs).toBeLessThan(sizes.length)
    expect(repository.complaints()).toBe('')
  })

  it('that are damaged are left where they are, and the others are merged without them', async () => {
    const repository = new GrowingRepository(createBareRepository())
    await repository.commit(manyApplications(5))
    for (let at = 0; at < 10; at += 1) await repository.commit([deployment(at % 5, 100 + at)])
    const [broken, short] = repository.files('.pack').map((name) => join(repository.folder, name)) as [string, string]
    for (const [path, change] of [
      [broken, (bytes: Buffer) => bytes.fill(0xff, Math.floor(bytes.length / 2), bytes.length - 20)],
      [short, (bytes: Buffer) => bytes.subarray(0, 40)],
    ] as const) {
      const bytes = change(readFileSync(path))
      chmodSync(path, 0o644)
      writeFileSync(path, bytes)
    }
    expect(await consolidatePacks(repository.gitDirectory, allLarge)).toMatchObject({
      packs: 9,
      damaged: [expect.any(String), expect.any(String)],
    })
    expect(repository.packCount()).toBe(3)
    expect(repository.files().filter((name) => name.startsWith('tmp_'))).toEqual([])
  })
})
