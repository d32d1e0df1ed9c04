import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'
import type { WrittenBranch } from '../../../src/manifest-store/git/branch-writer.ts'
import { serializeCommit } from '../../../src/manifest-store/git/commit.ts'
import { RefLockedError, RefNotDurableError } from '../../../src/manifest-store/git/git-errors.ts'
import { createObject, emptyTreeId } from '../../../src/manifest-store/git/git-object.ts'
import { readRef } from '../../../src/manifest-store/git/ref-file.ts'
import { createBareRepository, createTemporaryFolder, git, hasGit } from '../../support/real-git.ts'
import { signalbox, testTime } from '../../support/test-store.ts'
import { createWriteThread } from '../../support/write-thread.ts'

const log = { warn: () => {}, error: () => {} }

function aBranch(): WrittenBranch {
  return { gitDirectory: createBareRepository(), ref: 'refs/heads/main', committer: signalbox }
}

function aCommit(message: string) {
  return createObject(
    'commit',
    serializeCommit({
      tree: emptyTreeId,
      parents: [],
      author: signalbox,
      authoredAt: testTime,
      committer: signalbox,
      committedAt: testTime,
      message,
    }),
  )
}

const tree = createObject('tree', new Uint8Array())

/** A thread that does this with the first call it gets. */
function aWorker(source: string): URL {
  const file = join(createTemporaryFolder(), 'worker.mjs')
  writeFileSync(
    file,
    `import { parentPort, workerData } from 'node:worker_threads'\nimport fs from 'node:fs'\nparentPort.on('message', (call) => {\n${source}\n})\n`,
  )
  return pathToFileURL(file)
}

describe.runIf(hasGit)('a branch that a thread writes', () => {
  it('is written as git expects, and not where somebody else was faster', async () => {
    const branch = aBranch()
    const writer = createWriteThread(branch, log)
    const [first, second] = [aCommit('first'), aCommit('second')]
    await writer.writePack([tree, first])
    expect(await writer.moveBranch({ from: undefined, to: first.id, tags: [{ name: 'v1', id: first.id }] })).toBe(
      'published',
    )
    await writer.writePack([second])
    expect(await writer.moveBranch({ from: undefined, to: second.id, tags: [] })).toBe('moved')
    expect(
      git(['for-each-ref', '--format=%(refname) %(objectname)'], { cwd: branch.gitDirectory }).trim().split('\n'),
    ).toEqual([`refs/heads/main ${first.id}`, `refs/tags/v1 ${first.id}`])
    expect(git(['cat-file', '-t', second.id], { cwd: branch.gitDirectory }).trim()).toBe('commit')
    git(['fsck', '--strict'], { cwd: branch.gitDirectory })
    expect(git(['count-objects', '-v'], { cwd: branch.gitDirectory })).toContain('packs: 2')
  })

  it('fails with the errors of this thread, and is written the next time', async () => {
    const branch = aBranch()
    const writer = createWriteThread(branch, log)
    const commit = aCommit('first')
    const lock = join(branch.gitDirectory, 'refs/heads/main.lock')
    writeFileSync(lock, '')
    await writer.writePack([tree, commit])
    const move = { from: undefined, to: commit.id, tags: [] }
    await expect(writer.moveBranch(move)).rejects.toBeInstanceOf(RefLockedError)
    rmSync(lock)
    rmSync(join(branch.gitDirectory, 'objects'), { recursive: true })
    await expect(writer.writePack([tree, commit])).rejects.toMatchObject({ code: 'ENOENT', syscall: 'mkdir' })
    mkdirSync(join(branch.gitDirectory, 'objects'))
    await writer.writePack([tree, commit])
    expect(await writer.moveBranch(move)).toBe('published')
  })
})

describe('a thread that ends', () => {
  const commit = aCommit('first')
  const move = { from: undefined, to: commit.id, tags: [] }

  it('before the branch has moved has failed, and another one takes over', async () => {
    const branch = aBranch()
    const writer = createWriteThread(branch, log, aWorker('process.exit(1)'))
    for (let attempt = 0; attempt < 2; attempt += 1) {
      await expect(writer.writePack([commit])).rejects.toThrow('the thread that writes has ended')
    }
    await expect(writer.moveBranch(move)).rejects.toThrow('the thread that writes has ended')
    expect(await readRef(branch.gitDirectory, branch.ref)).toBeUndefined()
  })

  it('after that has written something that may not last', async () => {
    const branch = aBranch()
    const writer = createWriteThread(
      branch,
      log,
      aWorker(
        "fs.writeFileSync(`${workerData.gitDirectory}/${workerData.ref}`, `${call.move.to}\\n`)\nthrow new Error('no memory')",
      ),
    )
    await expect(writer.moveBranch(move)).rejects.toBeInstanceOf(RefNotDurableError)
    await expect(writer.moveBranch(move)).rejects.toMatchObject({ cause: { cause: { message: 'no memory' } } })
  })

  it('while it holds the lock of the branch does not keep it', async () => {
    const branch = aBranch()
    const files = [join(branch.gitDirectory, 'signalbox/ref-lock'), join(branch.gitDirectory, 'refs/heads/main.lock')]
    const writer = createWriteThread(
      branch,
      log,
      aWorker(
        [
          'const { gitDirectory } = workerData',
          'const files = [`${gitDirectory}/signalbox/ref-lock`, `${gitDirectory}/refs/heads/main.lock`]',
          "if (fs.existsSync(files[1])) return parentPort.postMessage({ answer: { done: 'moved' } })",
          'if (fs.existsSync(`${gitDirectory}/signalbox`)) return parentPort.postMessage({ answer: { done: "published" } })',
          'fs.mkdirSync(`${gitDirectory}/signalbox`)',
          "fs.writeFileSync(files[0], '')",
          'fs.linkSync(...files)',
          'process.exit(1)',
        ].join('\n'),
      ),
    )
    await expect(writer.moveBranch(move)).rejects.toThrow('the thread that writes has ended')
    expect(files.map((file) => existsSync(file))).toEqual([true, true])
    expect(await writer.moveBranch(move)).toBe('published')
    expect(files.map((file) => existsSync(file))).toEqual([false, false])
  })
})
