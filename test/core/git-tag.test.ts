import { spawnSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isValidTagName, toTagName } from '../../src/core/git-tag.ts'
import { hasGit } from '../support/real-git.ts'

const taken = [
  'v1',
  'releases/2026-05',
  'ü',
  'a-b',
  'a.b',
  '@a',
  'a@',
  'a{',
  'v1.lockx',
  'head',
  "it's",
  'x'.repeat(200),
]
const partsRefused = ['@', 'HEAD', '-v1', '.a', 'a/.b', 'a.', 'a/', '/a', 'a//b', 'a..b', '../a', 'a.lock', 'a.lock/b']
const charactersRefused = [
  'a~',
  'a^',
  'a:b',
  'a?',
  'a*',
  'a[',
  'a\\b',
  'a@{b',
  'a b',
  'a\tb',
  'a\nb',
  'a\u0085b',
  'a\u2028b',
]
const refused = [...partsRefused, ...charactersRefused, '', '\u00a0a', '\ud800', 'x'.repeat(201)]

describe('the name of a git tag', () => {
  it.runIf(hasGit)('that is taken is one that git takes', () => {
    const parts = fc.constantFrom(...taken, ...refused, '.', '/', '-', '@{', 'lock', ' ', '~', 'a', '\u0000', '\u007f')
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 4 }), (some) => {
        const name = some.join('')
        if (!isValidTagName(name)) return
        // Asked as git tag asks: what begins with a hyphen would be an option.
        const { status } = spawnSync('git', ['check-ref-format', `refs/tags/${name}`])
        expect({ name, status }).toEqual({ name, status: 0 })
      }),
      { numRuns: 150 },
    )
  })

  it('is judged', () => {
    expect(taken.filter((name) => !isValidTagName(name))).toEqual([])
    expect(refused.filter(isValidTagName)).toEqual([])
  })

  it.each([
    [undefined, undefined],
    ['', undefined],
    ['v1', 'v1'],
    ['refs/tags/v1', 'v1'],
    ['refs/tags/', undefined],
    ['tags/v1', 'tags/v1'],
  ])('may stand in a request as %s', (text, name) => {
    expect(toTagName(text)).toBe(name)
  })
})
