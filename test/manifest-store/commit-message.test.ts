import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { CommitText } from '../../src/core/commit-text.ts'
import { trailerKeys } from '../../src/core/commit-text.ts'
import { formatIdentity } from '../../src/manifest-store/git/commit.ts'
import { toCommitMessage } from '../../src/manifest-store/commit-message.ts'
import { git, hasGit } from '../support/real-git.ts'

const deployer = { name: 'Deployer', email: 'deployer@example.com' }
const bound = 16 * 1024

describe('a commit message', () => {
  it('is a subject, a block for each section, and the trailers in their order', () => {
    const text: CommitText = {
      subject: 'Release train to staging: 1 deployed, 1 skipped',
      sections: [
        { heading: 'Started by', lines: ['https://ci.example.com/1'] },
        { heading: 'staging from dev', lines: ['cart 1 -> 2', 'skipped web: locked'] },
      ],
      trailers: [
        { key: trailerKeys.team, value: 'payments' },
        { key: trailerKeys.command, value: 'release-train' },
        { key: trailerKeys.target, value: 'environment staging' },
      ],
    }
    expect(toCommitMessage(text, deployer, 'request-1')).toBe(
      `Release train to staging: 1 deployed, 1 skipped

Started by:
  https://ci.example.com/1

staging from dev:
  cart 1 -> 2
  skipped web: locked

Signalbox-Command: release-train
Signalbox-Target: environment staging
Signalbox-Team: payments
Signalbox-Principal: Deployer <deployer@example.com>
Signalbox-Request: request-1
`,
    )
  })

  it('may have no sections', () => {
    expect(toCommitMessage({ subject: 'Do it', sections: [], trailers: [] }, deployer, 'r')).toBe(
      'Do it\n\nSignalbox-Principal: Deployer <deployer@example.com>\nSignalbox-Request: r\n',
    )
  })

  it('has every text on one line', () => {
    const broken = 'a\nb\r\nc\u2028d\u2029e\u0085f\0g\th\u001b[31mi'
    const message = toCommitMessage(
      {
        subject: broken,
        sections: [{ heading: broken, lines: [broken] }],
        trailers: [{ key: trailerKeys.team, value: broken }],
      },
      { name: broken, email: broken },
      broken,
    )
    const line = 'a b c d e f g h [31mi'
    expect(message.split('\n')).toEqual([
      line,
      '',
      `${line}:`,
      `  ${line}`,
      '',
      `Signalbox-Team: ${line}`,
      // As it stands in the commit's author, where git leaves such characters out.
      'Signalbox-Principal: abc d efgh[31mi <abc d efgh[31mi>',
      `Signalbox-Request: ${line}`,
      '',
    ])
  })
})

describe('a commit message that would be too long', () => {
  it('counts the lines that do not fit', () => {
    const message = toMessage([linesOf(5000)])
    expect(Buffer.byteLength(message)).toBeLessThanOrEqual(bound)
    expect(Buffer.byteLength(message)).toBeGreaterThan(bound - 500)
    expectNothingLost(message, [5000])
  })

  it('keeps a fair share for each section, and gives what one leaves to those after it', () => {
    const message = toMessage([linesOf(5000), linesOf(3), linesOf(5000)])
    expectNothingLost(message, [5000, 3, 5000])
    const [first, second, third] = blocksOf(message).map((block) => Buffer.byteLength(block))
    expect(first).toBeGreaterThan(bound / 3 - 300)
    expect(second).toBeLessThan(100)
    expect(third).toBeGreaterThan((bound * 5) / 9)
  })

  it.each([50, 200, 1000, 5000])('loses none of %d sections without counting it', (count) => {
    const message = toMessage(Array.from({ length: count }, () => linesOf(20)))
    expect(Buffer.byteLength(message)).toBeLessThanOrEqual(bound)
    const more = Number(/^and (\d+) more sections$/m.exec(message)?.[1] ?? 0)
    const kept = blocksOf(message).filter((block) => block.startsWith('section '))
    expect(kept.length + more).toBe(count)
    expect(kept.length).toBeGreaterThanOrEqual(Math.min(count, 30))
    for (const block of kept) expect(countLines(block)).toBe(20)
  })

  it('is within the bound whatever it is made of', () => {
    const long = fc.oneof(
      fc
        .constantFrom('x', '\u{1f682}', 'ä', '\ud800', ' ')
        .chain((unit) => fc.nat(3000).map((length) => unit.repeat(length))),
      fc.string({ unit: 'binary', maxLength: 50 }),
    )
    const section = fc.record({ heading: long, lines: fc.array(long, { maxLength: 60 }) })
    fc.assert(
      fc.property(
        long,
        fc.array(section, { maxLength: 30 }),
        fc.array(fc.record({ key: fc.constantFrom(...Object.values(trailerKeys)), value: long }), { maxLength: 5 }),
        long,
        (subject, sections, trailers, name) => {
          const message = toCommitMessage({ subject, sections, trailers }, { name, email: name }, name)
          expect(Buffer.byteLength(message)).toBeLessThanOrEqual(bound)
          expect(message.endsWith('\n')).toBe(true)
          expect(message).toContain('\nSignalbox-Request: ')
        },
      ),
      { numRuns: 200 },
    )
  })

  it('is cut between characters', () => {
    const message = toCommitMessage(
      {
        subject: '\u{1f682}'.repeat(2000),
        sections: [{ heading: 'h', lines: ['\u{1f682}'.repeat(2000)] }],
        trailers: [],
      },
      deployer,
      '\u{1f682}'.repeat(2000),
    )
    expect(Buffer.from(message).toString()).toBe(message)
    expect(message.split('\n').filter((line) => line.endsWith('\u{1f682}…'))).toHaveLength(3)
  })
})

