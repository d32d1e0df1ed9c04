import { describe, expect, it } from 'vitest'
import { DomainError } from '../../src/core/errors.ts'
import type { ApplicationName, EnvironmentName } from '../../src/core/names.ts'
import type { Action, ActionTarget, Principal } from '../../src/core/principal.ts'
import { createUnrestrictedPrincipal } from '../../src/core/principal.ts'
import { unreadable } from '../../src/core/readable.ts'
import type { Prognosis, ReleaseTrainRequest } from '../../src/core/release-train-prognosis.ts'
import { prognoseReleaseTrain } from '../../src/core/release-train-prognosis.ts'
import type { TargetLookup } from '../../src/core/release-train-target.ts'
import type { EnvironmentFacts, ReleaseFacts, SnapshotBuilder, Unreadable } from '../support/snapshot-builder.ts'
import { aLock, aSnapshot, manifestOf } from '../support/snapshot-builder.ts'
import type { Lock } from '../../src/core/lock.ts'

const now = new Date('2025-03-14T12:00:00.000Z')
const justBefore = new Date('2025-03-14T11:59:59.999Z')
const justAfter = new Date('2025-03-14T12:00:00.001Z')
const later = new Date('2025-03-14T18:00:00.000Z')
const tomorrow = new Date('2025-03-15T12:00:00.000Z')

const ada = createUnrestrictedPrincipal({ name: 'Ada', email: 'ada@example.com' })
const notAllowedToDeploy: Principal = { ...ada, mayDo: (action) => action !== 'DeployRelease' }
const inNoTeam: Principal = { ...ada, isInTeam: () => false }

const freeze = aLock('freeze', { message: 'until the fair is over' })

/** In design section 7: first the rules about an environment, then those about an application, in their order. */

describe('the decision about an environment', () => {
  interface Situation {
    readonly situation: string
    readonly staging: EnvironmentFacts
    readonly development?: EnvironmentFacts
    readonly upstream?: string
    readonly outcome: object
  }
  const nowhere = { environment: 'nowhere' }
  const skipped = (skip: object) => ({ kind: 'skipped', ...skip })
  const decided = { kind: 'decided', applications: [expect.objectContaining({ application: 'cart' })] }

  const situations: readonly Situation[] = [
    {
      situation: 'nothing stands in the way',
      staging: { upstream: 'development' },
      upstream: 'development',
      outcome: decided,
    },
    {
      situation: 'it takes the latest releases',
      staging: { upstream: 'latest' },
      upstream: 'latest',
      outcome: decided,
    },

    {
      situation: 'its config is unreadable',
      staging: { unreadable: { config: 'no JSON' } },
      outcome: skipped({ cause: 'ENV_UNREADABLE', reason: 'no JSON' }),
    },
    {
      situation: 'its config is unreadable and it is locked',
      staging: { unreadable: { config: 'no JSON' }, locks: [freeze] },
      outcome: skipped({ cause: 'ENV_UNREADABLE', reason: 'no JSON' }),
    },
    ...(['locks', 'teamLocks', 'applications'] as const).flatMap((part): readonly Situation[] => [
      {
        situation: `its ${part} are unreadable`,
        staging: { upstream: 'development', unreadable: { [part]: 'a file in the way' } },
        outcome: skipped({ cause: 'ENV_UNREADABLE', reason: 'a file in the way' }),
      },
      {
        situation: `its ${part} are unreadable and it has no upstream`,
        staging: { unreadable: { [part]: 'a file in the way' } },
        outcome: skipped({ cause: 'ENV_UNREADABLE', reason: 'a file in the way' }),
      },
      {
        situation: `its ${part} are unreadable and its upstream does not exist`,
        staging: { upstream: nowhere, unreadable: { [part]: 'a file in the way' } },
        outcome: skipped({ cause: 'ENV_UNREADABLE', reason: 'a file in the way' }),
      },
    ]),

    { situation: 'it has no upstream', staging: {}, outcome: skipped({ cause: 'ENV_HAS_NO_UPSTREAM' }) },
    {
      situation: 'it has no upstream and is locked',
      staging: { locks: [freeze] },
      outcome: skipped({ cause: 'ENV_HAS_NO_UPSTREAM' }),
    },
    {
      situation: 'its upstream is neither an environment nor latest',
      staging: { upstream: {} },
      outcome: skipped({ cause: 'ENV_HAS_NO_UPSTREAM_LATEST_OR_UPSTREAM_ENV' }),
    },
    {
      situation: 'its upstream is neither an environment nor latest and it is locked',
      staging: { upstream: {}, locks: [freeze] },
      outcome: skipped({ cause: 'ENV_HAS_NO_UPSTREAM_LATEST_OR_UPSTREAM_ENV' }),
    },
    {
      situation: 'its upstream is both an environment and latest',
      staging: { upstream: { environment: 'development', latest: true } },
      outcome: skipped({ cause: 'ENV_HAS_BOTH_UPSTREAM_LATEST_AND_UPSTREAM_ENV' }),
    },
    {
      situation: 'its upstream is both latest and an environment that does not exist',
      staging: { upstream: { ...nowhere, latest: true } },
      outcome: skipped({ cause: 'ENV_HAS_BOTH_UPSTREAM_LATEST_AND_UPSTREAM_ENV' }),
    },
    {
      situation: 'its upstream is both an environment and latest and it is locked',
      staging: { upstream: { environment: 'development', latest: true }, locks: [freeze] },
      outcome: skipped({ cause: 'ENV_HAS_BOTH_UPSTREAM_LATEST_AND_UPSTREAM_ENV' }),
    },

    {
      situation: 'its upstream does not exist',
      staging: { upstream: nowhere },
      upstream: 'nowhere',
      outcome: skipped({ cause: 'UPSTREAM_ENV_CONFIG_NOT_FOUND', upstream: 'nowhere' }),
    },
    {
      situation: 'its upstream does not exist and it is locked',
      staging: { upstream: nowhere, locks: [freeze] },
      upstream: 'nowhere',
      outcome: skipped({ cause: 'UPSTREAM_ENV_CONFIG_NOT_FOUND', upstream: 'nowhere' }),
    },
    ...(['config', 'applications'] as const).flatMap((part): readonly Situation[] => [
      {
        situation: `the ${part} of its upstream cannot be read`,
        staging: { upstream: 'development' },
        development: { unreadable: { [part]: 'a file in the way' } },
        upstream: 'development',
        outcome: skipped({ cause: 'ENV_UNREADABLE', reason: "its upstream 'development': a file in the way" }),
      },
      {
        situation: `the ${part} of its upstream cannot be read and it is locked`,
        staging: { upstream: 'development', locks: [freeze] },
        development: { unreadable: { [part]: 'a file in the way' } },
        upstream: 'development',
        outcome: skipped({ cause: 'ENV_UNREADABLE', reason: "its upstream 'development': a file in the way" }),
      },
    ]),
    {
      situation: 'locks of its upstream cannot be read, which matter only there',
      staging: { upstream: 'development' },
      development: { unreadable: { locks: 'a file in the way', teamLocks: 'a file in the way' } },
      upstream: 'development',
      outcome: decided,
    },
    {
      situation: 'its upstream is locked, which matters only there',
      staging: { upstream: 'development' },
      development: { locks: [freeze], teamLocks: { payments: [freeze] } },
      upstream: 'development',
      outcome: decided,
    },

    {
      situation: 'it is locked',
      staging: { upstream: 'development', locks: [freeze] },
      upstream: 'development',
      outcome: skipped({ cause: 'ENV_IS_LOCKED', locks: [freeze] }),
    },
    {
      situation: 'it takes the latest releases and is locked',
      staging: { upstream: 'latest', locks: [freeze] },
      upstream: 'latest',
      outcome: skipped({ cause: 'ENV_IS_LOCKED', locks: [freeze] }),
    },
    {
      situation: 'it has several locks, one of which has ended',
      staging: { upstream: 'development', locks: [aLock('b'), aLock('c', { expiresAt: justBefore }), aLock('a')] },
      upstream: 'development',
      outcome: skipped({ cause: 'ENV_IS_LOCKED', locks: [aLock('a'), aLock('b')] }),
    },
    {
      situation: 'its upstream is the environment itself',
      staging: { upstream: 'staging' },
      upstream: 'staging',
      outcome: {
        kind: 'decided',
        applications: [
          expect.objectContaining({ outcome: skipped({ cause: 'APP_ALREADY_IN_UPSTREAM_VERSION', version: 1n }) }),
        ],
      },
    },
  ]

  it.each(situations)('when $situation', ({ staging, development = {}, upstream, outcome }) => {
    let builder = aSnapshot()
      .noEnvironment('nowhere')
      .environment('development', development)
      .environment('staging', staging)
      .application('cart', {
        team: 'payments',
        releases: { 1: ['development', 'staging'], 2: ['development', 'staging'] },
      })
    if (development.unreadable?.applications === undefined) builder = builder.deployed('development', 'cart', 2)
    if (staging.unreadable?.applications === undefined) builder = builder.deployed('staging', 'cart', 1)

    const { environments } = prognose(builder, { target: 'staging' })

    expect(environments).toEqual([{ environment: 'staging', upstream, outcome }])
  })

  it('is the same for one team: a filter does not unlock anything', () => {
    const snapshot = aSnapshot().environment('staging', { upstream: 'latest', locks: [freeze] })
    expect(outcomesOf(prognose(snapshot, { target: 'staging', team: 'search' }))).toEqual({ staging: 'ENV_IS_LOCKED' })
  })
})

