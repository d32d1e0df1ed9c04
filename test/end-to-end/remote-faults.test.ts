import { chmodSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { gitDirectoryIn } from '../../src/manifest-store/remote/local-clone.ts'
import { commitBeside, environmentLock } from '../support/changes.ts'
import { createServedRepository, hasGitHttpBackend, startTestGitHttpServer } from '../support/git-http-server.ts'
import { createTemporaryFolder, git } from '../support/real-git.ts'
import { openServedStore, seedServed, subjectsOn } from '../support/served-store.ts'
import { startServer } from '../support/server-process.ts'
import { canMount, mountSmallDisk } from '../support/small-disk.ts'

async function serve(clone: string) {
  const folder = createTemporaryFolder()
  const { url } = await startTestGitHttpServer({ folder })
  const path = createServedRepository(folder)
  await seedServed(path)
  const address = `${url}/manifests.git`
  const environment = { SIGNALBOX_REPOSITORY: address, SIGNALBOX_FETCH_INTERVAL: '1h', SIGNALBOX_CLONE_PATH: clone }
  const server = await startServer({ folder, environment })
  onTestFinished(async () => void (await server.stop('SIGKILL')))
  const lock = async (id: string, author = 'Deployer') => {
    const encode = (text: string) => Buffer.from(text).toString('base64')
    const response = await fetch(`${server.url}/environments/staging/locks/${id}`, {
      method: 'PUT',
      headers: {
        'content-type': 'application/json',
        'author-name': encode(author),
        'author-email': encode('somebody@example.com'),
      },
      body: '{"message":"x"}',
    })
    return { status: response.status, body: await response.text() }
  }
  const locks = async () =>
    (await fetch(`${server.url}/api/locks`, { headers: { 'cache-control': 'no-cache' } })).text()
  return { url: address, path, lock, locks, server }
}

describe.runIf(hasGitHttpBackend)('a git server with a hook', () => {
  it('that refuses one author, or everybody, tells the callers why, and nobody else', async () => {
    const { path, lock, locks } = await serve(join(createTemporaryFolder(), 'clone'))
    const hook = join(path, 'hooks/pre-receive')
    const refuse = (author: string) => {
      const of = `git log --format=%an $old..$new | grep -q '${author}' && { echo "frozen for ${author}"; exit 1; }`
      writeFileSync(hook, `#!/bin/sh\nwhile read old new ref; do ${of}; done; exit 0\n`)
      chmodSync(hook, 0o755)
    }
    refuse('Mallory')
    const names = ['first', 'second', 'third', 'fourth', 'fifth', 'sixth']
    const answers = await Promise.all(names.map((id) => lock(id, id === 'third' ? 'Mallory' : 'Deployer')))
    expect(answers.map(({ status }) => status < 300)).toEqual(names.map((id) => id !== 'third'))
    expect(answers[2]?.body).toContain('frozen for Mallory')

    refuse('.')
    for (const { status, body } of await Promise.all([lock('seventh'), lock('eighth')])) {
      expect(status).toBeGreaterThanOrEqual(400)
      expect(body).toContain('frozen for .')
    }
    expect(await locks()).toContain('"sixth"')
    rmSync(hook)
    expect((await lock('ninth')).status).toBeLessThan(300)
    expect(await locks()).not.toMatch(/"(third|seventh|eighth)"/)
    // The shop, and what was acknowledged.
    expect(subjectsOn(path)).toHaveLength(1 + 5 + 1)
    git(['-C', path, 'fsck', '--strict'])
  })
})

describe.runIf(hasGitHttpBackend && canMount)('the disk of a clone', () => {
  it('that is full leaves the reads, and is caught up with when there is room again', async () => {
    const disk = mountSmallDisk(8)
    const clone = join(disk.folder, 'clone')
    const { url, path, lock, locks } = await serve(clone)
    expect((await lock('before')).status).toBeLessThan(300)
    const other = await openServedStore(url)
    disk.fill()
    for (const id of ['refused-1', 'refused-2']) {
      expect(await lock(id)).toMatchObject({ status: 503, body: expect.stringMatching(/no space left/i) as string })
    }
    // Others go on.
    for (const id of ['beside-1', 'beside-2']) {
      await other.repository.refresh()
      await commitBeside(other.repository, environmentLock('staging', id))
    }
    expect(await locks()).toContain('"before"')

    disk.empty()
    expect((await lock('after')).status).toBeLessThan(300)
    for (const id of ['before', 'beside-1', 'beside-2', 'after']) expect(await locks()).toContain(`"${id}"`)
    expect(await locks()).not.toContain('refused')
    expect(subjectsOn(path)).toHaveLength(5)
    git(['--git-dir', gitDirectoryIn(clone), 'fsck', '--strict'])
  })
})
