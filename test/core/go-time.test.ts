import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseGoTimeText, toGoTimeText } from '../../src/core/go-time.ts'

describe('a moment as Go writes it', () => {
  it.each([
    ['2024-07-01T12:00:00.000Z', '2024-07-01 12:00:00 +0000 UTC'],
    ['2024-07-01T12:00:00.123Z', '2024-07-01 12:00:00.123 +0000 UTC'],
    ['2024-07-01T12:00:00.120Z', '2024-07-01 12:00:00.12 +0000 UTC'],
    ['2024-07-01T12:00:00.100Z', '2024-07-01 12:00:00.1 +0000 UTC'],
    ['2024-07-01T12:00:00.001Z', '2024-07-01 12:00:00.001 +0000 UTC'],
    ['2024-07-01T12:00:10.000Z', '2024-07-01 12:00:10 +0000 UTC'],
    ['1970-01-01T00:00:00.000Z', '1970-01-01 00:00:00 +0000 UTC'],
    ['0001-01-01T00:00:00.000Z', '0001-01-01 00:00:00 +0000 UTC'],
    ['9999-12-31T23:59:59.999Z', '9999-12-31 23:59:59.999 +0000 UTC'],
  ])('%s is %s', (moment, text) => {
    expect(toGoTimeText(new Date(moment))).toBe(text)
  })
})

describe('a text that Go wrote', () => {
  it.each([
    ['2024-07-01 12:00:00 +0000 UTC', '2024-07-01T12:00:00.000Z'],
    ['2024-07-01 12:00:00.5 +0000 UTC', '2024-07-01T12:00:00.500Z'],
    ['2024-07-01 12:00:00.123456789 +0000 UTC', '2024-07-01T12:00:00.123Z'],
    ['2024-07-01 12:00:00.999999999 +0000 UTC', '2024-07-01T12:00:00.999Z'],
    ['2024-07-01 12:00:00 +0200 CEST', '2024-07-01T10:00:00.000Z'],
    ['2024-07-01 12:00:00 -0330 NDT', '2024-07-01T15:30:00.000Z'],
    ['2024-07-01 12:00:00 +0545 +0545', '2024-07-01T06:15:00.000Z'],
    ['2024-07-01 12:00:00 +0000', '2024-07-01T12:00:00.000Z'],
    ['  2024-07-01 12:00:00 +0000 UTC\n', '2024-07-01T12:00:00.000Z'],
    ['2024-02-29 00:00:00 +0000 UTC', '2024-02-29T00:00:00.000Z'],
  ])('%j is read as %s', (text, moment) => {
    expect(parseGoTimeText(text)?.toISOString()).toBe(moment)
  })

  it('is read back as the moment it was written for', () => {
    const moments = fc.date({
      min: new Date('0001-01-01T00:00:00Z'),
      max: new Date('9999-12-31T23:59:59.999Z'),
      noInvalidDate: true,
    })
    fc.assert(
      fc.property(moments, (moment) => {
        expect(parseGoTimeText(toGoTimeText(moment))).toEqual(moment)
      }),
    )
  })
})

describe('a text that is no moment', () => {
  it.each([
    '',
    'yesterday',
    '2024-07-01',
    '2024-07-01T12:00:00Z',
    '2024-07-01 12:00:00',
    '2024-07-01 12:00:00 UTC',
    '2024-07-01 12:00:00. +0000 UTC',
    '2024-07-01 12:00:00.1234567890 +0000 UTC',
    '2024-07-01 12:00:00 +0000 UTC m=+0.000012',
    '2024-7-1 12:00:00 +0000 UTC',
    '2024-13-01 12:00:00 +0000 UTC',
    '2024-07-01 25:00:00 +0000 UTC',
    '2024-07-01 12:60:00 +0000 UTC',
    '2024-07-01 12:00:00 +9999 UTC',
    '2024-07-01 12:00:00 +0000 UTC\n2024-07-01 12:00:00 +0000 UTC',
    '２０２４-07-01 12:00:00 +0000 UTC',
  ])('%j is not read', (text) => {
    expect(parseGoTimeText(text)).toBeUndefined()
  })

  it.each(['2023-02-29', '2024-02-30', '2024-04-31'])('%s is a day that does not exist', (day) => {
    expect(parseGoTimeText(`${day} 12:00:00 +0000 UTC`)).toBeUndefined()
  })
})
