import type * as FileSystem from 'node:fs/promises'
import { rm } from 'node:fs/promises'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { consolidatePacks } from '../../../src/manifest-store/git/consolidate-packs.ts'
import { buildPack } from '../../../src/manifest-store/git/pack-file.ts'
import { writePack } from '../../../src/manifest-store/git/write-pack.ts'
import { deployment, GrowingRepository, manyApplications } from '../../support/growing-repository.ts'
import { createBareRepository, git, hasGit } from '../../support/real-git.ts'

// The real file system. What is to come between two steps is done before the file is removed that it names.
vi.mock(import('node:fs/promises'), { spy: true })
const actual = await vi.importActual<typeof FileSystem>('node:fs/promises')

afterEach(() => {
  vi.resetAllMocks()
})

function beforeRemovalOf(ending: string, act: () => void): void {
  let isDone = false
  vi.mocked(rm).mockImplementation(async (path, options) => {
    if (!isDone && String(path).endsWith(ending)) {
      isDone = true
      act()
    }
    return actual.rm(path, options)
  })
}

/** One pack as git will write it again from the same objects, and one of which nobody reaches anything. */
async function repackedRepository(): Promise<GrowingRepository> {
  const repository = new GrowingRepository(createBareRepository())
  // A pack with a bitmap is left alone.
  git(['config', 'repack.writeBitmaps', 'false'], { cwd: repository.gitDirectory })
  await repository.commit(manyApplications(20))
  git(['repack', '-a', '-d', '-q', '-F'], { cwd: repository.gitDirectory })
  const { objects } = await repository.make([Array.from({ length: 20 }, (_, index) => deployment(index, 7))])
  await (await writePack(repository.gitDirectory, await buildPack(objects))).release()
  expect(repository.packCount()).toBe(2)
  return repository
}

describe.runIf(hasGit)('a whole repack between the new pack and the removal of the old ones', () => {
  it.each([
    ['repack -a -d', ['repack', '-a', '-d', '-q']],
    ['gc', ['gc', '-q', '--prune=now']],
    ['geometric repack', ['repack', '-d', '-q', '--geometric=2']],
  ])('(%s) takes nothing away that we rely on, though it writes one of the old packs anew', async (_, args) => {
    const repository = await repackedRepository()
    const reached = git(['rev-list', '--objects', 'main'], { cwd: repository.gitDirectory })
    let repacks = 0
    beforeRemovalOf('.idx', () => {
      git(args, { cwd: repository.gitDirectory })
      repacks += 1
    })
    expect(await consolidatePacks(repository.gitDirectory, { minimumPacks: 2 })).toMatchObject({ packs: 2 })
    expect(repacks).toBe(1)
    expect(repository.complaints()).toBe('')
    expect(git(['rev-list', '--objects', 'main'], { cwd: repository.gitDirectory })).toBe(reached)
    expect(repository.files('.keep')).toEqual([])
  })
})
