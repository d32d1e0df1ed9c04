import { describe, expect, it } from 'vitest'
import { removeApplication } from '../../src/core/remove-application.ts'
import { createUndeployRelease, deleteApplication } from '../../src/core/undeploy.ts'
import { unreadable } from '../../src/core/readable.ts'
import { decide, filesOf, problemOf } from '../support/decide.ts'
import { aLock, aSnapshot } from '../support/snapshot-builder.ts'
import { aPrincipal } from '../support/test-server.ts'
import { writeSettings } from '../support/write-settings.ts'

const settings = writeSettings()
const shop = aSnapshot()
  .environment('development', { upstream: 'latest' })
  .environment('staging', { upstream: 'development' })
  .application('cart', { releases: { 4: ['development', 'staging'] } })
  .deployed('development', 'cart', 4)
  .deployed('staging', 'cart', 4)

const undeployed = aSnapshot()
  .environment('development', { upstream: 'latest' })
  .environment('staging', { upstream: 'development' })
  .application('cart', {
    releases: { 4: ['staging'], 5: { isUndeploy: true, manifests: ['development', 'staging'] } },
  })
  .deployed('development', 'cart', 5)

describe('an undeploy release', () => {
  it('runs nothing in every environment, and goes where new releases go', () => {
    const decision = decide(createUndeployRelease('cart', settings), { snapshot: shop.build() })
    const { deployments, ...result } = decision.result
    expect(result).toEqual({ version: 5n, removed: [] })
    expect(deployments).toMatchObject([{ environment: 'development', from: 4n, outcome: 'deployed' }])
    const directory = 'applications/cart/releases/5'
    expect(filesOf(decision)).toMatchObject({
      [`${directory}/undeploy`]: '',
      [`${directory}/environments/development/manifests.yaml`]: ' ',
      [`${directory}/environments/staging/manifests.yaml`]: ' ',
      'environments/development/applications/cart/version': '-> ../../../../applications/cart/releases/5',
      // git's id of a file with one space.
      'environments/development/applications/cart/manifests/manifests.yaml': '0519ecba6ea913e21689ec692e81e9e4973fbf73',
    })
  })

  it('waits behind a lock', () => {
    const locked = aSnapshot()
      .environment('development', { upstream: 'latest', locks: [aLock('l')] })
      .application('cart', { releases: { 4: ['development'] } })
    const { deployments } = decide(createUndeployRelease('cart', settings), { snapshot: locked.build() }).result
    expect(deployments).toMatchObject([{ outcome: 'queued' }])
  })

  it('is not made twice', () => {
    const decision = decide(createUndeployRelease('cart', settings), { snapshot: undeployed.build() })
    expect(decision.changes).toEqual([])
    expect(decision.result).toEqual({ version: 5n, deployments: [], removed: [] })
  })

  it('needs the application and the permission', () => {
    const command = createUndeployRelease('cart', settings)
    expect(problemOf(command, { snapshot: aSnapshot().build() })).toMatchObject({ code: 'UNKNOWN_APPLICATION' })
    const principal = aPrincipal({ denied: ['CreateUndeploy *'] })
    for (const snapshot of [shop.build(), undeployed.build()])
      expect(problemOf(command, { snapshot, principal })).toMatchObject({ code: 'PERMISSION_DENIED' })
  })
})

describe('the deletion of an application', () => {
  const command = deleteApplication('cart', settings)

  it('takes it from everywhere, and what is recorded of its commits', () => {
    const commit = '0123456789abcdef0123456789abcdef01234567'
    const snapshot = undeployed.applicationLock('staging', 'cart', aLock('l')).build()
    const files = {
      'applications/cart/releases/4/source_commit_id': `${commit}\n`,
      [`commits/01/${commit.slice(2)}/applications/cart/.gitkeep`]: '',
    }
    const decision = decide(command, { snapshot, files })
    expect(decision.result).toEqual(['development', 'staging'])
    expect(filesOf(decision)).toEqual({
      'applications/cart': null,
      'environments/development/applications/cart': null,
      'environments/staging/applications/cart': null,
      [`commits/01/${commit.slice(2)}`]: null,
    })
  })

  it.each([
    ['its newest release still runs something', shop, /newest release still runs/],
    ['an environment still runs another release', undeployed.deployed('staging', 'cart', 4), /staging runs version 4/],
    [
      'nobody knows what an environment runs',
      undeployed.deployed('staging', 'cart', unreadable('the link is broken')),
      /cannot be known: the link is broken/,
    ],
  ])('is refused while %s', (_name, snapshot, message) => {
    const situation = { snapshot: snapshot.build() }
    expect(problemOf(command, situation)).toMatchObject({ code: 'NOT_UNDEPLOYED' })
    expect(() => decide(command, situation)).toThrow(message)
  })

  it('is refused while something runs of which nobody knows the version', () => {
    const snapshot = undeployed.manifestOnly('staging', 'cart').build()
    expect(() => decide(command, { snapshot })).toThrow(/staging cannot be known: it has a manifest, but no version/)
  })

  it('does not mind an announcement', () => {
    const snapshot = aSnapshot()
      .application('cart', { releases: { 5: { isUndeploy: true }, 6: { isPrepublish: true } } })
      .build()
    expect(decide(command, { snapshot }).changes).toHaveLength(1)
  })

  it('needs the permission', () => {
    const principal = aPrincipal({ denied: ['DeployUndeploy *'] })
    expect(problemOf(command, { snapshot: undeployed.build(), principal })).toMatchObject({ code: 'PERMISSION_DENIED' })
  })
})

describe('the removal of an application from an environment', () => {
  const command = removeApplication('staging', 'cart', settings)

  it('takes what is there with locks and queue, and answers what ran', () => {
    const decision = decide(command, { snapshot: shop.build() })
    expect(decision.result).toBe(4n)
    expect(filesOf(decision)).toEqual({ 'environments/staging/applications/cart': null })
  })

  it('changes nothing where it is not', () => {
    const snapshot = aSnapshot().environment('staging').application('cart').build()
    expect(decide(command, { snapshot })).toMatchObject({ changes: [], result: undefined })
  })

  it('takes what cannot be read, and what no application stands behind', () => {
    const broken = aSnapshot()
      .environment('staging')
      .application('cart')
      .unreadableIn('staging', 'cart', 'it is a file')
    expect(decide(command, { snapshot: broken.build() }).changes).toHaveLength(1)
    const orphan = aSnapshot()
      .environment('staging')
      .noApplication('cart')
      .applicationLock('staging', 'cart', aLock('l'))
    expect(decide(command, { snapshot: orphan.build() }).changes).toHaveLength(1)
  })

  it.each([
    ['an unknown environment', aSnapshot(), {}, 'UNKNOWN_ENVIRONMENT'],
    ['an application that nobody knows', aSnapshot().environment('staging'), {}, 'UNKNOWN_APPLICATION'],
    [
      'somebody without the permission',
      shop,
      { denied: ['DeleteEnvironmentApplication staging'] },
      'PERMISSION_DENIED',
    ],
  ])('refuses %s', (_name, snapshot, rights, code) => {
    expect(problemOf(command, { snapshot: snapshot.build(), principal: aPrincipal(rights) })).toMatchObject({ code })
  })
})