/** What is so about application cart of team payments on its way to staging. Unless said otherwise, nothing is in the way. */
interface Circumstances {
  readonly team?: string | Unreadable | 'none'
  readonly release1?: readonly string[] | ReleaseFacts
  readonly release2?: readonly string[] | ReleaseFacts | Unreadable
  /** What is deployed in development: 2 unless said otherwise. */
  readonly inDevelopment?: number | Unreadable | 'nothing' | 'all unreadable'
  /** What is deployed in staging: 1 unless said otherwise. */
  readonly inStaging?: number | Unreadable | 'nothing' | 'all unreadable'
  readonly applicationLocks?: readonly Lock[] | Unreadable
  readonly teamLocks?: Readonly<Record<string, readonly Lock[] | Unreadable>>
}

interface ApplicationSituation extends Circumstances {
  readonly situation: string
  readonly wantedTeam?: string
  readonly principal?: Principal
  /** Undefined where the application is left out without an entry. */
  readonly outcome: object | undefined
}

const travelsTo2 = { kind: 'travels', release: expect.objectContaining({ version: 2n }) }
const skippedBy = (cause: string, details: object = {}) => ({ kind: 'skipped', cause, ...details })
const unreadableBy = (reason: string) => skippedBy('APP_UNREADABLE', { reason })

function cartOnItsWay(upstream: 'development' | 'latest', but: Circumstances): SnapshotBuilder {
  const { team = 'payments', inDevelopment = 2, inStaging = 1, applicationLocks = [], teamLocks = {} } = but
  const { release1 = ['development', 'staging'], release2 = ['development', 'staging'] } = but
  let builder = aSnapshot()
    .environment('staging', { upstream, teamLocks })
    .environment('development')
    .application('cart', { ...(team === 'none' ? {} : { team }), releases: { 1: release1, 2: release2 } })
    .noRelease('cart', 9)
  for (const [environment, there] of [['development', inDevelopment] as const, ['staging', inStaging] as const]) {
    if (there === 'nothing') continue
    builder =
      there === 'all unreadable'
        ? builder.unreadableIn(environment, 'cart', `${environment} is broken`)
        : builder.deployed(environment, 'cart', there)
  }
  if ('ok' in applicationLocks) {
    return builder.unreadableApplicationLocks('staging', 'cart', applicationLocks.reason)
  }
  return applicationLocks.length === 0 ? builder : builder.applicationLock('staging', 'cart', ...applicationLocks)
}

