import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { expiredVersions } from '../../src/core/retention.ts'

const versions = Array.from({ length: 30 }, (_, index) => BigInt(index + 1))
const none = new Set<bigint>()

describe('retention', () => {
  it.each([
    ['keeps one less than the limit before the oldest deployed release', [25n, 30n], 20, [1n, 2n, 3n, 4n, 5n]],
    ['removes nothing while there are fewer', [19n], 20, []],
    ['removes the first when there is one more', [20n], 20, []],
    ['removes the first when there are two more', [21n], 20, [1n]],
    ['counts from the newest release when none is deployed', [], 26, [1n, 2n, 3n, 4n]],
    ['ignores a deployed version that does not exist', [99n], 26, [1n, 2n, 3n, 4n]],
    ['removes nothing older when the oldest is deployed', [1n, 30n], 5, []],
  ])('%s', (_name, deployed, limit, expected) => {
    const inUse = { versions, deployed: new Set(deployed), queued: none }
    expect(expiredVersions(inUse, limit)).toEqual(expected)
  })

  it('keeps a queued version among those it removes', () => {
    const queued = new Set([2n])
    expect(expiredVersions({ versions, deployed: new Set([24n]), queued }, 20)).toEqual([1n, 3n, 4n])
  })

  it('never removes what is needed, nor too few, nor from the middle', () => {
    const situations = fc.record({
      all: fc.uniqueArray(fc.bigInt({ min: 0n, max: 60n }), { maxLength: 40 }),
      picks: fc.array(fc.nat(), { maxLength: 6 }),
      waiting: fc.array(fc.nat(), { maxLength: 2 }),
      limit: fc.integer({ min: 5, max: 30 }),
    })
    fc.assert(
      fc.property(situations, ({ all, picks, waiting, limit }) => {
        const sorted = all.toSorted((a, b) => (a < b ? -1 : 1))
        const pick = (numbers: readonly number[]) =>
          new Set(numbers.flatMap((number) => sorted[number % sorted.length] ?? []))
        const [deployed, queued] = [pick(picks), pick(waiting)]
        const expired = expiredVersions({ versions: sorted, deployed, queued }, limit)
        for (const version of expired) {
          expect(deployed.has(version)).toBe(false)
          expect(queued.has(version)).toBe(false)
        }
        const oldest = sorted.find((version) => deployed.has(version)) ?? sorted.at(-1)
        const olderKept = sorted.filter((version) => version < (oldest ?? 0n) && !expired.includes(version))
        const keptForQueues = olderKept.filter((version) => queued.has(version))
        expect(olderKept.length).toBeGreaterThanOrEqual(Math.min(limit - 1, olderKept.length + expired.length))
        expect(olderKept.length).toBeLessThanOrEqual(limit - 1 + keptForQueues.length)
        const firstKept = sorted.find((version) => !expired.includes(version) && !queued.has(version))
        for (const version of expired) expect(version < (firstKept ?? 100n)).toBe(true)
      }),
    )
  })
})
