import { describe, expect, it } from 'vitest'
import type { ApplicationName, EnvironmentName } from '../../src/core/names.ts'
import { unreadable } from '../../src/core/readable.ts'
import type { ReleaseDetails } from '../../src/core/release-details.ts'
import { toJson } from '../../src/protobuf/messages.ts'
import {
  applicationMessageType,
  applicationsMessageType,
  toApplicationMessage,
  toApplicationsMessage,
} from '../../src/protobuf/to-application-message.ts'
import type { SnapshotBuilder } from '../support/snapshot-builder.ts'
import { aSnapshot, snapshotCommit } from '../support/snapshot-builder.ts'
import { toPublishedJson } from './published-proto.ts'

function applicationsJson(builder: SnapshotBuilder): unknown {
  const message = toApplicationsMessage(builder.build())
  const json = toJson(applicationsMessageType, message)
  expect(json).toBe(toPublishedJson(applicationsMessageType, message))
  return JSON.parse(json)
}

function applicationJson(builder: SnapshotBuilder, releases: readonly ReleaseDetails[] = []): unknown {
  const snapshot = builder.build()
  const application = snapshot.applications.get('cart' as ApplicationName)
  if (!application?.ok) throw new Error('no cart')
  const message = toApplicationMessage(snapshot, application.value, releases)
  const json = toJson(applicationMessageType, message)
  expect(json).toBe(toPublishedJson(applicationMessageType, message))
  return JSON.parse(json)
}

function releaseJson(facts: Partial<ReleaseDetails>): unknown {
  const cart = aSnapshot().application('cart', { releases: { 7: [] } })
  return (applicationJson(cart, [aRelease(7n, facts)]) as { releases: readonly unknown[] }).releases[0]
}

function aRelease(version: bigint, facts: Partial<ReleaseDetails> = {}): ReleaseDetails {
  return {
    version,
    sourceCommitId: '',
    sourceAuthor: '',
    sourceMessage: '',
    displayVersion: '',
    ciLink: '',
    createdAt: undefined,
    isUndeploy: false,
    isPrepublish: false,
    environments: [],
    unreadable: undefined,
    ...facts,
  }
}

const environments = aSnapshot().environment('staging').environment('development')

describe('all applications', () => {
  it('are sorted by name, with their deployments sorted by environment', () => {
    const snapshot = environments
      .application('web', { releases: { 1: [] } })
      .application('cart', {
        team: 'storefront',
        releases: { 6: ['staging'], 7: ['development'], 8: { isPrepublish: true } },
      })
      .deployed('staging', 'cart', 6)
      .deployed('development', 'cart', 7)
    expect(applicationsJson(snapshot)).toEqual({
      applications: [
        {
          name: 'cart',
          team: 'storefront',
          latestVersion: '7',
          deployments: [
            { environment: 'development', version: '7' },
            { environment: 'staging', version: '6' },
          ],
        },
        { name: 'web', latestVersion: '1' },
      ],
      commit: snapshotCommit,
    })
  })

  it('have no latest version while there are only announced releases, or none', () => {
    const snapshot = aSnapshot()
      .application('announced', { releases: { 1: { isPrepublish: true } } })
      .application('new')
    expect(applicationsJson(snapshot)).toMatchObject({ applications: [{ name: 'announced' }, { name: 'new' }] })
    expect(JSON.stringify(applicationsJson(snapshot))).not.toContain('latestVersion')
  })

  it('say what of them cannot be read', () => {
    const snapshot = environments
      .environment('production', { unreadable: { applications: 'environments/production/applications: is a file' } })
      .unreadableApplication('broken', 'applications/broken: is a file')
      .application('cart', {
        team: unreadable('applications/cart/team: is a directory'),
        releases: { 6: ['staging'], 7: unreadable('releases/7: is a file') },
      })
      .deployed('staging', 'cart', 6)
      .deployed('development', 'cart', unreadable('version: is a file'))
    expect(applicationsJson(snapshot)).toEqual({
      applications: [
        { name: 'broken', unreadable: ['applications/broken: is a file'] },
        {
          name: 'cart',
          deployments: [{ environment: 'staging', version: '6' }],
          unreadable: ['applications/cart/team: is a directory', 'releases/7: is a file', 'version: is a file'],
        },
      ],
      commit: snapshotCommit,
    })
  })

  it('are none while the repository is empty', () => {
    const message = toApplicationsMessage({ ...aSnapshot().build(), commit: undefined })
    expect(toJson(applicationsMessageType, message)).toBe('{}')
  })
})

