import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createUnrestrictedPrincipal } from '../../src/core/principal.ts'
import type { Prognosis } from '../../src/core/release-train-prognosis.ts'
import { prognoseReleaseTrain } from '../../src/core/release-train-prognosis.ts'
import { toJson } from '../../src/protobuf/messages.ts'
import { environmentJson, prognosisFrame, releaseTrainFrame } from '../../src/protobuf/prognosis-json.ts'
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
})

function expectSame(prognosis: Prognosis): void {
  const environments = prognosis.environments.map(environmentJson).join(',')
  expect(prognosisFrame(prognosis, context).join(environments)).toBe(
    toJson(prognosisMessageType, toPrognosisMessage(prognosis, context)),
  )
  expect(releaseTrainFrame(prognosis, context).join(environments)).toBe(
    toJson(releaseTrainMessageType, toReleaseTrainMessage(prognosis, context)),
  )
}
