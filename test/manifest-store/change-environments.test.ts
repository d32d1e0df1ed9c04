import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createEnvironment, deleteEnvironment } from '../../src/core/environment-commands.ts'
import { DomainError } from '../../src/core/errors.ts'
import { createUnrestrictedPrincipal } from '../../src/core/principal.ts'
import { InMemoryRepository } from '../../src/manifest-store/repository/in-memory-repository.ts'
import { environmentConfig } from '../support/environment-config-arbitrary.ts'
import { smallRepository } from '../support/random-edits.ts'
import { createTestStore, seed, signalbox } from '../support/test-store.ts'

const request = { principal: createUnrestrictedPrincipal(signalbox), requestId: 'request-1' }
const argoCd = { repositoryUrl: 'git@example.com:shop/manifests.git', branch: 'main' }
const name = fc.constantFrom('dev', 'staging', 'live', 'qa', 'eu')

const step = fc.oneof(
  fc.record({ name, config: environmentConfig.map((config) => ({ ...config, environmentGroup: undefined })) }),
  fc.record({ name, config: fc.constant(undefined) }),
)

describe('environments that come, change and go in any order', () => {
  it('are what their dry runs said, and the same after a fresh start', async () => {
    const counts = { commits: 0, refusals: 0 }
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 8 }), async (steps) => {
        const repository = new InMemoryRepository()
        await seed(repository, smallRepository)
        const store = createTestStore(repository)
        for (const { name: environment, config } of steps) {
          const run = async (isDryRun: boolean) => {
            const facts = { name: environment, isDryRun, argoCd }
            const command = config === undefined ? deleteEnvironment(facts) : createEnvironment({ ...facts, config })
            try {
              return await store.submit(command, request)
            } catch (error) {
              if (error instanceof DomainError) return { result: error.problem, commit: undefined }
              throw error
            }
          }
          const head = await repository.head()
          const dry = await run(true)
          expect(await repository.head()).toBe(head)
          const real = await run(false)
          expect(dry).toEqual({ ...real, commit: undefined })
          expect(await repository.head()).toBe(real.commit ?? head)
          counts[real.commit === undefined ? 'refusals' : 'commits'] += 1
          expect(await run(false)).toMatchObject({ commit: undefined })
        }
        expect(await store.snapshot()).toEqual(await createTestStore(repository).snapshot())
      }),
      { numRuns: 60 },
    )
    expect(Math.min(counts.commits, counts.refusals)).toBeGreaterThan(20)
  })
})
