import { createHash, randomBytes } from 'node:crypto'
import fs, { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { readObject } from 'isomorphic-git'
import { describe, expect, it } from 'vitest'
import { serializeCommit } from '../../../src/manifest-store/git/commit.ts'
import type { GitObject } from '../../../src/manifest-store/git/git-object.ts'
import { emptyBlobId } from '../../../src/core/object-id.ts'
import { createObject, emptyTreeId } from '../../../src/manifest-store/git/git-object.ts'
import { buildPack, buildPackIndex } from '../../../src/manifest-store/git/pack-file.ts'
import { serializeTree } from '../../../src/manifest-store/git/tree.ts'
import { createBareRepository, createTemporaryFolder, git, gitBytes, hasGit } from '../../support/real-git.ts'

function blob(data: string | Uint8Array): GitObject {
  return createObject('blob', Buffer.from(data))
}

/** A commit of a tree with these files, and all its objects. */
function aHistory(blobs: readonly GitObject[]): GitObject[] {
  const entries = blobs.map(({ id }, index) => ({ mode: '100644', name: `file-${index}`, id }))
  const tree = createObject('tree', serializeTree(entries))
  const person = { name: 'Deployer', email: 'deployer@example.com' }
  const at = new Date(1_700_000_000_000)
  const fields = { tree: tree.id, parents: [], author: person, authoredAt: at, committer: person, committedAt: at }
  const commit = createObject('commit', serializeCommit({ ...fields, message: 'All' }))
  const tagText = `object ${commit.id}\ntype commit\ntag v1\ntagger Deployer <deployer@example.com> 1700000000 +0000\n\nv1\n`
  return [...blobs, tree, commit, createObject('tag', Buffer.from(tagText))]
}

/** A repository with nothing but the pack of these objects. */
async function repositoryOf(objects: readonly GitObject[]): Promise<string> {
  const cwd = createBareRepository()
  const { name, pack, index } = await buildPack(objects)
  const path = join(cwd, 'objects', 'pack', `pack-${name}`)
  mkdirSync(join(cwd, 'objects', 'pack'), { recursive: true })
  writeFileSync(`${path}.pack`, pack)
  writeFileSync(`${path}.idx`, index)
  return cwd
}

/** What `git verify-pack -v` says of each object: id, type, size. */
function verifyPack(cwd: string, name: string): string[] {
  const printed = git(['verify-pack', '-v', join(cwd, 'objects', 'pack', `pack-${name}.idx`)], { cwd })
  return printed.split('\n').flatMap((line) => /^[0-9a-f]{40} \w+ +\d+/.exec(line)?.[0].replaceAll(/ +/g, ' ') ?? [])
}

function describeObject({ id, type, data }: GitObject): string {
  return `${id} ${type} ${data.length}`
}

/** Around every size at which the pack is written differently. */
const sizes = [0, 1, 15, 16, 511, 512, 513, 2047, 2048, 65_536, 65_537, 262_143, 262_144, 1_048_577, 5_000_000]

describe.runIf(hasGit)('a pack', () => {
  it('holds objects of every type and size, and git reads them', async () => {
    const compressible = sizes.map((size) => blob('railway '.repeat(size / 8 + 1).slice(0, size)))
    const objects = aHistory([...compressible, ...sizes.slice(1).map((size) => blob(randomBytes(size)))])
    const cwd = await repositoryOf(objects)
    const { name } = await buildPack(objects)
    expect(verifyPack(cwd, name)).toEqual(objects.map(describeObject))
    git(['update-ref', 'refs/tags/v1', objects.at(-1)?.id ?? ''], { cwd })
    expect(git(['fsck', '--strict', '--no-dangling'], { cwd })).toBe('')
    for (const { id, type, data } of objects) {
      expect(gitBytes(['cat-file', type, id], { cwd }).equals(data)).toBe(true)
    }
  })

  it('has the index and the name that git gives it', async () => {
    for (const objects of [[], [blob('')], aHistory(sizes.map((size) => blob(randomBytes(size))))]) {
      const { name, pack, index } = await buildPack(objects)
      const folder = createTemporaryFolder()
      writeFileSync(join(folder, 'x.pack'), pack)
      // Outside of a repository: with --strict it would look for the objects that these name.
      expect(git(['index-pack', 'x.pack'], { cwd: folder }).trim()).toBe(name)
      expect(fs.readFileSync(join(folder, 'x.idx')).equals(index)).toBe(true)
      expect(pack.subarray(-20)).toEqual(createHash('sha1').update(pack.subarray(0, -20)).digest())
    }
  })

  it('is taken by git unpack-objects, which writes what was packed', async () => {
    const cwd = createBareRepository()
    const objects = aHistory([blob('a'), blob('b'.repeat(1000))])
    const { pack } = await buildPack(objects)
    git(['unpack-objects', '-q', '--strict'], { cwd, input: pack })
    for (const { id, data } of objects) {
      expect(gitBytes(['cat-file', '--batch=%(objectname)'], { cwd, input: id })).toEqual(
        Buffer.concat([Buffer.from(`${id}\n`), data, Buffer.from('\n')]),
      )
    }
  })

  it('holds any objects', async () => {
    const cwd = createBareRepository()
    const data = fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ minLength: 500, maxLength: 530 }))
    await fc.assert(
      fc.asyncProperty(fc.array(data, { maxLength: 8 }), async (contents) => {
        const objects = contents.map((content) => blob(content))
        const { pack } = await buildPack(objects)
        git(['unpack-objects', '-q'], { cwd, input: pack })
        const ids = objects.map(({ id }) => `${id}\n`).join('')
        const printed = git(['cat-file', '--batch-check=%(objectname) %(objectsize)'], { cwd, input: ids })
        expect(printed).toBe(objects.map(({ id, data: { length } }) => `${id} ${length}\n`).join(''))
      }),
      { numRuns: 30 },
    )
  })

  it('holds 20,000 objects, and git and isomorphic-git read each of them', async () => {
    const objects = aHistory(Array.from({ length: 20_000 }, (_, index) => blob(`${index} `.repeat(1 + (index % 200)))))
    const cwd = await repositoryOf(objects)
    const { name } = await buildPack(objects)
    expect(verifyPack(cwd, name)).toEqual(objects.map(describeObject))
    const cache = {}
    const misread: string[] = []
    for (const { id, type, data } of objects) {
      const read = await readObject({ fs, gitdir: cwd, cache, oid: id, format: 'content' })
      if (read.type !== type || Buffer.compare(read.object as Uint8Array, data) !== 0) misread.push(id)
    }
    expect(misread).toEqual([])
  })
})

