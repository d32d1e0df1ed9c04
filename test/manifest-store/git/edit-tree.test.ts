import { rmSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Change, Content } from '../../../src/core/change.ts'
import type { ObjectId } from '../../../src/core/object-id.ts'
import { serializeCommit } from '../../../src/manifest-store/git/commit.ts'
import type { EditedTree } from '../../../src/manifest-store/git/edit-tree.ts'
import { editTree } from '../../../src/manifest-store/git/edit-tree.ts'
import {
  InvalidPathError,
  MalformedObjectError,
  PathConflictError,
} from '../../../src/manifest-store/git/git-errors.ts'
import type { GitObject } from '../../../src/manifest-store/git/git-object.ts'
import { emptyBlobId } from '../../../src/core/object-id.ts'
import { createObject, emptyTreeId } from '../../../src/manifest-store/git/git-object.ts'
import { buildPack } from '../../../src/manifest-store/git/pack-file.ts'
import { decodeName } from '../../../src/manifest-store/git/tree-name.ts'
import type { TreeEntry } from '../../../src/manifest-store/git/tree.ts'
import { isTree, parseTree, serializeTree } from '../../../src/manifest-store/git/tree.ts'
import { createBareRepository, createTemporaryFolder, git, hasGit } from '../../support/real-git.ts'

const text = (path: string, content: string): Change => ({ path, content: { kind: 'text', text: content } })
const link = (path: string, target: string): Change => ({ path, content: { kind: 'link', target } })
const blob = (path: string, id: ObjectId): Change => ({ path, content: { kind: 'blob', id } })
const absent = (path: string): Change => ({ path, content: { kind: 'absent' } })

function idOf(content: string): ObjectId {
  return createObject('blob', Buffer.from(content)).id
}

/** Objects in memory, and which trees were asked for. */
class ObjectStore {
  readonly objects = new Map<ObjectId, GitObject>()
  reads: ObjectId[] = []

  add(...objects: GitObject[]): void {
    for (const object of objects) this.objects.set(object.id, object)
  }

  addTree(entries: readonly TreeEntry[]): ObjectId {
    const tree = createObject('tree', serializeTree(entries))
    this.add(tree)
    return tree.id
  }

  entries(id: ObjectId): TreeEntry[] {
    const object = this.objects.get(id)
    if (object === undefined && id !== emptyTreeId) throw new Error(`no tree ${id}`)
    return object === undefined ? [] : parseTree(object.data)
  }

  readonly readTree = async (id: ObjectId): Promise<TreeEntry[]> => {
    this.reads.push(id)
    return this.entries(id)
  }

  async edit(root: ObjectId | undefined, ...changes: Change[]): Promise<EditedTree> {
    const edited = await editTree({ root, changes, readTree: this.readTree })
    this.add(...edited.objects)
    return edited
  }

  async build(...changes: Change[]): Promise<ObjectId> {
    const { root } = await this.edit(undefined, ...changes)
    this.reads = []
    return root
  }

  /** Every path below a tree with mode and id; directories too, with a final slash. */
  list(root: ObjectId, prefix = ''): string[] {
    return this.entries(root).flatMap((entry) => {
      const path = `${prefix}${entry.name}`
      return isTree(entry) ? [`${path}/`, ...this.list(entry.id, `${path}/`)] : [`${path} ${entry.mode} ${entry.id}`]
    })
  }
}

describe('editing an empty repository', () => {
  it('creates directories, files and links', async () => {
    const store = new ObjectStore()
    const { root, objects } = await store.edit(
      undefined,
      text('a/b/c', 'one'),
      link('a/d', '../e'),
      blob('f', idOf('x')),
    )
    expect(store.list(root)).toEqual([
      'a/',
      'a/b/',
      `a/b/c 100644 ${idOf('one')}`,
      `a/d 120000 ${idOf('../e')}`,
      `f 100644 ${idOf('x')}`,
    ])
    // Two texts and three trees; the blob exists already.
    expect(objects.map(({ type }) => type).toSorted()).toEqual(['blob', 'blob', 'tree', 'tree', 'tree'])
    expect(store.reads).toEqual([])
  })

  it('answers the empty tree, without objects, when nothing is to be there', async () => {
    const store = new ObjectStore()
    expect(await store.edit(undefined)).toEqual({ root: emptyTreeId, objects: [], replaced: [], removed: [] })
    expect(await store.edit(undefined, absent('a/b'))).toEqual({
      root: emptyTreeId,
      objects: [],
      replaced: [],
      removed: [],
    })
    expect(await store.edit(undefined, text('a/b', 'x'), absent('a'))).toEqual({
      root: emptyTreeId,
      objects: [],
      replaced: [],
      removed: [],
    })
  })
})