describe('one application', () => {
  it('has its releases, newest first, and says where each is deployed', () => {
    const snapshot = environments
      .environment('test')
      .application('cart', {
        team: 'storefront',
        sourceRepoUrl: 'https://example.com/cart',
        releases: { 9: ['staging'], 10: ['development'] },
      })
      .deployed('test', 'cart', 9)
      .deployed('staging', 'cart', 9)
      .deployed('development', 'cart', 10)
    expect(applicationJson(snapshot, [aRelease(9n), aRelease(10n), aRelease(11n)])).toEqual({
      name: 'cart',
      team: 'storefront',
      sourceRepoUrl: 'https://example.com/cart',
      releases: [
        { version: '11' },
        { version: '10', deployedIn: ['development'] },
        { version: '9', deployedIn: ['staging', 'test'] },
      ],
      deployments: [
        { environment: 'development', version: '10' },
        { environment: 'staging', version: '9' },
        { environment: 'test', version: '9' },
      ],
      commit: snapshotCommit,
    })
  })

  it('says what of it cannot be read', () => {
    const snapshot = environments
      .application('cart', { team: unreadable('team: is a directory') })
      .deployed('staging', 'cart', unreadable('version: is a file'))
    expect(applicationJson(snapshot)).toEqual({
      name: 'cart',
      unreadable: ['team: is a directory', 'version: is a file'],
      commit: snapshotCommit,
    })
  })

  it.each([2n ** 53n + 1n, 2n ** 64n - 1n])('has version %s exactly', (version) => {
    const snapshot = environments
      .application('cart', { releases: { [String(version)]: ['staging'] } })
      .deployed('staging', 'cart', version)
    const json = applicationJson(snapshot, [aRelease(version), aRelease(version - 1n)])
    expect(json).toMatchObject({
      releases: [{ version: String(version), deployedIn: ['staging'] }, { version: String(version - 1n) }],
      deployments: [{ version: String(version) }],
    })
    expect(applicationsJson(snapshot)).toMatchObject({ applications: [{ latestVersion: String(version) }] })
  })
})

describe('a release', () => {
  it('has all that is known of it', () => {
    expect(
      releaseJson({
        sourceCommitId: 'c0ffee',
        sourceAuthor: 'Deployer <deployer@example.com>',
        sourceMessage: 'fix the cart (#12)\n\nRevert "nothing works" (#7) (see below)',
        displayVersion: 'v1.2',
        ciLink: 'https://ci.example.com/1',
        createdAt: new Date('2025-03-01T08:00:00Z'),
        isUndeploy: true,
        isPrepublish: true,
        environments: ['staging', 'development'] as EnvironmentName[],
        unreadable: 'created_at: is no moment',
      }),
    ).toEqual({
      version: '7',
      sourceCommitId: 'c0ffee',
      sourceAuthor: 'Deployer <deployer@example.com>',
      sourceMessage: 'fix the cart (#12)\n\nRevert "nothing works" (#7) (see below)',
      createdAt: '2025-03-01T08:00:00Z',
      undeployVersion: true,
      prNumber: '7',
      displayVersion: 'v1.2',
      isPrepublish: true,
      environments: ['development', 'staging'],
      ciLink: 'https://ci.example.com/1',
      unreadable: 'created_at: is no moment',
    })
  })

  it('leaves out what there is not', () => {
    expect(releaseJson({})).toEqual({ version: '7' })
  })

  it.each(['no number', '#12', '(12)', '(#)', '(#x)', '(# 12)'])(
    'has no pull request number in: %s',
    (sourceMessage) => {
      expect(releaseJson({ sourceMessage })).not.toHaveProperty('prNumber')
    },
  )

  it('keeps the zeros of a pull request number', () => {
    expect(releaseJson({ sourceMessage: '(#007)' })).toHaveProperty('prNumber', '007')
  })
})
