import { describe, expect, it } from 'vitest'
import type { EnvironmentName } from '../../src/core/names.ts'
import { unreadable } from '../../src/core/readable.ts'
import { toJson } from '../../src/protobuf/messages.ts'
import {
  environmentGroupsMessageType,
  environmentMessageType,
  toEnvironmentGroupsMessage,
  toEnvironmentMessage,
} from '../../src/protobuf/to-environment-message.ts'
import type { SnapshotBuilder } from '../support/snapshot-builder.ts'
import { aLock, aSnapshot, snapshotCommit } from '../support/snapshot-builder.ts'
import { toPublishedJson } from './published-proto.ts'

const freeze = aLock('freeze', { message: 'fair', expiresAt: new Date('2025-04-01T00:00:00Z') })
const freezeJson = {
  message: 'fair',
  lockId: 'freeze',
  createdAt: '2025-03-01T08:00:00Z',
  createdBy: { name: 'Keeper', email: 'keeper@example.com' },
  expiresAt: '2025-04-01T00:00:00Z',
}

function groupsJson(builder: SnapshotBuilder): unknown {
  const message = toEnvironmentGroupsMessage(builder.build())
  const json = toJson(environmentGroupsMessageType, message)
  expect(json).toBe(toPublishedJson(environmentGroupsMessageType, message))
  return JSON.parse(json)
}

function environmentJson(builder: SnapshotBuilder, name: string): unknown {
  const snapshot = builder.build()
  const environment = snapshot.environments.get(name as EnvironmentName)
  if (environment === undefined) throw new Error(`no environment ${name}`)
  const message = toEnvironmentMessage(snapshot, environment)
  const json = toJson(environmentMessageType, message)
  expect(json).toBe(toPublishedJson(environmentMessageType, message))
  return JSON.parse(json)
}

/** What `staging` says of the one application there is. */
function applicationJson(builder: SnapshotBuilder): unknown {
  return (environmentJson(builder, 'staging') as { applications: readonly unknown[] }).applications[0]
}

describe('all environment groups', () => {
  it('are sorted by name, and so are their environments', () => {
    const snapshot = aSnapshot()
      .environment('staging', { upstream: 'development', locks: [freeze] })
      .environment('production-fr', { upstream: 'staging', group: 'production' })
      .environment('production-de', { upstream: 'staging', group: 'production' })
      .environment('development', { upstream: 'latest' })
    expect(groupsJson(snapshot)).toEqual({
      environmentGroups: [
        { name: 'development', environments: [{ name: 'development', upstream: { latest: true } }] },
        {
          name: 'production',
          environments: [
            { name: 'production-de', upstream: { environment: 'staging' } },
            { name: 'production-fr', upstream: { environment: 'staging' } },
          ],
        },
        {
          name: 'staging',
          environments: [{ name: 'staging', upstream: { environment: 'development' }, locks: { freeze: freezeJson } }],
        },
      ],
      commit: snapshotCommit,
    })
  })

  it('say what cannot be shown', () => {
    const snapshot = aSnapshot()
      .problem('applications: is a file')
      .environment('development', { unreadable: { config: 'config.json is not JSON' } })
    expect(groupsJson(snapshot)).toEqual({
      warnings: [
        'applications: is a file',
        "the group of environment 'development' cannot be known: config.json is not JSON",
      ],
      commit: snapshotCommit,
    })
  })

  it('say what makes trains to an environment impossible', () => {
    const snapshot = aSnapshot().environment('staging', {
      upstream: 'staging',
      unreadable: { locks: 'locks: is a file', teamLocks: 'teams: is a file', applications: 'applications: is a file' },
    })
    expect(groupsJson(snapshot)).toMatchObject({
      environmentGroups: [
        {
          environments: [
            {
              warnings: [
                'its upstream is the environment itself',
                'locks: is a file',
                'teams: is a file',
                'applications: is a file',
              ],
            },
          ],
        },
      ],
    })
  })

  it('are none while the repository is empty', () => {
    const message = toEnvironmentGroupsMessage({ ...aSnapshot().build(), commit: undefined })
    expect(toJson(environmentGroupsMessageType, message)).toBe('{}')
  })
})

