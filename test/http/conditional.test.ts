import { describe, expect, it } from 'vitest'
import { allowsFingerprint, hashOf, isNotModified, parseEntityTags } from '../../src/http/conditional.ts'

describe('a header of entity tags', () => {
  it.each([
    ['none', undefined, undefined],
    ['an empty one', '', []],
    ['one tag', '"a"', ['a']],
    ['a list', '"a", "b","c"', ['a', 'b', 'c']],
    ['weak ones', 'W/"a", "b"', ['a', 'b']],
    ['a tag with a comma and blanks', '"a, b"', ['a, b']],
    ['the empty tag', '""', ['']],
    ['any', '*', '*'],
    ['any with blanks', ' * ', '*'],
    ['an asterisk in quotes, which is a tag', '"*"', ['*']],
    ['one whose quotes were forgotten', 'a.b', ['a.b']],
    ['several of them', 'a.b, c.d', ['a.b', 'c.d']],
    ['one that lost its second quote', '"a.b', ['a.b']],
  ])('is read: %s', (_what, header, expected) => {
    expect(parseEntityTags(header)).toEqual(expected)
  })
})

describe('If-None-Match', () => {
  it.each([
    ['without the header', undefined, false],
    ['when it names the whole tag', '"f.h"', true],
    ['when it names it weakly, as a proxy that compresses does', 'W/"f.h"', true],
    ['when it is in the list', '"x.y", "f.h"', true],
    ['when it is any', '*', true],
    ['when only the fingerprint is the same: the form may be another', '"f.other"', false],
    ['when it is the fingerprint alone', '"f"', false],
  ])('%s', (_when, header, expected) => {
    expect(isNotModified(header, 'f.h')).toBe(expected)
  })
})

describe('If-Match', () => {
  it.each([
    ['allows a run without the header', undefined, true],
    ['allows the fingerprint with any representation', '"f.h"', true],
    ['allows the fingerprint alone', '"f"', true],
    ['allows a weak tag', 'W/"f.h"', true],
    ['allows a list with it', '"x.y", "f.h"', true],
    ['allows any', '*', true],
    ['allows one without quotes', 'f.h', true],
    ['allows the suffix that a proxy put there', '"f.h-gzip"', true],
    ['forbids another one', '"x.h"', false],
    ['forbids one that only begins like it', '"f2.h"', false],
    ['forbids an empty header: somebody meant to send one', '', false],
    ['forbids the empty tag', '""', false],
  ])('%s', (_what, header, expected) => {
    expect(allowsFingerprint(header, 'f')).toBe(expected)
  })
})

describe('the hash of a representation', () => {
  it('is 16 hex digits, the same for the same bytes and another for others', () => {
    expect(hashOf('a train')).toMatch(/^[0-9a-f]{16}$/)
    expect(hashOf(new TextEncoder().encode('a train'))).toBe(hashOf('a train'))
    expect(hashOf('a train ')).not.toBe(hashOf('a train'))
  })
})
