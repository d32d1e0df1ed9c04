import { expect, it } from 'vitest'
import { createUnrestrictedPrincipal } from '../../src/core/principal.ts'
import type { Repository } from '../../src/manifest-store/repository/repository.ts'
import { StoreUnavailableError } from '../../src/manifest-store/store-errors.ts'
import { environmentLock, toMake } from '../support/changes.ts'
import { createShopRepository, createTestStore } from '../support/test-store.ts'

const request = {
  principal: createUnrestrictedPrincipal({ name: 'Keeper', email: 'keeper@example.com' }),
  requestId: 'request-1',
}

/** A repository that has no room until it is told, or until there is no time. */
async function crowdedStore() {
  let makeRoom: () => void = () => undefined
  const asked: AbortSignal[] = []
  let published = 0
  const inner = await createShopRepository()
  const repository: Repository = {
    url: inner.url,
    branch: inner.branch,
    head: () => inner.head(),
    read: (id) => inner.read(id),
    readShallow: () => inner.readShallow(),
    readTag: (name) => inner.readTag(name),
    publish: (update) => {
      published += 1
      return inner.publish(update)
    },
    makeRoom: (signal) =>
      new Promise((resolve) => {
        asked.push(signal)
        makeRoom = resolve
        signal.addEventListener('abort', () => resolve())
      }),
    close: () => inner.close(),
  }
  const store = createTestStore(repository)
  const lock = (id: string) => store.submit(toMake(environmentLock('staging', id)), request)
  return { store, lock, asked, makeRoom: () => makeRoom(), published: () => published }
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate)
}

it('writes wait for room, reads do not, and what came meanwhile is one batch', async () => {
  const { store, lock, asked, makeRoom, published } = await crowdedStore()
  const first = lock('first')
  await turns()
  const others = ['second', 'third'].map(lock)
  await turns()
  expect([published(), asked.length]).toEqual([0, 1])
  expect((await store.snapshot()).environments.size).toBeGreaterThan(0)
  expect(store.health().waitingCommands).toBe(3)
  makeRoom()
  const commits = await Promise.all([first, ...others])
  expect(new Set(commits.map(({ commit }) => commit)).size).toBe(3)
  expect(published()).toBe(1)
  await store.close()
})

it('a shutdown does not wait for room: what waits is refused at once, or else written', async () => {
  const refusing = await crowdedStore()
  const refused = refusing.lock('late').catch((error: unknown) => error)
  await turns()
  expect(refusing.store.refuseWaiting()).toBe(1)
  expect(await refused).toBeInstanceOf(StoreUnavailableError)
  await refusing.store.close()
  expect(refusing.published()).toBe(0)

  const closing = await crowdedStore()
  const written = closing.lock('last')
  await turns()
  await closing.store.close()
  expect((await written).commit).toBeDefined()
})
