import type * as FileSystem from 'node:fs/promises'
import { open } from 'node:fs/promises'
import { afterEach, expect, it, onTestFinished, vi } from 'vitest'
import { createUnrestrictedPrincipal } from '../../../src/core/principal.ts'
import { LocalRepository } from '../../../src/manifest-store/repository/local-repository.ts'
import { OutcomeUnknownError } from '../../../src/manifest-store/store-errors.ts'
import { environmentLock, toMake } from '../../support/changes.ts'
import { createTemporaryFolder } from '../../support/real-git.ts'
import { seedRepository } from '../../../src/manifest-store/repository/seed-repository.ts'
import { createTestStore, fixtureFolder, signalbox, testTime } from '../../support/test-store.ts'
import { join } from 'node:path'

// The real file system, of which some calls are made to fail.
vi.mock(import('node:fs/promises'), { spy: true })
const actual = await vi.importActual<typeof FileSystem>('node:fs/promises')

afterEach(() => {
  vi.resetAllMocks()
})

const principal = createUnrestrictedPrincipal({ name: 'Deployer', email: 'deployer@example.com' })
const request = { principal, requestId: 'request-1', idempotency: { key: 'key-1', request: 'lock' } }
const log = { info: () => {}, warn: () => {}, error: () => {} }
const lock = (id: string) => toMake(environmentLock('staging', id), `Lock ${id}`)

it('a disk that does not confirm the move of the branch leaves the caller without a verdict: it has moved', async () => {
  const path = join(createTemporaryFolder(), 'manifests.git')
  await seedRepository(path, fixtureFolder, signalbox, testTime)
  const repository = await LocalRepository.open({ path, branch: 'main', committer: signalbox, log })
  const store = createTestStore(repository)
  onTestFinished(() => store.close())
  const before = await repository.head()
  vi.mocked(open).mockImplementation(async (file, ...rest) => {
    if ((file as string).endsWith('refs/heads')) throw Object.assign(new Error('EIO: injected'), { code: 'EIO' })
    return actual.open(file, ...rest)
  })
  const error: unknown = await store.submit(lock('a'), request).catch((reason: unknown) => reason)
  const commit = await repository.head()
  expect(commit).not.toBe(before)
  expect(error).toBeInstanceOf(OutcomeUnknownError)
  expect((error as Error).message).toMatch(
    new RegExp(`^commit ${commit} is on branch main, but .*same Idempotency-Key`),
  )
  expect(store.health().problems).toEqual([expect.stringContaining('is on branch main, but')])

  vi.mocked(open).mockImplementation(actual.open)
  expect(await store.submit(lock('a'), request)).toMatchObject({ commit, isRepeated: true })
  await store.submit(lock('b'), { principal, requestId: 'request-2' })
  expect(store.health().problems).toEqual([])
})