describe('one environment', () => {
  it('has its locks, its teams and its applications, sorted by name', () => {
    const snapshot = aSnapshot()
      .environment('staging', {
        upstream: { latest: true, environment: 'staging' },
        group: 'tests',
        locks: [freeze],
        teamLocks: { storefront: [], payments: [freeze] },
      })
      .application('web', { releases: { 3: ['staging'] } })
      .application('cart', { team: 'storefront', releases: { 7: ['staging'], 8: [] } })
      .deployed('staging', 'web', 3)
      .deployed('staging', 'cart', 7)
      .queued('staging', 'cart', 8)
      .applicationLock('staging', 'cart', freeze)
    expect(environmentJson(snapshot, 'staging')).toEqual({
      name: 'staging',
      environmentGroup: 'tests',
      upstream: { environment: 'staging', latest: true },
      locks: { freeze: freezeJson },
      teamLocks: { payments: { locks: { freeze: freezeJson } }, storefront: {} },
      applications: [
        { name: 'cart', team: 'storefront', version: '7', queuedVersion: '8', locks: { freeze: freezeJson } },
        { name: 'web', version: '3' },
      ],
      warnings: ['its upstream names both an environment and latest'],
      commit: snapshotCommit,
    })
  })

  it('is its own group where it has none', () => {
    expect(environmentJson(aSnapshot().environment('staging'), 'staging')).toEqual({
      name: 'staging',
      environmentGroup: 'staging',
      commit: snapshotCommit,
    })
  })

  it('says which of its parts cannot be read', () => {
    const snapshot = aSnapshot().environment('staging', {
      unreadable: {
        config: 'config.json: is a directory',
        locks: 'locks: is a file',
        teamLocks: 'teams: is a file',
        applications: 'applications: is a file',
      },
    })
    expect(environmentJson(snapshot, 'staging')).toEqual({
      name: 'staging',
      warnings: [
        'unreadable: config.json: is a directory',
        'locks: is a file',
        'teams: is a file',
        'applications: is a file',
      ],
      commit: snapshotCommit,
    })
  })

  it("says which team's locks cannot be read, and shows the others", () => {
    const snapshot = aSnapshot().environment('staging', {
      teamLocks: { storefront: unreadable('teams/storefront/locks: is a file'), payments: [freeze] },
    })
    expect(environmentJson(snapshot, 'staging')).toMatchObject({
      teamLocks: { payments: { locks: { freeze: freezeJson } } },
      warnings: ['teams/storefront/locks: is a file'],
    })
  })
})

describe('an application in an environment', () => {
  const staging = aSnapshot().environment('staging')
  const cart = staging.application('cart', { team: 'storefront', releases: { 7: ['staging'] } })

  it('says so when its version link names a release that does not exist', () => {
    const reason = (link: string) =>
      `the ${link} link of application 'cart' in environment 'staging' names release 9, which does not exist`
    expect(
      applicationJson(cart.deployed('staging', 'cart', 9).queued('staging', 'cart', 9).noRelease('cart', 9)),
    ).toEqual({ name: 'cart', team: 'storefront', unreadable: [reason('version'), reason('queued_version')] })
  })

  it('says once what makes several pieces unreadable', () => {
    expect(applicationJson(cart.unreadableIn('staging', 'cart', 'cart: is a file'))).toEqual({
      name: 'cart',
      team: 'storefront',
      unreadable: ['cart: is a file'],
    })
  })

  it('says what else cannot be read', () => {
    const snapshot = staging
      .application('cart', { team: unreadable('team: is a directory') })
      .deployed('staging', 'cart', unreadable('version: is a file'))
      .queued('staging', 'cart', unreadable('queued_version: is a file'))
      .unreadableApplicationLocks('staging', 'cart', 'locks: is a file')
    expect(applicationJson(snapshot)).toEqual({
      name: 'cart',
      unreadable: ['team: is a directory', 'version: is a file', 'queued_version: is a file', 'locks: is a file'],
    })
  })

  it('shows what its links say while the application itself cannot be read', () => {
    const snapshot = staging
      .unreadableApplication('cart', 'applications/cart: is a file')
      .deployed('staging', 'cart', 7)
      .queued('staging', 'cart', 8)
    expect(applicationJson(snapshot)).toEqual({
      name: 'cart',
      version: '7',
      queuedVersion: '8',
      unreadable: ['applications/cart: is a file'],
    })
  })

  it('says so when there is no such application', () => {
    const snapshot = staging.noApplication('cart').deployed('staging', 'cart', 7)
    expect(applicationJson(snapshot)).toEqual({
      name: 'cart',
      version: '7',
      unreadable: ["application 'cart' does not exist, although environment 'staging' has a version of it"],
    })
  })

  it('may have locks before it exists', () => {
    const snapshot = staging.noApplication('cart').applicationLock('staging', 'cart', freeze)
    expect(applicationJson(snapshot)).toEqual({ name: 'cart', locks: { freeze: freezeJson } })
  })

  it('says so when a manifest runs of which nobody knows the version', () => {
    expect(applicationJson(cart.manifestOnly('staging', 'cart'))).toEqual({
      name: 'cart',
      team: 'storefront',
      unreadable: ["a manifest is deployed in environment 'staging', but no version link says of which release"],
    })
  })

  it.each([0n, 2n ** 53n + 1n, 2n ** 64n - 1n])('has version %s exactly', (version) => {
    const snapshot = staging
      .application('cart', { releases: { [String(version)]: ['staging'] } })
      .deployed('staging', 'cart', version)
      .queued('staging', 'cart', version)
    expect(applicationJson(snapshot)).toEqual({
      name: 'cart',
      version: String(version),
      queuedVersion: String(version),
    })
  })
})
