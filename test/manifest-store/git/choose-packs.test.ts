import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { choosePacks } from '../../../src/manifest-store/git/choose-packs.ts'
import type { PackSize } from '../../../src/manifest-store/git/pack-folder.ts'

function packsOf(...objects: readonly number[]): PackSize[] {
  return objects.map((count, index) => ({ name: `pack-${index}`, objects: count, bytes: count * 100, modified: index }))
}

function chosen(minimum: number, ...objects: readonly number[]): readonly number[] {
  return choosePacks(packsOf(...objects), minimum).map((pack) => pack.objects)
}

describe('which packs are combined', () => {
  it('are none when each is at least twice as large as the next', () => {
    expect(chosen(2, 100, 50, 25, 12)).toEqual([])
    expect(chosen(2, 7)).toEqual([])
    expect(chosen(2)).toEqual([])
  })

  it('are those that disturb the progression, and the larger ones that are too small for what they become', () => {
    expect(chosen(2, 10_000, 8, 8, 8)).toEqual([8, 8, 8])
    expect(chosen(2, 10_000, 40, 8, 8, 8)).toEqual([8, 8, 8, 40])
    expect(chosen(2, 10_000, 48, 8, 8, 8)).toEqual([8, 8, 8])
  })

  it('are none when they are few', () => {
    expect(chosen(4, 10_000, 8, 8, 8)).toEqual([])
    expect(chosen(3, 10_000, 8, 8, 8)).toEqual([8, 8, 8])
  })

  it('leave a progression behind, so that there is nothing more to do', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 100_000 }), { maxLength: 40 }), (objects) => {
        const packs = packsOf(...objects)
        const picked = choosePacks(packs, 2)
        const names = new Set(picked.map(({ name }) => name))
        const rest = packs.filter(({ name }) => !names.has(name)).map((pack) => pack.objects)
        const total = picked.reduce((sum, pack) => sum + pack.objects, 0)
        expect(chosen(2, ...rest, ...(picked.length > 0 ? [total] : []))).toEqual([])
      }),
    )
  })

  it('cost each object a number of copies that grows with the logarithm', () => {
    let packs: number[] = []
    let copied = 0
    for (let write = 0; write < 10_000; write += 1) {
      packs.push(8)
      const picked = chosen(16, ...packs)
      const total = picked.reduce((sum, objects) => sum + objects, 0)
      copied += total
      for (const objects of picked) packs.splice(packs.indexOf(objects), 1)
      if (total > 0) packs.push(total)
      expect(packs.length).toBeLessThan(30)
    }
    expect(packs.reduce((sum, objects) => sum + objects, 0)).toBe(80_000)
    expect(copied).toBeLessThan(80_000 * Math.log2(10_000))
  })
})
