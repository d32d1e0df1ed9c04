import { describe, expect, it } from 'vitest'
import { pathsForArgoCd } from '../../../src/manifest-store/layout/paths-for-argo-cd.ts'
import { absent, deployment, file } from '../../support/changes.ts'

const cart = 'environments/staging/applications/cart'

describe('what Argo CD reads of a commit', () => {
  it.each([
    ['a deployment', [deployment('staging', 'cart', 1), file(`${cart}/manifests/manifests.yaml`, 'x')]],
    ['the removal of an application', [absent(cart)]],
    ['the removal of its manifests', [absent(`${cart}/manifests`)]],
  ])('is the manifest, of %s', (_what, changes) => {
    expect(pathsForArgoCd(changes)).toEqual([`${cart}/manifests/manifests.yaml`])
  })

  it('is its own file as well', () => {
    const changes = [absent('environments/staging'), absent('argocd/v1alpha1/staging.yaml')]
    expect(pathsForArgoCd(changes)).toEqual(['argocd/v1alpha1/staging.yaml'])
  })

  it('is nothing of a lock, for which the lock stands', () => {
    const changes = [absent(`${cart}/locks/freeze`), file(`${cart}/locks/freeze/message`, 'x')]
    expect(pathsForArgoCd(changes)).toEqual([`${cart}/locks/freeze`])
    expect(pathsForArgoCd([])).toEqual([])
  })
})
