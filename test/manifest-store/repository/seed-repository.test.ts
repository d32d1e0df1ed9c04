import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { LocalRepository } from '../../../src/manifest-store/repository/local-repository.ts'
import { readManifestFolder, seedRepository } from '../../../src/manifest-store/repository/seed-repository.ts'
import { createTemporaryFolder, git, hasGit } from '../../support/real-git.ts'
import { createShopRepository, createTestStore, fixtureFolder, signalbox, testTime } from '../../support/test-store.ts'

const log = { info: () => {}, warn: () => {}, error: () => {} }

describe('a seeded repository', () => {
  it('has the files of the folder as its first commit, the same one every time', async () => {
    const expected = await (await createShopRepository()).head()
    for (const path of [
      join(createTemporaryFolder(), 'a.git'),
      join(createTemporaryFolder(), 'new', 'folder', 'b.git'),
    ]) {
      await seedRepository(path, fixtureFolder, signalbox, testTime)
      expect(readdirSync(dirname(path))).toHaveLength(1)
      const repository = await open(path)
      expect([repository.branch, await repository.head()]).toEqual(['main', expected])
      const snapshot = await createTestStore(repository).snapshot()
      expect(snapshot).toEqual(await createTestStore(await createShopRepository()).snapshot())
    }
  })

  it.runIf(hasGit)('is one that git finds nothing wrong with', async () => {
    const path = join(createTemporaryFolder(), 'a.git')
    await seedRepository(path, fixtureFolder, signalbox, testTime)
    expect(git(['fsck', '--strict', '--full', '--no-progress'], { cwd: path })).toBe('')
    expect(git(['log', '--format=%an <%ae> %at %s', 'main'], { cwd: path })).toBe(
      'Signalbox <signalbox@localhost> 1777887000 Begin the manifest repository\n',
    )
    expect(git(['rev-parse', '--is-bare-repository', 'HEAD'], { cwd: path })).toMatch(/^true\n[0-9a-f]{40}\n$/)
    expect(readdirSync(join(path, 'objects/pack')).filter((name) => name.endsWith('.keep'))).toEqual([])
    const clone = join(createTemporaryFolder(), 'clone')
    git(['clone', '--quiet', path, clone])
    expect(readFileSync(join(clone, 'environments/staging/config.json'), 'utf8')).toBe(
      readFileSync(join(fixtureFolder, 'environments/staging/config.json'), 'utf8'),
    )
  })
})

describe('seeding', () => {
  it('leaves alone what stands there already', async () => {
    const path = join(createTemporaryFolder(), 'a.git')
    mkdirSync(path)
    writeFileSync(join(path, 'mine'), 'mine')
    await expect(seedRepository(path, fixtureFolder, signalbox, testTime)).rejects.toThrow('ENOTEMPTY')
    expect(readdirSync(path)).toEqual(['mine'])
    expect(readdirSync(dirname(path))).toEqual(['a.git'])
  })

  it('leaves nothing behind when there is nothing to seed from', async () => {
    const path = join(createTemporaryFolder(), 'a.git')
    await expect(seedRepository(path, join(path, 'nothing'), signalbox, testTime)).rejects.toThrow('ENOENT')
    expect(readdirSync(dirname(path))).toEqual([])
  })

  it('begins anew after an earlier process of the same number died half way', async () => {
    const path = join(createTemporaryFolder(), 'a.git')
    const unfinished = `${path}.new-${process.pid}`
    mkdirSync(join(unfinished, 'refs/heads'), { recursive: true })
    writeFileSync(join(unfinished, 'refs/heads/main'), `${'1'.repeat(40)}\n`)
    writeFileSync(join(unfinished, 'refs/heads/main.lock'), '')
    await seedRepository(path, fixtureFolder, signalbox, testTime)
    expect(await (await open(path)).head()).toBe(await (await createShopRepository()).head())
    expect(existsSync(unfinished)).toBe(false)
  })
})

describe('a manifest folder', () => {
  it('has its version links as files, and everything else as it is', async () => {
    const folder = createTemporaryFolder()
    const files = {
      'environments/dev/applications/cart/version': 'a link',
      'environments/dev/applications/cart/queued_version': 'another link',
      'environments/dev/applications/cart/manifests/version': 'a file',
      'environments/dev/version': 'a file',
      'applications/cart/version': 'a file',
      'applications/cart/releases/1/environments/dev/manifests.yaml': '',
      'README.md': 'ä\n',
    }
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true })
      writeFileSync(join(folder, path), text)
    }
    mkdirSync(join(folder, 'empty'))
    const changes = await readManifestFolder(folder)
    expect(Object.fromEntries(changes.map(({ path, content }) => [path, content]))).toEqual({
      'environments/dev/applications/cart/version': { kind: 'link', target: 'a link' },
      'environments/dev/applications/cart/queued_version': { kind: 'link', target: 'another link' },
      'environments/dev/applications/cart/manifests/version': { kind: 'text', text: 'a file' },
      'environments/dev/version': { kind: 'text', text: 'a file' },
      'applications/cart/version': { kind: 'text', text: 'a file' },
      'applications/cart/releases/1/environments/dev/manifests.yaml': { kind: 'text', text: '' },
      'README.md': { kind: 'text', text: 'ä\n' },
    })
  })
})

async function open(path: string): Promise<LocalRepository> {
  const repository = await LocalRepository.open({ path, branch: undefined, committer: signalbox, log })
  onTestFinished(() => repository.close())
  return repository
}