describe('editing a tree', () => {
  it('reads and builds only the directories on changed paths', async () => {
    const store = new ObjectStore()
    const paths = ['a/b/c/d', 'a/b/x/d', 'a/y/c/d', 'z/b/c/d']
    const root = await store.build(...paths.map((path) => text(path, path)))
    const directories = ['a/b/c', 'a/b', 'a', ''].map((path) => treeAt(store, root, path))
    const { objects } = await store.edit(root, text('a/b/c/d', 'new'))
    expect(store.reads.toSorted()).toEqual(directories.toSorted())
    expect(objects).toHaveLength(5)
  })

  it('names the trees that it replaced or removed, and no other', async () => {
    const store = new ObjectStore()
    const root = await store.build(...['a/b/c', 'a/d/e', 'x/y/z'].map((path) => text(path, path)))
    const trees = (...paths: string[]) => paths.map((path) => treeAt(store, root, path)).toSorted()
    expect((await store.edit(root, text('a/b/c', 'new'))).replaced.toSorted()).toEqual(trees('', 'a', 'a/b'))
    expect((await store.edit(root, absent('x/y/z'))).replaced.toSorted()).toEqual(trees('', 'x', 'x/y'))
    expect((await store.edit(root, text('a/b/c', 'a/b/c'))).replaced).toEqual([])
    expect((await store.edit(root, absent('a/b'))).removed).toEqual(trees('a/b'))
    expect((await store.edit(root, text('a/b/c', 'new'), absent('a/b'))).removed).toEqual(trees('a/b'))
    expect((await store.edit(root, absent('a/b/c'))).removed).toEqual([])
  })

  it('reads nothing when there is nothing to do', async () => {
    const store = new ObjectStore()
    const root = await store.build(text('a', 'x'))
    expect(await store.edit(root)).toEqual({ root, objects: [], replaced: [], removed: [] })
    expect(store.reads).toEqual([])
  })

  it('does not read what is removed or replaced', async () => {
    const store = new ObjectStore()
    const root = await store.build(text('a/b', 'x'), text('c', 'y'))
    await store.edit(root, absent('a'))
    expect(store.reads).toEqual([root])
  })

  it('makes each new object once, and none for what stays as it is', async () => {
    const store = new ObjectStore()
    const root = await store.build(text('a/b', 'x'), text('c/b', 'x'), text('e/f', 'y'))
    const { objects } = await store.edit(root, text('a/b', 'new'), text('c/b', 'new'), text('e/f', 'y'))
    // The text, one tree (a and c are the same) and the root.
    expect(objects).toHaveLength(3)
    expect(new Set(objects.map(({ id }) => id)).size).toBe(3)
  })

  it.each([
    ['a file with the same text', text('a/b', 'x')],
    ['a file with the same blob', blob('a/b', idOf('x'))],
    ['a link with the same target', link('a/l', '../e')],
    ['a path that is not there', absent('a/q')],
    ['a path in a directory that is not there', absent('q/r/s')],
    ['a path below a file', absent('a/b/c')],
    ['a path below a link', absent('a/l/c')],
  ])('changes nothing for %s', async (_, change) => {
    const store = new ObjectStore()
    const root = await store.build(text('a/b', 'x'), link('a/l', '../e'))
    expect(await store.edit(root, change)).toEqual({ root, objects: [], replaced: [], removed: [] })
  })

  it('changes nothing when it comes back to what it was', async () => {
    const store = new ObjectStore()
    const root = await store.build(text('a/b', 'x'), text('c', 'y'))
    expect(await store.edit(root, absent('a'), text('c', 'z'), text('a/b', 'x'), text('c', 'y'))).toEqual({
      root,
      objects: [],
      replaced: [],
      removed: [],
    })
  })

  it('makes no object of a directory that comes back to what it was', async () => {
    const store = new ObjectStore()
    const entry = { mode: '100644', name: 'b', id: idOf('x') }
    const a = store.addTree([entry])
    // Some old tools wrote the mode like this.
    const root = store.addTree([{ mode: '040000', name: 'a', id: a }, entry])
    const edited = await store.edit(root, text('a/b', 'y'), text('a/b', 'x'), text('b', 'z'))
    expect(edited.objects.map(({ id }) => id)).not.toContain(a)
    expect((await store.edit(edited.root, text('b', 'x'))).root).toBe(root)
  })

  it('leaves a directory as it is in which nothing changes, even if git would have written it otherwise', async () => {
    const store = new ObjectStore()
    const entries = ['c', 'b'].map((name) => serializeTree([{ mode: '100644', name, id: emptyBlobId }]))
    const unsorted = createObject('tree', Buffer.concat(entries))
    store.add(unsorted)
    const root = store.addTree([{ mode: '40000', name: 'a', id: unsorted.id }])
    const edited = await store.edit(root, absent('a/q'), text('d', 'x'))
    expect(treeAt(store, edited.root, 'a')).toBe(unsorted.id)
  })

  it('replaces a file by a link and the other way round, even with the same bytes', async () => {
    const store = new ObjectStore()
    const root = await store.build(text('a', 'x'), link('b', 'x'))
    const edited = await store.edit(root, link('a', 'x'), text('b', 'x'))
    expect(store.list(edited.root)).toEqual([`a 120000 ${idOf('x')}`, `b 100644 ${idOf('x')}`])
  })

  it('keeps the executable bit, and entries of kinds that it does not write', async () => {
    const store = new ObjectStore()
    const root = store.addTree([
      { mode: '100755', name: 'run', id: emptyBlobId },
      { mode: '160000', name: 'module', id: emptyTreeId },
      { mode: '100664', name: 'old', id: emptyBlobId },
    ])
    const edited = await store.edit(root, text('run', 'x'), text('old', 'x'))
    expect(store.list(edited.root)).toEqual([
      `module 160000 ${emptyTreeId}`,
      `old 100644 ${idOf('x')}`,
      `run 100755 ${idOf('x')}`,
    ])
    expect((await store.edit(root, text('old', ''))).root).toBe(root)
    expect(store.list((await store.edit(root, absent('module'))).root)).toHaveLength(2)
  })

  it('keeps names that are not valid UTF-8', async () => {
    const store = new ObjectStore()
    const name = decodeName(Buffer.from([0x61, 0xff]))
    const root = store.addTree([{ mode: '100644', name, id: emptyBlobId }])
    const edited = await store.edit(root, text('b', 'x'))
    expect(store.entries(edited.root)[0]).toEqual({ mode: '100644', name, id: emptyBlobId })
    expect((await store.edit(edited.root, absent('b'))).root).toBe(root)
    expect((await store.edit(root, absent(name))).root).toBe(emptyTreeId)
  })

  it('does not modify what it was given', async () => {
    const store = new ObjectStore()
    const root = await store.build(text('a/b', 'x'))
    const entries = new Map(
      [root, treeAt(store, root, 'a')].map((id) => [id, Object.freeze(store.entries(id).map(Object.freeze))]),
    )
    const changes = Object.freeze([text('a/c', 'y'), absent('a/b')].map(Object.freeze)) as readonly Change[]
    const readTree = async (id: ObjectId) => (entries.get(id) ?? []) as readonly TreeEntry[]
    await expect(editTree({ root, changes, readTree })).resolves.toMatchObject({ root: expect.any(String) })
  })

  it('fails with what the reading of a tree fails with', async () => {
    const store = new ObjectStore()
    const root = await store.build(...Array.from({ length: 100 }, (_, index) => text(`a/${index}/b`, 'x')))
    const readTree = async (id: ObjectId): Promise<TreeEntry[]> => {
      if (id !== root && id !== treeAt(store, root, 'a')) throw new MalformedObjectError('broken')
      return store.readTree(id)
    }
    const changes = Array.from({ length: 100 }, (_, index) => text(`a/${index}/b`, 'y'))
    await expect(editTree({ root, changes, readTree })).rejects.toThrow('broken')
  })
})

