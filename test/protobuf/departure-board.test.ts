import fc from 'fast-check'
import Long from 'long'
import { describe, expect, it } from 'vitest'
import type { Prognosis } from '../../src/core/release-train-prognosis.ts'
import { toDepartureBoard, toMarkdown } from '../../src/protobuf/departure-board.ts'
import { fromBinary, toBinary } from '../../src/protobuf/messages.ts'
import { prognosisMessageType, toPrognosisMessage } from '../../src/protobuf/to-prognosis-message.ts'
import { releaseTrainMessageType, toReleaseTrainMessage } from '../../src/protobuf/to-release-train-message.ts'
import {
  applicationSkips,
  aPrognosis,
  aPrognosisOfEverything,
  decided,
  environmentSkips,
  skippedEnvironment,
  stays,
  travels,
} from './sample-prognosis.ts'

const context = { fingerprint: '3f2ab81c', commit: '4b825dc642cb6eb9a060e54bf8d69288fbee4904' }
const toMessage = (prognosis: Prognosis) => toPrognosisMessage(prognosis, context)
const toTrain = (prognosis: Prognosis) => toReleaseTrainMessage(prognosis, context)

const { APP_ALREADY_IN_UPSTREAM_VERSION: already, TEAM_IS_LOCKED: teamLocked } = applicationSkips

const staging = aPrognosis([
  decided('staging', [
    stays('search', already, { from: 5n, team: 'storefront' }),
    travels('cart', 4n, { from: 3n, team: 'storefront' }),
    travels('checkout', 12n, { team: 'payments' }),
    stays('ledger', teamLocked, { from: 2n, team: 'payments' }),
    travels('a-long-name-🚆', 2n ** 64n - 1n, { from: 2n ** 53n + 1n }),
  ]),
])

const lockedStaging = aPrognosis([
  { ...skippedEnvironment('staging', environmentSkips.ENV_IS_LOCKED), upstream: 'latest' },
])

const production = aPrognosis(
  [
    skippedEnvironment('production-jp', environmentSkips.ENV_HAS_NO_UPSTREAM),
    { ...skippedEnvironment('production-fr', environmentSkips.ENV_IS_LOCKED), upstream: 'latest' },
    decided('production-de', [travels('cart', 4n, { from: 3n, team: 'storefront' })]),
    decided('production-es', []),
  ],
  {
    target: 'production',
    team: aPrognosisOfEverything().team,
    warnings: ['the group of x cannot be known', 'nor can that of y'],
    validUntil: new Date('2024-07-03T12:00:00Z'),
  },
)

