import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MalformedObjectError } from '../../../src/manifest-store/git/git-errors.ts'
import { emptyBlobId } from '../../../src/core/object-id.ts'
import { createObject, emptyTreeId } from '../../../src/manifest-store/git/git-object.ts'
import { decodeName, encodeName, isNameText } from '../../../src/manifest-store/git/tree-name.ts'
import type { TreeEntry } from '../../../src/manifest-store/git/tree.ts'
import {
  findTreeEntry,
  isFile,
  isLink,
  isTree,
  parseTree,
  serializeTree,
} from '../../../src/manifest-store/git/tree.ts'
import { createBareRepository, git, gitBytes, hasGit } from '../../support/real-git.ts'

const id = fc.uint8Array({ minLength: 20, maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString('hex'))
const mode = fc.constantFrom('100644', '100755', '40000', '120000', '160000')
const nameBytes = fc.oneof(
  fc.constantFrom('a', 'a.b', 'a-b', 'a0', 'ab', 'A', 'ä', '\u{1f682}', '\uffee').map((name) => Buffer.from(name)),
  fc.uint8Array({ minLength: 1, maxLength: 6 }).map((bytes) => Buffer.from(bytes)),
)
const name = nameBytes.filter((bytes) => !bytes.includes(0) && !bytes.includes(0x2f)).map(decodeName)
const tree = fc.uniqueArray(fc.record({ mode, name, id }), { selector: (entry) => entry.name, maxLength: 12 })

/** What `git mktree` and `git ls-tree` call an entry. */
function toRecord(entry: TreeEntry): Buffer {
  const type = isTree(entry) ? 'tree' : entry.mode === '160000' ? 'commit' : 'blob'
  const header = `${entry.mode.padStart(6, '0')} ${type} ${entry.id}\t`
  return Buffer.concat([Buffer.from(header), encodeName(entry.name), Buffer.of(0)])
}

function kinds(entryMode: string): boolean[] {
  const entry = { mode: entryMode, name: 'a', id: emptyBlobId }
  return [isTree(entry), isFile(entry), isLink(entry)]
}

/** How many entries there are, or the error. */
function tryToParse(data: Uint8Array): unknown {
  try {
    return parseTree(data).length
  } catch (error) {
    return error
  }
}

describe('a tree', () => {
  it('comes back from its bytes, whatever the order of the entries', () => {
    fc.assert(
      fc.property(tree, (entries) => {
        const parsed = parseTree(serializeTree(entries))
        expect(new Set(parsed)).toEqual(new Set(entries))
        expect(serializeTree(parsed.toReversed())).toEqual(serializeTree(entries))
      }),
    )
  })

  it('answers for one name what it answers for all, and is never read beyond its end', () => {
    fc.assert(
      fc.property(tree, name, fc.nat(), (entries, other, cut) => {
        const data = serializeTree(entries)
        for (const wanted of [...entries.map((entry) => entry.name), other, 'a/b', '']) {
          expect(findTreeEntry(data, wanted)).toEqual(entries.find((entry) => entry.name === wanted))
        }
        const half = data.subarray(0, cut % (data.length + 1))
        const isWhole = !(tryToParse(half) instanceof MalformedObjectError)
        if (isWhole) expect(findTreeEntry(half, '')).toBeUndefined()
        else expect(() => findTreeEntry(half, '')).toThrow(MalformedObjectError)
      }),
    )
  })

  it.runIf(hasGit)('is the one that git makes of the same entries, and reads', () => {
    const cwd = createBareRepository()
    fc.assert(
      fc.property(tree, (entries) => {
        const data = serializeTree(entries)
        const made = git(['mktree', '-z', '--missing'], { cwd, input: Buffer.concat(entries.map(toRecord)) }).trim()
        expect(createObject('tree', data).id).toBe(made)
        expect(gitBytes(['cat-file', 'tree', made], { cwd })).toEqual(Buffer.from(data))
        expect(gitBytes(['ls-tree', '-z', made], { cwd })).toEqual(Buffer.concat(parseTree(data).map(toRecord)))
      }),
      { numRuns: 40 },
    )
  })

  it('sorts a directory as if its name ended with a slash', () => {
    const entries = [
      { mode: '40000', name: 'a', id: emptyTreeId },
      { mode: '100644', name: 'a0', id: emptyBlobId },
      { mode: '100644', name: 'a-b', id: emptyBlobId },
    ]
    expect(parseTree(serializeTree(entries)).map((entry) => entry.name)).toEqual(['a-b', 'a', 'a0'])
  })

  it('sorts names by their UTF-8 bytes, not by their UTF-16 units', () => {
    const entries = ['\u{1f682}', '\uffee'].map((each) => ({ mode: '100644', name: each, id: emptyBlobId }))
    expect(parseTree(serializeTree(entries)).map((entry) => entry.name)).toEqual(['\uffee', '\u{1f682}'])
  })

  it('has no entries when it is empty', () => {
    expect(parseTree(new Uint8Array())).toEqual([])
    expect(serializeTree([])).toEqual(Buffer.alloc(0))
  })

  it('is read from the middle of a larger buffer', () => {
    const data = serializeTree([{ mode: '100644', name: 'a', id: emptyBlobId }])
    const larger = new Uint8Array([1, 2, 3, ...data, 4, 5])
    expect(parseTree(larger.subarray(3, 3 + data.length))).toEqual([{ mode: '100644', name: 'a', id: emptyBlobId }])
  })
})

describe('an entry', () => {
  it('is a directory, a file, a link, or something else', () => {
    expect(kinds('40000')).toEqual([true, false, false])
    expect(kinds('040000')).toEqual([true, false, false])
    for (const file of ['100644', '100755', '100664']) expect(kinds(file)).toEqual([false, true, false])
    expect(kinds('120000')).toEqual([false, false, true])
    expect(kinds('160000')).toEqual([false, false, false])
  })
})

describe('a malformed tree', () => {
  const idBytes = Buffer.from(emptyBlobId, 'hex')
  const entry = (text: string): Buffer => Buffer.concat([Buffer.from(text, 'latin1'), idBytes])

  it.each([
    ['without a mode', entry(' a\0')],
    ['with letters as mode', entry('1006x4 a\0')],
    ['with an eight in the mode', entry('100648 a\0')],
    ['with a short mode', entry('644 a\0')],
    ['with a long mode', entry('1006440 a\0')],
    ['without a space', entry('100644a\0')],
    ['with an empty name', entry('100644 \0')],
    ['with a slash in a name', entry('100644 a/b\0')],
    ['without a NUL', Buffer.from('100644 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa')],
    // Whoever takes the NUL that is not there to be at -1 comes to the same place again and again.
    ['without any NUL', Buffer.from(`100644 ${'a'.repeat(13)}100644 ${'a'.repeat(40)}`)],
    ['without an id', Buffer.from('100644 a\0')],
    ['with a short id', entry('100644 a\0').subarray(0, -1)],
    ['with bytes after the last entry', Buffer.concat([entry('100644 a\0'), Buffer.from('1')])],
    ['with two entries of one name', Buffer.concat([entry('100644 a\0'), entry('100644 a\0')])],
    [
      'with a file and a directory of one name',
      Buffer.concat([entry('100644 a\0'), entry('100644 a-\0'), entry('40000 a\0')]),
    ],
  ])('%s is refused', (_, data) => {
    expect(() => parseTree(data)).toThrow(MalformedObjectError)
  })

  it('is recognised wherever it is cut off', () => {
    const data = serializeTree(['a', 'bb', 'ccc'].map((each) => ({ mode: '100644', name: each, id: emptyBlobId })))
    const outcomes = Array.from({ length: data.length + 1 }, (_, end) => tryToParse(data.subarray(0, end)))
    expect(outcomes.filter((outcome) => !(outcome instanceof MalformedObjectError))).toEqual([0, 1, 2, 3])
    expect([0, 29, 59, 90].map((end) => outcomes[end])).toEqual([0, 1, 2, 3])
  })

  it('never leads to another error', () => {
    const noise = fc.oneof(
      fc.uint8Array({ maxLength: 80 }),
      fc.string({ unit: fc.constantFrom('1', '0', '4', ' ', 'a', '\0') }).map((text) => Buffer.from(text)),
    )
    fc.assert(
      fc.property(noise, (data) => {
        const outcome = tryToParse(data)
        expect(typeof outcome === 'number' || outcome instanceof MalformedObjectError).toBe(true)
      }),
    )
  })

  it.each([
    ['an empty name', { name: '' }],
    ['a slash in a name', { name: 'a/b' }],
    ['a slash in a name that is not ASCII', { name: 'ä/b' }],
    ['a NUL in a name', { name: 'a\0' }],
    ['half a surrogate pair', { name: 'a\ud83d' }],
    ['escaped bytes that are valid UTF-8', { name: '\udcc3\udca4' }],
    ['no mode', { mode: '' }],
    ['a decimal mode', { mode: '100888' }],
    ['a short id', { id: emptyBlobId.slice(2) }],
    ['a long id', { id: `${emptyBlobId}0` }],
    ['letters in the id', { id: 'x'.repeat(40) }],
    ['a name that is there already', { name: 'b' }],
  ])('is not written: %s', (_, fault) => {
    const good = { mode: '100644', name: 'b', id: emptyBlobId }
    expect(() => serializeTree([good, { ...good, name: 'c', ...fault }])).toThrow(MalformedObjectError)
  })
})

describe('a name', () => {
  const anyBytes = fc.oneof(
    fc.uint8Array({ maxLength: 8 }),
    // Pieces of valid sequences, cut and joined.
    fc
      .array(fc.constantFrom(0x41, 0xc3, 0xa4, 0xe2, 0x82, 0xac, 0xf0, 0x9f, 0x9a, 0x82, 0xed, 0xa0, 0x80))
      .map((bytes) => Buffer.from(bytes)),
  )

  it('comes back byte for byte, valid UTF-8 or not', () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        const text = decodeName(Buffer.from(bytes))
        expect(encodeName(text)).toEqual(Buffer.from(bytes))
        expect(isNameText(text)).toBe(true)
      }),
      { numRuns: 2000 },
    )
  })

  it('is its text where it is valid UTF-8', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(decodeName(Buffer.from(text))).toBe(text)
      }),
    )
  })

  it('shows an invalid byte as a lone surrogate beside the valid ones', () => {
    expect(decodeName(Buffer.from([0x61, 0xff, 0xc3, 0xa4]))).toBe('a\udcffä')
    expect(decodeName(Buffer.from([0xff, 0xf0, 0x9f, 0x9a, 0x82, 0xe2, 0x82]))).toBe('\udcff\u{1f682}\udce2\udc82')
  })
})
