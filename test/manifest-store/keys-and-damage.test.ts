import { chmodSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createUnrestrictedPrincipal } from '../../src/core/principal.ts'
import { gitDirectoryIn } from '../../src/manifest-store/remote/local-clone.ts'
import { LocalRepository } from '../../src/manifest-store/repository/local-repository.ts'
import { StoreUnavailableError } from '../../src/manifest-store/store-errors.ts'
import { environmentLock, file, toMake } from '../support/changes.ts'
import { createServedRepository } from '../support/git-http-server.ts'
import { createBareRepository, createTemporaryFolder, git, hasGit } from '../support/real-git.ts'
import type { ServedStore } from '../support/served-store.ts'
import { openServedStore, seedServed, subjectsOn } from '../support/served-store.ts'
import { createTestStore, signalbox } from '../support/test-store.ts'

const principal = createUnrestrictedPrincipal({ name: 'Deployer', email: 'deployer@example.com' })
const ask = (key: string) => ({ principal, requestId: `id-of-${key}`, idempotency: { key, request: `lock-${key}` } })
const lock = (id: string) => toMake(environmentLock('staging', id), `Lock ${id}`)
const log = { info: () => {}, warn: () => {}, error: () => {} }

function packsOf(gitDirectory: string): readonly string[] {
  const folder = join(gitDirectory, 'objects/pack')
  return readdirSync(folder).flatMap((name) => (name.endsWith('.pack') ? [join(folder, name)] : []))
}

/** Every object in it is unreadable from now on, for those who have opened it, too. */
function damage(pack: string): void {
  const bytes = readFileSync(pack)
  chmodSync(pack, 0o644)
  writeFileSync(pack, bytes.fill(0xff, 12, bytes.length - 20))
}

// Invariant: a keyed write that was acknowledged is done once, whatever becomes of the files on this machine.
describe.runIf(hasGit)('the keys of writes, when the copy of a remote', () => {
  async function openAgain(folder: string, url: string): Promise<ServedStore> {
    const opened = await openServedStore(url, { folder })
    await opened.store.snapshot()
    return opened
  }

  /** A write with the key `first`, and one after it, with its pack; then another process, which has not read that yet. */
  async function restartAfterWrites() {
    const path = createServedRepository(createTemporaryFolder())
    await seedServed(path)
    const url = `file://${path}`
    const { store, folder } = await openServedStore(url)
    const { commit: first } = await store.submit(lock('first'), ask('first'))
    const before = new Set(packsOf(gitDirectoryIn(folder)))
    await store.submit(toMake([file('note', '2')], 'Note 2'), ask('second'))
    const pack = packsOf(gitDirectoryIn(folder)).find((name) => !before.has(name)) as string
    await store.submit(toMake([file('note', '3')], 'Note 3'), ask('third'))
    await store.close()
    return { ...(await openAgain(folder, url)), path, url, first, pack }
  }

  it('is deleted, are not forgotten', async () => {
    const { store, folder, path, first } = await restartAfterWrites()
    rmSync(gitDirectoryIn(folder), { recursive: true })
    await expect(store.submit(lock('fourth'), ask('fourth'))).rejects.toThrow(StoreUnavailableError)
    await store.refresh()
    expect(await store.submit(lock('first'), ask('first'))).toMatchObject({ commit: first, isRepeated: true })
    expect(await store.submit(lock('fourth'), ask('fourth'))).not.toHaveProperty('isRepeated')
    expect(subjectsOn(path).slice(1)).toEqual(['Lock first', 'Note 2', 'Note 3', 'Lock fourth'])
  })

  it.each<[string, (pack: string) => void]>([
    ['is damaged', damage],
    ['has lost a commit', (pack) => [pack, pack.replace(/pack$/u, 'idx')].forEach((name) => rmSync(name))],
  ])('%s, are not forgotten, and the copy is made anew', async (_, harm) => {
    const { store, path, first, pack, log: lines } = await restartAfterWrites()
    harm(pack)
    await expect(store.submit(lock('fourth'), ask('fourth'))).rejects.toThrow(StoreUnavailableError)
    await store.refresh()
    expect(lines.map(({ message }) => message)).toContainEqual(expect.stringMatching(/^cloning .* anew: the copy/))
    expect(await store.submit(lock('first'), ask('first'))).toMatchObject({ commit: first, isRepeated: true })
    await store.submit(lock('fourth'), ask('fourth'))
    expect(subjectsOn(path).slice(1)).toEqual(['Lock first', 'Note 2', 'Note 3', 'Lock fourth'])
  })

  it('is made anew after they were read, are those of the new copy', async () => {
    const { store, folder, path, first } = await restartAfterWrites()
    expect(await store.submit(lock('first'), ask('first'))).toMatchObject({ isRepeated: true })
    rmSync(gitDirectoryIn(folder), { recursive: true })
    await store.refresh()
    expect(await store.submit(lock('first'), ask('first'))).toMatchObject({ commit: first, isRepeated: true })
    expect(subjectsOn(path)).toHaveLength(4)
  })

  it('is shallow, are those that it has', async () => {
    const { path, url } = await restartAfterWrites()
    const { store } = await openServedStore(url, { remote: { cloneDepth: 2 } })
    expect(git(['-C', path, 'rev-parse', 'main']).trim()).toBe((await store.snapshot()).commit)
    expect(await store.submit(toMake([file('note', '3')], 'Note 3'), ask('third'))).toMatchObject({ isRepeated: true })
    const again = await store.submit(lock('again'), ask('first'))
    expect(again).not.toHaveProperty('isRepeated')
  })
})

describe.runIf(hasGit)('the keys of writes to a local repository', () => {
  async function openLocal(path: string) {
    const repository = await LocalRepository.open({ path, branch: 'main', committer: signalbox, log })
    return createTestStore(repository)
  }

  async function writeThree(path: string): Promise<string> {
    const store = await openLocal(path)
    await store.submit(lock('first'), ask('first'))
    const before = new Set(packsOf(path))
    await store.submit(toMake([file('note', '2')]), ask('second'))
    const pack = packsOf(path).find((name) => !before.has(name)) as string
    await store.submit(toMake([file('note', '3')]), ask('third'))
    await store.close()
    return pack
  }

  it('that has lost a commit are not forgotten: what has a key waits until it is back', async () => {
    const path = createBareRepository()
    const pack = await writeThree(path)
    const bytes = new Uint8Array(readFileSync(pack))
    const store = await openLocal(path)
    await store.snapshot()
    damage(pack)
    await expect(store.submit(lock('first'), ask('first'))).rejects.toThrow(StoreUnavailableError)
    writeFileSync(pack, bytes)
    await store.close()
    const repaired = await openLocal(path)
    expect(await repaired.submit(lock('first'), ask('first'))).toMatchObject({ isRepeated: true })
    expect(subjectsOn(path)).toHaveLength(3)
    await repaired.close()
  })

  it('that is a shallow clone are those that it has', async () => {
    const path = createBareRepository()
    await writeThree(path)
    const clone = join(createTemporaryFolder(), 'shallow.git')
    git(['clone', '--quiet', '--bare', '--depth=2', `file://${path}`, clone])
    const store = await openLocal(clone)
    expect(await store.submit(toMake([file('note', '3')]), ask('third'))).toMatchObject({ isRepeated: true })
    expect(await store.submit(lock('again'), ask('first'))).not.toHaveProperty('isRepeated')
    await store.close()
  })
})