describe('removing', () => {
  it('takes a whole directory', async () => {
    const store = new ObjectStore()
    const root = await store.build(text('a/b/c', 'x'), text('a/b/d', 'x'), text('e', 'x'))
    expect(store.list((await store.edit(root, absent('a/b'))).root)).toEqual([`e 100644 ${idOf('x')}`])
  })

  it('takes the directories that become empty, but not the root', async () => {
    const store = new ObjectStore()
    const root = await store.build(text('a/b/c/d', 'x'), text('a/e', 'x'))
    const first = await store.edit(root, absent('a/b/c/d'))
    expect(store.list(first.root)).toEqual(['a/', `a/e 100644 ${idOf('x')}`])
    const second = await store.edit(first.root, absent('a/e'))
    expect(second.root).toBe(emptyTreeId)
    expect(second.objects).toEqual([
      { id: emptyTreeId, type: 'tree', predecessor: first.root, data: Buffer.alloc(0), entries: [] },
    ])
  })

  it('leaves empty directories that were there before', async () => {
    const store = new ObjectStore()
    const empty = (name: string): TreeEntry => ({ mode: '40000', name, id: emptyTreeId })
    const locks = store.addTree([empty('empty'), { mode: '100644', name: 'file', id: emptyBlobId }])
    const root = store.addTree([empty('a'), { mode: '40000', name: 'locks', id: locks }])
    expect(store.list((await store.edit(root, absent('locks/file'))).root)).toEqual(['a/', 'locks/', 'locks/empty/'])
    expect((await store.edit(root, absent('a/b'))).root).toBe(root)
    expect(store.list((await store.edit(root, text('a/b', ''))).root)).toContain(`a/b 100644 ${emptyBlobId}`)
    expect(store.list((await store.edit(root, absent('a'))).root)).not.toContain('a/')
  })
})

