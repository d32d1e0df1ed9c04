import { expect, it, vi } from 'vitest'
import { parseCommit } from '../../../src/manifest-store/git/commit.ts'
import { ObjectCache } from '../../../src/manifest-store/git/object-cache.ts'
import { SnapshotLoader } from '../../../src/manifest-store/layout/snapshot-loader.ts'
import { createShopRepository } from '../../support/test-store.ts'

it('a snapshot whose objects are all in memory lets others run while it is loaded', async () => {
  const repository = await createShopRepository()
  const objects = new ObjectCache(repository)
  const commit = (await repository.head()) ?? ''
  const { tree } = parseCommit(await objects.readCommit(commit))
  let time = 0
  // Each look at the clock finds a slice used up.
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => (time += 10))
  let turns = 0
  let isLoaded = false
  const countTurns = () => {
    turns += 1
    if (!isLoaded) setImmediate(countTurns)
  }
  setImmediate(countTurns)
  await new SnapshotLoader(objects, () => {}).load(commit, tree)
  isLoaded = true
  clock.mockRestore()
  expect(turns).toBeGreaterThan(5)
})