describe('a pack', () => {
  it('holds an object once, where it came first', async () => {
    const twice = await buildPack([blob('a'), blob('b'), blob('a')])
    expect(twice).toEqual(await buildPack([blob('a'), blob('b')]))
  })

  it('is the same for the same objects in the same order', async () => {
    const objects = aHistory([blob('a'), blob('b'.repeat(100_000)), createObject('blob', new Uint8Array(600))])
    const first = await buildPack(objects)
    expect(await buildPack(objects.values())).toEqual(first)
    expect((await buildPack(objects.toReversed())).name).not.toBe(first.name)
  })

  it('is built in steps, between which others run', async () => {
    const objects = Array.from({ length: 20_000 }, (_, index) => blob(`${index}`.repeat(200)))
    let turns = 0
    let isDone = false
    const count = (): void => {
      turns += 1
      if (!isDone) setImmediate(count)
    }
    setImmediate(count)
    await buildPack(objects)
    isDone = true
    expect(turns).toBeGreaterThan(3)
  })
})

describe.runIf(hasGit)('the index', () => {
  it('names offsets beyond two gigabytes in its own table', async () => {
    const offsets = [12, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0x1234567890]
    const ids = [emptyBlobId, emptyTreeId, 'ff'.repeat(20), '00'.repeat(20), 'f'.repeat(39) + '0', '01'.repeat(20)]
    const entries = ids.map((id, index) => ({ id, offset: offsets[index] ?? 0, crc: 0xfedcba98 + index }))
    const index = await buildPackIndex(entries, Buffer.alloc(20))
    const expected = entries
      .map(({ id, offset, crc }) => `${offset} ${id} (${crc.toString(16)})`)
      .toSorted((a, b) => (a.split(' ')[1] as string).localeCompare(b.split(' ')[1] as string))
    const printed = git(['show-index'], { input: index })
    expect(printed.trim().split('\n')).toEqual(expected)
  })
})

/** Versions of a large tree that differ in one entry each, as a batch of deployments to one environment makes them. */
function versionsOfTree(count: number): GitObject[] {
  const ids = Array.from({ length: 300 }, (_, index) => blob(`${index}`).id)
  const versions: GitObject[] = []
  for (let version = 0; version < count; version += 1) {
    ids[(version * 7) % ids.length] = blob(`version ${version}`).id
    const entries = ids.map((id, index) => ({ mode: '100644', name: `application-${index}`, id }))
    const tree = createObject('tree', serializeTree(entries))
    versions.push({ ...tree, predecessor: versions.at(-1)?.id })
  }
  return versions
}

describe('an object with a predecessor', () => {
  it.runIf(hasGit)('is a small delta of it, in chains that git follows', async () => {
    const versions = versionsOfTree(120)
    const cwd = createBareRepository()
    const { pack } = await buildPack(versions)
    expect(pack.length).toBeLessThan(40_000)
    const name = git(['index-pack', '--stdin'], { cwd, input: pack }).split('\t')[1]?.trim() ?? ''
    const printed = git(['verify-pack', '-v', join(cwd, 'objects', 'pack', `pack-${name}.idx`)], { cwd })
    const depths = printed.split('\n').flatMap((line) => / (\d+) [0-9a-f]{40}$/.exec(line)?.[1] ?? [])
    expect(depths).toHaveLength(119)
    expect(Math.max(...depths.map(Number))).toBeLessThanOrEqual(16)
    for (const { id, data } of versions) expect(gitBytes(['cat-file', 'tree', id], { cwd }).equals(data)).toBe(true)
  })

  it('stands in the pack as it is when the predecessor does not come before it', async () => {
    const [first, second] = versionsOfTree(2) as [GitObject, GitObject]
    const { predecessor: _, ...alone } = second
    expect(await buildPack([second])).toEqual(await buildPack([alone]))
    expect(await buildPack([second, first])).toEqual(await buildPack([alone, first]))
    expect((await buildPack([first, second])).pack.length).toBeLessThan((await buildPack([first, alone])).pack.length)
  })

  it('stands in the pack as it is when the two have little in common', async () => {
    const [a, b] = [blob(randomBytes(3000)), blob(randomBytes(3000))]
    expect(await buildPack([a, { ...b, predecessor: a.id }])).toEqual(await buildPack([a, b]))
  })
})
