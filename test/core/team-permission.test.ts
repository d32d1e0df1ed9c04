import { describe, expect, it } from 'vitest'
import type { Command } from '../../src/core/command.ts'
import { createRelease } from '../../src/core/create-release.ts'
import { deployRelease } from '../../src/core/deploy-release.ts'
import { deleteEnvironment } from '../../src/core/environment-commands.ts'
import type { LockTarget } from '../../src/core/lock-commands.ts'
import { createLock, deleteLock } from '../../src/core/lock-commands.ts'
import type { ActionTarget, Principal } from '../../src/core/principal.ts'
import { removeApplication } from '../../src/core/remove-application.ts'
import { createUndeployRelease, deleteApplication } from '../../src/core/undeploy.ts'
import { blobId, decide, problemOf } from '../support/decide.ts'
import { aSnapshot } from '../support/snapshot-builder.ts'
import { aPrincipal } from '../support/test-server.ts'
import { writeSettings } from '../support/write-settings.ts'

const settings = writeSettings()
const shop = aSnapshot()
  .environment('staging', { group: 'tests' })
  .application('cart', { team: 'storefront', releases: { 1: ['staging'] } })
  .application('shared', { releases: { 1: ['staging'] } })
  .deployed('staging', 'cart', 1)
  .deployed('staging', 'shared', 1)
const snapshot = shop.build()
const files = {
  'applications/cart/releases/1/environments/staging/manifests.yaml': 'one',
  'applications/shared/releases/1/environments/staging/manifests.yaml': 'one',
}

const text = { message: 'wait', ciLink: undefined, suggestedLifetime: undefined, end: undefined }
const place = { environment: 'staging' }
const applicationLock: LockTarget = { kind: 'application', ...place, application: 'cart' }
const teamLock: LockTarget = { kind: 'team', ...place, team: 'storefront' }

function release(
  application: string,
  team?: string,
  environments: readonly string[] = ['staging'],
  version?: bigint,
): Command<unknown> {
  const manifests = new Map(environments.map((name) => [name, { id: blobId('two'), bytes: Buffer.from('two') }]))
  const texts = {
    sourceCommitId: undefined,
    previousCommitId: undefined,
    sourceAuthor: undefined,
    sourceMessage: undefined,
    displayVersion: undefined,
    ciLink: undefined,
  }
  const fields = { application, team, version, isPrepublish: false, downstreamEnvironments: [], manifests }
  return createRelease({ release: { ...texts, ...fields }, settings, allowsLongNames: false })
}

function deployment(application: string): Command<unknown> {
  return deployRelease({ ...place, application, version: 1n, lockBehavior: 'IGNORE', settings })
}

const inStorefront = aPrincipal({ teams: ['storefront'] })
const inPayments = aPrincipal({ teams: ['payments'] })

describe('what is done to an application or a team', () => {
  it.each<[string, Command<unknown>]>([
    ['a lock on the application', createLock(applicationLock, 'freeze', text)],
    ['the end of that lock', deleteLock(applicationLock, 'freeze')],
    ['a lock on the team', createLock(teamLock, 'freeze', text)],
    ['the end of that one', deleteLock(teamLock, 'freeze')],
    ['a release', release('cart')],
    ['a release that takes the application to another team', release('cart', 'payments')],
    ['a release that is there already', release('cart', undefined, ['staging'], 1n)],
    ['a release for no environment', release('cart', undefined, [])],
    ['a deployment', deployment('cart')],
    ['a removal from an environment', removeApplication('staging', 'cart', settings)],
    ['an undeploy release', createUndeployRelease('cart', settings)],
    ['a deletion', deleteApplication('cart', settings)],
  ])('%s is for members', (_name, command) => {
    const situation = { snapshot, files }
    expect(problemOf(command, { ...situation, principal: inPayments })).toMatchObject({ code: 'PERMISSION_DENIED' })
    expect(() => decide(command, { ...situation, principal: inPayments })).toThrow(
      /^PermissionDenied The user Keeper with email keeper@example.com is not allowed to perform the action \w+ for team storefront$/,
    )
  })

  it.each<[string, Command<unknown>]>([
    ['a lock on the application', createLock(applicationLock, 'freeze', text)],
    ['a release', release('cart')],
    ['a deployment', deployment('cart')],
    ['a release of a new application for the own team', release('new', 'storefront')],
    ['a lock on the environment', createLock({ kind: 'environment', ...place }, 'freeze', text)],
    ['a lock on the group', createLock({ kind: 'group', group: 'tests' }, 'freeze', text)],
  ])('%s takes no more', (_name, command) => {
    expect(decide(command, { snapshot, files, principal: inStorefront }).changes).not.toEqual([])
  })

  it.each<[string, Command<unknown>]>([
    ['to a team that the principal is not in', release('cart', 'payments')],
    ['without a team', deployment('shared')],
    ['that is new and has none', release('new')],
    ['that nobody knows', createLock({ ...applicationLock, application: 'later' }, 'freeze', text)],
  ])('an application %s is for those who may act for all', (_name, command) => {
    expect(problemOf(command, { snapshot, files, principal: inStorefront })).toMatchObject({
      code: 'PERMISSION_DENIED',
    })
    expect(decide(command, { snapshot, files }).changes).not.toEqual([])
  })
})

describe('the groups that a permission is asked for', () => {
  const broken = aSnapshot()
    .environment('development')
    .environment('production-de', { group: 'production' })
    .environment('broken', { unreadable: { config: 'it is no JSON' } })
    .application('cart', { releases: { 1: ['development', 'broken'] } })

  const brokenFiles = { 'applications/cart/releases/1/environments/broken/manifests.yaml': 'one' }

  /** What is asked about, as `<group>/<environment>`. */
  function askedBy(command: Command<unknown>, snapshotBuilder = broken): readonly string[] {
    const asked: ActionTarget[] = []
    const principal: Principal = { ...aPrincipal({}), mayDo: (_action, target) => asked.push(target) > 0 }
    decide(command, { snapshot: snapshotBuilder.build(), files: brokenFiles, principal })
    return [...new Set(asked.map(({ environmentGroup, environment }) => `${environmentGroup}/${environment}`))]
  }

  it('for a release are those of its environments, and all for one that is not there or cannot be read', () => {
    const command = release('cart', undefined, ['development', 'production-de', 'broken', 'later'])
    expect(askedBy(command)).toEqual(['development/development', 'production/production-de', '*/broken', '*/later'])
    expect(askedBy(release('cart', undefined, []))).toEqual(['*/*'])
  })

  it('for anything else in an environment are all where its own cannot be read', () => {
    const there = broken.deployed('broken', 'cart', 1)
    const lock: LockTarget = { kind: 'environment', environment: 'broken' }
    for (const command of [
      createLock(lock, 'freeze', text),
      deleteLock(lock, 'freeze'),
      removeApplication('broken', 'cart', settings),
      deployRelease({ environment: 'broken', application: 'cart', version: 1n, lockBehavior: 'IGNORE', settings }),
      deleteEnvironment({ name: 'broken', isDryRun: false, argoCd: undefined }),
    ]) {
      expect(askedBy(command, there)).toEqual(['*/broken'])
    }
  })

  it('for undeploying are all that there are', () => {
    expect(askedBy(createUndeployRelease('cart', settings))).toEqual(['*/*', 'development/*', 'production/*'])
  })
})
