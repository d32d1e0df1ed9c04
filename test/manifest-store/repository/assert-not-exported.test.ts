import { describe, expect, it } from 'vitest'
import { unreadable } from '../../../src/core/readable.ts'
import { assertNotExported } from '../../../src/manifest-store/repository/assert-not-exported.ts'
import { InMemoryRepository } from '../../../src/manifest-store/repository/in-memory-repository.ts'
import { RepositoryRefusedError } from '../../../src/manifest-store/store-errors.ts'
import { file } from '../../support/changes.ts'
import type { SnapshotBuilder } from '../../support/snapshot-builder.ts'
import { aSnapshot } from '../../support/snapshot-builder.ts'
import { createShopRepository, createTestStore, seed } from '../../support/test-store.ts'

const shop = aSnapshot()
  .environment('dev')
  .environment('staging')
  .application('cart', { releases: { 1: ['dev', 'staging'] } })
  .application('web', { releases: { 1: ['dev', 'staging'] } })

describe("a repository that Kuberpult's exporter wrote", () => {
  it('is refused, with an example and a way out', async () => {
    const repository = new InMemoryRepository()
    await seed(repository, [
      file('environments/dev/config.json', '{"upstream":{"latest":true}}'),
      file('environments/dev/applications/cart/manifests/manifests.yaml', 'kind: Deployment'),
      file('environments/dev/applications/cart/argocd/x', ''),
    ])
    const snapshot = await createTestStore(repository).snapshot()
    expect(() => assertNotExported(snapshot, '/srv/manifests.git')).toThrow(RepositoryRefusedError)
    expect(() => assertNotExported(snapshot, '/srv/manifests.git')).toThrow(
      "/srv/manifests.git was written by Kuberpult's manifest exporter (Kuberpult with a database): " +
        'environments/dev/applications/cart has manifests but no version, and no other application has one either. ' +
        'Its releases and locks are only in that database. ' +
        'Serve a repository of Kuberpult v2.44 or older, or begin with an empty one and release into it',
    )
  })

  it.each([
    ['applications that have only locks stand beside', shop.manifestOnly('staging', 'web').queued('dev', 'cart', 1)],
    ['an application beside it cannot be read', shop.manifestOnly('dev', 'web').unreadableIn('dev', 'cart', 'why')],
    ['several have manifests', shop.manifestOnly('dev', 'cart').manifestOnly('dev', 'web')],
    [
      'an environment cannot be read',
      shop.environment('live', { unreadable: { applications: 'why' } }).manifestOnly('dev', 'cart'),
    ],
  ])('is refused when %s', (_, snapshot) => {
    expect(isRefused(snapshot)).toBe(true)
  })
})

describe('any other repository', () => {
  it('may be the shop', async () => {
    const snapshot = await createTestStore(await createShopRepository()).snapshot()
    expect(() => assertNotExported(snapshot, 'x')).not.toThrow()
  })

  it.each([
    ['is empty', aSnapshot()],
    ['has nothing deployed', shop],
    ['has a version anywhere', shop.manifestOnly('dev', 'cart').deployed('staging', 'web', 1)],
    [
      'has a version that does not exist',
      shop.manifestOnly('dev', 'cart').noRelease('web', 9).deployed('staging', 'web', 9),
    ],
    [
      'has a version that cannot be read',
      shop.manifestOnly('dev', 'cart').deployed('staging', 'web', unreadable('why')),
    ],
    ['has only queued versions and locks', shop.queued('dev', 'cart', 1)],
  ])('is served when it %s', (_, snapshot) => {
    expect(isRefused(snapshot)).toBe(false)
  })
})

function isRefused(snapshot: SnapshotBuilder): boolean {
  try {
    assertNotExported(snapshot.build(), 'x')
    return false
  } catch (error) {
    if (error instanceof RepositoryRefusedError) return true
    throw error
  }
}