describe.each(['development', 'latest'] as const)(
  'the decision about an application that comes from %s',
  (upstream) => {
    const situations: readonly ApplicationSituation[] = [
      { situation: 'nothing stands in the way', outcome: travelsTo2 },
      { situation: 'its team is asked for', wantedTeam: 'payments', outcome: travelsTo2 },
      { situation: 'it was never deployed here', inStaging: 'nothing', outcome: travelsTo2 },

      { situation: 'another team is asked for', wantedTeam: 'search', outcome: undefined },
      { situation: 'a team is asked for and it has none', team: 'none', wantedTeam: 'search', outcome: undefined },
      {
        situation: 'another team is asked for and its version link is unreadable',
        wantedTeam: 'search',
        inStaging: unreadable('no link'),
        outcome: undefined,
      },
      {
        situation: 'another team is asked for and it is already there',
        wantedTeam: 'search',
        inStaging: 2,
        outcome: undefined,
      },

      { situation: 'its team is unreadable', team: unreadable('no team'), outcome: unreadableBy('no team') },
      {
        situation: 'its team is unreadable and a team is asked for',
        team: unreadable('no team'),
        wantedTeam: 'search',
        outcome: unreadableBy('no team'),
      },
      {
        situation: 'its version link is unreadable',
        inStaging: unreadable('no link'),
        outcome: unreadableBy('no link'),
      },
      {
        situation: 'its version link names a release that does not exist',
        inStaging: 9,
        outcome: unreadableBy(
          "the version link of application 'cart' in environment 'staging' names release 9, which does not exist",
        ),
      },
      {
        situation: 'all that the environment knows of it is unreadable',
        inStaging: 'all unreadable',
        outcome: unreadableBy('staging is broken'),
      },
      {
        situation: 'its locks are unreadable',
        applicationLocks: unreadable('no lock'),
        outcome: unreadableBy('no lock'),
      },
      {
        situation: "its team's locks are unreadable",
        teamLocks: { payments: unreadable('no team lock') },
        outcome: unreadableBy('no team lock'),
      },
      {
        situation: "another team's locks are unreadable",
        teamLocks: { search: unreadable('no team lock') },
        outcome: travelsTo2,
      },
      {
        situation: 'the release is unreadable',
        release2: unreadable('no release'),
        outcome: unreadableBy('no release'),
      },
      {
        situation: 'its locks are unreadable and it is already there',
        applicationLocks: unreadable('no lock'),
        inStaging: 2,
        outcome: unreadableBy('no lock'),
      },
      {
        situation: "its team's locks are unreadable and it is already there",
        teamLocks: { payments: unreadable('no team lock') },
        inStaging: 2,
        outcome: unreadableBy('no team lock'),
      },
      {
        situation: 'the release is unreadable and it is already there',
        release2: unreadable('no release'),
        inStaging: 2,
        outcome: unreadableBy('no release'),
      },
      {
        situation: 'its version link is unreadable and it is locked',
        inStaging: unreadable('no link'),
        applicationLocks: [freeze],
        outcome: unreadableBy('no link'),
      },
      {
        situation: 'the release is unreadable and it is locked',
        release2: unreadable('no release'),
        applicationLocks: [freeze],
        outcome: unreadableBy('no release'),
      },
      {
        situation: 'its version link is unreadable and the principal may not deploy it',
        inStaging: unreadable('no link'),
        principal: notAllowedToDeploy,
        outcome: unreadableBy('no link'),
      },

      {
        situation: 'it is already there',
        inStaging: 2,
        outcome: skippedBy('APP_ALREADY_IN_UPSTREAM_VERSION', { version: 2n }),
      },
      {
        situation: 'it is already there and locked',
        inStaging: 2,
        applicationLocks: [freeze],
        outcome: skippedBy('APP_ALREADY_IN_UPSTREAM_VERSION', { version: 2n }),
      },
      {
        situation: 'it is already there and the principal may not deploy it',
        inStaging: 2,
        principal: notAllowedToDeploy,
        outcome: skippedBy('APP_ALREADY_IN_UPSTREAM_VERSION', { version: 2n }),
      },
      {
        situation: 'it is already there, of a release that lost its manifest',
        inStaging: 2,
        release2: ['development'],
        outcome: skippedBy('APP_ALREADY_IN_UPSTREAM_VERSION', { version: 2n }),
      },

      {
        situation: 'it is locked',
        applicationLocks: [freeze],
        outcome: skippedBy('APP_IS_LOCKED', { locks: [freeze], heldVersion: 2n }),
      },
      {
        situation: 'it has several locks, one of which has ended',
        applicationLocks: [aLock('b'), aLock('a'), aLock('c', { expiresAt: now })],
        outcome: skippedBy('APP_IS_LOCKED', { locks: [aLock('a'), aLock('b')], heldVersion: 2n }),
      },
      {
        situation: 'it is locked and the release has no manifest, so that nothing waits for the lock',
        applicationLocks: [freeze],
        release2: ['development'],
        outcome: skippedBy('APP_IS_LOCKED', { locks: [freeze], heldVersion: undefined }),
      },
      {
        situation: 'it is locked and the principal may not deploy it, so that nothing waits for the lock',
        applicationLocks: [freeze],
        principal: notAllowedToDeploy,
        outcome: skippedBy('APP_IS_LOCKED', { locks: [freeze], heldVersion: undefined }),
      },
      {
        situation: 'it is locked and the principal is not in its team, so that nothing waits for the lock',
        applicationLocks: [freeze],
        principal: inNoTeam,
        outcome: skippedBy('APP_IS_LOCKED', { locks: [freeze], heldVersion: undefined }),
      },
      {
        situation: 'it is locked and so is its team',
        applicationLocks: [freeze],
        teamLocks: { payments: [aLock('on-call')] },
        outcome: skippedBy('APP_IS_LOCKED', { locks: [freeze], heldVersion: 2n }),
      },

      {
        situation: 'the release has no manifest',
        release2: ['development'],
        outcome: skippedBy('APP_DOES_NOT_EXIST_IN_ENV', { version: 2n }),
      },
      {
        situation: 'the release has no manifest and the principal may not deploy it',
        release2: ['development'],
        principal: notAllowedToDeploy,
        outcome: skippedBy('APP_DOES_NOT_EXIST_IN_ENV', { version: 2n }),
      },
      {
        situation: 'the release has no manifest and the principal is not in its team',
        release2: ['development'],
        principal: inNoTeam,
        outcome: skippedBy('APP_DOES_NOT_EXIST_IN_ENV', { version: 2n }),
      },
      {
        situation: 'the release has no manifest and its team is locked',
        release2: ['development'],
        teamLocks: { payments: [freeze] },
        outcome: skippedBy('APP_DOES_NOT_EXIST_IN_ENV', { version: 2n }),
      },

      {
        situation: 'the principal may not deploy it',
        principal: notAllowedToDeploy,
        outcome: skippedBy('NO_TEAM_PERMISSION', {
          reason: "Ada lacks the permission DeployRelease for it in environment 'staging'",
        }),
      },
      {
        situation: 'the principal is not in its team',
        principal: inNoTeam,
        outcome: skippedBy('NO_TEAM_PERMISSION', { reason: "Ada is not in team 'payments'" }),
      },
      {
        situation: 'the principal may not deploy it and is not in its team',
        principal: { ...notAllowedToDeploy, isInTeam: () => false },
        outcome: skippedBy('NO_TEAM_PERMISSION', { reason: expect.stringContaining('DeployRelease') }),
      },
      {
        situation: 'the principal may not deploy it and its team is locked',
        principal: notAllowedToDeploy,
        teamLocks: { payments: [freeze] },
        outcome: skippedBy('NO_TEAM_PERMISSION', { reason: expect.stringContaining('DeployRelease') }),
      },
      {
        situation: 'the principal is not in its team and that is locked',
        principal: inNoTeam,
        teamLocks: { payments: [freeze] },
        outcome: skippedBy('NO_TEAM_PERMISSION', { reason: expect.stringContaining('payments') }),
      },
      {
        situation: 'it has no team and the principal is in none',
        team: 'none',
        principal: { ...ada, isInTeam: (team) => team !== undefined },
        outcome: skippedBy('NO_TEAM_PERMISSION', { reason: expect.stringContaining('team') }),
      },

      {
        situation: 'its team is locked',
        teamLocks: { payments: [freeze] },
        outcome: skippedBy('TEAM_IS_LOCKED', { team: 'payments', locks: [freeze], heldVersion: 2n }),
      },
      {
        situation: 'its team has several locks, one of which has ended',
        teamLocks: { payments: [aLock('b'), aLock('a'), aLock('c', { expiresAt: now })] },
        outcome: skippedBy('TEAM_IS_LOCKED', { team: 'payments', locks: [aLock('a'), aLock('b')], heldVersion: 2n }),
      },
      { situation: 'another team is locked', teamLocks: { search: [freeze] }, outcome: travelsTo2 },
      {
        situation: 'it has no team and some team is locked',
        team: 'none',
        teamLocks: { payments: [freeze] },
        outcome: travelsTo2,
      },
      {
        situation: 'the release marks it as about to be removed',
        release2: { emptyManifests: ['development', 'staging'], isUndeploy: true },
        outcome: travelsTo2,
      },
    ]

    it.each(situations)('when $situation', ({ wantedTeam, principal, outcome, ...circumstances }) => {
      const request = { target: 'staging', team: wantedTeam }
      const decided = applicationsOf(prognose(cartOnItsWay(upstream, circumstances), request, principal))
      expect(decided.map((application) => application.outcome)).toEqual(outcome === undefined ? [] : [outcome])
    })
  },
)