describe('the order of changes', () => {
  const old = ['old/', `old/file 100644 ${idOf('before')}`]

  it.each([
    ['the later text holds', [text('a', 'x'), text('a', 'y')], [`a 100644 ${idOf('y')}`, ...old]],
    ['written and removed', [text('a', 'x'), text('b', ''), absent('a')], [`b 100644 ${emptyBlobId}`, ...old]],
    ['removed and written', [absent('old/file'), text('old/file', 'x')], ['old/', `old/file 100644 ${idOf('x')}`]],
    ['a directory recreated', [absent('old'), text('old/new', 'x')], ['old/', `old/new 100644 ${idOf('x')}`]],
    ['a directory becomes a file', [absent('old'), text('old', 'x')], [`old 100644 ${idOf('x')}`]],
    ['a directory without entries becomes a file', [absent('old/file'), text('old', 'x')], [`old 100644 ${idOf('x')}`]],
    [
      'a file becomes a directory',
      [text('a', ''), absent('a'), text('a/b', '')],
      ['a/', `a/b 100644 ${emptyBlobId}`, ...old],
    ],
    ['written below what is removed', [text('old/a/b', ''), absent('old')], []],
  ] as const)('counts: %s', async (_, changes, expected) => {
    const store = new ObjectStore()
    const root = await store.build(text('old/file', 'before'))
    const { root: after, objects } = await store.edit(root, ...changes)
    expect(store.list(after)).toEqual(expected)
    // Nothing was made that the result does not need.
    const needed = reachable(store, after)
    expect(objects.filter(({ id }) => !needed.has(id))).toEqual([])
  })
})

describe('a conflict', () => {
  it.each([
    ['a directory where a file stands', [text('f/b', '')], 'f/b', 'f'],
    ['a directory where a link stands', [text('l/b/c', '')], 'l/b/c', 'l'],
    ['a directory where a submodule stands', [text('m/b', '')], 'm/b', 'm'],
    ['a file where a directory stands', [text('d', '')], 'd', 'd'],
    ['a link where a directory stands', [link('d/e', 'x')], 'd/e', 'd/e'],
    ['a file where a submodule stands', [text('m', '')], 'm', 'm'],
    ['a directory where an earlier change put a file', [text('n', ''), text('n/b', '')], 'n/b', 'n'],
    ['a file where an earlier change put a directory', [text('n/b', ''), text('n', '')], 'n', 'n'],
    ['a file where something is left in a directory', [absent('d/e/f'), text('d', '')], 'd', 'd'],
  ] as const)('is refused: %s', async (_, changes, path, obstacle) => {
    const store = new ObjectStore()
    const base = await store.build(text('f', ''), link('l', 'd'), text('d/e/f', ''), text('d/g', ''))
    const root = store.addTree([...store.entries(base), { mode: '160000', name: 'm', id: emptyTreeId }])
    const failure = await store.edit(root, ...changes).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(PathConflictError)
    expect(failure).toMatchObject({ code: 'PATH_CONFLICT', path, obstacle })
  })
})

