import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createUnrestrictedPrincipal } from '../../src/core/principal.ts'
import type { Prognosis } from '../../src/core/release-train-prognosis.ts'
import { prognoseReleaseTrain } from '../../src/core/release-train-prognosis.ts'
import { toJson } from '../../src/protobuf/messages.ts'
import { environmentJson, prognosisFrame, releaseTrainFrame } from '../../src/protobuf/prognosis-json.ts'
import type { PrognosisContext } from '../../src/protobuf/to-prognosis-message.ts'
import { prognosisMessageType, toPrognosisMessage } from '../../src/protobuf/to-prognosis-message.ts'
import { releaseTrainMessageType, toReleaseTrainMessage } from '../../src/protobuf/to-release-train-message.ts'
import { judgedAt, repositories, targetsOf, toSnapshot } from '../support/snapshot-arbitrary.ts'
import { aPrognosis, aPrognosisOfEverything, decided, travels } from './sample-prognosis.ts'

const deployer = createUnrestrictedPrincipal({ name: 'Deployer', email: 'deployer@example.com' })
const context = { fingerprint: 'f1', commit: 'c1' }

/** Of every target of some repository, as somebody who may not deploy everything sees it. */
const prognoses: fc.Arbitrary<readonly Prognosis[]> = fc
  .record({
    repository: repositories,
    denied: fc.subarray(['cart', 'web']),
    team: fc.constantFrom(undefined, 'search'),
  })
  .map(({ repository, denied, team }) =>
    targetsOf(repository).map((target) =>
      prognoseReleaseTrain(
        toSnapshot(repository),
        { target, lookup: 'group-first', team },
        { ...deployer, mayDo: (_action, { application = '' }) => !denied.includes(application) },
        judgedAt,
      ),
    ),
  )

describe('the JSON that is written without the message', () => {
  it('of any prognosis is that of its message', () => {
    fc.assert(
      fc.property(prognoses, (some) => {
        for (const prognosis of some) expectSame(prognosis)
      }),
      { numRuns: 500 },
    )
  })

  it('of every kind of outcome, with text that needs escapes, is that of its message', () => {
    expectSame(aPrognosisOfEverything())
    expectSame({ ...aPrognosisOfEverything(), team: undefined, warnings: ['"\u2028\ud800'] })
    expectSame(aPrognosis([decided('"odd"', [travels('\u0001<', 1n, { team: 'a "b"' })])]))
  })

  it('of a replay, and of what gets a tag, is that of its message', () => {
    const replay = { ...aPrognosisOfEverything(), gitTag: 'v2', source: { gitTag: 'v"1', commit: 'c0' } }
    for (const warnings of [[], ['one']]) {
      expectSame({ ...replay, warnings })
      expectSame({ ...replay, warnings }, { ...context, commit: undefined })
    }
    const { outcome, ...cart } = travels('cart', 3n)
    const restored = { tree: 't1', team: undefined }
    if (outcome.kind !== 'travels') throw new Error('it travels')
    expectSame(aPrognosis([decided('staging', [{ ...cart, outcome: { ...outcome, restored } }])], { gitTag: 'v2' }))
  })

  it('of a train without a commit names no tag', () => {
    const prognosis = aPrognosis([], { gitTag: 'v2' })
    expect(releaseTrainFrame(prognosis, { ...context, commit: undefined }).join('')).not.toContain('v2')
    expect(releaseTrainFrame(prognosis, context).join('')).toContain('"gitTag":"v2"')
  })
})

function expectSame(prognosis: Prognosis, of: PrognosisContext = context): void {
  const environments = prognosis.environments.map(environmentJson).join(',')
  expect(prognosisFrame(prognosis, of).join(environments)).toBe(
    toJson(prognosisMessageType, toPrognosisMessage(prognosis, of)),
  )
  expect(releaseTrainFrame(prognosis, of).join(environments)).toBe(
    toJson(releaseTrainMessageType, toReleaseTrainMessage(prognosis, of)),
  )
}
