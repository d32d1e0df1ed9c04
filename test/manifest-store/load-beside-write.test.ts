import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import type { Change } from '../../src/core/change.ts'
import { createUnrestrictedPrincipal } from '../../src/core/principal.ts'
import { createObject } from '../../src/manifest-store/git/git-object.ts'
import { toMake } from '../support/changes.ts'
import { createShopRepository, createTestStore, signalbox } from '../support/test-store.ts'
import { WatchedRepository } from '../support/watched-repository.ts'

const request = { principal: createUnrestrictedPrincipal(signalbox), requestId: 'request-1' }
const config = '{"environmentGroup":"read late"}'
const { id } = createObject('blob', Buffer.from(config))

/** A store, and a change that makes it read an object which its repository already has. */
async function openStore() {
  const repository = new WatchedRepository(await createShopRepository())
  const store = createTestStore(repository)
  await store.submit(toMake([{ path: 'applications/app/notes', content: { kind: 'text', text: config } }]), request)
  const change: Change = { path: 'environments/staging/config.json', content: { kind: 'blob', id } }
  const groupOfStaging = async () => {
    const environment = [...(await store.snapshot()).environments.values()].find(({ name }) => name === 'staging')
    return environment?.config.ok === true ? environment.config.value.environmentGroup : undefined
  }
  return { repository, store, change, groupOfStaging }
}

it('what a write leaves behind is read while it is written', async () => {
  const { repository, store, change, groupOfStaging } = await openStore()
  const publishing = new Promise<void>((resolve) => (repository.beforePublish = () => resolve()))
  repository.beforeRead = (read) => (read === id ? publishing : undefined)

  const { commit } = await store.submit(toMake([change]), request)

  expect(commit).toBeDefined()
  expect(repository.reads.filter((read) => read === id)).toHaveLength(1)
  expect(await groupOfStaging()).toBe('read late')
  expect(repository.reads.filter((read) => read === id)).toHaveLength(1)
})

it('a write that is on the branch has succeeded, even if nobody can read now what it left behind', async () => {
  const { repository, store, change, groupOfStaging } = await openStore()
  repository.beforeRead = (read) => {
    if (read === id) throw Object.assign(new Error('the disk does not answer'), { syscall: 'read' })
  }

  const { commit } = await store.submit(toMake([change]), request)

  expect(await repository.head()).toBe(commit)
  repository.beforeRead = () => {}
  expect(await groupOfStaging()).toBe('read late')
  expect((await store.snapshot()).commit).toBe(commit)
})

it('a write that fails is answered when nobody reads any more what it would have left behind', async () => {
  const { repository, store, change } = await openStore()
  let isRead = false
  repository.beforeRead = async (read) => {
    if (read !== id) return
    await sleep(50)
    isRead = true
  }
  repository.beforePublish = () => {
    throw new Error('the disk is full')
  }

  await expect(store.submit(toMake([change]), request)).rejects.toThrow('the disk is full')
  // Its objects are forgotten then: who looked for one would ask for it elsewhere.
  expect(isRead).toBe(true)
})
