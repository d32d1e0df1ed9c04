import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { assertServable } from '../../../src/manifest-store/repository/assert-servable.ts'
import { LocalRepository } from '../../../src/manifest-store/repository/local-repository.ts'
import { RepositoryRefusedError } from '../../../src/manifest-store/store-errors.ts'
import { createBareRepository, createTemporaryFolder, git, hasGit } from '../../support/real-git.ts'
import { signalbox } from '../../support/test-store.ts'

const log = { info: () => {}, warn: () => {}, error: () => {} }

describe.runIf(hasGit)('a repository that can be served', () => {
  it('may be empty', async () => {
    expect(await serve(createBareRepository())).toBe('main')
  })

  it.each([
    ['a bare clone', ['--bare']],
    ['a mirror', ['--mirror']],
    ['a shallow bare clone', ['--bare', '--depth=1']],
    ['a partial clone', ['--bare', '--filter=blob:limit=1k']],
    ['a clone of one branch', ['--bare', '--single-branch']],
  ])('may be %s', async (_, options) => {
    const clone = join(createTemporaryFolder(), 'clone.git')
    git(['clone', '--quiet', ...options, `file://${createWorkingTree()}`, clone])
    expect(await serve(clone)).toBe('main')
  })

  it('may have all its refs packed', async () => {
    const repository = createBareClone()
    git(['pack-refs', '--all'], { cwd: repository })
    expect(existsSync(join(repository, 'refs/heads/main'))).toBe(false)
    expect(await serve(repository)).toBe('main')
  })

  it('may have extensions that do not concern it', async () => {
    const repository = createBareClone()
    git(['config', 'core.repositoryFormatVersion', '1'], { cwd: repository })
    for (const [name, value] of [
      ['noop', '1'],
      ['preciousObjects', 'true'],
      ['partialClone', 'origin'],
      ['worktreeConfig', 'true'],
      ['objectFormat', 'sha1'],
      ['refStorage', 'files'],
    ] as const) {
      git(['config', `extensions.${name}`, value], { cwd: repository })
    }
    expect(await serve(repository)).toBe('main')
  })

  it('may have unknown extensions in the format that ignores them', async () => {
    const repository = createBareClone()
    git(['config', 'extensions.future', 'true'], { cwd: repository })
    expect(await serve(repository)).toBe('main')
  })

  it('may have served as a working tree, if that is gone', async () => {
    const repository = join(createWorkingTree(), '.git')
    git(['config', 'core.bare', 'true'], { cwd: repository })
    expect(await serve(repository)).toBe('main')
  })

  it('may have no config, or say the same in another way', async () => {
    const repository = createBareClone()
    const config = join(repository, 'config')
    rmSync(config)
    expect(await serve(repository)).toBe('main')
    for (const text of [
      '[core]\n\tbare\n',
      '[CORE]\n\tBARE = YES ; really\n',
      '[core] bare = 1\n',
      '[core]bare=on # yes\n',
      '[core]\r\n\tbare = "true"\r\n',
      '# [core]\n[core]\n; bare = false\n\tbare = true\n[remote "core"]\n\tbare = false\n',
      '[core]\n\tbare = false\n[core]\n\tbare = true\n',
    ]) {
      writeFileSync(config, text)
      expect([text, git(['rev-parse', '--is-bare-repository'], { cwd: repository })]).toEqual([text, 'true\n'])
      expect(await serve(repository)).toBe('main')
    }
  })

  it('may have a file of alternates in which none stands', async () => {
    const repository = createBareClone()
    appendFileSync(join(repository, 'objects/info/alternates'), '\n# none\n')
    git(['fsck'], { cwd: repository })
    expect(await serve(repository)).toBe('main')
  })

  it('may borrow its objects from another repository', async () => {
    const path = join(createTemporaryFolder(), 'borrower.git')
    git(['clone', '--quiet', '--bare', '--shared', createWorkingTree(), path])
    expect(await serve(path)).toBe('main')
  })
})

describe('a repository that cannot be served', () => {
  it('is not there: the sentence says how to make one', async () => {
    const path = join(createTemporaryFolder(), 'nothing')
    expect(await refusalOf(path)).toContain(`${path} does not exist. For a new repository: git init --bare ${path}`)
  })

  it('is a folder of other things, or a file', async () => {
    const path = createTemporaryFolder()
    expect(await refusalOf(path)).toContain(`${path} is no git repository. For a new one: git init --bare ${path}`)
    mkdirSync(join(path, 'objects'))
    expect(await refusalOf(path)).toContain(`${path} is no git repository. For a new one: git init --bare ${path}`)
    const file = join(path, 'file')
    writeFileSync(file, '')
    expect(await refusalOf(file)).toContain('is no git repository')
  })
})