describe('the decision about an application that comes from an environment', () => {
  const nothingUpstream = skippedBy('APP_HAS_NO_VERSION_IN_UPSTREAM_ENV')
  const situations: readonly ApplicationSituation[] = [
    { situation: 'nothing is deployed upstream', inDevelopment: 'nothing', outcome: nothingUpstream },
    {
      situation: 'nothing is deployed on either side',
      inDevelopment: 'nothing',
      inStaging: 'nothing',
      outcome: nothingUpstream,
    },
    {
      situation: 'nothing is deployed upstream and another team is asked for',
      wantedTeam: 'search',
      inDevelopment: 'nothing',
      outcome: undefined,
    },
    {
      situation: 'nothing is deployed upstream and it is locked',
      inDevelopment: 'nothing',
      applicationLocks: [freeze],
      outcome: nothingUpstream,
    },
    {
      situation: 'nothing is deployed upstream and its version link here is unreadable',
      inDevelopment: 'nothing',
      inStaging: unreadable('no link'),
      outcome: unreadableBy('no link'),
    },
    {
      situation: 'nothing is deployed upstream and its locks are unreadable',
      inDevelopment: 'nothing',
      applicationLocks: unreadable('no lock'),
      outcome: unreadableBy('no lock'),
    },
    {
      situation: "nothing is deployed upstream and its team's locks are unreadable",
      inDevelopment: 'nothing',
      teamLocks: { payments: unreadable('no team lock') },
      outcome: unreadableBy('no team lock'),
    },
    {
      situation: 'the version link upstream is unreadable',
      inDevelopment: unreadable('no link upstream'),
      outcome: unreadableBy('no link upstream'),
    },
    {
      situation: 'the version link upstream is unreadable and it is locked',
      inDevelopment: unreadable('no link upstream'),
      applicationLocks: [freeze],
      outcome: unreadableBy('no link upstream'),
    },
    {
      situation: 'the version link upstream names a release that does not exist',
      inDevelopment: 9,
      outcome: unreadableBy(
        "the version link of application 'cart' in environment 'development' names release 9, which does not exist",
      ),
    },
    {
      situation: 'the same release that does not exist is linked on both sides',
      inDevelopment: 9,
      inStaging: 9,
      outcome: unreadableBy(expect.stringContaining("in environment 'staging'") as string),
    },
    {
      situation: 'all that the upstream knows of it is unreadable',
      inDevelopment: 'all unreadable',
      outcome: unreadableBy('development is broken'),
    },
    {
      situation: 'another team is asked for and the version link upstream is unreadable',
      wantedTeam: 'search',
      inDevelopment: unreadable('no link upstream'),
      outcome: undefined,
    },
    {
      situation: 'an older version is deployed upstream',
      inDevelopment: 1,
      inStaging: 2,
      outcome: { kind: 'travels', release: expect.objectContaining({ version: 1n }) },
    },
    {
      situation: 'only a release that is not deployed has a manifest for the upstream',
      release2: ['staging'],
      inDevelopment: 2,
      outcome: travelsTo2,
    },
    {
      situation: 'no release has a manifest for the upstream',
      release1: ['staging'],
      release2: ['staging'],
      outcome: undefined,
    },
    {
      situation: 'no release that can be read has a manifest for the upstream',
      release1: ['staging'],
      release2: unreadable('no release'),
      inDevelopment: 'nothing',
      outcome: nothingUpstream,
    },
    {
      situation: 'a pre-publish is deployed upstream',
      release2: { isPrepublish: true, manifests: ['staging'] },
      outcome: travelsTo2,
    },
  ]

  it.each(situations)('when $situation', ({ wantedTeam, principal, outcome, ...circumstances }) => {
    const request = { target: 'staging', team: wantedTeam }
    const decided = applicationsOf(prognose(cartOnItsWay('development', circumstances), request, principal))
    expect(decided.map((application) => application.outcome)).toEqual(outcome === undefined ? [] : [outcome])
  })

  it('says when the deployed release is not among those that the snapshot holds', () => {
    const snapshot = cartOnItsWay('development', {}).build()
    const cart = snapshot.applications.get('cart' as ApplicationName)
    if (!cart?.ok) throw new Error('cart is readable')
    const withoutReleases = {
      ok: true,
      value: { ...cart.value, releases: new Map([[1n, cart.value.releases.get(1n)!]]) },
    }
    const applications = new Map([['cart' as ApplicationName, withoutReleases as typeof cart]])
    const prognosis = prognoseReleaseTrain({ ...snapshot, applications }, requestFor({ target: 'staging' }), ada, now)
    expect(applicationsOf(prognosis)).toMatchObject([
      { outcome: unreadableBy("release 2 of application 'cart' was not loaded") },
    ])
  })
})

