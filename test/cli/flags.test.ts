import { describe, expect, it } from 'vitest'
import { commands } from '../../src/cli/commands.ts'
import type { Flag } from '../../src/cli/flags.ts'
import { checkFlags, HelpWanted, isOn, parseFlags, UsageError, valueOf } from '../../src/cli/flags.ts'
import {
  aCommitId,
  aHeader,
  aDisplayVersion,
  aLifetime,
  aLink,
  aName,
  anAddress,
  aVersion,
  aWholeNumber,
} from '../../src/cli/flag-values.ts'
import { globalFlags } from '../../src/cli/global-flags.ts'

const known: readonly Flag[] = [
  { name: 'team', value: 'name', help: '' },
  { name: 'ci_link', value: 'address', help: '' },
  { name: 'diff', help: '' },
  { name: 'needed', value: 'name', help: '', isRequired: true },
  { name: 'kind', value: 'kind', help: '', choices: ['ignore', 'fail'] },
]

describe("flags in Go's syntax", () => {
  it.each<[args: string[], given: [string, string][], rest: string[]]>([
    [['-team', 'a'], [['team', 'a']], []],
    [['--team', 'a'], [['team', 'a']], []],
    [['--team=a'], [['team', 'a']], []],
    [['-team=a=b'], [['team', 'a=b']], []],
    // What may be left out may be empty.
    [['--team='], [], []],
    [['--team', '', 'x'], [], ['x']],
    [['--needed='], [['needed', '']], []],
    [['--kind', 'FAIL'], [['kind', 'fail']], []],
    [['--kind=Nope'], [['kind', 'Nope']], []],
    [['--team=two\nlines'], [['team', 'two\nlines']], []],
    [['--team', '-x'], [['team', '-x']], []],
    [['--team', '--diff'], [['team', '--diff']], []],
    [['--diff', 'x'], [['diff', 'true']], ['x']],
    [['--diff=false'], [['diff', 'false']], []],
    [['--diff=T'], [['diff', 'true']], []],
    [['--ci-link', 'a'], [['ci_link', 'a']], []],
    [['x', '--team', 'a'], [], ['x', '--team', 'a']],
    [['--', '--team'], [], ['--team']],
    [['-'], [], ['-']],
    [
      ['--team', 'a', '--diff', '--team', 'b'],
      [
        ['team', 'a'],
        ['diff', 'true'],
        ['team', 'b'],
      ],
      [],
    ],
  ])('%j', (args, given, rest) => {
    expect(parseFlags(args, known)).toEqual({ given: given.map(([name, value]) => ({ name, value })), rest })
  })

  it.each([
    [['--nope'], 'there is no flag --nope here'],
    [['--team'], '--team needs a value'],
    [['---team'], 'bad flag syntax: ---team'],
    [['--=a'], 'bad flag syntax: --=a'],
    [['--diff=perhaps'], "--diff is on or off: it cannot be 'perhaps'"],
  ])('%j is refused', (args, problem) => {
    expect(() => parseFlags(args, known)).toThrow(new UsageError([problem]))
  })

  it.each(['-h', '--help', '-help', '--h'])('%s asks for help', (argument) => {
    expect(() => parseFlags([argument], known)).toThrow(HelpWanted)
  })

  it('take the last word on a switch', () => {
    const flags = parseFlags(['--diff', '--diff=0'], known)
    expect(checkFlags(flags, known)).toEqual(['--needed is missing'])
    expect(isOn(flags, 'diff')).toBe(false)
  })

  it('are checked all at once', () => {
    const flags = parseFlags(['--team', 'a', '--team', 'b', '--ci_link', 'no', '--needed', ''], known)
    const needy = known.map((flag) => (flag.name === 'ci_link' ? { ...flag, complain: aLink } : flag))
    expect(checkFlags(flags, [...needy, { name: 'other', value: 'kind', help: '', isRequired: true }])).toEqual([
      '--team must be given only once',
      "--ci_link must be an address, and is 'no'",
      "--needed must not be empty, and is ''",
      '--other is missing',
    ])
    expect(valueOf(flags, 'other')).toBeUndefined()
  })
})

describe('values', () => {
  it.each<[check: (value: string) => string | undefined, good: string[], bad: string[]]>([
    [aWholeNumber, ['1', '180', '007'], ['0', '', '-1', '1.5', '1e3', '0x10', '1234567890']],
    [aVersion, ['1', '18446744073709551615'], ['0', '', '18446744073709551616', '-1', '7.1', 'v7']],
    [aName, ['staging', 'a b', '...'], ['', '.', '..']],
    [aCommitId, ['a'.repeat(40), 'A'.repeat(40)], ['a'.repeat(39), 'g'.repeat(40), '']],
    [aLifetime, ['2d', '10w', '1h'], ['0d', '2', 'd', '2 d', '']],
    [aLink, ['https://ci.example.com/1', '/1'], ['ci', '']],
    [aDisplayVersion, ['v1.0', 'ä'.repeat(7)], ['ä'.repeat(8), 'x'.repeat(16)]],
    [
      anAddress,
      ['http://h', 'https://h:1/base/'],
      ['h', 'ftp://h', 'http://h?a', 'http://h#a', 'http://a%zz@h', 'http://a%ff@h', ''],
    ],
    [aHeader, ['abc', '"a b"'], ['', ' a', 'a\nb', 'ä']],
  ])('%o', (check, good, bad) => {
    expect(good.filter((value) => check(value) !== undefined)).toEqual([])
    expect(bad.filter((value) => check(value)?.startsWith('must be ') !== true)).toEqual([])
  })
})

describe('the table of commands', () => {
  it('has no flag twice, whatever its spelling', () => {
    for (const { flags } of commands) {
      const spelt = [...globalFlags, ...flags].map((flag) => flag.name.replaceAll('_', '-'))
      expect([...new Set(spelt)]).toEqual(spelt)
    }
  })

  it("has every command and flag of Kuberpult's client", () => {
    const lock = 'environment lockID message ci_link suggested_lifetime'
    const theirs: Readonly<Record<string, string>> = {
      release:
        'application environment manifest signature skip_signatures use_dex_auth team source_commit_id previous_commit_id ' +
        'source_author source_message version revision display_version ci_link prepublish dry-run',
      'release-train': 'target-environment team ci_link use_env_group_target use_dex_auth',
      'create-env-lock': lock,
      'delete-env-lock': 'environment lockID',
      'create-app-lock': `${lock} application`,
      'delete-app-lock': 'environment lockID application',
      'create-team-lock': `${lock} team`,
      'delete-team-lock': 'environment lockID team',
      'create-group-lock': 'environment-group lockID message ci_link suggested_lifetime',
      'delete-group-lock': 'environment-group lockID',
      'get-commit-deployments': 'commit out',
      'get-deployment-commit': 'environment application',
      'delete-environment': 'environment',
      help: '',
    }
    for (const [name, flags] of Object.entries(theirs)) {
      const ours = commands.find((command) => command.name === name)?.flags.map((flag) => flag.name)
      expect([name, ours]).toEqual([name, expect.arrayContaining(flags.split(' ').filter((flag) => flag !== ''))])
    }
    expect(globalFlags.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['url', 'author_name', 'author_email', 'client_uuid', 'retries', 'timeout']),
    )
  })
})
