import { describe, expect, it } from 'vitest'
import { assertCiLink } from '../../src/core/ci-link.ts'
import { DomainError } from '../../src/core/errors.ts'

/** A link of this many characters, in which `character` stands as often as it takes. */
function linkOf(length: number, character = 'x'): string {
  return 'https://ci.example.com/'.padEnd(length, character)
}

describe('any web address is a link to a pipeline', () => {
  it.each([
    'https://ci.example.com/builds/42',
    'http://ci.example.com',
    'HTTPS://CI.EXAMPLE.COM/',
    'https://ci.example.com:8443/a?b=c&d=e#f',
    'https://10.0.0.1/',
    'https://[::1]:8080/',
    linkOf(1000),
  ])('%s', (link) => {
    expect(() => assertCiLink(link, undefined)).not.toThrow()
  })
})

describe('no link to a pipeline is', () => {
  it.each([
    ['', 'nothing'],
    ['ci.example.com/42', 'relative'],
    ['/builds/42', 'relative'],
    ['//ci.example.com/42', 'relative'],
    ['https://', 'without a host'],
    ['ftp://ci.example.com/', 'no web address'],
    ['file:///etc/passwd', 'no web address'],
    ['javascript:alert(1)', 'a script'],
    ['data:text/html,hi', 'a document'],
    ['mailto:deployer@example.com', 'an address of a person'],
    [linkOf(1001), 'longer than 1,000'],
    [linkOf(400, '€'), 'longer than 1,000 bytes'],
    ['https://ci.example.com/\nSignalbox-Principal: root', 'more than one line'],
    ['https://ci.exa\nmple.com/', 'more than one line'],
    ['https://ci.example.com/\r', 'more than one line'],
    ['https://ci.example.com/\t42', 'text with a tab'],
    ['https://ci.example.com/\u001b[31m', 'text that a terminal obeys'],
    [' https://ci.example.com/', 'padded'],
  ])('%j: %s', (link) => {
    expect(problemOf(link, undefined)).toEqual({ code: 'INVALID_CI_LINK', ciLink: link })
  })

  it('told apart by more than its code', () => {
    expect(() => assertCiLink('nonsense', undefined)).toThrow(
      'error: provided CI Link: nonsense is not valid or does not match any of the allowed domain',
    )
  })
})

describe('where domains are configured', () => {
  const allowed = ['ci.example.com', 'jenkins.example.org']

  it.each(['https://ci.example.com/42', 'http://jenkins.example.org', 'https://CI.Example.com:8443/42'])(
    'a link to one of them is taken: %s',
    (link) => {
      expect(() => assertCiLink(link, allowed)).not.toThrow()
    },
  )

  it.each([
    'https://example.com/',
    'https://evil-ci.example.com/',
    'https://sub.ci.example.com/',
    'https://ci.example.com.evil.org/',
    'https://ci.example.com@evil.org/',
    'https://evil.org/ci.example.com',
    'https://evil.org?ci.example.com',
    'https://evil.org#@ci.example.com',
    'ftp://ci.example.com/',
  ])('another is refused: %s', (link) => {
    expect(problemOf(link, allowed)).toEqual({ code: 'INVALID_CI_LINK', ciLink: link })
  })

  it('none is taken when they are none', () => {
    expect(problemOf('https://ci.example.com/', [])?.code).toBe('INVALID_CI_LINK')
  })
})

function problemOf(link: string, allowedDomains: readonly string[] | undefined): DomainError['problem'] | undefined {
  try {
    assertCiLink(link, allowedDomains)
  } catch (error) {
    if (error instanceof DomainError) return error.problem
    throw error
  }
  return undefined
}