describe('the decision about an application that comes from latest', () => {
  interface LatestSituation {
    readonly situation: string
    readonly releases: Readonly<Record<string, readonly string[] | ReleaseFacts | Unreadable>>
    readonly inStaging?: Unreadable
    readonly locks?: readonly Lock[]
    readonly outcome: string | undefined
  }
  const announced = { isPrepublish: true }
  const situations: readonly LatestSituation[] = [
    { situation: 'several releases exist', releases: { 1: ['staging'], 2: ['staging'] }, outcome: 'travels to 2' },
    {
      situation: 'versions have different lengths',
      releases: { 9: ['staging'], 10: ['staging'] },
      outcome: 'travels to 10',
    },
    {
      situation: 'versions are beyond what a double can hold',
      releases: { '18446744073709551614': ['staging'], '18446744073709551615': ['staging'] },
      outcome: 'travels to 18446744073709551615',
    },
    {
      situation: 'the highest releases are pre-publishes',
      releases: { 1: ['staging'], 2: ['staging'], 3: announced, 4: announced },
      outcome: 'travels to 2',
    },
    {
      situation: 'a pre-publish is older than the highest release',
      releases: { 1: announced, 2: ['staging'] },
      outcome: 'travels to 2',
    },
    { situation: 'all releases are pre-publishes', releases: { 1: announced, 2: announced }, outcome: undefined },
    {
      situation: 'all releases are pre-publishes, with manifests even',
      releases: { 1: { isPrepublish: true, manifests: ['staging'] } },
      outcome: undefined,
    },
    {
      situation: 'all releases are pre-publishes and it is locked',
      releases: { 1: { isPrepublish: true, manifests: ['staging'] } },
      locks: [freeze],
      outcome: undefined,
    },
    {
      situation: 'all releases are pre-publishes and its version link is unreadable',
      releases: { 1: { isPrepublish: true, manifests: ['staging'] } },
      inStaging: unreadable('no link'),
      outcome: 'APP_UNREADABLE',
    },
    { situation: 'it has no release', releases: {}, outcome: undefined },
    {
      situation: 'only an older release has a manifest',
      releases: { 1: ['staging'], 2: ['development'] },
      outcome: 'APP_DOES_NOT_EXIST_IN_ENV',
    },
    {
      situation: 'no release has a manifest for the target, whatever other environments have',
      releases: { 1: ['development'], 2: ['development'] },
      outcome: undefined,
    },
    {
      situation: 'the highest release is unreadable: it may be more than a pre-publish',
      releases: { 1: ['staging'], 2: unreadable('no release') },
      outcome: 'APP_UNREADABLE',
    },
    {
      situation: 'a lower release is unreadable',
      releases: { 1: unreadable('no release'), 2: ['staging'] },
      outcome: 'travels to 2',
    },
    {
      situation: 'the highest release that may be more than a pre-publish is unreadable',
      releases: { 1: ['staging'], 2: unreadable('no release'), 3: announced },
      outcome: 'APP_UNREADABLE',
    },
  ]

  it.each(situations)('when $situation', ({ releases, inStaging, locks = [], outcome }) => {
    let builder = aSnapshot()
      .environment('development')
      .environment('staging', { upstream: 'latest' })
      .application('cart', { releases })
    if (inStaging !== undefined) builder = builder.deployed('staging', 'cart', inStaging)
    if (locks.length > 0) builder = builder.applicationLock('staging', 'cart', ...locks)
    const prognosis = prognose(builder, { target: 'staging' })
    expect(outcomesOf(prognosis)).toEqual({ staging: outcome === undefined ? {} : { cart: outcome } })
  })
})

describe('what a prognosis says of an application', () => {
  it('is its team, the deployed version and the whole release that travels', () => {
    expect(applicationsOf(prognose(cartOnItsWay('development', {}), { target: 'staging' }))).toEqual([
      {
        application: 'cart',
        team: 'payments',
        deployedVersion: 1n,
        outcome: {
          kind: 'travels',
          release: {
            version: 2n,
            manifests: new Map([
              ['development', manifestOf('cart', 2, 'development')],
              ['staging', manifestOf('cart', 2, 'staging')],
            ]),
            isPrepublish: false,
            isUndeploy: false,
          },
        },
      },
    ])
  })

  it.each([
    ['nothing is deployed', { inStaging: 'nothing' }, { team: 'payments', deployedVersion: undefined }],
    ['it has no team', { team: 'none' }, { team: undefined, deployedVersion: 1n }],
    ['its team is unreadable', { team: unreadable('?') }, { team: undefined, deployedVersion: undefined }],
    ['its link is unreadable', { inStaging: unreadable('?') }, { team: 'payments', deployedVersion: undefined }],
    ['the upstream is unreadable', { inDevelopment: unreadable('?') }, { team: 'payments', deployedVersion: 1n }],
    ['it is locked', { applicationLocks: [freeze] }, { team: 'payments', deployedVersion: 1n }],
  ] satisfies readonly [string, Circumstances, object][])('when %s', (_, circumstances, expected) => {
    const [cart] = applicationsOf(prognose(cartOnItsWay('development', circumstances), { target: 'staging' }))
    expect(cart).toEqual({ ...expected, application: 'cart', outcome: cart?.outcome })
  })

  it('is there for each candidate, sorted by name', () => {
    const names = ['web', 'a-b', 'ab', 'a1', 'cart']
    const snapshot = names.reduce(
      (builder, name) => builder.application(name, { releases: { 1: ['staging'] } }),
      aSnapshot().environment('staging', { upstream: 'latest' }),
    )
    const decided = applicationsOf(prognose(snapshot, { target: 'staging' }))
    expect(decided.map(({ application }) => application)).toEqual(['a-b', 'a1', 'ab', 'cart', 'web'])
  })
})

describe('when an application is unreadable', () => {
  const snapshot = aSnapshot()
    .environment('development', { upstream: 'latest' })
    .environment('staging', { upstream: 'development' })
    .unreadableApplication('cart', 'releases is a file')
    .application('web', { team: 'search', releases: { 1: ['development', 'staging'] } })
    .deployed('development', 'web', 1)

  it.each(['development', 'staging'])('it stays with the reason in %s, and the others travel or not', (target) => {
    const decided = applicationsOf(prognose(snapshot, { target }))
    expect(decided).toMatchObject([
      { application: 'cart', team: undefined, deployedVersion: undefined, outcome: unreadableBy('releases is a file') },
      { application: 'web' },
    ])
  })

  it('it is not left out for a team: nobody knows that it is of another', () => {
    expect(outcomesOf(prognose(snapshot, { target: 'staging', team: 'payments' }))).toEqual({
      staging: { cart: 'APP_UNREADABLE' },
    })
  })
})

