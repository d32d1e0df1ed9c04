import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createServedRepository, hasGitHttpBackend, startTestGitHttpServer } from '../support/git-http-server.ts'
import { createTemporaryFolder, git } from '../support/real-git.ts'
import { seedServed, subjectsOn } from '../support/served-store.ts'
import { runServer, startServer } from '../support/server-process.ts'
import { canMount, makeReadOnly, mountSmallDisk } from '../support/small-disk.ts'

const begin = 'Begin the manifest repository'

async function serve() {
  const folder = createTemporaryFolder()
  const server = await startTestGitHttpServer({ folder })
  const path = createServedRepository(folder)
  await seedServed(path)
  return { path, url: `${server.url}/manifests.git` }
}

async function start(url: string, { folder = createTemporaryFolder(), variables = {} } = {}) {
  const environment = { SIGNALBOX_REPOSITORY: url, SIGNALBOX_FETCH_INTERVAL: '1h', ...variables }
  const process = await startServer({ folder, environment })
  onTestFinished(async () => void (await process.stop('SIGKILL')))
  const ask = async (path: string, init?: RequestInit) => {
    const response = await fetch(process.url + path, init)
    return { status: response.status, retryAfter: response.headers.get('retry-after'), body: await response.text() }
  }
  const lock = (id: string) =>
    ask(`/environments/staging/locks/${id}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: '{"message":"x"}',
    })
  const health = async () => JSON.parse((await ask('/readyz')).body) as { status: string; reasons?: readonly string[] }
  return { process, folder, ask, lock, health }
}

const read = '/api/environments/staging/releasetrain/prognosis'
const fresh = { headers: { 'cache-control': 'no-cache' } }

describe.runIf(hasGitHttpBackend)('a machine without git', () => {
  /** A PATH on which git is only while it is there. */
  function createPath() {
    const bin = createTemporaryFolder()
    const real = execFileSync('/bin/sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim()
    const put = () => symlinkSync(real, join(bin, 'git'))
    return { variables: { PATH: bin }, put, remove: () => rmSync(join(bin, 'git')) }
  }

  it('cannot begin with a remote, and says what is missing', async () => {
    const { url } = await serve()
    const { code, stderr } = await runServer({
      folder: createTemporaryFolder(),
      environment: { SIGNALBOX_REPOSITORY: url, ...createPath().variables },
    })
    expect(code).toBe(1)
    expect(stderr).toMatch(/^Signalbox cannot start:\n {2}[^\n]*there is no program git/)
  })

  it('reads what it has, over a restart too, says so, and goes on when git is back', async () => {
    const { path, url } = await serve()
    const { variables, put, remove } = createPath()
    put()
    const first = await start(url, { variables })
    remove()
    // Who asks for news gets what there is, with its age.
    expect((await first.ask(read, fresh)).status).toBe(200)
    expect((await first.ask(read)).status).toBe(200)
    expect(await first.health()).toMatchObject({
      status: 'degraded',
      reasons: [expect.stringContaining('there is no program git')],
    })
    for (const id of ['one', 'two']) {
      expect(await first.lock(id)).toMatchObject({
        status: 503,
        retryAfter: '5',
        body: expect.stringContaining('there is no program git') as unknown,
      })
    }
    await first.process.stop('SIGKILL')

    const second = await start(url, { variables, folder: first.folder })
    expect((await second.ask(read)).status).toBe(200)
    expect((await second.health()).status).toBe('degraded')
    expect(subjectsOn(path)).toEqual([begin])
    put()
    expect(await second.lock('three')).toMatchObject({ status: 200 })
    expect((await second.health()).status).toBe('ok')
    expect(subjectsOn(path)).toHaveLength(2)
  })
})

describe.runIf(hasGitHttpBackend && canMount)('a disk of the copy', () => {
  const faults = [
    {
      how: 'full',
      reason: 'ENOSPC',
      prepare: () => {
        const { folder, fill, empty } = mountSmallDisk(8)
        return {
          folder,
          spoil: () => {
            fill()
            return empty
          },
        }
      },
    },
    {
      how: 'read-only',
      reason: 'EROFS',
      prepare: () => {
        const folder = createTemporaryFolder()
        return { folder, spoil: () => makeReadOnly(folder) }
      },
    },
  ]

  it.each(faults)('that is $how makes writes fail before anything is pushed, until it is not', async (fault) => {
    const { path, url } = await serve()
    const { folder, spoil } = fault.prepare()
    const clone = join(folder, 'clone')
    mkdirSync(clone)
    const server = await start(url, { variables: { SIGNALBOX_CLONE_PATH: clone } })
    expect((await server.lock('one')).status).toBe(200)
    const before = git(['-C', path, 'for-each-ref'])
    const packs = () => readdirSync(join(clone, 'clone.git/objects/pack')).toSorted()
    const packsBefore = packs()
    const mend = spoil()
    for (const id of ['two', 'three']) {
      expect(await server.lock(id)).toMatchObject({
        status: 503,
        retryAfter: '5',
        body: expect.stringContaining(fault.reason) as unknown,
      })
    }
    expect(git(['-C', path, 'for-each-ref'])).toBe(before)
    expect(packs()).toEqual(packsBefore)
    expect((await server.ask(read)).status).toBe(200)
    expect(await server.health()).toMatchObject({
      status: 'degraded',
      reasons: [expect.stringContaining(fault.reason)],
    })
    mend()
    expect((await server.lock('four')).status).toBe(200)
    expect((await server.health()).status).toBe('ok')
    expect(subjectsOn(path)).toHaveLength(3)
    git(['--git-dir', join(clone, 'clone.git'), 'fsck', '--strict', '--no-dangling'])
    git(['-C', path, 'fsck', '--strict'])
  })
})