describe('a path', () => {
  const own = [
    '.git',
    '.GIT',
    '.Git ',
    '.git.',
    '.git::$INDEX_ALLOCATION',
    'git~1',
    'GIT~1',
    '.g\u200cit',
    '.git\udcff',
  ]
  const modules = [
    '.gitmodules',
    '.GitModules',
    'gitmod~1',
    'gi7eba~1',
    'gi7d29~9',
    '.gitattributes',
    'gitatt~4',
    '.gitmodules .',
    '~1234567',
    '.git\u200cmodules',
    '.gitattributes\udcff',
  ]
  const unclear = ['', '.', '..', 'a\0', 'a\\b', '\ud83d', '\udcc3\udca4', 'x'.repeat(256), 'é'.repeat(128)]

  it.each([...own, ...modules, ...unclear])('with the segment %j is refused', async (segment) => {
    const store = new ObjectStore()
    for (const path of [segment, `${segment}/a`, `a/${segment}`, `a/${segment}/b`]) {
      for (const change of [text(path, ''), absent(path)]) {
        const failure = await store.edit(undefined, change).catch((error: unknown) => error)
        expect(failure).toBeInstanceOf(InvalidPathError)
        expect(failure).toMatchObject({ code: 'INVALID_PATH', path })
      }
    }
  })

  it('may hold anything else', async () => {
    const store = new ObjectStore()
    const names = [
      '.gitignore',
      '.github',
      '...',
      ' ',
      'a b',
      'ä',
      '\u{1f682}',
      '-',
      'git',
      '~',
      'git~5',
      'x'.repeat(255),
      '\n',
      '*',
    ]
    const root = await store.build(...names.map((name) => text(name, '')))
    expect(new Set(store.entries(root).map(({ name }) => name))).toEqual(new Set(names))
  })

  it.runIf(hasGit)('that is accepted leads to a tree that git fsck --strict accepts', async () => {
    const letters = [
      '.',
      '.g',
      'git',
      'GIT',
      '~',
      '1',
      '4',
      'mod',
      'ules',
      'attributes',
      ' ',
      ':',
      'gi7eba',
      'gi7d29',
      '\u200c',
      '\ufeff',
      '\udcff',
      'ı',
      'x',
      '\\',
    ]
    const candidates = fc.sample(fc.array(fc.constantFrom(...letters), { minLength: 1, maxLength: 5 }), 4000)
    const store = new ObjectStore()
    const accepted: string[] = []
    for (const name of new Set(candidates.map((parts) => parts.join('')))) {
      const failure = await store.edit(undefined, text(name, '')).catch((error: unknown) => error)
      if (!(failure instanceof InvalidPathError)) accepted.push(name)
    }
    expect(accepted.length).toBeGreaterThan(500)
    // As files, as directories and as links: git looks at each in its own way.
    const { root, objects } = await store.edit(
      undefined,
      ...accepted.flatMap((name) => [
        text(`files/${name}`, 'no = [config'),
        text(`folders/${name}/file`, ''),
        link(`links/${name}`, 'x'),
      ]),
    )
    const cwd = createBareRepository()
    const author = { name: 'a', email: 'b' }
    const at = new Date(0)
    const commit = createObject(
      'commit',
      serializeCommit({
        tree: root,
        parents: [],
        author,
        authoredAt: at,
        committer: author,
        committedAt: at,
        message: '',
      }),
    )
    const { pack } = await buildPack([...objects, commit])
    git(['unpack-objects', '-q', '--strict'], { cwd, input: pack })
    git(['update-ref', 'refs/heads/main', commit.id], { cwd })
    expect(git(['fsck', '--strict', '--no-dangling'], { cwd })).toBe('')
  })
})

describe('a long edit', () => {
  it('lets others run meanwhile', async () => {
    const store = new ObjectStore()
    const changes = Array.from({ length: 20_000 }, (_, index) => text(`a/${index % 100}/${index}`, `${index}`))
    let turns = 0
    let isDone = false
    const count = (): void => {
      turns += 1
      if (!isDone) setImmediate(count)
    }
    setImmediate(count)
    await store.edit(undefined, ...changes)
    isDone = true
    expect(turns).toBeGreaterThan(3)
  })

  it('reads several trees at once, but not all', async () => {
    const store = new ObjectStore()
    const changes = Array.from({ length: 200 }, (_, index) => text(`a/${index}/b`, `${index}`))
    const root = await store.build(...changes)
    let running = 0
    let most = 0
    const readTree = async (id: ObjectId): Promise<TreeEntry[]> => {
      running += 1
      most = Math.max(most, running)
      await new Promise((resolve) => setTimeout(resolve, 1))
      running -= 1
      return store.readTree(id)
    }
    await editTree({ root, readTree, changes: changes.map(({ path }) => text(path, 'new')) })
    expect(most).toBe(32)
    expect(store.reads).toHaveLength(202)
  })
})