describe('the team that is asked for', () => {
  const snapshot = aSnapshot()
    .environment('staging', { upstream: 'latest' })
    .application('cart', { team: 'payments', releases: { 1: ['staging'] } })
    .application('invoicing', { team: 'payments', releases: { 1: ['staging'] } })
    .application('legacy', { team: 'Old Team', releases: { 1: ['staging'] } })
    .application('orphan', { releases: { 1: ['staging'] } })
    .unreadableApplication('broken', '?')

  it.each([
    ['none', undefined, ['broken', 'cart', 'invoicing', 'legacy', 'orphan']],
    ['an empty one, which is none', '', ['broken', 'cart', 'invoicing', 'legacy', 'orphan']],
    ['a team', 'payments', ['broken', 'cart', 'invoicing']],
    ['a team whose name nobody could choose today', 'Old Team', ['broken', 'legacy']],
    ['a team that nobody knows, which leaves all out that can be read', 'nobody', ['broken']],
    ['the beginning of a team name, which is another one', 'pay', ['broken']],
    ['a name of 62 characters', 'x'.repeat(62), ['broken']],
  ])('is %s', (_, team, expected) => {
    const decided = applicationsOf(prognose(snapshot, { target: 'staging', team }))
    expect(decided.map(({ application }) => application)).toEqual(expected)
  })

  it.each([
    ['payments', 'payments'],
    ['', undefined],
    [undefined, undefined],
  ])('%j stands in the prognosis as %j', (team, expected) => {
    expect(prognose(snapshot, { target: 'staging', team }).team).toBe(expected)
  })

  it.each(['x'.repeat(63), 'Payments', 'pay ments', 'pay--ments', '-pay', 'pay-', '..', 'old team', 'pay\n', '*'])(
    'is refused when it is %j: nobody has it or could have it',
    (team) => {
      expect(problemOf(() => prognose(snapshot, { target: 'staging', team }))).toEqual({
        problem: { code: 'INVALID_NAME', parameter: 'team' },
        message: 'invalid Team name',
      })
    },
  )

  it('is checked before the target is looked up', () => {
    expect(problemOf(() => prognose(snapshot, { target: 'unknown', team: 'No Team' })).problem).toEqual({
      code: 'INVALID_NAME',
      parameter: 'team',
    })
  })

  it('is checked before permissions', () => {
    const principal = { ...ada, mayDo: () => false }
    expect(problemOf(() => prognose(snapshot, { target: 'staging', team: 'No Team' }, principal)).problem.code).toBe(
      'INVALID_NAME',
    )
  })
})

describe('a lock with an end', () => {
  const ends = [
    ['has ended just before', justBefore, false],
    ['ends at this moment', now, false],
    ['ends just after', justAfter, true],
    ['has no end', undefined, true],
  ] as const

  it.each(ends)('on an environment: %s', (_, expiresAt, holds) => {
    const snapshot = aSnapshot().environment('staging', { upstream: 'latest', locks: [aLock('freeze', { expiresAt })] })
    expect(outcomesOf(prognose(snapshot, { target: 'staging' }))).toEqual({ staging: holds ? 'ENV_IS_LOCKED' : {} })
  })

  it.each(ends)('on an application: %s', (_, expiresAt, holds) => {
    const snapshot = cartOnItsWay('development', { applicationLocks: [aLock('freeze', { expiresAt })] })
    expect(outcomesOf(prognose(snapshot, { target: 'staging' }))).toEqual({
      staging: { cart: holds ? 'APP_IS_LOCKED' : 'travels to 2' },
    })
  })

  it.each(ends)('on a team: %s', (_, expiresAt, holds) => {
    const snapshot = cartOnItsWay('development', { teamLocks: { payments: [aLock('freeze', { expiresAt })] } })
    expect(outcomesOf(prognose(snapshot, { target: 'staging' }))).toEqual({
      staging: { cart: holds ? 'TEAM_IS_LOCKED' : 'travels to 2' },
    })
  })

  it('holds for as long as it was suggested to, and longer', () => {
    const lock = aLock('freeze', { suggestedLifetime: '1d', createdAt: new Date('2020-01-01T00:00:00Z') })
    const snapshot = aSnapshot().environment('staging', { upstream: 'latest', locks: [lock] })
    expect(outcomesOf(prognose(snapshot, { target: 'staging' }))).toEqual({ staging: 'ENV_IS_LOCKED' })
  })
})

describe('how long a prognosis is valid', () => {
  const untilLater = aLock('until-later', { expiresAt: later })
  const untilTomorrow = aLock('until-tomorrow', { expiresAt: tomorrow })
  const ended = aLock('ended', { expiresAt: justBefore })

  it.each([
    ['forever without locks', {}, undefined],
    ['forever when locks have no end', { applicationLocks: [freeze] }, undefined],
    ['until the lock of the application ends', { applicationLocks: [untilLater] }, later],
    ['until the first of its locks ends', { applicationLocks: [freeze, untilTomorrow, untilLater] }, later],
    ["until its team's lock ends", { teamLocks: { payments: [untilTomorrow] } }, tomorrow],
    ["until the first of its team's locks ends", { teamLocks: { payments: [untilTomorrow, untilLater] } }, later],
    [
      'until the lock ends that decided',
      { applicationLocks: [untilTomorrow], teamLocks: { payments: [untilLater] } },
      tomorrow,
    ],
    ['forever when a lock ended before', { applicationLocks: [ended], teamLocks: { payments: [ended] } }, undefined],
    [
      'forever when the locked application is already there',
      { inStaging: 2, applicationLocks: [untilLater] },
      undefined,
    ],
    ["forever when another team's lock ends", { teamLocks: { search: [untilLater] } }, undefined],
  ] satisfies readonly [string, Circumstances, Date | undefined][])('%s', (_, circumstances, expected) => {
    const prognosis = prognose(cartOnItsWay('development', circumstances), { target: 'staging' })
    expect(prognosis.validUntil).toEqual(expected)
  })

  it('until the lock of an environment ends', () => {
    const snapshot = aSnapshot().environment('staging', {
      upstream: 'latest',
      locks: [freeze, untilTomorrow, untilLater],
    })
    expect(prognose(snapshot, { target: 'staging' }).validUntil).toEqual(later)
  })

  it('forever when the locked environment would take nothing anyway', () => {
    const snapshot = aSnapshot().environment('staging', { locks: [untilLater] })
    expect(prognose(snapshot, { target: 'staging' }).validUntil).toBeUndefined()
  })

  it('until the first lock ends in any environment of the target, and in no other', () => {
    const snapshot = aSnapshot()
      .environment('production-de', { upstream: 'latest', group: 'production', locks: [untilTomorrow] })
      .environment('production-fr', { upstream: 'latest', group: 'production' })
      .environment('staging', { upstream: 'latest', locks: [aLock('soon', { expiresAt: justAfter })] })
      .application('cart', { releases: { 1: ['production-fr'] } })
      .applicationLock('production-fr', 'cart', untilLater)
    expect(prognose(snapshot, { target: 'production' }).validUntil).toEqual(later)
    expect(prognose(snapshot, { target: 'production-de' }).validUntil).toEqual(tomorrow)
  })
})