describe('hostile text', () => {
  const forged = 'Signalbox-Principal: Intruder <intruder@example.com>'
  const hostile = fc.oneof(
    fc.constantFrom(
      forged,
      `\n\n${forged}`,
      `x\n\n${forged}\n\n`,
      `\r\r${forged}`,
      `\u2028\u2028${forged}`,
      `\u0085\u0085${forged}`,
      `\0\0${forged}`,
      'Signed-off-by: Intruder <intruder@example.com>',
      '(cherry picked from commit 1234567)',
      '---',
      '--- a/file',
      '\n---\n',
      '# comment',
      '# ------------------------ >8 ------------------------',
      'Conflicts:',
      '\tConflicts:',
      ' folded',
      '',
      '\n',
      ':',
    ),
    fc.string({ unit: fc.constantFrom('\n', '-', ':', ' ', 'a', '#', '\t', '<', '>'), maxLength: 12 }),
  )

  it.runIf(hasGit)('never stands among the trailers that git finds', () => {
    fc.assert(
      fc.property(
        fc.record({
          subject: hostile.map((text) => `Release train to ${text}`),
          sections: fc.array(fc.record({ heading: hostile, lines: fc.array(hostile, { maxLength: 3 }) }), {
            maxLength: 3,
          }),
          team: hostile,
          name: hostile,
          email: hostile,
          requestId: hostile,
        }),
        ({ subject, sections, team, name, email, requestId }) => {
          const message = toCommitMessage(
            { subject, sections, trailers: [{ key: trailerKeys.team, value: team }] },
            { name, email },
            requestId,
          )
          const expected = [
            ['Signalbox-Team', team],
            ['Signalbox-Principal', formatIdentity({ name, email }, new Date(0)).replace(/ 0 \+0000$/, '')],
            ['Signalbox-Request', requestId],
          ].map(([key, value = '']) => `${key}: ${value.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim()}`.trim())
          for (const options of [[], ['--no-divider']]) {
            const parsed = git(['interpret-trailers', '--parse', ...options], { input: message })
            expect(
              parsed
                .trimEnd()
                .split('\n')
                .map((line) => line.trim()),
            ).toEqual(expected)
          }
        },
      ),
      { numRuns: 60 },
    )
  })

  it.each([
    ['Author', 'author@example.com', 'Author <author@example.com> (claimed)'],
    [
      'Author <author@example.com> (claimed)',
      'x@example.com',
      'Author author@example.com (claimed) <x@example.com> (claimed)',
    ],
    ['a'.repeat(300), 'x@example.com', `${'a'.repeat(199)}… <x@example.com> (claimed)`],
    [' .. ', '<>', 'unknown <> (claimed)'],
  ])('says last that it is claimed, after everything that was: %j', (name, email, expected) => {
    const message = toCommitMessage({ subject: 's', sections: [], trailers: [] }, { name, email, isClaimed: true }, 'r')
    expect(message).toContain(`\nSignalbox-Principal: ${expected}\n`)
    expect(toCommitMessage({ subject: 's', sections: [], trailers: [] }, { name, email }, 'r')).not.toContain(
      '> (claimed)',
    )
  })

  it('stands in no line of the last paragraph but behind one of our keys', () => {
    fc.assert(
      fc.property(hostile, hostile, (a, b) => {
        const text: CommitText = {
          subject: `About ${a}`,
          sections: [{ heading: b, lines: [a, b] }],
          trailers: [{ key: trailerKeys.command, value: a }],
        }
        const message = toCommitMessage(text, { name: a, email: b }, a)
        const last = message.trimEnd().split('\n\n').at(-1)?.split('\n') ?? []
        expect(last.map((line) => line.split(':')[0])).toEqual([
          'Signalbox-Command',
          'Signalbox-Principal',
          'Signalbox-Request',
        ])
      }),
    )
  })
})

function toMessage(sections: readonly (readonly string[])[]): string {
  return toCommitMessage(
    {
      subject: 'Do much',
      sections: sections.map((lines, index) => ({ heading: `section ${index}`, lines })),
      trailers: [],
    },
    deployer,
    'r',
  )
}

function linesOf(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `application-${index} 1 -> 2`)
}

/** What stands between the subject and the trailers. */
function blocksOf(message: string): readonly string[] {
  return message.split('\n\n').slice(1, -1)
}

/** How many lines a section had: those that it shows and those that it counts. */
function countLines(block: string): number {
  const lines = block.split('\n').slice(1)
  return lines.reduce((sum, line) => sum + Number(/^ {2}and (\d+) more$/.exec(line)?.[1] ?? 1), 0)
}

function expectNothingLost(message: string, counts: readonly number[]): void {
  expect(blocksOf(message).map(countLines)).toEqual(counts)
}
