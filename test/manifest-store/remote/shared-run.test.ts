import { expect, it } from 'vitest'
import { SharedRun } from '../../../src/manifest-store/remote/shared-run.ts'

/** Work that ends when it is told to. */
function heldWork() {
  const ends: ((error?: Error) => void)[] = []
  const shared = new SharedRun(
    () => new Promise((resolve, reject) => ends.push((error) => (error === undefined ? resolve() : reject(error)))),
  )
  return { shared, ends }
}

it('what is asked for while it runs is done once more, for all', async () => {
  const { shared, ends } = heldWork()
  const first = shared.run()
  const others = [shared.run(), shared.run()]
  expect(ends).toHaveLength(1)
  ends[0]?.()
  await first
  await Promise.resolve()
  expect(ends).toHaveLength(2)
  const third = shared.run()
  ends[1]?.()
  await Promise.all(others)
  expect(ends).toHaveLength(3)
  ends[2]?.()
  await third
  expect(ends).toHaveLength(3)
})

it('a failure is that of those who shared it, and the next run begins all the same', async () => {
  const { shared, ends } = heldWork()
  const first = shared.run()
  const second = shared.run()
  ends[0]?.(new Error('not now'))
  await expect(first).rejects.toThrow('not now')
  await Promise.resolve()
  ends[1]?.()
  await second
})

it('is idle when nothing runs any more', async () => {
  const { shared, ends } = heldWork()
  await shared.idle()
  const run = shared.run()
  let isIdle = false
  const idle = shared.idle().then(() => (isIdle = true))
  await Promise.resolve()
  expect(isIdle).toBe(false)
  ends[0]?.(new Error('not now'))
  await idle
  await expect(run).rejects.toThrow('not now')
})