describe('a target', () => {
  const snapshot = aSnapshot()
    .environment('production-fr', { upstream: 'staging', group: 'production' })
    .environment('staging', { upstream: 'development' })
    .environment('production-de', { upstream: 'staging', group: 'production' })
    .environment('development', { upstream: 'latest' })
    .environment('edge', { upstream: 'staging', group: 'edge' })
    .environment('canary', { upstream: 'staging', group: 'production' })
    // A group and an environment of one name: the environment is in another group, in none, and in that very group.
    .environment('asia', { upstream: 'staging', group: 'world' })
    .environment('asia-jp', { upstream: 'staging', group: 'asia' })
    .environment('test', { upstream: 'development' })
    .environment('test-a', { upstream: 'development', group: 'test' })
    .environment('QA_Old', { upstream: 'development', group: 'Old Group' })

  const world = [
    ['an environment', 'staging', ['staging'], ['staging'], ['staging']],
    ['an environment of a group', 'production-de', ['production-de'], ['production-de'], 'unknown'],
    [
      'a group',
      'production',
      ['canary', 'production-de', 'production-fr'],
      ['canary', 'production-de', 'production-fr'],
      ['canary', 'production-de', 'production-fr'],
    ],
    ['an environment whose group has its name', 'edge', ['edge'], ['edge'], ['edge']],
    ['a group that hides an environment of another group', 'asia', ['asia'], ['asia-jp'], ['asia-jp']],
    ['a group that hides an environment without one', 'test', ['test'], ['test-a'], ['test-a']],
    ['an environment whose name nobody could choose today', 'QA_Old', ['QA_Old'], ['QA_Old'], 'invalid'],
    ['a group whose name nobody could choose today', 'Old Group', ['QA_Old'], ['QA_Old'], ['QA_Old']],
    ['a name that nothing has', 'moon', 'unknown', 'unknown', 'unknown'],
    ['a name of 20 characters that nothing has', 'x'.repeat(20), 'unknown', 'unknown', 'unknown'],
    ['a name of 21 characters', 'x'.repeat(21), 'invalid', 'invalid', 'invalid'],
    ['nothing', '', 'invalid', 'invalid', 'invalid'],
    ['a name with capitals', 'Staging', 'invalid', 'invalid', 'invalid'],
    ['a path', '../staging', 'invalid', 'invalid', 'invalid'],
    ['a name and a line break', 'staging\n', 'invalid', 'invalid', 'invalid'],
    ['a name of a method', 'constructor', 'unknown', 'unknown', 'unknown'],
  ] as const

  const lookups: readonly TargetLookup[] = ['environment-first', 'group-first', 'group']
  const cases = world.flatMap(([situation, target, ...found]) =>
    lookups.map((lookup, index) => ({ situation, target, lookup, expected: found[index] ?? 'unknown' })),
  )

  it.each(cases)('$lookup: $situation ($target)', ({ target, lookup, expected }) => {
    const look = () => prognose(snapshot, { target, lookup }).environments.map(({ environment }) => environment)
    if (expected === 'invalid') {
      expect(problemOf(look)).toEqual({
        problem: { code: 'INVALID_NAME', parameter: lookup === 'group' ? 'group' : 'environment' },
        message: 'invalid environment',
      })
    } else if (expected === 'unknown') {
      expect(problemOf(look)).toEqual({
        problem: { code: 'UNKNOWN_TARGET', target },
        message:
          lookup === 'group'
            ? `error: could not find target of type ENVIRONMENTGROUP and name '${target}'`
            : `error: could not find environment group or environment configs for '${target}'`,
      })
    } else {
      expect(look()).toEqual(expected)
    }
  })

  it.each([
    ['environment-first', 'asia', 'environment'],
    ['group-first', 'asia', 'group'],
    ['group-first', 'staging', 'environment'],
    ['environment-first', 'production', 'group'],
    ['group', 'staging', 'group'],
    ['group', 'production', 'group'],
  ] as const)('%s: %s is told to be of kind %s', (lookup, target, kind) => {
    expect(prognose(snapshot, { target, lookup }).target).toMatchObject({ kind, name: target })
  })
})

describe('a group', () => {
  it('is decided from one snapshot: each environment takes what its upstream has before the train', () => {
    const everywhere = ['staging', 'production-a', 'production-b']
    const snapshot = aSnapshot()
      .environment('staging')
      .environment('production-a', { upstream: 'staging', group: 'production' })
      .environment('production-b', { upstream: 'production-a', group: 'production' })
      .application('cart', { releases: { 1: everywhere, 2: everywhere, 3: everywhere } })
      .deployed('staging', 'cart', 3)
      .deployed('production-a', 'cart', 2)
      .deployed('production-b', 'cart', 1)
    expect(outcomesOf(prognose(snapshot, { target: 'production' }))).toEqual({
      'production-a': { cart: 'travels to 3' },
      'production-b': { cart: 'travels to 2' },
    })
  })

  it('may hold environments that are upstream of each other', () => {
    const snapshot = aSnapshot()
      .environment('blue', { upstream: 'green', group: 'live' })
      .environment('green', { upstream: 'blue', group: 'live' })
      .application('cart', { releases: { 1: ['blue', 'green'], 2: ['blue', 'green'] } })
      .deployed('blue', 'cart', 1)
      .deployed('green', 'cart', 2)
    expect(outcomesOf(prognose(snapshot, { target: 'live' }))).toEqual({
      blue: { cart: 'travels to 2' },
      green: { cart: 'travels to 1' },
    })
  })

  it('has one environment stay behind without the others', () => {
    const snapshot = aSnapshot()
      .environment('production-c', { group: 'production' })
      .environment('production-b', { upstream: 'latest', group: 'production' })
      .environment('production-a', { upstream: 'latest', group: 'production', locks: [freeze] })
      .environment('production-d', { upstream: 'latest', group: 'production', unreadable: { locks: '?' } })
      .application('cart', { releases: { 1: ['production-a', 'production-b', 'production-c', 'production-d'] } })
    const prognosis = prognose(snapshot, { target: 'production' })
    expect(outcomesOf(prognosis)).toEqual({
      'production-a': 'ENV_IS_LOCKED',
      'production-b': { cart: 'travels to 1' },
      'production-c': 'ENV_HAS_NO_UPSTREAM',
      'production-d': 'ENV_UNREADABLE',
    })
    expect(prognosis.environments.map(({ environment }) => environment)).toEqual([
      'production-a',
      'production-b',
      'production-c',
      'production-d',
    ])
  })
})

describe('warnings', () => {
  const snapshot = aSnapshot()
    .environment('production-de', { upstream: 'latest', group: 'production' })
    .environment('staging', { upstream: 'latest' })
    .environment('zeta', { unreadable: { config: 'config.json is not JSON' } })
    .environment('alpha', { unreadable: { config: 'config.json is a link' } })
    .environment('beta', { upstream: 'latest', unreadable: { locks: 'not about the group' } })
  const both = [
    "the group of environment 'alpha' cannot be known: config.json is a link",
    "the group of environment 'zeta' cannot be known: config.json is not JSON",
  ]

  it.each([
    ['an answer about a group lists the environments whose group cannot be known', 'production', 'group-first', both],
    ['so does one about an environment as its own group', 'staging', 'group', both],
    ['one about an environment has none', 'staging', 'environment-first', []],
  ] as const)('%s', (_, target, lookup, expected) => {
    expect(prognose(snapshot, { target, lookup }).warnings).toEqual(expected)
  })

  it('are none when every group is known', () => {
    const known = aSnapshot().environment('production-de', { group: 'production' }).environment('staging')
    expect(prognose(known, { target: 'production' }).warnings).toEqual([])
  })

  it('an unreadable environment is no group of its own, but can be asked for by name', () => {
    expect(problemOf(() => prognose(snapshot, { target: 'zeta', lookup: 'group' })).problem.code).toBe('UNKNOWN_TARGET')
    expect(outcomesOf(prognose(snapshot, { target: 'zeta' }))).toEqual({ zeta: 'ENV_UNREADABLE' })
  })
})

