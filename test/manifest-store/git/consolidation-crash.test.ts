import type * as FileSystem from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { cpSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { consolidatePacks, removeLeftovers } from '../../../src/manifest-store/git/consolidate-packs.ts'
import { deployment, GrowingRepository, manyApplications } from '../../support/growing-repository.ts'
import { createFolder, createTemporaryFolder, git, hasGit, removeFolder } from '../../support/real-git.ts'

// The real file system, until the process "dies": from that step on nothing is changed any more, by cleaning up neither.
vi.mock(import('node:fs/promises'), { spy: true })
const actual = await vi.importActual<typeof FileSystem>('node:fs/promises')

const steps: string[] = []
let dieAt = Number.POSITIVE_INFINITY
/** One step that fails by itself, and with what. */
let failure: { readonly at: number; readonly code: string } | undefined

function step(name: string): void {
  steps.push(name)
  if (steps.length >= dieAt) throw Object.assign(new Error('died'), { code: 'EDIED' })
  if (steps.length === failure?.at) throw Object.assign(new Error('injected'), { code: failure.code })
}

beforeEach(() => {
  steps.length = 0
  dieAt = Number.POSITIVE_INFINITY
  failure = undefined
  vi.mocked(open).mockImplementation(async (path, flags, ...rest) => {
    if (flags !== 'r') step('create')
    return watch(await actual.open(path, flags, ...rest))
  })
  vi.mocked(rename).mockImplementation(async (from, to) => {
    step('rename')
    return actual.rename(from, to)
  })
  vi.mocked(mkdir).mockImplementation((async (path: string, options: object) => {
    step('mkdir')
    return actual.mkdir(path, options)
  }) as typeof mkdir)
  vi.mocked(rm).mockImplementation(async (path, options) => {
    step('rm')
    return actual.rm(path, options)
  })
})

afterEach(() => {
  vi.resetAllMocks()
})

function watch(file: FileHandle): FileHandle {
  const [write, sync] = [file.writeFile.bind(file), file.sync.bind(file)]
  file.writeFile = async (...args) => {
    step('write')
    return write(...args)
  }
  file.sync = async () => {
    step('sync')
    return sync()
  }
  return file
}

let template: string | undefined

async function aRepository(): Promise<GrowingRepository> {
  if (template === undefined) {
    template = join(createFolder(), 'repository.git')
    git(['init', '--quiet', '--bare', '--initial-branch=main', template])
    const repository = new GrowingRepository(template)
    await repository.commit(manyApplications(30))
    for (let at = 0; at < 5; at += 1) await repository.commit([deployment(at, at + 2)])
  }
  const copy = join(createTemporaryFolder(), 'repository.git')
  cpSync(template, copy, { recursive: true, preserveTimestamps: true })
  return new GrowingRepository(copy)
}

afterAll(() => {
  if (template !== undefined) removeFolder(dirname(template))
})

describe.runIf(hasGit)('a crash while packs are combined', () => {
  it('between any two steps leaves a sound repository, and after the next start and consolidation no trace', async () => {
    const finished = await aRepository()
    steps.length = 0
    await consolidatePacks(finished.gitDirectory, { minimumPacks: 2 })
    const count = steps.length
    expect(count).toBeGreaterThan(25)

    for (let at = 1; at <= count; at += 1) {
      dieAt = Number.POSITIVE_INFINITY
      const repository = await aRepository()
      const contents = repository.contents()
      steps.length = 0
      dieAt = at
      await expect(consolidatePacks(repository.gitDirectory, { minimumPacks: 2 })).rejects.toThrow('died')
      dieAt = Number.POSITIVE_INFINITY
      expect([at, repository.complaints(), repository.contents()]).toEqual([at, '', contents])

      await removeLeftovers(repository.gitDirectory)
      expect(repository.files().filter((name) => name.startsWith('tmp_'))).toEqual([])
      expect(orphans(repository)).toEqual([])
      expect([at, repository.files('.keep')]).toEqual([at, []])
      while ((await consolidatePacks(repository.gitDirectory, { minimumPacks: 2 })) !== undefined);
      expect([at, repository.complaints(), repository.contents()]).toEqual([at, '', contents])
      // The new one, and one of the old ones that was not removed yet and is far smaller.
      expect(repository.packCount()).toBeLessThanOrEqual(2)
      expect(readdirSync(join(repository.gitDirectory, 'signalbox'))).toEqual([])
    }
  })
})

describe.runIf(hasGit)('when the disk fails', () => {
  it('at any step, nothing is lost, and a second attempt succeeds', async () => {
    const codes = ['ENOSPC', 'EROFS', 'EIO']
    const finished = await aRepository()
    steps.length = 0
    await consolidatePacks(finished.gitDirectory, { minimumPacks: 2 })
    const names = [...steps]

    for (const [index, name] of names.entries()) {
      const code = codes[index % codes.length] ?? ''
      failure = undefined
      const repository = await aRepository()
      const [contents, files] = [repository.contents(), repository.files()]
      steps.length = 0
      failure = { at: index + 1, code }
      await expect(consolidatePacks(repository.gitDirectory, { minimumPacks: 2 })).rejects.toMatchObject({ code })
      failure = undefined
      expect([index, repository.contents()]).toEqual([index, contents])
      if (name !== 'rm') expect(repository.files().filter((file) => file.startsWith('tmp_'))).toEqual([])
      if (names[index] !== 'rm') expect([index, repository.files('.keep')]).toEqual([index, []])
      const isBeforeIndex = index <= names.lastIndexOf('rename')
      if (isBeforeIndex && name !== 'rm') expect([index, repository.files()]).toEqual([index, files])
      await consolidatePacks(repository.gitDirectory, { minimumPacks: 2 })
      await removeLeftovers(repository.gitDirectory)
      expect([index, repository.complaints(), orphans(repository)]).toEqual([index, '', []])
      expect(repository.contents()).toBe(contents)
    }
  })
})

/** Files of packs that are not whole. */
function orphans(repository: GrowingRepository): string[] {
  const files = new Set(repository.files())
  return [...files].filter((name) => {
    const pack = name.replace(/\.\w+$/, '')
    return !files.has(`${pack}.idx`) || !files.has(`${pack}.pack`)
  })
}
