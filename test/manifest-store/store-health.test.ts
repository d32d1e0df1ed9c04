import { expect, it } from 'vitest'
import { createUnrestrictedPrincipal } from '../../src/core/principal.ts'
import { environmentLock, toMake } from '../support/changes.ts'
import { createShopRepository, createTestStore, signalbox, testTime } from '../support/test-store.ts'

const request = { principal: createUnrestrictedPrincipal(signalbox), requestId: 'request-1' }

async function openStoreThatFailed() {
  const repository = await createShopRepository()
  let now = testTime
  const store = createTestStore(repository, () => now)
  const publish = repository.publish.bind(repository)
  repository.publish = () => Promise.reject(new Error('the disk is full'))
  await store.submit(toMake(environmentLock('staging', 'a')), request).catch(() => undefined)
  repository.publish = publish
  expect(store.health().problems).toEqual(['the repository could not be written: the disk is full'])
  return { store, wait: (milliseconds: number) => (now = new Date(now.getTime() + milliseconds)) }
}

it('health forgets a write that failed an hour ago, since nobody may write again for long', async () => {
  const { store, wait } = await openStoreThatFailed()
  wait(3_599_999)
  expect(store.health().problems).toHaveLength(1)
  wait(1)
  expect(store.health().problems).toEqual([])
})

it('health forgets a write that failed when a command has no such problem, even if it changes nothing', async () => {
  const { store } = await openStoreThatFailed()
  await store.submit(toMake([]), request)
  expect(store.health().problems).toEqual([])
})