describe('permissions', () => {
  const snapshot = aSnapshot()
    .environment('production-a', { group: 'production' })
    .environment('production-b', { upstream: 'latest', group: 'production' })
    .environment('production-c', { upstream: {}, group: 'production' })
    .environment('production-d', { upstream: 'latest', group: 'production', locks: [freeze] })
    .environment('production-e', { upstream: 'latest', group: 'production', unreadable: { locks: '?' } })
    .environment('broken', { unreadable: { config: '?' } })
    .environment('staging', { upstream: 'production-a' })
    .application('cart', { team: 'payments', releases: { 1: ['staging', 'production-a', 'production-b'] } })
    .deployed('production-a', 'cart', 1)

  function without(action: Action, ...environments: readonly string[]): Principal {
    return { ...ada, mayDo: (asked, target) => asked !== action || !environments.includes(target.environment) }
  }

  it.each([
    ['production', 'production-b', 'one of its environments'],
    ['production', 'production-c', 'an environment whose upstream says nothing'],
    ['production', 'production-d', 'a locked environment'],
    ['production', 'production-e', 'an environment of which only the config can be read'],
    ['production-b', 'production-b', 'just that environment'],
    ['staging', 'staging', 'an environment with another one upstream'],
  ])('a train to %s needs DeployReleaseTrain on %s: %s', (target, environment) => {
    expect(problemOf(() => prognose(snapshot, { target }, without('DeployReleaseTrain', environment)))).toEqual({
      problem: { code: 'PERMISSION_DENIED', action: 'DeployReleaseTrain', environment },
      message: `PermissionDenied The user 'Ada' is not allowed to perform the action 'DeployReleaseTrain' on environment '${environment}'`,
    })
  })

  it.each([
    ['production', 'production-a', 'an environment without upstream'],
    ['production', 'staging', 'an environment outside of the target'],
    ['staging', 'production-a', 'the upstream'],
    ['broken', 'broken', 'an environment of which nobody knows whether it has an upstream'],
  ])('a train to %s does not need it on %s: %s', (target, environment) => {
    expect(outcomesOf(prognose(snapshot, { target }, without('DeployReleaseTrain', environment)))).toEqual(
      outcomesOf(prognose(snapshot, { target })),
    )
  })

  it('of several denials the first by name is told', () => {
    const principal = without('DeployReleaseTrain', 'production-d', 'production-b', 'production-a')
    expect(problemOf(() => prognose(snapshot, { target: 'production' }, principal)).problem).toMatchObject({
      environment: 'production-b',
    })
  })

  it('are asked for with environment, group and application', () => {
    const asked: [Action, ActionTarget][] = []
    const teams: unknown[] = []
    const principal: Principal = {
      ...ada,
      mayDo: (action, target) => asked.push([action, target]) > 0,
      isInTeam: (team) => teams.push(team) > 0,
    }
    prognose(snapshot, { target: 'production-b' }, principal)
    prognose(snapshot, { target: 'staging' }, principal)
    const inProduction = { environment: 'production-b', environmentGroup: 'production' }
    const inStaging = { environment: 'staging', environmentGroup: 'staging' }
    expect(asked).toEqual([
      ['DeployReleaseTrain', inProduction],
      ['DeployRelease', { ...inProduction, application: 'cart' }],
      ['DeployReleaseTrain', inStaging],
      ['DeployRelease', { ...inStaging, application: 'cart' }],
    ])
    expect(teams).toEqual(['payments', 'payments'])
  })

  it('for one environment do not count in another', () => {
    const both = aSnapshot()
      .environment('production-a', { upstream: 'latest', group: 'production' })
      .environment('production-b', { upstream: 'latest', group: 'production' })
      .application('cart', { releases: { 1: ['production-a', 'production-b'] } })
    expect(outcomesOf(prognose(both, { target: 'production' }, without('DeployRelease', 'production-b')))).toEqual({
      'production-a': { cart: 'travels to 1' },
      'production-b': { cart: 'NO_TEAM_PERMISSION' },
    })
  })
})

describe('an empty repository', () => {
  it('knows no target', () => {
    const snapshot = { ...aSnapshot().build(), commit: undefined }
    const ask = () => prognoseReleaseTrain(snapshot, requestFor({ target: 'staging' }), ada, now)
    expect(problemOf(ask).problem).toEqual({ code: 'UNKNOWN_TARGET', target: 'staging' })
  })

  it('may have environments and no applications', () => {
    const snapshot = aSnapshot().environment('staging', { upstream: 'latest' })
    expect(prognose(snapshot, { target: 'staging' })).toEqual({
      target: {
        kind: 'environment',
        name: 'staging',
        environments: [snapshot.build().environments.get('staging' as EnvironmentName)],
      },
      team: undefined,
      environments: [{ environment: 'staging', upstream: 'latest', outcome: { kind: 'decided', applications: [] } }],
      warnings: [],
      validUntil: undefined,
    })
  })
})

type Wish = Pick<ReleaseTrainRequest, 'target'> & Partial<ReleaseTrainRequest>

function requestFor(wish: Wish): ReleaseTrainRequest {
  return { lookup: 'environment-first', team: undefined, ...wish }
}

function prognose(snapshot: SnapshotBuilder, wish: Wish, principal: Principal = ada): Prognosis {
  return prognoseReleaseTrain(snapshot.build(), requestFor(wish), principal, now)
}

/** The decisions about applications in the only environment of the target. */
function applicationsOf({ environments }: Prognosis) {
  expect(environments).toHaveLength(1)
  const outcome = environments[0]?.outcome
  if (outcome?.kind !== 'decided') throw new Error(`the environment stays behind: ${outcome?.cause}`)
  return outcome.applications
}

/** By environment: its skip cause, or by application where it travels to or its skip cause. */
function outcomesOf({ environments }: Prognosis): Record<string, string | Record<string, string>> {
  return Object.fromEntries(
    environments.map(({ environment, outcome }) => [
      environment,
      outcome.kind === 'skipped'
        ? outcome.cause
        : Object.fromEntries(
            outcome.applications.map(({ application, outcome: of }) => [
              application,
              of.kind === 'travels' ? `travels to ${of.release.version}` : of.cause,
            ]),
          ),
    ]),
  )
}

function problemOf(run: () => unknown): Pick<DomainError, 'problem' | 'message'> {
  try {
    run()
  } catch (error) {
    if (error instanceof DomainError) return { problem: error.problem, message: error.message }
    throw error
  }
  throw new Error('nothing was thrown')
}
