import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isHolding, isValidLockId, locksHolding } from '../../src/core/lock.ts'
import { splitPath } from '../../src/manifest-store/git/tree-path.ts'
import { aLock } from '../support/snapshot-builder.ts'

const now = new Date('2026-05-04T09:30:00Z')

describe('a lock may have the id', () => {
  it.each([
    'ab',
    'freeze-2026',
    'Load test',
    '...',
    '.gitkeep',
    '.github',
    'release~1',
    '-rf',
    '#1',
    'Signalbox-Principal: root',
    'x'.repeat(99),
    'é'.repeat(49),
    'é',
    '🔒',
  ])('%s', (id) => {
    expect(isValidLockId(id)).toBe(true)
  })
})

describe('a lock may not have the id', () => {
  it.each([
    ['', 'nothing'],
    ['a', 'one byte'],
    ['.', 'the directory itself'],
    ['..', 'the directory above'],
    ['a/b', 'two directories'],
    ['a\\b', 'two directories on Windows'],
    ['x'.repeat(100), '100 bytes'],
    ['é'.repeat(50), '100 bytes in 50 characters'],
    ['a\nb', 'two lines'],
    ['a\tb', 'a tab'],
    ['a\0b', 'NUL'],
    ['a\u007f', 'DEL'],
    ['a\u0085', 'a control character beyond ASCII'],
    ['a\ud800', 'half a character'],
    ['.git', "git's own"],
    ['.GIT', "git's own where case does not matter"],
    ['.git ', "git's own on Windows"],
    ['.git...', "git's own on Windows"],
    ['.git::$INDEX_ALLOCATION', "git's own on Windows"],
    ['git~1', "git's own on Windows"],
    ['GI7EBA~1', "git's own on Windows"],
    ['.g\u200cit', "git's own on macOS"],
    ['.gitmodules', 'of which git checks the content'],
    ['.gitattributes', 'of which git checks the content'],
  ])('%j: %s', (id) => {
    expect(isValidLockId(id)).toBe(false)
  })
})

describe('an id that a lock may have', () => {
  const parts = ['.git', 'git~1', 'gi7d', '~1', '.', ' ', ':', 'modules', '\u200d', '\ufeff', 'g', 'i', 't', 'x', '🔒']
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(fc.constantFrom(...parts)).map((all) => all.join('')),
  )

  it('can always be written to the repository', () => {
    fc.assert(
      fc.property(text, (id) => {
        fc.pre(isValidLockId(id))
        expect(splitPath(`locks/${id}/message`).directories).toEqual(['locks', id])
      }),
    )
  })
})

describe('a lock', () => {
  it('holds until the moment at which it ends', () => {
    const end = (expiresAt: Date | undefined) => isHolding(aLock('freeze', { expiresAt }), now)
    expect([end(undefined), end(new Date(now.getTime() + 1)), end(now), end(new Date(0))]).toEqual([
      true,
      true,
      false,
      false,
    ])
  })

  it('that has ended is none of those that hold', () => {
    const [a, b, c] = [aLock('a'), aLock('b', { expiresAt: now }), aLock('c')]
    expect(locksHolding(new Map([a, b, c].map((lock) => [lock.id, lock])), now)).toEqual([a, c])
  })
})