describe.runIf(hasGit)('the result', () => {
  const segment = fc.constantFrom('a', 'b', 'a.b', 'a-', 'ä')
  const path = fc.array(segment, { minLength: 1, maxLength: 4 }).map((segments) => segments.join('/'))
  const content: fc.Arbitrary<Content> = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constant('text' as const), text: fc.constantFrom('', 'one', 'two') }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('blob' as const), id: fc.constantFrom(idOf('one'), idOf('three')) }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('link' as const), target: fc.constantFrom('one', '../x') }) },
    { weight: 3, arbitrary: fc.constant({ kind: 'absent' as const }) },
  )
  const changes = fc.array(fc.record({ path, content }), { maxLength: 14 })

  it('is what git makes of the same files, or a conflict where they conflict', async () => {
    const cwd = createBareRepository()
    const index = join(createTemporaryFolder(), 'index')
    await fc.assert(
      fc.asyncProperty(changes, changes, async (before, after) => {
        const files: Files = new Map()
        const possible = before.filter((change) => applyNaively(files, change))
        const store = new ObjectStore()
        const root = await store.build(...possible)
        expect(root).toBe(writeWithGit(cwd, index, files))

        const conflict = after.find((change) => !applyNaively(files, change))
        const outcome = await store.edit(root, ...after).catch((error: unknown) => error)
        if (conflict !== undefined) return outcome instanceof PathConflictError && outcome.path === conflict.path
        const { root: edited, objects } = outcome as { root: ObjectId; objects: GitObject[] }
        const needed = reachable(store, edited)
        expect(edited).toBe(writeWithGit(cwd, index, files))
        expect(objects.filter(({ id }) => !needed.has(id))).toEqual([])
        expect(new Set(objects.map(({ id }) => id)).size).toBe(objects.length)
        expect(edited !== root || objects.length === 0).toBe(true)
        for (const { type, data, entries } of objects)
          expect(entries).toEqual(type === 'tree' ? parseTree(data) : undefined)
        return true
      }),
      { numRuns: 100 },
    )
  })
})

/** The model: every file by its path. */
type Files = Map<string, { mode: string; id: ObjectId }>

/** False, and nothing done, when the change conflicts. */
function applyNaively(files: Files, { path, content }: Change): boolean {
  const below = [...files.keys()].filter((file) => file.startsWith(`${path}/`))
  if (content.kind === 'absent') {
    for (const file of [path, ...below]) files.delete(file)
    return true
  }
  if (below.length > 0 || [...files.keys()].some((file) => path.startsWith(`${file}/`))) return false
  if (content.kind === 'blob') files.set(path, { mode: '100644', id: content.id })
  if (content.kind === 'text') files.set(path, { mode: '100644', id: idOf(content.text) })
  if (content.kind === 'link') files.set(path, { mode: '120000', id: idOf(content.target) })
  return true
}

function writeWithGit(cwd: string, index: string, files: Files): ObjectId {
  const env = { GIT_INDEX_FILE: index }
  const input = [...files].map(([path, { mode, id }]) => `${mode} ${id}\t${path}\0`).join('')
  rmSync(index, { force: true })
  git(['update-index', '-z', '--index-info'], { cwd, env, input })
  return git(['write-tree', '--missing-ok'], { cwd, env }).trim()
}

function treeAt(store: ObjectStore, root: ObjectId, path: string): ObjectId {
  return path
    .split('/')
    .filter((segment) => segment !== '')
    .reduce((id, segment) => store.entries(id).find(({ name }) => name === segment)?.id ?? '', root)
}

/** Every id below a tree. Fails when a tree of it does not exist. */
function reachable(store: ObjectStore, root: ObjectId): Set<ObjectId> {
  const ids = new Set([root])
  for (const entry of store.entries(root)) {
    for (const id of isTree(entry) ? reachable(store, entry.id) : [entry.id]) ids.add(id)
  }
  return ids
}
