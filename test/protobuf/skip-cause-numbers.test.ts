import { describe, expect, it } from 'vitest'
import { applicationSkipCauseNumbers, environmentSkipCauseNumbers } from '../../src/protobuf/skip-cause-numbers.ts'
import { publishedRoot } from './published-proto.ts'

/** Part of Kuberpult's numbers, but no decision leads to them. */
const neverProduced = ['APP_IS_LOCKED_BY_ENV', 'APP_WITHOUT_TEAM']

describe('skip causes', () => {
  it.each([
    ['api.v1.ReleaseTrainEnvSkipCause', environmentSkipCauseNumbers],
    ['api.v1.ReleaseTrainAppSkipCause', applicationSkipCauseNumbers],
  ])('have the names and numbers of %s', (name, numbers) => {
    const published = Object.entries(publishedRoot.lookupEnum(name).values)
    expect(numbers).toEqual(Object.fromEntries(published.filter(([cause]) => !neverProduced.includes(cause))))
  })
})
