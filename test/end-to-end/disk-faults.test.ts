import {
  chmodSync,
  chownSync,
  closeSync,
  cpSync,
  fstatSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createTemporaryFolder, git, hasGit } from '../support/real-git.ts'
import { startServer } from '../support/server-process.ts'
import { canMount, makeReadOnly, mountSmallDisk } from '../support/small-disk.ts'

async function serve(folder: string, user?: number) {
  const server = await startServer({ folder, ...(user !== undefined && { user }) })
  onTestFinished(() => void server.stop('SIGKILL'))
  const repository = join(folder, 'data/manifests.git')
  const get = async (path: string) => {
    const response = await fetch(server.url + path)
    return { status: response.status, retryAfter: response.headers.get('retry-after'), body: await response.text() }
  }
  const lock = async (id: string) => {
    const response = await fetch(`${server.url}/environments/staging/locks/${id}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: '{"message":"x"}',
    })
    return { status: response.status, retryAfter: response.headers.get('retry-after'), body: await response.text() }
  }
  const health = async () => JSON.parse((await get('/readyz')).body) as { status: string; reasons?: string[] }
  return { ...server, repository, get, lock, health }
}

/** A refusal that may be tried again, and says what is wrong. */
function unavailable(detail: RegExp) {
  return {
    status: 503,
    retryAfter: '5',
    body: expect.stringMatching(new RegExp(`"detail":"[^"]*${detail.source}[^"]*"`)) as string,
  }
}

function assertSound(repository: string): void {
  if (hasGit) git(['fsck', '--strict', '--no-dangling'], { cwd: repository })
}

/** All files of the repository's objects and refs. */
function filesOf(repository: string): readonly string[] {
  return ['objects', 'refs'].flatMap((folder) =>
    readdirSync(join(repository, folder), { recursive: true, encoding: 'utf8' })
      .map((file) => `${folder}/${file}`)
      .toSorted(),
  )
}

/** A user without rights, by number. */
const nobody = 65_534

const prognosis = '/api/environments/staging/releasetrain/prognosis'

describe.runIf(canMount)('a disk', () => {
  it('that is full makes writes fail and nothing else, until there is room again', async () => {
    const disk = mountSmallDisk(4)
    const server = await serve(disk.folder)
    expect((await server.lock('one')).status).toBe(200)
    const before = filesOf(server.repository)
    disk.fill()
    for (const id of ['two', 'three']) expect(await server.lock(id)).toMatchObject(unavailable(/ENOSPC: no space left/))
    expect(filesOf(server.repository)).toEqual(before)
    assertSound(server.repository)
    expect(await server.health()).toMatchObject({
      status: 'degraded',
      reasons: [expect.stringContaining('the repository could not be written: ENOSPC')],
    })
    expect((await server.get(prognosis)).status).toBe(200)

    disk.empty()
    expect((await server.lock('four')).status).toBe(200)
    expect(await server.health()).toMatchObject({ status: 'ok' })
    assertSound(server.repository)
    expect((await server.get('/api/locks?environment=staging&kind=environment')).body).toMatch(/"one".*/)
    expect((await server.get('/api/locks')).body).not.toMatch(/"(two|three)"/)
  })

  it('that is read-only makes writes fail and nothing else, until it is not', async () => {
    const server = await serve(createTemporaryFolder())
    const before = filesOf(server.repository)
    const makeWritable = makeReadOnly(server.repository)
    expect(await server.lock('one')).toMatchObject(unavailable(/EROFS: read-only file system/))
    expect((await server.get(prognosis)).status).toBe(200)
    expect((await server.health()).status).toBe('degraded')
    makeWritable()
    expect(filesOf(server.repository)).toEqual(before)
    expect((await server.lock('two')).status).toBe(200)
    expect((await server.health()).status).toBe('ok')
  })
})

describe('a repository', () => {
  it('that is deleted under the process is told, and goes on when it is put back', async () => {
    const server = await serve(createTemporaryFolder())
    expect((await server.lock('one')).status).toBe(200)
    const head = (await server.health()) as { commit?: string }
    renameSync(server.repository, `${server.repository}.away`)
    expect(await server.lock('two')).toMatchObject(unavailable(/the repository cannot be read: its folder is gone/))
    expect((await server.get(prognosis)).status).toBe(200)
    expect(await server.health()).toMatchObject({
      status: 'degraded',
      reasons: [expect.stringContaining('its folder is gone')],
    })
    // Nothing was begun in its place.
    expect(readdirSync(join(server.repository, '..'))).toEqual(['manifests.git.away'])

    // As from a backup: other files with the same content.
    cpSync(`${server.repository}.away`, server.repository, { recursive: true })
    expect(await server.health()).toEqual(head)
    expect((await server.lock('three')).status).toBe(200)
    assertSound(server.repository)
  })

  it('that belongs to somebody else makes writes fail and nothing else, until it is given back', async () => {
    const folder = createTemporaryFolder()
    // What root may do is not up to the mode of a file.
    const user = process.getuid?.() === 0 ? nobody : undefined
    if (user !== undefined) chownSync(folder, user, user)
    const server = await serve(folder, user)
    const packs = join(server.repository, 'objects/pack')
    const before = filesOf(server.repository)
    chmodSync(packs, 0o555)
    expect(await server.lock('one')).toMatchObject(unavailable(/EACCES: permission denied/))
    expect((await server.get(prognosis)).status).toBe(200)
    expect((await server.health()).status).toBe('degraded')
    expect(filesOf(server.repository)).toEqual(before)

    chmodSync(packs, 0o755)
    expect((await server.lock('two')).status).toBe(200)
    expect((await server.health()).status).toBe('ok')
  })

  it('without a commit is not begun anew when it is deleted', async () => {
    const folder = createTemporaryFolder()
    const first = await startServer({ folder })
    await first.stop()
    const repository = join(folder, 'data/manifests.git')
    if (!hasGit) return
    git(['update-ref', '-d', 'refs/heads/main'], { cwd: repository })
    const server = await serve(folder)
    renameSync(repository, `${repository}.away`)
    const response = await fetch(`${server.url}/api/environments/staging`, { method: 'POST', body: '{}' })
    expect(response.status).toBe(503)
    expect(readdirSync(join(folder, 'data'))).toEqual(['manifests.git.away'])
  })

  it('with a corrupt pack says which piece cannot be read, serves the others, and recovers when it is repaired', async () => {
    const server = await serve(createTemporaryFolder())
    const release = '/api/application/cart/release/manifests/1'
    const before = await server.get(release)
    const repair = corruptPack(server.repository)
    expect((await server.get(release)).body).toMatch(
      /"unreadable":"applications\/cart\/releases\/1: [^"]*pack-[0-9a-f]{40}: /,
    )
    expect((await server.get(prognosis)).status).toBe(200)
    expect((await server.get('/api/environments/staging')).status).toBe(200)
    // It has to be compared with the release that is there.
    const form = new FormData()
    form.append('application', 'cart')
    form.append('version', '5')
    form.append('manifests[development]', new Blob(['a: 1\n']), 'manifests.yaml')
    const again = await fetch(`${server.url}/api/release`, { method: 'POST', body: form })
    expect(again.status).toBe(503)
    expect(await again.text()).toMatch(/"detail":"the repository cannot be read: [^"]*pack-[0-9a-f]{40}: /)
    expect(await server.health()).toMatchObject({ status: 'degraded', reasons: [expect.stringContaining('/pack-')] })

    repair()
    expect(await server.get(release)).toEqual(before)
    expect((await server.lock('one')).status).toBe(200)
    expect((await server.health()).status).toBe('ok')
    assertSound(server.repository)
  })
})

/** Turns over all that the only pack holds behind its first bytes, in place. Answers how to repair it. */
function corruptPack(repository: string): () => void {
  const folder = join(repository, 'objects/pack')
  const [name = '', ...others] = readdirSync(folder).filter((file) => file.endsWith('.pack'))
  expect(others).toEqual([])
  const turnOver = () => {
    const file = openSync(join(folder, name), 'r+')
    try {
      const bytes = Buffer.alloc(fstatSync(file).size - 12)
      readSync(file, bytes, 0, bytes.length, 12)
      writeSync(
        file,
        bytes.map((byte) => byte ^ 0xff),
        0,
        bytes.length,
        12,
      )
    } finally {
      closeSync(file)
    }
  }
  turnOver()
  return turnOver
}
