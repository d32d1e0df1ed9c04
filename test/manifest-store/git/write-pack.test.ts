import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import type * as FileSystem from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { open, rename, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { serializeCommit } from '../../../src/manifest-store/git/commit.ts'
import { createObject, emptyTreeId } from '../../../src/manifest-store/git/git-object.ts'
import type { PackFile } from '../../../src/manifest-store/git/pack-file.ts'
import { buildPack } from '../../../src/manifest-store/git/pack-file.ts'
import { releaseStalePacks, writePack } from '../../../src/manifest-store/git/write-pack.ts'
import { createBareRepository, createTemporaryFolder, git, hasGit } from '../../support/real-git.ts'

// The real file system, with an eye on the calls and a hand that can make one of them fail.
vi.mock(import('node:fs/promises'), { spy: true })
const actual = await vi.importActual<typeof FileSystem>('node:fs/promises')

/** What was done, in order; random parts of names are `*` and the pack's name is `X`. */
const steps: string[] = []
/** Called before each step but removals; throws to make it fail. */
let beforeStep: (step: string) => void = () => undefined

function record(verb: string, ...paths: unknown[]): string {
  const names = paths.map((path) =>
    basename(String(path))
      .replace(/(?<=tmp_.*_)\w+/, '*')
      .replace(/[0-9a-f]{40}/, 'X'),
  )
  steps.push([verb, ...names].join(' '))
  return steps.at(-1) ?? ''
}

beforeEach(() => {
  steps.length = 0
  beforeStep = () => undefined
  vi.mocked(open).mockImplementation(async (path, ...rest) => {
    beforeStep(record('open', path))
    return watch(await actual.open(path, ...rest), path)
  })
  vi.mocked(writeFile).mockImplementation(async (path, ...rest) => {
    beforeStep(record('create', path))
    return actual.writeFile(path, ...rest)
  })
  vi.mocked(rename).mockImplementation(async (from, to) => {
    beforeStep(record('rename', from, to))
    return actual.rename(from, to)
  })
  vi.mocked(rm).mockImplementation(async (path, options) => {
    record('remove', path)
    return actual.rm(path, options)
  })
})

afterEach(() => {
  vi.resetAllMocks()
})

function watch(file: FileHandle, path: unknown): FileHandle {
  const write = file.writeFile.bind(file)
  const sync = file.sync.bind(file)
  file.writeFile = async (...args) => {
    beforeStep(record('write', path))
    return write(...args)
  }
  file.sync = async () => {
    beforeStep(record('sync', path))
    return sync()
  }
  return file
}

function failure(code: string): Error {
  return Object.assign(new Error(`${code}: injected`), { code })
}

function aRepository(): { gitDirectory: string; folder: string } {
  const gitDirectory = join(createTemporaryFolder(), 'repository.git')
  const folder = join(gitDirectory, 'objects', 'pack')
  mkdirSync(folder, { recursive: true })
  return { gitDirectory, folder }
}

async function aPack(text = 'hello'): Promise<PackFile> {
  return buildPack([createObject('blob', Buffer.from(text))])
}

const namesOf = ({ name }: PackFile): string[] => [`pack-${name}.idx`, `pack-${name}.keep`, `pack-${name}.pack`]

describe('writing a pack', () => {
  it('makes each part durable before the next, and the index visible last', async () => {
    const { gitDirectory } = aRepository()
    await writePack(gitDirectory, await aPack())
    expect(steps).toEqual([
      'create pack-X.keep',
      'open tmp_pack_*',
      'write tmp_pack_*',
      'sync tmp_pack_*',
      'rename tmp_pack_* pack-X.pack',
      'open tmp_idx_*',
      'write tmp_idx_*',
      'sync tmp_idx_*',
      'rename tmp_idx_* pack-X.idx',
      'open pack',
      'sync pack',
    ])
  })

  it('leaves the folder to the caller when asked to', async () => {
    const { gitDirectory, folder } = aRepository()
    const packed = await aPack()
    await writePack(gitDirectory, packed, { syncsFolder: false })
    expect(steps).not.toContain('sync pack')
    expect(readdirSync(folder)).toEqual(namesOf(packed))
  })

  it('writes files that nobody may write to', async () => {
    const { gitDirectory, folder } = aRepository()
    await writePack(gitDirectory, await aPack())
    expect(readdirSync(folder).map((name) => statSync(join(folder, name)).mode & 0o777)).toEqual([0o444, 0o444, 0o444])
  })

  it('creates the folder where there is none', async () => {
    const { gitDirectory, folder } = aRepository()
    rmSync(folder, { recursive: true })
    const packed = await aPack()
    await writePack(gitDirectory, packed)
    expect(readdirSync(folder)).toEqual(namesOf(packed))
  })

  it.runIf(hasGit)('gives git the objects, which survive a pruning git gc until the ref has moved', async () => {
    const gitDirectory = createBareRepository()
    const person = { name: 'Deployer', email: 'deployer@example.com' }
    const at = new Date(1_700_000_000_000)
    const fields = {
      tree: emptyTreeId,
      parents: [],
      author: person,
      authoredAt: at,
      committer: person,
      committedAt: at,
    }
    const commit = createObject('commit', serializeCommit({ ...fields, message: 'First' }))
    const packed = await buildPack([createObject('tree', new Uint8Array()), commit])
    const written = await writePack(gitDirectory, packed)
    git(['gc', '--quiet', '--prune=now'], { cwd: gitDirectory })
    expect(git(['cat-file', '-t', commit.id], { cwd: gitDirectory })).toBe('commit\n')
    git(['update-ref', 'refs/heads/main', commit.id], { cwd: gitDirectory })
    await written.release()
    git(['gc', '--quiet', '--prune=now'], { cwd: gitDirectory })
    expect(git(['fsck', '--strict'], { cwd: gitDirectory })).toBe('')
    expect(git(['rev-parse', 'main'], { cwd: gitDirectory }).trim()).toBe(commit.id)
  })
})

describe('a written pack', () => {
  it('is like any other when released, and can no longer be discarded', async () => {
    const { gitDirectory, folder } = aRepository()
    const packed = await aPack()
    const written = await writePack(gitDirectory, packed)
    await written.release()
    const [index, , pack] = namesOf(packed)
    expect(readdirSync(folder)).toEqual([index, pack])
    await written.discard()
    await written.release()
    expect(readdirSync(folder)).toEqual([index, pack])
    expect(readFileSync(join(folder, pack ?? '')).equals(packed.pack)).toBe(true)
    expect(readFileSync(join(folder, index ?? '')).equals(packed.index)).toBe(true)
  })

  it('is gone when discarded, the index first', async () => {
    const { gitDirectory, folder } = aRepository()
    const written = await writePack(gitDirectory, await aPack())
    steps.length = 0
    await written.discard()
    expect(steps).toEqual(['remove pack-X.idx', 'remove pack-X.pack', 'remove pack-X.keep'])
    expect(readdirSync(folder)).toEqual([])
    await written.discard()
    await written.release()
  })
})

describe('a pack that is there already', () => {
  it('stays as it is, whatever becomes of this attempt', async () => {
    const { gitDirectory, folder } = aRepository()
    const packed = await aPack()
    await (await writePack(gitDirectory, packed)).release()
    const before = readdirSync(folder).map((name) => statSync(join(folder, name)).ino)
    const again = await writePack(gitDirectory, packed)
    expect(readdirSync(folder)).toEqual(namesOf(packed))
    expect(steps.filter((step) => step === 'sync pack')).toHaveLength(2)
    await again.discard()
    expect(readdirSync(folder).map((name) => statSync(join(folder, name)).ino)).toEqual(before)
  })

  it('gets the index that a crash did not leave time for, and keeps the pack', async () => {
    const { gitDirectory, folder } = aRepository()
    const packed = await aPack()
    await writePack(gitDirectory, packed)
    const [index, keep, pack] = namesOf(packed).map((name) => join(folder, name)) as [string, string, string]
    unlinkSync(index)
    const inode = statSync(pack).ino
    const written = await writePack(gitDirectory, packed)
    expect(readFileSync(index).equals(packed.index)).toBe(true)
    expect(statSync(pack).ino).toBe(inode)
    await written.release()
    expect(existsSync(keep)).toBe(false)
  })

  it('is written again when it is not whole', async () => {
    const { gitDirectory, folder } = aRepository()
    const packed = await aPack()
    const [, , pack] = namesOf(packed)
    writeFileSync(join(folder, pack ?? ''), 'PACK')
    await writePack(gitDirectory, packed)
    expect(readFileSync(join(folder, pack ?? '')).equals(packed.pack)).toBe(true)
  })

  it("stays kept when somebody else's .keep is there", async () => {
    const { gitDirectory, folder } = aRepository()
    const packed = await aPack()
    const keep = join(folder, `pack-${packed.name}.keep`)
    writeFileSync(keep, 'because I say so')
    await (await writePack(gitDirectory, packed)).release()
    expect(readFileSync(keep, 'utf8')).toBe('because I say so')
    rmSync(join(folder, `pack-${packed.name}.idx`))
    await (await writePack(gitDirectory, packed)).discard()
    expect(readFileSync(keep, 'utf8')).toBe('because I say so')
  })
})

describe('when the file system fails', () => {
  it.each(['ENOSPC', 'EROFS', 'EIO'])(
    'at any step with %s, nothing is left and the error is passed on',
    async (code) => {
      const packed = await aPack()
      const count = 11
      for (let failing = 1; failing <= count; failing += 1) {
        const { gitDirectory, folder } = aRepository()
        steps.length = 0
        let taken = 0
        beforeStep = () => {
          taken += 1
          if (taken === failing) throw failure(code)
        }
        await expect(writePack(gitDirectory, packed)).rejects.toMatchObject({ code })
        expect([failing, readdirSync(folder)]).toEqual([failing, []])
      }
    },
  )

  it('while half of a file was written, that is removed too', async () => {
    const { gitDirectory, folder } = aRepository()
    vi.mocked(writeFile).mockImplementationOnce(async (path, _, options) => {
      await actual.writeFile(path, 'half', options)
      throw failure('ENOSPC')
    })
    await expect(writePack(gitDirectory, await aPack())).rejects.toMatchObject({ code: 'ENOSPC' })
    expect(readdirSync(folder)).toEqual([])
  })

  it('and cleaning up fails too, the first error counts', async () => {
    const { gitDirectory } = aRepository()
    vi.mocked(rm).mockRejectedValue(failure('EROFS'))
    beforeStep = (step) => {
      if (step.startsWith('sync tmp_idx')) throw failure('ENOSPC')
    }
    await expect(writePack(gitDirectory, await aPack())).rejects.toMatchObject({ code: 'ENOSPC' })
  })

  it('but not when the folder cannot be synced on this kind of file system', async () => {
    const { gitDirectory, folder } = aRepository()
    beforeStep = (step) => {
      if (step === 'sync pack') throw failure('EINVAL')
    }
    const packed = await aPack()
    await writePack(gitDirectory, packed)
    expect(readdirSync(folder)).toEqual(namesOf(packed))
  })

  it('and a second attempt succeeds', async () => {
    const { gitDirectory, folder } = aRepository()
    const packed = await aPack()
    beforeStep = (step) => {
      if (step === 'rename tmp_idx_* pack-X.idx') throw failure('ENOSPC')
    }
    await expect(writePack(gitDirectory, packed)).rejects.toMatchObject({ code: 'ENOSPC' })
    beforeStep = () => undefined
    await writePack(gitDirectory, packed)
    expect(readdirSync(folder)).toEqual(namesOf(packed))
  })
})

describe('when git prunes temporary files meanwhile', () => {
  it('they are written again', async () => {
    const { gitDirectory, folder } = aRepository()
    let pruned = 0
    beforeStep = (step) => {
      if (!step.startsWith('rename') || pruned === 2) return
      pruned += 1
      for (const name of readdirSync(folder)) if (name.startsWith('tmp_')) unlinkSync(join(folder, name))
    }
    const packed = await aPack()
    await writePack(gitDirectory, packed)
    expect(readdirSync(folder)).toEqual(namesOf(packed))
  })

  it.runIf(hasGit)('those of a crash are removed', async () => {
    const gitDirectory = createBareRepository()
    const folder = join(gitDirectory, 'objects', 'pack')
    const names = new Set<string>()
    beforeStep = () => {
      for (const name of readdirSync(folder)) if (name.startsWith('tmp_')) names.add(name)
    }
    await writePack(gitDirectory, await aPack())
    expect(names.size).toBe(2)
    for (const name of names) writeFileSync(join(folder, name), '')
    git(['prune', '--expire=now'], { cwd: gitDirectory })
    expect(readdirSync(folder).filter((name) => name.startsWith('tmp_'))).toEqual([])
  })
})

describe('packs that a crash left kept', () => {
  it("are released, and nobody else's", async () => {
    const { gitDirectory, folder } = aRepository()
    const [left, empty, released, foreign] = (await Promise.all(['a', 'b', 'c', 'd'].map(aPack))) as [
      PackFile,
      PackFile,
      PackFile,
      PackFile,
    ]
    for (const each of [left, empty, foreign]) await writePack(gitDirectory, each)
    await (await writePack(gitDirectory, released)).release()
    const keepOf = ({ name }: PackFile): string => join(folder, `pack-${name}.keep`)
    // The text of a file that was never synced may be lost.
    rmSync(keepOf(empty))
    writeFileSync(keepOf(empty), '', { mode: 0o444 })
    rmSync(keepOf(foreign))
    writeFileSync(keepOf(foreign), '')
    expect(await releaseStalePacks(gitDirectory)).toBe(2)
    expect([left, empty, released, foreign].map((each) => existsSync(keepOf(each)))).toEqual([
      false,
      false,
      false,
      true,
    ])
    expect(readdirSync(folder)).toHaveLength(9)
    expect(await releaseStalePacks(gitDirectory)).toBe(0)
  })

  it('are none in a repository without packs', async () => {
    expect(await releaseStalePacks(createTemporaryFolder())).toBe(0)
  })
})