describe('the departure board', () => {
  it('of one environment', () => {
    expect(toDepartureBoard(toMessage(staging))).toBe(`\
staging  from development                     fingerprint 3f2ab81c

  APPLICATION    TEAM                    FROM  TO
  a-long-name-🚆  -           9007199254740993  18446744073709551615
  cart           storefront                 3  4
  checkout       payments                   -  12
  ledger         payments                   2  stays: team payments is locked: freeze (until the fair is over); version 7 waits
  search         storefront                 5  stays: already at version 5

3 travel, 2 stay
`)
  })

  it('of a train that ran', () => {
    const ran = aPrognosis([decided('staging', [travels('cart', 4n, { from: 3n }), stays('search', already)])])
    expect(toDepartureBoard(toTrain(ran))).toBe(`\
staging  from development                     commit 4b825dc642cb6eb9a060e54bf8d69288fbee4904

  APPLICATION  TEAM  FROM  TO
  cart         -        3  4
  search       -        -  stayed: already at version 5

1 deployed, 1 stayed
`)
  })

  it('of a train that had nothing to do', () => {
    const train = toReleaseTrainMessage(aPrognosis([decided('staging', [stays('search', already)])]), {
      ...context,
      commit: undefined,
    })
    expect(toDepartureBoard(train)).toBe(`\
staging  from development                     no commit: nothing changed

  APPLICATION  TEAM  FROM  TO
  search       -        -  stayed: already at version 5

nothing deployed, 1 stayed
`)
  })

  it('of an environment that takes nothing', () => {
    expect(toDepartureBoard(toMessage(lockedStaging))).toBe(`\
staging  from latest                          fingerprint 3f2ab81c

  skipped: the environment is locked: audit, freeze (until the fair is over)

nothing travels, 1 environment skipped
`)
  })

  it('of an environment group', () => {
    expect(toDepartureBoard(toMessage(production))).toBe(`\
production  4 environments  team payments only  fingerprint 3f2ab81c

production-de  from development

  APPLICATION  TEAM        FROM  TO
  cart         storefront     3  4

production-es  from development

  no applications

production-fr  from latest  skipped: the environment is locked: audit, freeze (until the fair is over)
production-jp               skipped: it has no upstream

warning: the group of x cannot be known
warning: nor can that of y

valid until 2024-07-03T12:00:00Z, when a lock ends

1 travels, 2 environments skipped
`)
  })

  it('of a group with one environment says which that is', () => {
    const prognosis = aPrognosis([decided('production-de', [])], { target: 'production' })
    expect(toDepartureBoard(toMessage(prognosis))).toBe(`\
production  1 environment                     fingerprint 3f2ab81c

production-de  from development

  no applications

nothing travels
`)
  })

  it('is the same from a message that was sent in binary', () => {
    for (const prognosis of [staging, lockedStaging, production, aPrognosisOfEverything()]) {
      const asked = fromBinary(prognosisMessageType, toBinary(prognosisMessageType, toMessage(prognosis)))
      const ran = fromBinary(releaseTrainMessageType, toBinary(releaseTrainMessageType, toTrain(prognosis)))
      expect(toDepartureBoard(asked)).toBe(toDepartureBoard(toMessage(prognosis)))
      expect(toDepartureBoard(ran)).toBe(toDepartureBoard(toTrain(prognosis)))
      expect(toMarkdown(asked)).toBe(toMarkdown(toMessage(prognosis)))
      expect(toMarkdown(ran)).toBe(toMarkdown(toTrain(prognosis)))
    }
  })

  it('names the cause where a server gives no reason', () => {
    const message = {
      envsPrognoses: {
        staging: {
          appsPrognoses: {
            prognoses: {
              cart: { skipCause: 5, appLocks: [], teamLocks: [] },
              search: { skipCause: 77, appLocks: [], teamLocks: [] },
              web: { appLocks: [], teamLocks: [] },
            },
          },
          envLocks: {},
        },
        test: { skipCause: 0, envLocks: {} },
      },
      warnings: [],
    }
    const board = toDepartureBoard(message)
    expect(board).toContain('stays: TEAM_IS_LOCKED\n')
    expect(board).toContain('stays: skip cause 77\n')
    expect(board).toContain('stays: skip cause unknown\n')
    expect(board).toContain('skipped: ENV_HAS_NO_UPSTREAM\n')
  })

  it('leaves out an end that no calendar has', () => {
    const message = { envsPrognoses: {}, warnings: [], validUntil: { seconds: Long.MAX_VALUE } }
    expect(toDepartureBoard(message)).not.toContain('valid until')
  })

  it('does not cut a long reason', () => {
    const reason = 'because '.repeat(100).trim()
    const prognosis = aPrognosis([decided('staging', [stays('cart', { cause: 'APP_UNREADABLE', reason })])])
    expect(toDepartureBoard(toMessage(prognosis))).toContain(reason)
  })
})

