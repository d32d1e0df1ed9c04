import { describe, expect, it } from 'vitest'
import { diffManifests } from '../../src/manifest-check/manifest-diff.ts'

const names = { from: 'staging/cart 4', to: 'staging/cart 5' }

describe('the diff of two manifests', () => {
  it('is unified, with three lines of context', () => {
    const existing = 'a\nb\nc\nd\ne\nf\ng\nh\n'
    expect(diffManifests(existing, existing.replace('e', 'E'), names)).toBe(
      '--- staging/cart 4\n+++ staging/cart 5\n@@ -2,7 +2,7 @@\n b\n c\n d\n-e\n+E\n f\n g\n h\n',
    )
  })

  it('is empty for equal texts', () => {
    expect(diffManifests('a\n', 'a\n', names)).toBe('')
  })

  it('says where a line end is missing', () => {
    expect(diffManifests('a\n', 'a', names)).toMatch(/^-a\n\+a\n\\ No newline at end of file$/m)
  })

  it.each([
    ['nothing there was', '', 'a\n', '@@ -0,0 +1,1 @@\n+a\n'],
    ['nothing there is', 'a\n', '', '@@ -1,1 +0,0 @@\n-a\n'],
  ])('may begin or end with %s', (_what, existing, submitted, hunks) => {
    expect(diffManifests(existing, submitted, names)).toBe(`--- staging/cart 4\n+++ staging/cart 5\n${hunks}`)
  })

  it('that would be too large is a sentence', () => {
    const large = 'a'.repeat(255 * 1024)
    expect(diffManifests('', large, names)).toContain('+aaa')
    expect(diffManifests('', large.repeat(2), names)).toBe(
      '(the diff of staging/cart 4 and staging/cart 5 is left out: it is larger than 256 KB)\n',
    )
  })

  it('that would take too long is a sentence', () => {
    const lines = (letter: string, count: number) =>
      Array.from({ length: count }, (_, index) => `${letter}${index}\n`).join('')
    expect(diffManifests(lines('a', 2500), lines('b', 2500), names)).toContain('+b2499')
    expect(diffManifests(lines('a', 2500), lines('b', 2501), names)).toBe(
      '(the diff of staging/cart 4 and staging/cart 5 is left out: they differ in more than 5000 lines)\n',
    )
    // Nothing has to be looked for where there is nothing.
    expect(diffManifests('', lines('b', 6000), names)).toContain('+b5999')
  })
})
