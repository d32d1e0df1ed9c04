import { describe, expect, it } from 'vitest'
import { endOfLifetime } from '../../src/core/lifetime.ts'

const begin = new Date('2026-05-04T09:30:00.250Z')

describe('a lifetime', () => {
  it.each([
    ['1h', '2026-05-04T10:30:00.250Z'],
    ['36h', '2026-05-05T21:30:00.250Z'],
    ['2d', '2026-05-06T09:30:00.250Z'],
    ['1w', '2026-05-11T09:30:00.250Z'],
    ['52w', '2027-05-03T09:30:00.250Z'],
    ['415000w', '9979-12-17T09:30:00.250Z'],
  ])('of %s ends at %s', (lifetime, end) => {
    expect(endOfLifetime(lifetime, begin)?.toISOString()).toBe(end)
  })

  it.each([
    '',
    'd',
    '2',
    '0d',
    '02d',
    '-1d',
    '+1d',
    '1.5d',
    '2D',
    '2m',
    '2 d',
    ' 2d',
    '2d ',
    '2d\n',
    '2dd',
    '1d2h',
    '٢d',
  ])('is not said by %j', (text) => {
    expect(endOfLifetime(text, begin)).toBeUndefined()
  })

  it.each(['416500w', '99999999999999999999h', `${'9'.repeat(400)}w`])(
    'never ends after the year 9999: %.20s',
    (text) => {
      expect(endOfLifetime(text, begin)).toBeUndefined()
    },
  )
})
