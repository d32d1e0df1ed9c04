import { createHash, randomBytes } from 'node:crypto'
import { deflateSync } from 'node:zlib'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createDelta } from '../../../src/manifest-store/git/create-delta.ts'
import { applyDelta } from '../../../src/manifest-store/git/delta.ts'
import { createObject } from '../../../src/manifest-store/git/git-object.ts'
import { serializeTree } from '../../../src/manifest-store/git/tree.ts'
import { createBareRepository, gitBytes, git, hasGit } from '../../support/real-git.ts'

/** Bytes made of few different pieces, so that two of them have much in common in different places. */
const pieces = Array.from({ length: 6 }, (_, index) => Buffer.alloc(index * 9 + 1, `piece ${index} `))
const patchwork = fc
  .array(fc.oneof(fc.constantFrom(...pieces), fc.uint8Array({ maxLength: 40 })), { maxLength: 30 })
  .map((parts) => Buffer.concat(parts))

function expectRoundTrip(base: Uint8Array, target: Uint8Array): Uint8Array {
  const delta = createDelta(base, target)
  expect(Buffer.compare(applyDelta(base, delta), target)).toBe(0)
  return delta
}

/** A tree like the one of an environment's applications. */
function aTree(size: number, changed: ReadonlySet<number>): Uint8Array {
  return serializeTree(
    Array.from({ length: size }, (_, index) => ({
      mode: '40000',
      name: `application-${String(index).padStart(4, '0')}`,
      id: createObject('blob', Buffer.from(`${index} ${changed.has(index)}`)).id,
    })),
  )
}

describe('a delta', () => {
  it('makes the target of the base, whatever they are', () => {
    fc.assert(
      fc.property(patchwork, patchwork, (base, target) => void expectRoundTrip(base, target)),
      { numRuns: 2000 },
    )
  })

  it('does so for long ones', () => {
    const base = randomBytes(300_000)
    expectRoundTrip(base, base)
    expectRoundTrip(base, Buffer.concat([base.subarray(150_000), base.subarray(0, 150_000), base]))
    expectRoundTrip(base, randomBytes(70_000))
    expectRoundTrip(base, new Uint8Array())
    expectRoundTrip(new Uint8Array(), base)
  })

  it('of a large tree in which one entry changed is tiny', () => {
    expect(expectRoundTrip(aTree(1000, new Set()), aTree(1000, new Set([500]))).length).toBeLessThan(50)
  })

  it('of a large tree in which a few entries changed is small', () => {
    const changed = new Set([3, 77, 78, 400, 999])
    expect(expectRoundTrip(aTree(1000, new Set()), aTree(1000, changed)).length).toBeLessThan(5 * 40 + 10)
  })

  it('finds what has moved', () => {
    const base = randomBytes(5000)
    const target = Buffer.concat([randomBytes(10), base.subarray(2000, 4000), randomBytes(10), base.subarray(0, 1000)])
    expect(expectRoundTrip(base, target).length).toBeLessThan(60)
  })

  it.runIf(hasGit)('is applied by git to the same result', () => {
    // git has no delta for what is empty.
    const notEmpty = patchwork.filter(({ length }) => length > 0)
    for (const [base, target] of fc.sample(fc.tuple(notEmpty, notEmpty), 20)) {
      const cwd = createBareRepository()
      const object = createObject('blob', base)
      git(['hash-object', '-w', '--stdin'], { cwd, input: base })
      const delta = createDelta(base, target)
      git(['index-pack', '--stdin', '--fix-thin'], { cwd, input: thinPack(object.id, delta) })
      const { id } = createObject('blob', target)
      expect(gitBytes(['cat-file', 'blob', id], { cwd }).equals(target)).toBe(true)
    }
  })
})

/** A pack of one delta whose base is elsewhere. */
function thinPack(base: string, delta: Uint8Array): Buffer {
  const size = [0xf0 | (delta.length & 15), 0x80 | ((delta.length >> 4) & 127), delta.length >> 11]
  const body = Buffer.concat([
    Buffer.from('PACK\0\0\0\u0002\0\0\0\u0001', 'latin1'),
    Buffer.from(size),
    Buffer.from(base, 'hex'),
    deflateSync(delta),
  ])
  return Buffer.concat([body, Buffer.from(checksum(body), 'hex')])
}

function checksum(body: Buffer): string {
  return createHash('sha1').update(body).digest('hex')
}
