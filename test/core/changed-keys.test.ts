import fc from 'fast-check'
import { expect, it } from 'vitest'
import { changedKeys } from '../../src/core/changed-keys.ts'

const maps = fc
  .array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd', 'e'), fc.constantFrom(1, 2, undefined)), { maxLength: 8 })
  .map((entries) => new Map(entries))

it('the keys that differ between two maps are found, whatever their order', () => {
  fc.assert(
    fc.property(maps, maps, (before, after) => {
      const all = [...new Set([...after.keys(), ...before.keys()])]
      expect(changedKeys(before, after)).toEqual(
        all.filter((key) => before.has(key) !== after.has(key) || before.get(key) !== after.get(key)),
      )
      expect(changedKeys(before, new Map(before))).toEqual([])
    }),
  )
})
