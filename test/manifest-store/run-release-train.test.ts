import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Change } from '../../src/core/change.ts'
import { createUnrestrictedPrincipal } from '../../src/core/principal.ts'
import type { EnvironmentPrognosis, Prognosis, ReleaseTrainRequest } from '../../src/core/release-train-prognosis.ts'
import { prognoseReleaseTrain } from '../../src/core/release-train-prognosis.ts'
import { createReleaseTrain } from '../../src/core/release-train.ts'
import type { GitManifestStore } from '../../src/manifest-store/git-manifest-store.ts'
import { InMemoryRepository } from '../../src/manifest-store/repository/in-memory-repository.ts'
import { toMake } from '../support/changes.ts'
import { edit, smallRepository } from '../support/random-edits.ts'
import { createTestStore, seed, signalbox, testTime } from '../support/test-store.ts'
import { writeSettings } from '../support/write-settings.ts'

const principal = createUnrestrictedPrincipal(signalbox)
const request = { principal, requestId: 'request-1' }

/** A store after these edits, where each that cannot be made is left out. */
async function storeAfter(edits: readonly Change[][]): Promise<GitManifestStore> {
  const repository = new InMemoryRepository()
  await seed(repository, smallRepository)
  const store = createTestStore(repository)
  for (const changes of edits) await store.submit(toMake(changes), request).catch(() => undefined)
  return store
}

function run(store: GitManifestStore, train: ReleaseTrainRequest) {
  const argoCd = { repositoryUrl: 'https://git.example.com/manifests', branch: 'main' }
  return store.submit(
    createReleaseTrain({ request: train, ciLink: undefined, accepts: () => true, settings: writeSettings({ argoCd }) }),
    request,
  )
}

function travelling({ environments }: Prognosis): readonly string[] {
  return environments.flatMap(({ environment, outcome }) =>
    outcome.kind === 'skipped'
      ? []
      : outcome.applications.flatMap(({ application, outcome: of }) =>
          of.kind === 'travels' ? [`${environment} ${application} ${of.release.version}`] : [],
        ),
  )
}

function hasUpstreamInside({ environments }: Prognosis): boolean {
  const names = new Set(environments.map(({ environment }) => environment as string))
  return environments.some(({ upstream }: EnvironmentPrognosis) => upstream !== undefined && names.has(upstream))
}

const trains = fc.record({
  target: fc.constantFrom('dev', 'staging', 'live', 'all'),
  lookup: fc.constantFrom('environment-first' as const, 'group-first' as const),
  team: fc.constantFrom(undefined, 'sre', 'shop'),
})

describe('a release train over whatever a repository holds', () => {
  it('does what its prognosis said, and nothing more the second time', async () => {
    let deployments = 0
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { maxLength: 12 }), trains, async (edits, train) => {
        const store = await storeAfter(edits)
        const before = await store.snapshot()
        let prognosis: Prognosis
        try {
          prognosis = prognoseReleaseTrain(before, train, principal, testTime)
        } catch {
          // A target that does not exist: the run says so, too.
          await expect(run(store, train)).rejects.toMatchObject({ code: 'UNKNOWN_TARGET' })
          return
        }
        const first = await run(store, train)
        expect(first.result).toEqual(prognosis)
        const expected = travelling(prognosis)
        deployments += expected.length
        const after = await store.snapshot()
        if (expected.length > 0) expect(after.commit).toBe(first.commit)
        for (const deployed of expected) {
          const [environment = '', application = '', version = ''] = deployed.split(' ')
          const { applications } = [...after.environments.values()].find(({ name }) => name === environment) ?? {}
          const entry = applications?.ok
            ? [...applications.value].find(([name]) => name === application)?.[1]
            : undefined
          expect(entry).toMatchObject({ ok: true, value: { version: { ok: true, value: BigInt(version) } } })
        }
        if (hasUpstreamInside(prognosis)) return
        const second = await run(store, train)
        expect(travelling(second.result)).toEqual([])
        expect(second.commit).toBeUndefined()
      }),
      { numRuns: 300 },
    )
    expect(deployments).toBeGreaterThan(50)
  })
})
