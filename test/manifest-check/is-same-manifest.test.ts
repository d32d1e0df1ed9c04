import { describe, expect, it } from 'vitest'
import { isSameManifest } from '../../src/manifest-check/is-same-manifest.ts'

const isSame = (a: string, b: string) => isSameManifest(Buffer.from(a), Buffer.from(b))

const list = '- a: 1\n  b: 2\n'.repeat(250)

describe('two manifests', () => {
  it.each([
    ['are equal', 'a: 1\n', 'a: 1\n'],
    ['differ in indentation', 'a:\n    b:\n    - c\n', 'a:\n  b:\n    - c\n'],
    ['differ in line ends', 'a: 1\r\nb: 2\r\n', 'a: 1\nb: 2\n'],
    ['differ in the last line end', 'a: 1', 'a: 1\n'],
    ['differ in blanks within a flow map', 'a: {b: 1,   c: 2}\n', 'a: { b: 1, c: 2 }\n'],
    ['begin their first document or do not', '---\na: 1\n---\nb: 2\n', 'a: 1\n---\nb: 2\n'],
    ['begin their list or do not', `---\n${list}`, list],
    ['differ in indentation within a long list', list, list.replaceAll('b: 2', 'b:   2')],
    ['are lists, one of them indented as a whole', list, list.replaceAll(/^/gm, '  ').trimEnd()],
    ['are equal and no YAML', 'a: [', 'a: ['],
  ])('say the same when they %s', (_how, a, b) => {
    expect(isSame(a, b)).toBe(true)
  })

  it.each([
    ['differ in a value', 'a: 1\n', 'a: 2\n'],
    ['differ in a later document', 'a: 1\n---\nb: 1\n', 'a: 1\n---\nb: 2\n'],
    ['differ in a late item of a list', `${list}- a: 1\n`, `${list}- a: 2\n`],
    ['differ in the number of items', list, `${list}- a: 1\n`],
    ['differ in a comment within a list', list, `${list}# c\n`],
    ['differ in the number of documents', 'a: 1\n', 'a: 1\n---\nb: 1\n'],
    ['differ in the order of keys', 'a: 1\nb: 2\n', 'b: 2\na: 1\n'],
    ['differ in a comment', 'a: 1 # one\n', 'a: 1 # two\n'],
    ['differ in quotes', "a: 'b'\n", 'a: "b"\n'],
    ['differ in a type', 'a: 1\n', 'a: "1"\n'],
    ['differ in a number that only YAML 1.2 takes for the same', 'mode: 0644\n', 'mode: 644\n'],
    ['differ in nothing and an empty text', 'a:\n', 'a: ""\n'],
    ['differ in nothing and null', 'a:\n', 'a: null\n'],
    ['differ in an anchor', 'a: &x 1\n', 'a: &y 1\n'],
    ['differ in a tag', 'a: !!str 1\n', 'a: 1\n'],
    ['differ in a block scalar', 'a: |\n  b\n', 'a: |-\n  b\n'],
    ['are no YAML', 'a: [', 'a: [ '],
    ['are YAML, of which one is none', 'a: 1\n', 'a: 1\n---\n['],
    ['begin equally', 'a: 1\n---\nb: 1\n', 'a: 1\n'],
  ])('do not when they %s', (_how, a, b) => {
    expect(isSame(a, b)).toBe(false)
    expect(isSame(b, a)).toBe(false)
  })

  it('that are no UTF-8 are compared byte by byte', () => {
    expect(isSameManifest(Uint8Array.of(0xff), Uint8Array.of(0xfe))).toBe(false)
    expect(isSameManifest(Uint8Array.of(0xff), Uint8Array.of(0xff))).toBe(true)
  })
})
