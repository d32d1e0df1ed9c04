import { describe, expect, it } from 'vitest'
import { blobId, findManifestProblem } from '../../src/manifest-check/check-manifest.ts'
import { git, hasGit } from '../support/real-git.ts'

describe('a manifest', () => {
  it.each([
    ['nothing', ''],
    ['blanks', ' \n\n'],
    ['a comment', '# nothing yet\n'],
    ['one object', 'kind: Service\nmetadata:\n  name: cart\n'],
    ['several documents, some of them empty', '---\na: 1\n---\n---\nb: 2\n...\n'],
    ['Windows line ends and a byte order mark', '\uFEFFa: 1\r\nb:\r\n  - c\r\n'],
    ['anchors, within one document', 'a: &a\n  b: 1\nc: *a\n'],
    ['keys that differ in their case', 'a: 1\nA: 1\n'],
    ['500 levels', `${'['.repeat(500)}${']'.repeat(500)}`],
    ['a billion laughs, which nobody laughs', laughs()],
    ['a template tag that YAML does not know', 'a: !vault b\n'],
  ])('may be %s', (_what, text) => {
    expect(findManifestProblem(Buffer.from(text))).toBeUndefined()
  })

  it.each([
    ['no YAML', 'a: [1\nb: 2\n', 2, 1, /Flow sequence|flow collection/],
    ['no YAML in its second document', 'a: 1\n---\nb: c: d\n', 3, 4, /Nested mappings/],
    ['a tab for indentation', 'a:\n\tb: 1\n', 2, 1, /Tabs are not allowed|tab/i],
    ['a key twice', 'a:\n  b: 1\n  c: 2\n  "b": 3\n', 4, 3, /^Map keys must be unique: "b"$/],
    [
      'a key twice in a late item of a list',
      `${'- a: 1\n'.repeat(250)}- b: 1\n  b: 2\n`,
      252,
      3,
      /^Map keys must be unique: "b"$/,
    ],
    ['a key twice in a flow map', 'x\n---\n{a: 1, a: 2}\n', 3, 8, /^Map keys must be unique: "a"$/],
    ['an alias of nothing', 'a: 1\nb: *c\n', 2, 4, /^Alias of an unknown anchor: c$/],
    ['an alias before its anchor', 'a: *b\nc: &b 1\n', 1, 4, /^Alias of an unknown anchor: b$/],
    ['an alias of another document', 'a: &a 1\n---\nb: *a\n', 3, 4, /^Alias of an unknown anchor: a$/],
    ['501 levels', `a:\n  ${'['.repeat(500)}${']'.repeat(500)}`, 2, 502, /^Nested more than 500 levels deep$/],
    ['100,000 levels that never close', '['.repeat(100_000), 1, 501, /^Nested more than 500 levels deep$/],
    ['100,000 levels of items', `${'- '.repeat(100_000)}a`, 1, 1001, /^Nested more than 500 levels deep$/],
    ['100,000 levels of keys', `${'? '.repeat(100_000)}a`, 1, 1001, /^Nested more than 500 levels deep$/],
    ['a directive for no document', '%YAML 1.2\n', 2, 1, /directives-end/],
  ])('must not be %s', (_what, text, line, column, message) => {
    expect(findManifestProblem(Buffer.from(text))).toEqual({
      line,
      column,
      message: expect.stringMatching(message) as string,
    })
  })

  it.each([
    ['a byte that begins nothing', [0x61, 0x3a, 0x0a, 0xc3, 0xa9, 0xff], 5, '0xff', 2, 2],
    ['a character that ends too soon', [0xe2, 0x82, 0x41], 0, '0xe2', 1, 1],
    ['a character cut off at the end', [0x61, 0xf0, 0x9f, 0x98], 1, '0xf0', 1, 2],
    ['a replacement character, which is fine, before what is not', [0xef, 0xbf, 0xbd, 0x80], 3, '0x80', 1, 2],
    ['UTF-16', [0xfe, 0xff, 0x00, 0x61], 0, '0xfe', 1, 1],
    ['half a surrogate pair', [0x61, 0x0a, 0xed, 0xa0, 0x80], 2, '0xed', 2, 1],
  ])('must be UTF-8, not %s', (_what, bytes, offset, byte, line, column) => {
    expect(findManifestProblem(Uint8Array.from(bytes))).toEqual({
      message: `Not UTF-8: the byte at offset ${offset} (${byte}) begins no character`,
      line,
      column,
    })
  })

  it('with a hundred thousand keys is not compared key by key', () => {
    const text = Array.from({ length: 100_000 }, (_, index) => `k${index}: v`).join('\n')
    expect(findManifestProblem(Buffer.from(`${text}\nk7: v`))).toMatchObject({ line: 100_001 })
  })

  it.runIf(hasGit)('has the id that git gives it', () => {
    const bytes = Buffer.from('kind: Service # \u00e4\n')
    expect(blobId(bytes)).toBe(git(['hash-object', '--stdin'], { input: bytes }).trim())
  })
})

/** Ten to the ninth when its aliases are followed. */
function laughs(): string {
  const lines = ['a0: &a0 lol']
  for (let level = 1; level < 10; level += 1) {
    lines.push(
      `a${level}: &a${level} [${Array(10)
        .fill(`*a${level - 1}`)
        .join(', ')}]`,
    )
  }
  return lines.join('\n')
}
