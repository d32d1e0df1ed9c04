import { createHash, randomBytes } from 'node:crypto'
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { deflateSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { applyDelta } from '../../../src/manifest-store/git/delta.ts'
import { MalformedObjectError, ObjectMissingError } from '../../../src/manifest-store/git/git-errors.ts'
import { createObject } from '../../../src/manifest-store/git/git-object.ts'
import { ObjectReader } from '../../../src/manifest-store/git/object-reader.ts'
import { buildPack } from '../../../src/manifest-store/git/pack-file.ts'
import { read } from '../../../src/manifest-store/git/pack-index.ts'
import { writePack } from '../../../src/manifest-store/git/write-pack.ts'
import { IsomorphicGitReader } from '../../support/isomorphic-git-reader.ts'
import { createBareRepository, createTemporaryFolder, git, hasGit } from '../../support/real-git.ts'

/** A repository with a history in which git finds deltas: files that grow, a large one, an empty one. */
function createHistory(): string {
  const repository = createBareRepository()
  const lines: string[] = []
  for (let commit = 1; commit <= 30; commit += 1) {
    const grown = Array.from({ length: 50 + commit }, (_, line) => `line ${line} of a file that grows\n`).join('')
    lines.push(
      'commit refs/heads/main',
      `committer Test <test@example.com> ${1_700_000_000 + commit} +0000`,
      'data 4',
      'Grow',
      ...file('folder/grows', grown),
      ...file(`folder/new-${commit}`, `new in ${commit}\n`),
      ...file('empty', ''),
      ...(commit === 1 ? file('large', 'large '.repeat(1_000_000)) : []),
    )
  }
  git(['fast-import', '--quiet'], { cwd: repository, input: `${lines.join('\n')}\n` })
  git(['tag', '-a', '-m', 'A tag', 'v1', 'main'], { cwd: repository })
  return repository
}

function file(path: string, content: string): readonly string[] {
  return [`M 100644 inline ${path}`, `data ${Buffer.byteLength(content)}`, content]
}

function allObjects(repository: string): readonly string[] {
  return git(['cat-file', '--batch-check=%(objectname)', '--batch-all-objects'], { cwd: repository }).trim().split('\n')
}

/** Reads every object and compares its bytes with its name. */
async function expectAllReadable(repository: string, reader = new ObjectReader(repository)): Promise<void> {
  for (const id of allObjects(repository)) {
    const { type, data } = await reader.read(id)
    expect(createObject(type, data).id).toBe(id)
  }
}

describe.runIf(hasGit)('every object of a repository is read', () => {
  it.each([
    ['as git imported it', []],
    ['when all are packed as deltas', [['gc', '--quiet', '--aggressive', '--prune=now']]],
    [
      'when deltas name their bases by id',
      [
        ['config', 'repack.useDeltaBaseOffset', 'false'],
        ['repack', '--quiet', '-a', '-d', '-f'],
      ],
    ],
    ['when they are in several packs', [['repack', '--quiet', '-d', '--max-pack-size=1m', '-a', '-f']]],
    ['when they are loose', [['config', 'core.compression', '0']]],
  ])('%s', async (situation, commands) => {
    const repository = createHistory()
    for (const command of commands) git(command, { cwd: repository })
    if (situation === 'when they are loose') unpackAll(repository)
    await expectAllReadable(repository)
  })

  it('when some are borrowed from another repository', async () => {
    const lender = createHistory()
    const borrower = join(createTemporaryFolder(), 'borrower.git')
    git(['clone', '--quiet', '--bare', '--shared', lender, borrower])
    const object = createObject('blob', Buffer.from('of its own'))
    await writePack(borrower, await buildPack([object]))
    await expectAllReadable(borrower)
  })

  it('and is what isomorphic-git reads', async () => {
    const repository = createHistory()
    git(['gc', '--quiet', '--prune=now'], { cwd: repository })
    const ours = new ObjectReader(repository)
    const theirs = new IsomorphicGitReader(repository)
    for (const id of allObjects(repository)) {
      const [a, b] = await Promise.all([ours.read(id), theirs.read(id)])
      expect(a.type).toBe(b.type)
      expect(Buffer.compare(a.data, b.data)).toBe(0)
    }
  })

  it('when it is in several packs and one of them goes', async () => {
    const repository = createObjectFolder()
    const shared = createObject('blob', Buffer.from('in both'))
    const reader = new ObjectReader(repository)
    const packs = []
    for (const own of ['a', 'b']) {
      packs.push(await writePack(repository, await buildPack([shared, createObject('blob', Buffer.from(own))])))
    }
    await reader.read(shared.id)
    for (const pack of packs.toReversed().slice(0, 1)) await pack.discard()
    await expect(reader.read('12'.repeat(20))).rejects.toThrow(ObjectMissingError)
    expect(createObject('blob', (await reader.read(shared.id)).data).id).toBe(shared.id)
  })

  it('while git repacks beside us', async () => {
    const repository = createHistory()
    const reader = new ObjectReader(repository)
    for (const command of [
      ['repack', '-q', '-a', '-d'],
      ['gc', '-q', '--prune=now'],
      ['repack', '-q', '-a', '-d', '-f'],
    ]) {
      await expectAllReadable(repository, reader)
      git(command, { cwd: repository })
    }
    await expectAllReadable(repository, reader)
  })
})

describe('an object that cannot be read', () => {
  it('is missing when nothing has it, and is found when it has come', async () => {
    const repository = createObjectFolder()
    const reader = new ObjectReader(repository)
    const object = createObject('blob', Buffer.from('late'))
    await expect(reader.read(object.id)).rejects.toThrow(ObjectMissingError)
    await writePack(repository, await buildPack([object]))
    expect(Buffer.from((await reader.read(object.id)).data).toString()).toBe('late')
  })

  it('is damaged when its pack is cut short or changed', async () => {
    const objects = Array.from({ length: 20 }, (_, n) => createObject('blob', Buffer.from(`${n} `.repeat(2000))))
    for (const damage of [damageEnd, damageMiddle, emptyIndex]) {
      const repository = createObjectFolder()
      await writePack(repository, await buildPack(objects))
      damage(repository)
      const reader = new ObjectReader(repository)
      const outcomes = await Promise.allSettled(objects.map(({ id }) => reader.read(id)))
      const failures = outcomes.filter((outcome) => outcome.status === 'rejected')
      expect(failures.length).toBeGreaterThan(0)
      for (const { reason } of failures) {
        expect(reason).toBeInstanceOf(MalformedObjectError)
        expect((reason as Error).message).toContain(join('objects', 'pack', 'pack-'))
      }
    }
  })

  it('is damaged when its loose file is no object', async () => {
    const repository = createObjectFolder()
    const id = '12'.repeat(20)
    mkdirSync(join(repository, 'objects', '12'))
    writeFileSync(join(repository, 'objects', '12', '12'.repeat(19)), 'no object')
    await expect(new ObjectReader(repository).read(id)).rejects.toThrow(MalformedObjectError)
  })
})

it('what is kept of an index takes no more memory than its bytes', () => {
  const path = join(createTemporaryFolder(), 'bytes')
  writeFileSync(path, Buffer.alloc(100))
  const opened = openSync(path, 'r')
  expect(read(opened, 10, 20).buffer.byteLength).toBe(20)
  closeSync(opened)
})

describe('an object that can be read nevertheless', () => {
  it('stands in a file of its own beside a damaged pack', async () => {
    const repository = createObjectFolder()
    const object = createObject('blob', Buffer.from('sound'))
    mkdirSync(join(repository, 'objects', object.id.slice(0, 2)))
    const loose = deflateSync(Buffer.from('blob 5\0sound'))
    writeFileSync(join(repository, 'objects', object.id.slice(0, 2), object.id.slice(2)), loose)
    for (const ending of ['idx', 'pack']) {
      writeFileSync(join(repository, 'objects', 'pack', `pack-${'0'.repeat(40)}.${ending}`), 'no pack at all')
    }
    const reader = new ObjectReader(repository)
    await expect(reader.read('12'.repeat(20))).rejects.toThrow(MalformedObjectError)
    expect(Buffer.from((await reader.read(object.id)).data).toString()).toBe('sound')
  })

  it.runIf(hasGit)('is longer in its pack than deflate would make it', async () => {
    const repository = createBareRepository()
    const data = randomBytes(200_000)
    const object = createObject('blob', data)
    // Type and size, then a compressor that spends more on bytes that do not shrink.
    const header = Buffer.from([0xb0 | (data.length & 15), 0x80 | ((data.length >> 4) & 127), data.length >> 11])
    const stream = storeInSmallBlocks(data)
    const body = Buffer.concat([Buffer.from('PACK\0\0\0\u0002\0\0\0\u0001', 'latin1'), header, stream])
    const pack = Buffer.concat([body, createHash('sha1').update(body).digest()])
    git(['index-pack', '--stdin'], { cwd: repository, input: pack })
    const found = await new ObjectReader(repository).read(object.id)
    expect(Buffer.compare(Buffer.from(found.data), data)).toBe(0)
  })
})

describe('a delta', () => {
  const base = Buffer.from('0123456789'.repeat(10))

  it('copies and inserts', () => {
    // Sizes 100 and 8; copy 3 from 2; insert `ab`; copy 3 from 97.
    const delta = Buffer.from([100, 8, 0x91, 2, 3, 2, 0x61, 0x62, 0x91, 97, 3])
    expect(Buffer.from(applyDelta(base, delta)).toString()).toBe('234ab789')
  })

  it('that is anything else is refused, and never read beyond its base', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
        const delta = Buffer.from([100, 4, ...bytes])
        try {
          expect(applyDelta(base, delta)).toHaveLength(4)
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedObjectError)
        }
      }),
    )
  })
})

