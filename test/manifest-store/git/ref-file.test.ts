import { execFile } from 'node:child_process'
import {
  appendFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  rmdirSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import type * as FileSystem from 'node:fs/promises'
import { link, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { promisify } from 'node:util'
import * as fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import {
  MalformedRefError,
  PathConflictError,
  RefLockedError,
  RefNotDurableError,
} from '../../../src/manifest-store/git/git-errors.ts'
import {
  listBranches,
  moveRef,
  readHeadBranch,
  readRef,
  removeStaleRefLock,
} from '../../../src/manifest-store/git/ref-file.ts'
import { createBareRepository, createTemporaryFolder, git, gitEnvironment, hasGit } from '../../support/real-git.ts'

// The real file system, of which some calls are made to fail.
vi.mock(import('node:fs/promises'), { spy: true })
const actual = await vi.importActual<typeof FileSystem>('node:fs/promises')

afterEach(() => {
  vi.resetAllMocks()
})

const one = '1'.repeat(40)
const two = '2'.repeat(40)
const three = '3'.repeat(40)
const main = 'refs/heads/main'

/** What git needs to take a folder for a repository. */
function aRepository(): string {
  const gitDirectory = join(createTemporaryFolder(), 'repository.git')
  mkdirSync(join(gitDirectory, 'refs', 'heads'), { recursive: true })
  mkdirSync(join(gitDirectory, 'objects'))
  writeFileSync(join(gitDirectory, 'HEAD'), 'ref: refs/heads/main\n')
  return gitDirectory
}

function write(gitDirectory: string, path: string, content: string): void {
  mkdirSync(dirname(join(gitDirectory, path)), { recursive: true })
  writeFileSync(join(gitDirectory, path), content)
}

function read(gitDirectory: string, path: string): string {
  return readFileSync(join(gitDirectory, path), 'utf8')
}

function failure(code: string): Error {
  return Object.assign(new Error(`${code}: injected`), { code })
}

/** Every file below the refs and in our folder. */
function traces(gitDirectory: string): string[] {
  return ['refs', 'signalbox'].flatMap((folder) =>
    existsSync(join(gitDirectory, folder))
      ? readdirSync(join(gitDirectory, folder), { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map((entry) => join(entry.parentPath, entry.name).slice(gitDirectory.length + 1))
      : [],
  )
}

/** Commits that exist, oldest first, of which none is on a branch. */
function commits(gitDirectory: string, count: number): string[] {
  const tree = git(['mktree'], { cwd: gitDirectory, input: '' }).trim()
  return Array.from({ length: count }, (_, index) =>
    git(['commit-tree', tree, '-m', `${index}`], { cwd: gitDirectory }).trim(),
  )
}

describe('reading a ref', () => {
  it('answers what the loose file says, before what is packed', async () => {
    const gitDirectory = aRepository()
    write(
      gitDirectory,
      'packed-refs',
      `# pack-refs with: peeled fully-peeled sorted \n${one} ${main}\n${two} refs/heads/other\n`,
    )
    expect(await readRef(gitDirectory, main)).toBe(one)
    write(gitDirectory, main, `${three}\n`)
    expect(await readRef(gitDirectory, main)).toBe(three)
    expect(await readRef(gitDirectory, 'refs/heads/other')).toBe(two)
  })

  it('answers nothing when it is nowhere, even if other refs stand above or below', async () => {
    const gitDirectory = aRepository()
    write(gitDirectory, 'refs/heads/a/b', `${one}\n`)
    write(gitDirectory, 'packed-refs', `${one} refs/heads/main-2\n${two} x${main}\n${one} refs/tags/v1\n^${two}\n`)
    for (const ref of [main, 'refs/heads/a', 'refs/heads/a/b/c', 'refs/heads/q/r', 'HEAD']) {
      expect(await readRef(gitDirectory, ref)).toBeUndefined()
    }
  })

  it('reads the last line of packed refs even when it does not end', async () => {
    const gitDirectory = aRepository()
    write(gitDirectory, 'packed-refs', `${one} ${main}`)
    expect(await readRef(gitDirectory, main)).toBe(one)
  })

  it('follows symbolic refs for five levels', async () => {
    const gitDirectory = aRepository()
    for (let level = 1; level <= 6; level += 1)
      write(gitDirectory, `refs/heads/${level}`, `ref: refs/heads/${level - 1}\n`)
    write(gitDirectory, 'refs/heads/0', `${one}\n`)
    expect(await readRef(gitDirectory, 'refs/heads/5')).toBe(one)
    await expect(readRef(gitDirectory, 'refs/heads/6')).rejects.toThrow(MalformedRefError)
    write(gitDirectory, 'refs/heads/0', 'ref: refs/heads/0\n')
    await expect(readRef(gitDirectory, 'refs/heads/0')).rejects.toThrow(MalformedRefError)
  })

  it.each([
    '',
    '\n',
    'main',
    one.slice(1),
    `${one}0`,
    one.replace('1', 'A'),
    `${one} ${two}`,
    'ref:',
    'ref: ../outside',
    'ref: refs/heads/../../x',
    'ref: a b',
    `\0${one}`,
  ])('refuses a file that holds %j', async (content) => {
    const gitDirectory = aRepository()
    write(gitDirectory, main, content)
    const error = await readRef(gitDirectory, main).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(MalformedRefError)
    expect(error).toMatchObject({ code: 'MALFORMED_REF', ref: main })
  })

  it.each([`nonsense ${main}\n`, `${one}${one} ${main}\n`, `${one.slice(1)} ${main}\n`, ` ${main}\n`])(
    'refuses packed refs with the line %j',
    async (line) => {
      const gitDirectory = aRepository()
      write(gitDirectory, 'packed-refs', `${one} refs/heads/a\n${line}`)
      await expect(readRef(gitDirectory, main)).rejects.toThrow(MalformedRefError)
      expect(await readRef(gitDirectory, 'refs/heads/a')).toBe(one)
    },
  )

  it.each([
    '',
    '.',
    '..',
    '/etc/passwd',
    '../HEAD',
    'config',
    'refs',
    'refs/',
    'refs/heads/a@{1}',
    'refs/heads/../../config',
    'refs/heads/',
  ])('refuses the name %j', async (name) => {
    await expect(readRef(aRepository(), name)).rejects.toThrow(MalformedRefError)
  })

  it.runIf(hasGit)('takes the names that git takes', async () => {
    const gitDirectory = aRepository()
    const piece = fc.constantFrom(
      'a',
      '.',
      '..',
      '/',
      '@',
      '{',
      '~',
      '^',
      ':',
      '?',
      '*',
      '[',
      ']',
      '\\',
      ' ',
      '\t',
      '\u007f',
      '.lock',
      'ä',
      '-',
      '$',
    )
    const name = fc.array(piece, { minLength: 1, maxLength: 5 }).map((pieces) => `refs/heads/${pieces.join('')}`)
    await fc.assert(
      fc.asyncProperty(name, async (ref) => {
        const refused = await readRef(gitDirectory, ref).catch((error: unknown) => error)
        expect([ref, refused instanceof MalformedRefError]).toEqual([ref, !isRefNameToGit(ref)])
      }),
      { numRuns: 150 },
    )
  })

  it('passes on what the file system says otherwise', async () => {
    const gitDirectory = aRepository()
    mkdirSync(join(gitDirectory, 'refs/heads'), { recursive: true })
    symlinkSync('main', join(gitDirectory, main))
    await expect(readRef(gitDirectory, main)).rejects.toMatchObject({ code: 'ELOOP' })
  })
})

function isRefNameToGit(ref: string): boolean {
  try {
    git(['check-ref-format', ref])
    return true
  } catch {
    return false
  }
}

describe('reading a ref while others pack and unpack refs', () => {
  it('finds it when it was created after the first look', async () => {
    const gitDirectory = aRepository()
    vi.mocked(readFile).mockImplementation(async (path, options) => {
      const answer = await actual.readFile(path, options).catch((error: unknown) => error)
      if ((path as string).endsWith('packed-refs')) write(gitDirectory, main, `${one}\n`)
      if (answer instanceof Error) throw answer
      return answer as never
    })
    expect(await readRef(gitDirectory, main)).toBe(one)
  })

  it.runIf(hasGit)('never finds it absent', async () => {
    const gitDirectory = createBareRepository()
    const [first, second] = commits(gitDirectory, 2) as [string, string]
    git(['update-ref', main, first], { cwd: gitDirectory })
    const run = promisify(execFile)
    const progress = { isDone: false }
    const packing = (async () => {
      for (let round = 0; round < 30; round += 1) {
        await run('git', ['pack-refs', '--all'], { cwd: gitDirectory, env: gitEnvironment() })
        const id = round % 2 === 0 ? second : first
        await run('git', ['update-ref', main, id], { cwd: gitDirectory, env: gitEnvironment() })
      }
      progress.isDone = true
    })()
    const found = new Set<string | undefined>()
    let count = 0
    while (!progress.isDone) {
      found.add(await readRef(gitDirectory, main))
      count += 1
      // A ref that is found at once takes no turn of the event loop.
      await nextTurn()
    }
    await packing
    expect(found).toEqual(new Set([first, second]))
    expect(count).toBeGreaterThan(10)
  })
})

describe('the branch of HEAD', () => {
  it('is named in full, whether it exists or not', async () => {
    const gitDirectory = aRepository()
    expect(await readHeadBranch(gitDirectory)).toBe(main)
    write(gitDirectory, 'HEAD', 'ref:refs/heads/a/b')
    expect(await readHeadBranch(gitDirectory)).toBe('refs/heads/a/b')
  })

  it('is missing when HEAD names a commit, is malformed, or is not there', async () => {
    const gitDirectory = aRepository()
    for (const content of [`${one}\n`, '', 'ref: refs/heads/.invalid\n']) {
      write(gitDirectory, 'HEAD', content)
      await expect(readHeadBranch(gitDirectory)).rejects.toThrow(MalformedRefError)
    }
    await expect(readHeadBranch(createTemporaryFolder())).rejects.toThrow('not a git repository')
  })

  it.runIf(hasGit)('is the one that git says', async () => {
    const gitDirectory = createBareRepository()
    expect(await readHeadBranch(gitDirectory)).toBe(main)
    git(['symbolic-ref', 'HEAD', 'refs/heads/other'], { cwd: gitDirectory })
    expect(await readHeadBranch(gitDirectory)).toBe('refs/heads/other')
  })
})

describe('the branches', () => {
  it('are the loose and the packed ones, without locks', async () => {
    const gitDirectory = aRepository()
    write(gitDirectory, 'refs/heads/b', `${one}\n`)
    write(gitDirectory, 'refs/heads/a/b', 'broken')
    write(gitDirectory, 'refs/heads/b.lock', '')
    mkdirSync(join(gitDirectory, 'refs/heads/empty'))
    write(
      gitDirectory,
      'packed-refs',
      `# pack-refs\n${one} refs/heads/b\n${one} refs/heads/c\n${one} refs/tags/t\n^${one}\n`,
    )
    expect(await listBranches(gitDirectory)).toEqual(['refs/heads/a/b', 'refs/heads/b', 'refs/heads/c'])
  })

  it('are none where there are no refs', async () => {
    expect(await listBranches(createTemporaryFolder())).toEqual([])
  })

  it.runIf(hasGit)('are those that git lists', async () => {
    const gitDirectory = createBareRepository()
    const [commit] = commits(gitDirectory, 1) as [string]
    for (const name of ['main', 'b', 'a/b', 'a/c', 'ä'])
      git(['update-ref', `refs/heads/${name}`, commit], { cwd: gitDirectory })
    git(['tag', '-m', 'v1', 'v1', commit], { cwd: gitDirectory })
    git(['pack-refs', '--all'], { cwd: gitDirectory })
    git(['update-ref', 'refs/heads/loose', commit], { cwd: gitDirectory })
    const listed = git(['for-each-ref', '--format=%(refname)', 'refs/heads'], { cwd: gitDirectory }).trim().split('\n')
    expect(await listBranches(gitDirectory)).toEqual(listed)
  })
})

describe('moving a ref', () => {
  it('creates, moves, and refuses when it is elsewhere', async () => {
    const gitDirectory = aRepository()
    const move = { gitDirectory, ref: main }
    expect(await moveRef({ ...move, from: one, to: two })).toBe('moved')
    expect(await readRef(gitDirectory, main)).toBeUndefined()
    expect(await moveRef({ ...move, from: undefined, to: one })).toBe('published')
    expect(read(gitDirectory, main)).toBe(`${one}\n`)
    expect(await moveRef({ ...move, from: undefined, to: two })).toBe('moved')
    expect(await moveRef({ ...move, from: two, to: three })).toBe('moved')
    expect(read(gitDirectory, main)).toBe(`${one}\n`)
    expect(await moveRef({ ...move, from: one, to: two })).toBe('published')
    expect(await moveRef({ ...move, from: two, to: two })).toBe('published')
    expect(read(gitDirectory, main)).toBe(`${two}\n`)
    expect(traces(gitDirectory)).toEqual([main])
  })

  it('leaves the file as it is when it refuses', async () => {
    const gitDirectory = aRepository()
    write(gitDirectory, main, `${one}\n`)
    const before = statSync(join(gitDirectory, main)).ino
    expect(await moveRef({ gitDirectory, ref: main, from: two, to: three })).toBe('moved')
    expect(statSync(join(gitDirectory, main)).ino).toBe(before)
    expect(traces(gitDirectory)).toEqual([main])
  })

  it.runIf(hasGit)('moves what git has packed, and git sees it', async () => {
    const gitDirectory = createBareRepository()
    const [first, second, third] = commits(gitDirectory, 3) as [string, string, string]
    git(['update-ref', main, first], { cwd: gitDirectory })
    git(['pack-refs', '--all'], { cwd: gitDirectory })
    expect(existsSync(join(gitDirectory, main))).toBe(false)
    expect(await moveRef({ gitDirectory, ref: main, from: second, to: third })).toBe('moved')
    expect(await moveRef({ gitDirectory, ref: main, from: first, to: second })).toBe('published')
    expect(git(['rev-parse', main], { cwd: gitDirectory }).trim()).toBe(second)
    git(['pack-refs', '--all'], { cwd: gitDirectory })
    expect(await moveRef({ gitDirectory, ref: main, from: second, to: third })).toBe('published')
    expect(git(['rev-parse', main], { cwd: gitDirectory }).trim()).toBe(third)
    git(['update-ref', main, first, third], { cwd: gitDirectory })
    expect(await moveRef({ gitDirectory, ref: main, from: third, to: second })).toBe('moved')
    expect(git(['fsck', '--strict', '--no-dangling'], { cwd: gitDirectory })).toBe('')
  })

  it('moves the ref that a symbolic one points to', async () => {
    const gitDirectory = aRepository()
    expect(await moveRef({ gitDirectory, ref: 'HEAD', from: undefined, to: one })).toBe('published')
    expect(read(gitDirectory, 'HEAD')).toBe('ref: refs/heads/main\n')
    expect(read(gitDirectory, main)).toBe(`${one}\n`)
  })

  it('refuses a ref that became symbolic while it waited', async () => {
    const gitDirectory = aRepository()
    write(gitDirectory, main, `${one}\n`)
    write(gitDirectory, 'refs/heads/other', `${one}\n`)
    vi.mocked(link).mockImplementationOnce(async (from, to) => {
      write(gitDirectory, main, 'ref: refs/heads/other\n')
      return actual.link(from, to)
    })
    expect(await moveRef({ gitDirectory, ref: main, from: one, to: two })).toBe('moved')
    expect(read(gitDirectory, 'refs/heads/other')).toBe(`${one}\n`)
  })

  it('does not write what is no id, nor to what is no ref', async () => {
    const gitDirectory = aRepository()
    await expect(moveRef({ gitDirectory, ref: main, from: undefined, to: 'HEAD' })).rejects.toThrow(MalformedRefError)
    await expect(moveRef({ gitDirectory, ref: '../x', from: undefined, to: one })).rejects.toThrow(MalformedRefError)
    write(gitDirectory, main, 'broken')
    await expect(moveRef({ gitDirectory, ref: main, from: undefined, to: one })).rejects.toThrow(MalformedRefError)
    expect(traces(gitDirectory)).toEqual([main])
  })

  it('syncs the content before it takes the lock, and the folders after the ref has moved', async () => {
    const gitDirectory = aRepository()
    const steps: string[] = []
    vi.mocked(open).mockImplementation(async (path, ...rest) => {
      const file = await actual.open(path, ...rest)
      const sync = file.sync.bind(file)
      file.sync = async () => {
        steps.push(`sync ${(path as string).slice(gitDirectory.length + 1)}`)
        return sync()
      }
      return file
    })
    vi.mocked(link).mockImplementation(async (from, to) => {
      steps.push('link')
      return actual.link(from, to)
    })
    vi.mocked(rename).mockImplementation(async (from, to) => {
      steps.push('rename')
      return actual.rename(from, to)
    })
    await moveRef({ gitDirectory, ref: main, from: undefined, to: one })
    expect(steps).toEqual(['sync signalbox/ref-lock', 'link', 'rename', 'sync refs/heads'])
    steps.length = 0
    await moveRef({ gitDirectory, ref: 'refs/heads/a/b/c', from: undefined, to: one })
    expect(steps.slice(3)).toEqual(['sync refs/heads/a/b', 'sync refs/heads/a', 'sync refs/heads'])
  })
})

describe('movers at the same time', () => {
  it('are won by exactly one', async () => {
    const gitDirectory = aRepository()
    const ids = Array.from({ length: 16 }, (_, index) => index.toString(16).repeat(40))
    const outcomes = await Promise.all(ids.map((to) => moveRef({ gitDirectory, ref: main, from: undefined, to })))
    expect(outcomes.filter((outcome) => outcome === 'published')).toHaveLength(1)
    expect(await readRef(gitDirectory, main)).toBe(ids[outcomes.indexOf('published')])
    expect(traces(gitDirectory)).toEqual([main])
  })

  it('each get their turn when they look again', async () => {
    const gitDirectory = aRepository()
    const numberOf = (id: string | undefined): number => Number.parseInt(id ?? '0', 16)
    const addOne = async (): Promise<void> => {
      const from = await readRef(gitDirectory, main)
      const to = (numberOf(from) + 1).toString(16).padStart(40, '0')
      if ((await moveRef({ gitDirectory, ref: main, from, to })) === 'moved') await addOne()
    }
    await Promise.all(Array.from({ length: 12 }, addOne))
    expect(numberOf(await readRef(gitDirectory, main))).toBe(12)
  })

  it.runIf(hasGit)('are won by exactly one, git among them', async () => {
    const gitDirectory = createBareRepository()
    const [start, ...targets] = commits(gitDirectory, 13) as [string, ...string[]]
    git(['update-ref', main, start], { cwd: gitDirectory })
    const run = promisify(execFile)
    const moves = targets.map(async (to, index) => {
      if (index % 2 === 0) return moveRef({ gitDirectory, ref: main, from: start, to })
      const args = ['update-ref', main, to, start]
      return run('git', args, { cwd: gitDirectory, env: gitEnvironment() }).then(
        () => 'published',
        () => 'moved',
      )
    })
    const outcomes = await Promise.all(moves)
    expect(outcomes.filter((outcome) => outcome === 'published')).toHaveLength(1)
    expect(git(['rev-parse', main], { cwd: gitDirectory }).trim()).toBe(targets[outcomes.indexOf('published')])
  })

  it('fail each for itself', async () => {
    const gitDirectory = aRepository()
    const outcomes = await Promise.allSettled([
      moveRef({ gitDirectory, ref: main, from: undefined, to: 'nonsense' }),
      moveRef({ gitDirectory, ref: main, from: undefined, to: one }),
    ])
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled'])
  })

  it('do not publish what a second instance wants, though it should not be', async () => {
    const gitDirectory = aRepository()
    const privateFile = join(gitDirectory, 'signalbox', 'ref-lock')
    vi.mocked(link).mockImplementationOnce(async (from, to) => {
      unlinkSync(privateFile)
      writeFileSync(privateFile, `${two}\n`)
      return actual.link(from, to)
    })
    expect(await moveRef({ gitDirectory, ref: main, from: undefined, to: one })).toBe('published')
    expect(read(gitDirectory, main)).toBe(`${one}\n`)
    expect(vi.mocked(link)).toHaveBeenCalledTimes(2)
  })
})

describe("somebody else's lock", () => {
  it('is waited for', async () => {
    const gitDirectory = aRepository()
    write(gitDirectory, `${main}.lock`, '')
    const moving = moveRef({ gitDirectory, ref: main, from: undefined, to: one })
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(existsSync(join(gitDirectory, main))).toBe(false)
    unlinkSync(join(gitDirectory, `${main}.lock`))
    expect(await moving).toBe('published')
  })

  it('is reported with its age when it stays, and left alone', async () => {
    const gitDirectory = aRepository()
    const lockFile = join(gitDirectory, `${main}.lock`)
    write(gitDirectory, `${main}.lock`, '')
    utimesSync(lockFile, new Date(), new Date(Date.now() - 73_000))
    const moving = moveRef({ gitDirectory, ref: main, from: undefined, to: one, lockTimeout: 30 })
    const error = (await moving.catch((reason: unknown) => reason)) as RefLockedError
    expect(error).toBeInstanceOf(RefLockedError)
    expect(error).toMatchObject({ code: 'REF_LOCKED', lockFile })
    expect(error.message).toMatch(
      /^refs\/heads\/main is locked by .*main\.lock, which is 7\d s old\. .*remove that file\.$/,
    )
    expect(Math.round(error.age / 1000)).toBeGreaterThanOrEqual(73)
    expect(traces(gitDirectory)).toEqual([`${main}.lock`])
  })

  it('may come in between', async () => {
    const gitDirectory = aRepository()
    vi.mocked(link).mockImplementationOnce(async (from, to) => {
      writeFileSync(to, '')
      setTimeout(() => unlinkSync(to), 50)
      return actual.link(from, to)
    })
    expect(await moveRef({ gitDirectory, ref: main, from: undefined, to: one })).toBe('published')
    expect(traces(gitDirectory)).toEqual([main])
  })

  it('may come in between and stay, and then nothing of ours does', async () => {
    const gitDirectory = aRepository()
    vi.mocked(link).mockImplementationOnce(async (from, to) => {
      writeFileSync(to, '')
      return actual.link(from, to)
    })
    const move = { gitDirectory, ref: main, from: undefined, to: one, lockTimeout: 0 }
    await expect(moveRef(move)).rejects.toThrow(RefLockedError)
    expect(traces(gitDirectory)).toEqual([`${main}.lock`])
  })

  it('is left alone when it is taken as soon as ours became the ref', async () => {
    const gitDirectory = aRepository()
    vi.mocked(rename).mockImplementationOnce(async (from, to) => {
      await actual.rename(from, to)
      writeFileSync(from, '')
    })
    expect(await moveRef({ gitDirectory, ref: main, from: undefined, to: one })).toBe('published')
    expect(traces(gitDirectory).toSorted()).toEqual([main, `${main}.lock`])
  })

  it('is tried once when there is no time', async () => {
    const gitDirectory = aRepository()
    const move = { gitDirectory, ref: main, from: undefined, to: one, lockTimeout: 0 }
    write(gitDirectory, `${main}.lock`, '')
    await expect(moveRef(move)).rejects.toThrow(RefLockedError)
    unlinkSync(join(gitDirectory, `${main}.lock`))
    expect(await moveRef(move)).toBe('published')
  })
})

describe('after a crash', () => {
  /** Takes the lock and stops there, as if the process had died. */
  async function crashWithLock(gitDirectory: string): Promise<void> {
    vi.mocked(rename).mockRejectedValueOnce(failure('CRASH'))
    vi.mocked(rm).mockImplementation(async (path, options) => {
      const isBeforeLock = vi.mocked(rename).mock.calls.length === 0
      if (isBeforeLock) await actual.rm(path, options)
    })
    const from = await readRef(gitDirectory, main)
    await expect(moveRef({ gitDirectory, ref: main, from, to: two })).rejects.toThrow('CRASH')
    vi.resetAllMocks()
  }

  it('our own lock is recognised and removed', async () => {
    const gitDirectory = aRepository()
    write(gitDirectory, main, `${one}\n`)
    await crashWithLock(gitDirectory)
    expect(traces(gitDirectory).toSorted()).toEqual([main, `${main}.lock`, 'signalbox/ref-lock'])
    expect(await removeStaleRefLock(gitDirectory, main)).toBe(true)
    expect(traces(gitDirectory)).toEqual([main])
    expect(await removeStaleRefLock(gitDirectory, main)).toBe(false)
    expect(await moveRef({ gitDirectory, ref: main, from: one, to: three })).toBe('published')
  })

  it('our own lock is recognised through HEAD', async () => {
    const gitDirectory = aRepository()
    await crashWithLock(gitDirectory)
    expect(await removeStaleRefLock(gitDirectory, 'HEAD')).toBe(true)
  })

  it("somebody else's lock is not ours, even with the same content", async () => {
    const gitDirectory = aRepository()
    await crashWithLock(gitDirectory)
    unlinkSync(join(gitDirectory, `${main}.lock`))
    expect(await removeStaleRefLock(gitDirectory, main)).toBe(false)
    write(gitDirectory, `${main}.lock`, `${two}\n`)
    expect(await removeStaleRefLock(gitDirectory, main)).toBe(false)
    rmSync(join(gitDirectory, 'signalbox'), { recursive: true })
    expect(await removeStaleRefLock(gitDirectory, main)).toBe(false)
    expect(existsSync(join(gitDirectory, `${main}.lock`))).toBe(true)
  })

  it('a private file that has become the ref is not written to', async () => {
    const gitDirectory = aRepository()
    write(gitDirectory, 'signalbox/ref-lock', `${one}\n`)
    linkSync(join(gitDirectory, 'signalbox/ref-lock'), join(gitDirectory, main))
    expect(await removeStaleRefLock(gitDirectory, main)).toBe(false)
    expect(await moveRef({ gitDirectory, ref: main, from: two, to: three })).toBe('moved')
    expect(read(gitDirectory, main)).toBe(`${one}\n`)
    expect(await moveRef({ gitDirectory, ref: main, from: one, to: two })).toBe('published')
    expect(read(gitDirectory, main)).toBe(`${two}\n`)
  })

  it.runIf(hasGit)('git waits for the lock that is left, and works when it is gone', async () => {
    const gitDirectory = createBareRepository()
    const [commit] = commits(gitDirectory, 1) as [string]
    await crashWithLock(gitDirectory)
    const args = ['-c', 'core.filesRefLockTimeout=0', 'update-ref', main, commit]
    expect(() => git(args, { cwd: gitDirectory })).toThrow('main.lock')
    expect(await removeStaleRefLock(gitDirectory, main)).toBe(true)
    git(args, { cwd: gitDirectory })
    expect(await readRef(gitDirectory, main)).toBe(commit)
  })
})

describe.each(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV'])('without hard links (%s)', (code) => {
  it('the lock is as good', async () => {
    const gitDirectory = aRepository()
    vi.mocked(link).mockRejectedValue(failure(code))
    const ids = Array.from({ length: 8 }, (_, index) => `${index}`.repeat(40))
    const outcomes = await Promise.all(ids.map((to) => moveRef({ gitDirectory, ref: main, from: undefined, to })))
    expect(outcomes.filter((outcome) => outcome === 'published')).toHaveLength(1)
    expect(await moveRef({ gitDirectory, ref: main, from: ids[outcomes.indexOf('published')], to: one })).toBe(
      'published',
    )
    expect(traces(gitDirectory)).toEqual([main])
    write(gitDirectory, `${main}.lock`, '')
    const late = moveRef({ gitDirectory, ref: main, from: one, to: two, lockTimeout: 20 })
    await expect(late).rejects.toThrow(RefLockedError)
    expect(read(gitDirectory, main)).toBe(`${one}\n`)
  })
})

describe('a ref where a folder stands, or the other way round', () => {
  it('is created with its folders', async () => {
    const gitDirectory = aRepository()
    expect(await moveRef({ gitDirectory, ref: 'refs/heads/a/b/c', from: undefined, to: one })).toBe('published')
    expect(read(gitDirectory, 'refs/heads/a/b/c')).toBe(`${one}\n`)
  })

  it('replaces folders without refs', async () => {
    const gitDirectory = aRepository()
    mkdirSync(join(gitDirectory, 'refs/heads/a/b/c'), { recursive: true })
    mkdirSync(join(gitDirectory, 'refs/heads/a/d'))
    expect(await moveRef({ gitDirectory, ref: 'refs/heads/a', from: undefined, to: one })).toBe('published')
    expect(read(gitDirectory, 'refs/heads/a')).toBe(`${one}\n`)
  })

  it('comes back when git removes the folder at the wrong moment', async () => {
    const gitDirectory = aRepository()
    vi.mocked(link).mockImplementationOnce(async (from, to) => {
      rmdirSync(dirname(to as string))
      return actual.link(from, to)
    })
    expect(await moveRef({ gitDirectory, ref: 'refs/heads/a/b', from: undefined, to: one })).toBe('published')
  })

  it.each([
    ['above', 'refs/heads/a', 'refs/heads/a/b/c', 'refs/heads/a'],
    ['below', 'refs/heads/a/b/c', 'refs/heads/a', 'refs/heads/a'],
  ])('is refused when a loose ref stands %s', async (_, existing, ref, obstacle) => {
    const gitDirectory = aRepository()
    write(gitDirectory, existing, `${one}\n`)
    const error = await moveRef({ gitDirectory, ref, from: undefined, to: two }).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(PathConflictError)
    expect(error).toMatchObject({ path: ref, obstacle })
    expect(traces(gitDirectory)).toEqual([existing])
  })

  it.each([
    ['above', 'refs/heads/a', 'refs/heads/a/b/c'],
    ['below', 'refs/heads/a/b/c', 'refs/heads/a'],
  ])('is refused when a packed ref stands %s', async (_, existing, ref) => {
    const gitDirectory = aRepository()
    write(gitDirectory, 'packed-refs', `${one} refs/heads/a-b\n${one} ${existing}\n`)
    const error = await moveRef({ gitDirectory, ref, from: undefined, to: two }).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(PathConflictError)
    expect(error).toMatchObject({ path: ref, obstacle: existing })
    expect(traces(gitDirectory)).toEqual([])
  })
})

describe('when the file system fails', () => {
  it('before the ref has moved, nothing is left', async () => {
    const gitDirectory = aRepository()
    write(gitDirectory, main, `${one}\n`)
    const move = { gitDirectory, ref: main, from: one, to: two }
    vi.mocked(rename).mockRejectedValueOnce(failure('ENOSPC'))
    await expect(moveRef(move)).rejects.toMatchObject({ code: 'ENOSPC' })
    vi.mocked(link).mockRejectedValueOnce(failure('EIO'))
    await expect(moveRef(move)).rejects.toMatchObject({ code: 'EIO' })
    vi.mocked(open).mockImplementationOnce(async (...args) => {
      const file = await actual.open(...args)
      file.sync = () => Promise.reject(failure('ENOSPC'))
      return file
    })
    await expect(moveRef(move)).rejects.toMatchObject({ code: 'ENOSPC' })
    expect(traces(gitDirectory)).toEqual([main])
    expect(read(gitDirectory, main)).toBe(`${one}\n`)
    expect(await moveRef(move)).toBe('published')
  })

  it('after the ref has moved, the error says so', async () => {
    const gitDirectory = aRepository()
    vi.mocked(open).mockImplementation(async (path, ...rest) => {
      if ((path as string).endsWith('heads')) throw failure('EIO')
      return actual.open(path, ...rest)
    })
    const error = await moveRef({ gitDirectory, ref: main, from: undefined, to: one }).catch(
      (reason: unknown) => reason,
    )
    expect(error).toBeInstanceOf(RefNotDurableError)
    expect(error).toMatchObject({ code: 'REF_NOT_DURABLE', ref: main, cause: { code: 'EIO' } })
    expect(traces(gitDirectory)).toEqual([main])
  })
})

describe('the log of a ref', () => {
  const committer = { name: 'Test <Author>', email: 'test@example.com' }

  it.runIf(hasGit)('gets a line that git reads', async () => {
    const gitDirectory = createBareRepository()
    const [first, second] = commits(gitDirectory, 2) as [string, string]
    write(gitDirectory, `logs/${main}`, '')
    await moveRef({
      gitDirectory,
      ref: main,
      from: undefined,
      to: first,
      reflog: { committer, message: 'deploy\n\n checkout\t' },
    })
    await moveRef({ gitDirectory, ref: main, from: first, to: second })
    const printed = git(['log', '-g', '--format=%H %gn <%ge> %gs', main], { cwd: gitDirectory })
    expect(printed).toBe(`${second} signalbox <> update\n${first} Test Author <test@example.com> deploy checkout\n`)
    const lines = read(gitDirectory, `logs/${main}`).split('\n')
    expect(lines[0]).toMatch(
      new RegExp(`^0{40} ${first} Test Author <test@example.com> \\d+ \\+0000\tdeploy checkout$`),
    )
    expect(lines[1]).toMatch(new RegExp(`^${first} ${second} signalbox <> \\d+ \\+0000\tupdate$`))
    // git goes on where we stopped.
    git(['update-ref', '-m', 'back', main, first], { cwd: gitDirectory })
    expect(git(['fsck', '--strict', '--no-dangling'], { cwd: gitDirectory })).toBe('')
  })

  it('gets none when nothing moved', async () => {
    const gitDirectory = aRepository()
    write(gitDirectory, `logs/${main}`, '')
    await moveRef({ gitDirectory, ref: main, from: one, to: two })
    expect(read(gitDirectory, `logs/${main}`)).toBe('')
  })

  it('is not created, and no obstacle when it cannot be written', async () => {
    const gitDirectory = aRepository()
    expect(await moveRef({ gitDirectory, ref: main, from: undefined, to: one })).toBe('published')
    expect(existsSync(join(gitDirectory, 'logs'))).toBe(false)
    mkdirSync(join(gitDirectory, 'logs', dirname(main)), { recursive: true })
    expect(await moveRef({ gitDirectory, ref: main, from: one, to: one })).toBe('published')
    expect(existsSync(join(gitDirectory, 'logs', main))).toBe(false)
    mkdirSync(join(gitDirectory, 'logs', main), { recursive: true })
    expect(await moveRef({ gitDirectory, ref: main, from: one, to: two })).toBe('published')
  })
})

describe('what git leaves in a ref', () => {
  it.runIf(hasGit)('is read after every way to write it', async () => {
    const gitDirectory = createBareRepository()
    const [first, second] = commits(gitDirectory, 2) as [string, string]
    git(['update-ref', main, first], { cwd: gitDirectory })
    expect(await readRef(gitDirectory, 'HEAD')).toBe(first)
    git(['pack-refs', '--all'], { cwd: gitDirectory })
    expect(await readRef(gitDirectory, main)).toBe(first)
    git(['update-ref', main, second], { cwd: gitDirectory })
    expect(await readRef(gitDirectory, main)).toBe(second)
    git(['update-ref', '-d', main], { cwd: gitDirectory })
    expect(await readRef(gitDirectory, main)).toBeUndefined()
    appendFileSync(join(gitDirectory, 'packed-refs'), `${first} ${main}\n`)
    expect(await readRef(gitDirectory, main)).toBe(first)
  })
})
