import { readFileSync, writeFileSync } from 'node:fs'
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Snapshot } from '../../src/core/snapshot.ts'
import { CheckpointFile } from '../../src/manifest-store/checkpoint.ts'
import { ObjectCache } from '../../src/manifest-store/git/object-cache.ts'
import { SnapshotLoader } from '../../src/manifest-store/layout/snapshot-loader.ts'
import type { Files } from '../support/object-shelf.ts'
import { executable, link, ObjectShelf, submodule } from '../support/object-shelf.ts'
import { createTemporaryFolder } from '../support/real-git.ts'

const commit = '1'.repeat(40)
const missing = { mode: '40000', content: 'd'.repeat(40) }

/** What is as it should be, and can be read from a checkpoint alone. */
const shop: Files = {
  'environments/dev/config.json': '{"upstream":{"latest":true}}',
  'environments/staging/config.json': '{"upstream":{"environment":"dev"}}',
  'environments/dev/applications/cart/version': link('../../../../applications/cart/releases/18446744073709551615'),
  'environments/staging/applications/cart/version': link('../../../../applications/cart/releases/1'),
  'environments/staging/applications/cart/queued_version': link(
    '../../../../applications/cart/releases/18446744073709551615',
  ),
  'applications/cart/team': 'payments',
  'applications/cart/sourceRepoUrl': 'https://git.example.com/cart',
  'applications/cart/releases/1/environments/dev/manifests.yaml': 'cart 1 for dev',
  'applications/cart/releases/1/environments/staging/manifests.yaml': 'cart 1 for staging',
  'applications/cart/releases/18446744073709551615/environments/dev/manifests.yaml': 'cart for dev',
  'applications/web/releases/7/is_prepublish': '',
  'applications/web/releases/7/undeploy': '',
  'applications/web/releases/0/environments/10/manifests.yaml': 'web 0 for 10',
  'applications/web/releases/0/environments/9/manifests.yaml': 'web 0 for 9',
}

/** What somebody may have added to it. */
const additions: Files = {
  'environments/9/config.json': '{"upstream":{"environment":"dev"}}',
  'environments/__proto__/applications/__proto__/version': link('../../../../applications/__proto__/releases/1'),
  'applications/__proto__/releases/1/environments/__proto__/manifests.yaml': 'odd',
  'environments/dev/applications/web/version': link('../../../../applications/cart/releases/1'),
  'environments/staging/applications/web/version': 'no link',
  'environments/staging/applications/web/manifests/manifests.yaml': 'something runs',
  'environments/dev/applications/cart/locks/freeze/message': 'Stop',
  'environments/staging/applications/cart/deployed_by': missing,
  'environments/dev/applications/tools': submodule,
  'applications/tools': executable('a file'),
  'applications/cart/releases/2/environments/dev': missing,
  'applications/cart/releases/3/environments/dev/manifests.yaml': missing,
  'applications/cart/releases/4': 'a file',
  'applications/cart/releases/5/environments/dev/manifests.yaml': 'cart 5 for dev',
  'applications/broken/team': missing,
}

const repositories = fc
  .subarray(Object.entries({ ...shop, ...additions }))
  .map((entries): Files => Object.fromEntries(entries))

describe('a start with a checkpoint', () => {
  it('knows what a start without one would know, whatever was committed since', async () => {
    await fc.assert(
      fc.asyncProperty(repositories, repositories, async (before, after) => {
        const file = await createCheckpointFile()
        await file.write((await load(before)).loader.pieces())
        expect((await load(after, file)).snapshot).toEqual((await load(after)).snapshot)
      }),
      { numRuns: 200 },
    )
  })

  it('reads no piece that the one before has read', async () => {
    const file = await createCheckpointFile()
    const first = await load(shop)
    await file.write(first.loader.pieces())
    const second = await load(shop, file)
    expect(second.snapshot).toEqual(first.snapshot)
    expect([first.loader.piecesRead, second.loader.piecesRead]).toEqual([8, 0])
    expect(second.reads.filter((path) => path.startsWith('applications/'))).toEqual([])
  })

  it('leaves a checkpoint for the one after it', async () => {
    const file = await createCheckpointFile()
    await file.write((await load(shop)).loader.pieces())
    await file.write((await load(shop, file)).loader.pieces())
    expect((await load(shop, file)).loader.piecesRead).toBe(0)
  })

  it('reads only what a commit changed', async () => {
    const file = await createCheckpointFile()
    await file.write((await load(shop)).loader.pieces())
    const release = 'applications/cart/releases/9/environments/dev/manifests.yaml'
    // The application, and the release.
    expect((await load({ ...shop, [release]: 'cart 9 for dev' }, file)).loader.piecesRead).toBe(2)
  })
})

describe('a checkpoint that is', () => {
  const bytes = (path: string) => readFileSync(path)
  const spoilers: Readonly<Record<string, (path: string) => void>> = {
    empty: (path) => writeFileSync(path, ''),
    'cut short': (path) => writeFileSync(path, bytes(path).subarray(0, -2)),
    longer: (path) => writeFileSync(path, Buffer.concat([bytes(path), Buffer.from(' ')])),
    'changed in one place': (path) => writeFileSync(path, bytes(path).toString().replace('"1"', '"2"')),
    'something else': (path) => writeFileSync(path, '{"releases":{}}'),
  }

  it.each(Object.entries(spoilers))('%s counts as none', async (_name, spoil) => {
    const gitDirectory = createTemporaryFolder()
    const file = await createCheckpointFile(gitDirectory)
    await file.write((await load(shop)).loader.pieces())
    spoil(join(gitDirectory, 'signalbox', 'checkpoint'))
    const loaded = await load(shop, file)
    expect(loaded.snapshot).toEqual((await load(shop)).snapshot)
    expect(loaded.loader.piecesRead).toBe(8)
  })

  it('missing counts as none', async () => {
    expect((await load(shop, await createCheckpointFile())).loader.piecesRead).toBe(8)
  })

  it('a folder cannot be replaced, and nothing is left behind', async () => {
    const gitDirectory = createTemporaryFolder()
    const file = await createCheckpointFile(gitDirectory)
    await mkdir(join(gitDirectory, 'signalbox', 'checkpoint'))
    await expect(file.write((await load(shop)).loader.pieces())).rejects.toThrow('EISDIR')
    expect(await readdir(join(gitDirectory, 'signalbox'))).toEqual(['checkpoint'])
    expect((await load(shop, file)).loader.piecesRead).toBe(8)
  })
})

async function createCheckpointFile(gitDirectory = createTemporaryFolder()): Promise<CheckpointFile> {
  await mkdir(join(gitDirectory, 'signalbox'))
  return new CheckpointFile(gitDirectory)
}

async function load(
  files: Files,
  file?: CheckpointFile,
): Promise<{ snapshot: Snapshot; loader: SnapshotLoader; reads: string[] }> {
  const shelf = new ObjectShelf()
  const root = shelf.place(files).get('')
  const loader = new SnapshotLoader(new ObjectCache(shelf), () => undefined, file && (() => file.read()))
  const { snapshot } = await loader.load(commit, root)
  return { snapshot, loader, reads: shelf.reads }
}