describe.runIf(hasGit)('a repository that git has made and that cannot be served', () => {
  it('has a working tree: what the sentence recommends can be served', async () => {
    const path = createWorkingTree()
    expect(await refusalOf(path)).toContain(`Serve a bare clone of it: git clone --bare ${path} ${path}.git`)
    git(['clone', '--quiet', '--bare', path, `${path}.git`])
    await expect(assertServable(`${path}.git`)).resolves.toBeUndefined()
    rmSync(`${path}.git`, { recursive: true })
  })

  it('is a linked working tree', async () => {
    const path = join(createTemporaryFolder(), 'linked')
    git(['worktree', 'add', '--quiet', '--detach', path], { cwd: createBareClone() })
    expect(await refusalOf(path)).toContain(`${path} has a working tree`)
  })

  it.each(['[core]\n\tbare = false\n', '[core] bare = 0\n', '[core]\n\tbare = No\n', '[core]\n\tbare =\n'])(
    'is the .git folder of a working tree: %j',
    async (config) => {
      const path = join(createWorkingTree(), '.git')
      writeFileSync(join(path, 'config'), config)
      expect(git(['rev-parse', '--is-bare-repository'], { cwd: path })).toBe('false\n')
      expect(await refusalOf(path)).toContain(
        `${path} belongs to a working tree, which would not follow what Signalbox commits`,
      )
    },
  )

  it('has SHA-256 objects: what the sentence recommends can be served', async () => {
    const folder = createTemporaryFolder()
    const path = join(folder, 'sha256.git')
    git(['init', '--quiet', '--bare', '--object-format=sha256', path])
    const tree = git(['mktree'], { cwd: path, input: '' }).trim()
    const commit = git(['commit-tree', '-m', 'hello', tree], { cwd: path }).trim()
    git(['update-ref', 'refs/heads/main', commit], { cwd: path })
    expect(await refusalOf(path)).toContain(
      `${path} has SHA-256 objects; Signalbox reads SHA-1 only. Export it to a new one: git init`,
    )
    const exported = git(['fast-export', '--all'], { cwd: path })
    git(['init', '--quiet', '--bare', '--object-format=sha1', '--initial-branch=main', join(folder, 'new.git')])
    git(['fast-import', '--quiet'], { cwd: join(folder, 'new.git'), input: exported })
    await expect(assertServable(join(folder, 'new.git'))).resolves.toBeUndefined()
  })

  it.each([
    ['[extensions]\n\trefStorage = reftable\n', 'keeps its refs as reftable; Signalbox reads ref files only'],
    ['[extensions]\n\tobjectFormat = sha256\n', 'has SHA-256 objects'],
    ['[extensions] objectformat = "sha256"\n', 'has SHA-256 objects'],
    ['[extensions]\n\tfuture = 1\n', 'does not know (version 1, extensions future)'],
    ['[extensions]\n\tnoop\n\tFuture-2\n[Extensions]\n\tthird = [x]\n', '(version 1, extensions future-2, third)'],
    ['[core]\n\trepositoryformatversion = 2\n', 'does not know (version 2)'],
  ])('has a format that we do not know: %j', async (config, sentence) => {
    const path = createBareRepository()
    writeFileSync(join(path, 'config'), `[core]\n\trepositoryformatversion = 1\n\tbare = true\n${config}`)
    expect(await refusalOf(path)).toContain(sentence)
  })

  it('has a detached HEAD, unless a branch is named', async () => {
    const path = createBareClone()
    const head = git(['rev-parse', 'main'], { cwd: path }).trim()
    git(['update-ref', '--no-deref', 'HEAD', head], { cwd: path })
    writeFileSync(join(path, 'HEAD'), `${head}\n`)
    await expect(open(path)).rejects.toThrow(RepositoryRefusedError)
    await expect(open(path)).rejects.toThrow(
      `the HEAD of ${path} names no branch. Name the one to serve in SIGNALBOX_BRANCH`,
    )
    const opened = await open(path, 'main')
    expect(await opened.head()).toBe(head)
    await opened.close()
  })

  it('lacks the branch that is asked for: the sentence names those that are there', async () => {
    const path = createBareClone()
    git(['branch', 'release/1', 'main'], { cwd: path })
    await expect(open(path, 'master')).rejects.toThrow(
      `${path} has no branch 'master'; it has: main, release/1. Name one of them in SIGNALBOX_BRANCH`,
    )
    const opened = await open(path, 'release/1')
    expect([opened.branch, await opened.head()]).toEqual([
      'release/1',
      git(['rev-parse', 'main'], { cwd: path }).trim(),
    ])
    await opened.close()
    const empty = await open(createBareRepository(), 'whatever')
    expect(await empty.head()).toBeUndefined()
    await empty.close()
  })

  it('leaves nothing behind when it is refused', async () => {
    const path = join(createWorkingTree(), '.git')
    await expect(open(path)).rejects.toThrow(RepositoryRefusedError)
    expect(existsSync(join(path, 'signalbox'))).toBe(false)
    expect(readFileSync(join(path, 'HEAD'), 'utf8')).toBe('ref: refs/heads/main\n')
  })
})

function open(path: string, branch?: string): Promise<LocalRepository> {
  return LocalRepository.open({ path, branch, committer: signalbox, log })
}

/** Opens the repository, reads its newest commit, and answers the branch that is served. */
async function serve(repository: string): Promise<string> {
  await assertServable(repository)
  const opened = await open(repository)
  const head = await opened.head()
  if (head !== undefined) await opened.read(head)
  await opened.close()
  return opened.branch
}

async function refusalOf(path: string): Promise<string> {
  const error: unknown = await assertServable(path).catch((reason: unknown) => reason)
  if (!(error instanceof RepositoryRefusedError)) throw new Error('it was not refused', { cause: error })
  return error.message
}

/** A repository with a working tree and two commits on `main`. */
function createWorkingTree(): string {
  const folder = join(createTemporaryFolder(), 'work')
  git(['init', '--quiet', '--initial-branch=main', folder])
  git(['commit', '--quiet', '--allow-empty', '--message=one'], { cwd: folder })
  git(['commit', '--quiet', '--allow-empty', '--message=two'], { cwd: folder })
  return folder
}

function createBareClone(): string {
  const clone = join(createTemporaryFolder(), 'clone.git')
  git(['clone', '--quiet', '--bare', createWorkingTree(), clone])
  return clone
}