describe('the same as Markdown', () => {
  it('of one environment', () => {
    expect(toMarkdown(toMessage(staging))).toBe(`\
### Prognosis: staging from development

| Application | Team | From | To |
| :-- | :-- | --: | :-- |
| a-long-name-🚆 | - | 9007199254740993 | 18446744073709551615 |
| cart | storefront | 3 | 4 |
| checkout | payments | - | 12 |
| ledger | payments | 2 | stays: team payments is locked: freeze (until the fair is over); version 7 waits |
| search | storefront | 5 | stays: already at version 5 |

**3 travel, 2 stay**

fingerprint \`3f2ab81c\`, decided at commit \`4b825dc642cb6eb9a060e54bf8d69288fbee4904\`
`)
  })

  it('of a train to an environment group', () => {
    expect(toMarkdown({ ...toTrain(production), commit: undefined })).toBe(`\
### Release train: production, 4 environments, team payments only

#### production-de from development

| Application | Team | From | To |
| :-- | :-- | --: | :-- |
| cart | storefront | 3 | 4 |

#### production-es from development

no applications

#### production-fr from latest

skipped: the environment is locked: audit, freeze (until the fair is over)

#### production-jp

skipped: it has no upstream

- warning: the group of x cannot be known
- warning: nor can that of y

**1 deployed, 2 environments skipped**

no commit: nothing changed
`)
  })

  it('names the commit of a train, and how long a prognosis is valid', () => {
    expect(toMarkdown(toTrain(staging))).toContain(`\ncommit \`${context.commit}\`\n`)
    expect(toMarkdown(toMessage(production))).toContain('\nvalid until 2024-07-03T12:00:00Z, when a lock ends\n')
  })

  it('keeps a code span closed whatever stands in it', () => {
    const message = toPrognosisMessage(staging, { fingerprint: '`a`b', commit: '`c' })
    expect(toMarkdown(message)).toContain('\nfingerprint `ab`, decided at commit `c`\n')
  })

  it('escapes what could become markup', () => {
    const reason = 'a|b `c` <d> *e* _f_ [g](h) ~i~ \\ &amp;'
    const prognosis = aPrognosis([decided('staging', [stays('cart', { cause: 'APP_UNREADABLE', reason })])])
    expect(toMarkdown(toMessage(prognosis))).toContain(
      String.raw`| stays: unreadable: a\|b \`c\` \<d\> \*e\* \_f\_ \[g\](h) \~i\~ \\ \&amp; |`,
    )
  })
})

describe('text that somebody else wrote', () => {
  const red = '\u001B[31mred\u001B[0m\u009B1A\u0007\u202E\r\nnext\u2028line\u0000'

  /** The same text everywhere that a text can stand. */
  function everywhere(text: string) {
    const application = stays(`cart${text}`, { cause: 'NO_TEAM_PERMISSION', reason: text }, { team: text })
    const prognosis = aPrognosis(
      [
        { ...decided(`a${text}`, [application, travels('other', 4n)]), upstream: `from${text}` as 'latest' },
        skippedEnvironment(`b${text}`, { cause: 'ENV_UNREADABLE', reason: text }),
      ],
      { target: `to${text}`, team: text as never, warnings: [text] },
    )
    return toPrognosisMessage(prognosis, { fingerprint: text, commit: text })
  }

  it('does nothing to a terminal', () => {
    const board = toDepartureBoard(everywhere(red))
    expect(board).toContain('[31mred[0m1A next line')
    expect(board).not.toMatch(/[^\P{Cc}\n]/u)
    expect(board).not.toMatch(/[\u202E\u2028]/u)
  })

  it('never breaks a line, a column or a table, whatever it is', () => {
    const anything = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({
        unit: fc.constantFrom('\u001B', '[', '\n', '\r', '\u2028', '\u202E', '|', '\\', '`', '<', '🚆', 'x'),
      }),
    )
    const plain = everywhere('x')
    fc.assert(
      fc.property(anything, (text) => {
        const message = everywhere(text)
        const board = toDepartureBoard(message)
        expect(board.split('\n').length).toBe(toDepartureBoard(plain).split('\n').length)
        expect(board).not.toMatch(/[^\P{Cc}\n]|\p{Bidi_Control}|\p{Zl}|\p{Zp}/u)
        expect(toDepartureBoard(message)).toBe(board)

        const markdown = toMarkdown(message)
        expect(markdown.split('\n').length).toBe(toMarkdown(plain).split('\n').length)
        expect(markdown).not.toMatch(/[^\P{Cc}\n]|\p{Bidi_Control}|\p{Zl}|\p{Zp}/u)
        for (const row of markdown.split('\n').filter((line) => line.startsWith('|'))) {
          expect(row.replaceAll(/\\./gu, '').match(/\|/gu)).toHaveLength(5)
          expect(row.replaceAll(/\\./gu, '')).not.toMatch(/[`<]/u)
        }
      }),
    )
  })
})
