import { describe, expect, it } from 'vitest'
import { chooseBase, maximumDepth } from '../../../src/manifest-store/git/delta-chain.ts'

interface Version {
  readonly depth: number
  readonly base: Version | undefined
}

function versionAfter(before: Version | undefined, height = 0): Version {
  const base = chooseBase(before, height)
  return { depth: base === undefined ? 0 : base.depth + 1, base }
}

describe('the base of the next version', () => {
  it('is the version before, until that is deep; then one near the beginning of its chain', () => {
    let version = versionAfter(undefined)
    const depths: number[] = []
    for (let number = 0; number < 100; number += 1) {
      depths.push(version.depth)
      version = versionAfter(version)
    }
    expect(depths.slice(0, 17)).toEqual(Array.from({ length: 17 }, (_, depth) => depth))
    expect(depths.slice(17, 20)).toEqual([3, 4, 5])
    expect(Math.max(...depths)).toBe(16)
  })

  it('is near the beginning where two chains meet, so that their depths do not add up', () => {
    let version = versionAfter(undefined)
    for (let number = 0; number < 10; number += 1) version = versionAfter(version)
    expect(version.depth).toBe(10)
    expect(versionAfter(version, 12).depth).toBe(3)
  })

  it('is none when the chain would become longer than git makes them', () => {
    const before: Version = { depth: 0, base: undefined }
    expect(chooseBase(before, maximumDepth - 1)).toBe(before)
    expect(chooseBase(before, maximumDepth)).toBeUndefined()
    expect(chooseBase(undefined)).toBeUndefined()
  })
})
