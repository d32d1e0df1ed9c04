import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { blobId } from '../../src/manifest-check/check-manifest.ts'
import type { ManifestTooComplexError } from '../../src/manifest-check/manifest-checker.ts'
import { createTestChecker } from '../support/manifest-checker.ts'

const bytes = (text: string) => Buffer.from(text)
const fine = { environment: 'dev', bytes: bytes('a: 1\n') }
/** More than it takes to start the thread, in nodes. */
const complex = { environment: 'staging', bytes: bytes(`[${'a, '.repeat(500_000)}]`) }

/** More than 256 KB, and quick nevertheless. */
const large = { environment: 'staging', bytes: bytes('a: 1\n---\n'.repeat(30_000)) }

describe('the manifest checker', () => {
  it('answers for each manifest in its order, with the id of its blob', async () => {
    const checker = createTestChecker()
    const checked = await checker.check([fine, { environment: 'prod', bytes: bytes('a: [\n') }, fine])
    expect(checked).toEqual([
      expect.objectContaining({ environment: 'dev', id: expect.stringMatching(/^[0-9a-f]{40}$/) as string }),
      expect.objectContaining({ environment: 'prod', problem: { message: expect.any(String), line: 2, column: 1 } }),
      checked[0],
    ])
    expect(checked[0]).not.toHaveProperty('problem')
    expect(fine.bytes.toString()).toBe('a: 1\n')
  })

  it('does not check what stands there already, byte for byte', async () => {
    const checker = createTestChecker({ maximumMemory: 32 })
    const [first] = await checker.check([fine])
    const broken = { environment: 'dev', bytes: bytes('a: [\n') }
    const [other] = await checker.check([{ ...broken, existing: first?.id }])
    expect(other).toHaveProperty('problem')
    expect(await checker.check([{ ...complex, existing: blobId(complex.bytes) }])).toHaveLength(1)
  })

  it('compares and shows differences', async () => {
    const checker = createTestChecker()
    expect(await checker.isSame(bytes('a: {b: 1}'), bytes('a: { b: 1 }'))).toBe(true)
    expect(await checker.isSame(bytes('a: 1'), bytes('a: 2'))).toBe(false)
    expect(await checker.diff('a\n', bytes('b\n'), { from: 'x', to: 'y' })).toBe(
      '--- x\n+++ y\n@@ -1,1 +1,1 @@\n-a\n+b\n',
    )
  })

  it('looks at its own piece of a shared buffer', async () => {
    const checker = createTestChecker()
    const shared = bytes('a: [a: 1\n: [')
    const [checked] = await checker.check([{ environment: 'dev', bytes: shared.subarray(4, 9) }])
    expect(checked).toEqual((await checker.check([fine]))[0])
  })

  it('fails a job that takes too much memory, and goes on with the others', async () => {
    const checker = createTestChecker({ maximumMemory: 32 })
    const jobs = [
      checker.check([fine, complex, fine]),
      checker.check([fine]),
      checker.isSame(complex.bytes, fine.bytes),
    ]
    const [first, second, third] = await Promise.allSettled(jobs)
    expect(first).toMatchObject({
      status: 'rejected',
      reason: {
        name: 'ManifestTooComplexError',
        environment: 'staging',
        message:
          "the manifest for environment 'staging' takes more than 32 MB of memory to look into: " +
          'split it, or raise SIGNALBOX_MANIFEST_CHECK_MEMORY_MB',
      } satisfies Partial<ManifestTooComplexError>,
    })
    expect(second).toMatchObject({ status: 'fulfilled' })
    expect(third).toMatchObject({
      status: 'rejected',
      reason: { environment: undefined, message: expect.stringMatching(/^a manifest takes more than 32 MB/) as string },
    })
    expect(await checker.check([fine])).toHaveLength(1)
  })

  it('fails a job that takes too long, and goes on with the others', async () => {
    const checker = createTestChecker({ maximumSeconds: 1.5 })
    const endless = { environment: 'staging', bytes: bytes('---\na: 1\n'.repeat(1_000_000)) }
    const [slow, quick] = await Promise.allSettled([checker.check([endless]), checker.check([fine])])
    expect(slow).toMatchObject({
      status: 'rejected',
      reason: {
        message:
          "the manifest for environment 'staging' takes longer than 1.5 s to look into: " +
          'split it, or raise SIGNALBOX_MANIFEST_CHECK_SECONDS',
      },
    })
    expect(quick).toMatchObject({ status: 'fulfilled' })
  })

  it('does not let what is small wait for what is large', async () => {
    const checker = createTestChecker()
    const order: string[] = []
    const first = checker.check([large, large]).then(() => order.push('large'))
    await checker.check([fine])
    order.push('small')
    await checker.diff(fine.bytes, bytes('a: 2'), { from: 'x', to: 'y' })
    order.push('diff')
    await first
    expect(order).toEqual(['small', 'diff', 'large'])
  })

  it('lets those take turns who have several that are large', async () => {
    const checker = createTestChecker()
    const order: string[] = []
    await Promise.all([
      checker.check([large, large, large]).then(() => order.push('three')),
      checker.check([large]).then(() => order.push('one')),
    ])
    expect(order).toEqual(['one', 'three'])
  })

  it('drops what nobody waits for any more, whether it runs or waits', async () => {
    const checker = createTestChecker({ maximumSeconds: 10 })
    const endless = { environment: 'staging', bytes: bytes('---\na: 1\n'.repeat(1_000_000)) }
    const caller = new AbortController()
    const jobs = Promise.allSettled([
      checker.check([endless], caller.signal),
      checker.isSame(endless.bytes, large.bytes, caller.signal),
      checker.check([large]),
    ])
    await checker.check([fine])
    const reason = new Error('left')
    caller.abort(reason)
    expect(await jobs).toEqual([
      { status: 'rejected', reason },
      { status: 'rejected', reason },
      { status: 'fulfilled', value: [expect.objectContaining({ environment: 'staging' })] },
    ])
    await expect(checker.check([fine], caller.signal)).rejects.toBe(reason)
  })

  it('fails when its thread cannot be started, every time anew', async () => {
    const checker = createTestChecker({ workerFile: new URL('nowhere.js', import.meta.url) })
    await expect(checker.check([fine])).rejects.toThrow('nowhere.js')
    await expect(checker.check([fine])).rejects.toThrow('nowhere.js')
  })

  it('fails what it is asked for after it is closed, and what still waits then', async () => {
    const checker = createTestChecker()
    const jobs = Promise.allSettled([checker.check([fine]), checker.check([fine])])
    await checker.close()
    const closed = { status: 'rejected', reason: new Error('the manifest checker is closed') }
    expect(await jobs).toEqual([closed, closed])
    await expect(checker.check([fine])).rejects.toThrow('the manifest checker is closed')
    await checker.close()
  })

  it('does not keep a process alive that has nothing else to do', () => {
    const file = fileURLToPath(new URL('../../dist/manifest-check/worker-manifest-checker.js', import.meta.url))
    const program = `
      import { WorkerManifestChecker } from ${JSON.stringify(file)}
      const [checked] = await new WorkerManifestChecker().check([{ environment: 'dev', bytes: Buffer.from('a: 1') }])
      console.log(checked.id)`
    const { stdout, status } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { timeout: 20_000 })
    expect({ status, stdout: stdout.toString() }).toEqual({
      status: 0,
      stdout: expect.stringMatching(/^[0-9a-f]{40}\n$/),
    })
  })
})