/** zlib's format with five bytes of overhead for every ten: as long as a poor compressor may make it. */
function storeInSmallBlocks(data: Buffer): Buffer {
  const blocks: Buffer[] = [Buffer.from([0x78, 0x01])]
  for (let at = 0; at < data.length; at += 10) {
    const piece = data.subarray(at, at + 10)
    const isLast = at + 10 >= data.length
    blocks.push(Buffer.from([isLast ? 1 : 0, piece.length, 0, 0xff - piece.length, 0xff]), piece)
  }
  return Buffer.concat([...blocks, deflateSync(data).subarray(-4)])
}

function unpackAll(repository: string): void {
  const folder = join(repository, 'objects', 'pack')
  const packs = readdirSync(folder).filter((name) => name.endsWith('.pack'))
  const contents = packs.map((name) => readFileSync(join(folder, name)))
  rmSync(folder, { recursive: true })
  mkdirSync(folder)
  for (const input of contents) git(['unpack-objects', '-q'], { cwd: repository, input })
}

function createObjectFolder(): string {
  const folder = createTemporaryFolder()
  mkdirSync(join(folder, 'objects', 'pack'), { recursive: true })
  return folder
}

function packFile(repository: string, ending: string): string {
  const folder = join(repository, 'objects', 'pack')
  return join(folder, readdirSync(folder).find((name) => name.endsWith(ending)) ?? '')
}

/** Written anew, because packs are read-only. */
function rewrite(path: string, change: (bytes: Buffer) => Buffer): void {
  const bytes = change(readFileSync(path))
  rmSync(path)
  writeFileSync(path, bytes)
}

function damageEnd(repository: string): void {
  rewrite(packFile(repository, '.pack'), (bytes) => bytes.subarray(0, bytes.length / 2))
}

function damageMiddle(repository: string): void {
  rewrite(packFile(repository, '.pack'), (bytes) => bytes.fill(0xff, 100, bytes.length - 100))
}

function emptyIndex(repository: string): void {
  rewrite(packFile(repository, '.idx'), (bytes) => bytes)
  truncateSync(packFile(repository, '.idx'), 8)
}
