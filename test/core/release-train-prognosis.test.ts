import { describe, expect, it } from 'vitest'
import type { Environment } from '../../src/core/environment.ts'
import { DomainError } from '../../src/core/errors.ts'
import type { Lock } from '../../src/core/lock.ts'
import type { ApplicationName, EnvironmentName } from '../../src/core/names.ts'
import { nameRule } from '../../src/core/names.ts'
import type { Action, ActionTarget, Principal } from '../../src/core/principal.ts'
import { createUnrestrictedPrincipal } from '../../src/core/principal.ts'
import { readable, unreadable } from '../../src/core/readable.ts'
import type { EnvironmentPrognosis, Prognosis, ReleaseTrainRequest } from '../../src/core/release-train-prognosis.ts'
import { prognoseReleaseTrain } from '../../src/core/release-train-prognosis.ts'
import type { TargetLookup } from '../../src/core/release-train-target.ts'
import { applicationIn, queuedVersion } from '../../src/core/snapshot.ts'
import type {
  ApplicationFacts,
  EnvironmentFacts,
  ReleaseFacts,
  SnapshotBuilder,
  Unreadable,
} from '../support/snapshot-builder.ts'
import { aLock, aSnapshot, manifestOf, treeOf } from '../support/snapshot-builder.ts'

const now = new Date('2025-03-14T12:00:00.000Z')
const justBefore = new Date('2025-03-14T11:59:59.999Z')
const justAfter = new Date('2025-03-14T12:00:00.001Z')
const later = new Date('2025-03-14T18:00:00.000Z')
const tomorrow = new Date('2025-03-15T12:00:00.000Z')

const deployer = createUnrestrictedPrincipal({ name: 'Deployer', email: 'deployer@example.com' })
const notAllowedToDeploy: Principal = { ...deployer, mayDo: (action) => action !== 'DeployRelease' }
const inNoTeam: Principal = { ...deployer, isInTeam: () => false }

const freeze = aLock('freeze', { message: 'until the fair is over' })
const aRemoval: ReleaseFacts = { emptyManifests: ['development', 'staging'], isUndeploy: true }

/** The rules of design section 7 in their order, each with its neighbours: first those about an environment. */
describe('the decision about an environment', () => {
  const upstream = 'development'
  const known = { environment: 'development' }
  const nowhere = { environment: 'nowhere' }
  const locks = [freeze]
  const ended = aLock('ended', { expiresAt: justBefore })

  const taken = cartIs({ kind: 'travels', release: expect.anything() as unknown })
  const alreadyThere = cartIs(skippedBy('APP_ALREADY_IN_UPSTREAM_VERSION', { version: 1n }))
  const noUpstream = skippedBy('ENV_HAS_NO_UPSTREAM')
  const neither = skippedBy('ENV_HAS_NO_UPSTREAM_LATEST_OR_UPSTREAM_ENV')
  const both = skippedBy('ENV_HAS_BOTH_UPSTREAM_LATEST_AND_UPSTREAM_ENV')
  const unknown = skippedBy('UPSTREAM_ENV_CONFIG_NOT_FOUND', { upstream: 'nowhere' })
  const lockedBy = (...held: readonly Lock[]) => skippedBy('ENV_IS_LOCKED', { locks: held })
  const unreadableBy = (reason: string) => skippedBy('ENV_UNREADABLE', { reason })

  /** The situation, the facts about staging, the upstream that is told, and the outcome. */
  type Row = readonly [string, EnvironmentFacts, string | undefined, object]
  const rows: readonly Row[] = [
    ['nothing stands in the way', { upstream }, upstream, taken],
    ['it takes the latest releases', { upstream: 'latest' }, 'latest', taken],
    ['its upstream is the environment itself', { upstream: 'staging' }, 'staging', alreadyThere],

    ['its config is unreadable', broken('config'), undefined, unreadableBy('broken')],
    ['its config is unreadable and it is locked', { ...broken('config'), locks }, undefined, unreadableBy('broken')],
    ...['locks', 'teamLocks', 'applications'].flatMap((part): readonly Row[] => [
      [`its ${part} are unreadable`, { ...broken(part), upstream }, undefined, unreadableBy('broken')],
      [`its ${part} are unreadable and it has no upstream`, broken(part), undefined, unreadableBy('broken')],
      [
        `its ${part} are unreadable, its upstream empty`,
        { ...broken(part), upstream: {} },
        undefined,
        unreadableBy('broken'),
      ],
      [
        `its ${part} are unreadable, its upstream unknown`,
        { ...broken(part), upstream: nowhere },
        undefined,
        unreadableBy('broken'),
      ],
    ]),

    ['it has no upstream', {}, undefined, noUpstream],
    ['it has no upstream and is locked', { locks }, undefined, noUpstream],
    ['its upstream is neither an environment nor latest', { upstream: {} }, undefined, neither],
    ['its upstream is neither an environment nor latest and it is locked', { upstream: {}, locks }, undefined, neither],
    ['its upstream is both an environment and latest', { upstream: { ...known, latest: true } }, undefined, both],
    ['its upstream is both latest and unknown', { upstream: { ...nowhere, latest: true } }, undefined, both],
    ['its upstream is both and it is locked', { upstream: { ...known, latest: true }, locks }, undefined, both],
    ['its upstream does not exist', { upstream: nowhere }, 'nowhere', unknown],
    ['its upstream does not exist and it is locked', { upstream: nowhere, locks }, 'nowhere', unknown],

    ['it is locked', { upstream, locks }, upstream, lockedBy(freeze)],
    ['it takes the latest releases and is locked', { upstream: 'latest', locks }, 'latest', lockedBy(freeze)],
    ['it has several locks', { upstream, locks: [aLock('b'), aLock('a')] }, upstream, lockedBy(aLock('a'), aLock('b'))],
    ['one of its locks has ended', { upstream, locks: [ended, freeze] }, upstream, lockedBy(freeze)],
  ]

  it.each(rows)('when %s', (_, staging, toldUpstream, outcome) => {
    const decision = decisionAboutStaging(staging, {})
    expect(decision).toEqual({ environment: 'staging', upstream: toldUpstream, outcome })
  })

  /** The situation, the facts about staging and about development, and the outcome. */
  type UpstreamRow = readonly [string, EnvironmentFacts, EnvironmentFacts, object]
  const unreadableUpstream = unreadableBy("its upstream 'development': broken")
  const upstreamRows: readonly UpstreamRow[] = [
    ...['config', 'applications'].flatMap((part): readonly UpstreamRow[] => [
      [`the ${part} of its upstream cannot be read`, { upstream }, broken(part), unreadableUpstream],
      [
        `the ${part} of its upstream cannot be read and it is locked`,
        { upstream, locks },
        broken(part),
        unreadableUpstream,
      ],
    ]),
    ['locks of its upstream cannot be read: they matter only there', { upstream }, broken('locks'), taken],
    ['team locks of its upstream cannot be read', { upstream }, broken('teamLocks'), taken],
    ['its upstream is locked', { upstream }, { locks }, taken],
    ['its team is locked upstream', { upstream }, { teamLocks: { payments: locks } }, taken],
  ]

  it.each(upstreamRows)('when %s', (_, staging, development, outcome) => {
    const decision = decisionAboutStaging(staging, development)
    expect(decision).toEqual({ environment: 'staging', upstream, outcome })
  })

  it('when its upstream is both latest and an environment that cannot be read', () => {
    const decision = decisionAboutStaging({ upstream: { ...known, latest: true } }, broken('config'))
    expect(decision).toEqual({ environment: 'staging', upstream: undefined, outcome: both })
  })

  it('is the same for one team: a filter does not unlock anything', () => {
    const snapshot = aSnapshot().environment('staging', { upstream: 'latest', locks })
    expect(outcomesOf(prognose(snapshot, { target: 'staging', team: 'search' }))).toEqual({ staging: 'ENV_IS_LOCKED' })
  })
})

/** What is so about application cart of team payments on its way to staging. Unless said otherwise, nothing is in the way. */
interface Circumstances {
  /** Undefined for an application without one. */
  readonly team?: string | Unreadable | undefined
  readonly release1?: readonly string[] | ReleaseFacts
  readonly release2?: readonly string[] | ReleaseFacts | Unreadable
  /** What is deployed in development: 2 unless said otherwise. */
  readonly inDevelopment?: number | Unreadable | 'nothing' | 'all unreadable'
  /** What is deployed in staging: 1 unless said otherwise. */
  readonly inStaging?: number | Unreadable | 'nothing' | 'all unreadable'
  readonly locks?: readonly Lock[] | Unreadable
  readonly teamLocks?: Readonly<Record<string, readonly Lock[] | Unreadable>>
  readonly wantedTeam?: string
  readonly principal?: Principal
}

function cartOnItsWay(upstream: string, but: Circumstances): SnapshotBuilder {
  const { team } = { team: 'payments', ...but }
  const { inDevelopment = 2, inStaging = 1, locks = [], teamLocks = {} } = but
  const { release1 = ['development', 'staging'], release2 = ['development', 'staging'] } = but
  let builder = aSnapshot()
    .environment('staging', { upstream, teamLocks })
    .environment('development')
    .application('cart', { ...(team === undefined ? {} : { team }), releases: { 1: release1, 2: release2 } })
    .noRelease('cart', 9)
  for (const [environment, there] of [['development', inDevelopment] as const, ['staging', inStaging] as const]) {
    if (there === 'nothing') continue
    builder =
      there === 'all unreadable'
        ? builder.unreadableIn(environment, 'cart', `${environment} is broken`)
        : builder.deployed(environment, 'cart', there)
  }
  if ('ok' in locks) return builder.unreadableApplicationLocks('staging', 'cart', locks.reason)
  return locks.length === 0 ? builder : builder.applicationLock('staging', 'cart', ...locks)
}

function decisionAboutCart(upstream: string, circumstances: Circumstances): object | undefined {
  const { wantedTeam: team, principal } = circumstances
  const decided = applicationsOf(
    prognose(cartOnItsWay(upstream, circumstances), { target: 'staging', team }, principal),
  )
  expect(decided.length).toBeLessThan(2)
  return decided[0]?.outcome
}

const unreadableBy = (reason: string) => skippedBy('APP_UNREADABLE', { reason })
const travelsTo = (version: bigint) => ({ kind: 'travels', release: expect.objectContaining({ version }) as unknown })

const otherTeamWanted: Circumstances = { wantedTeam: 'search' }
const linkBroken: Circumstances = { inStaging: unreadable('no link') }
const locksBroken: Circumstances = { locks: unreadable('no lock') }
const teamLocksBroken: Circumstances = { teamLocks: { payments: unreadable('no team lock') } }
const releaseBroken: Circumstances = { release2: unreadable('no release') }
const nothingUpstream: Circumstances = { inDevelopment: 'nothing' }
const thereAlready: Circumstances = { inStaging: 2 }
const locked: Circumstances = { locks: [freeze] }
const withoutManifest: Circumstances = { release2: ['development'] }
const mayNotDeploy: Circumstances = { principal: notAllowedToDeploy }
const notInTeam: Circumstances = { principal: inNoTeam }
const teamLocked: Circumstances = { teamLocks: { payments: [freeze] } }

/** The situation, what is different in it, and the outcome: undefined where the application is left out without an entry. */
type ApplicationRow = readonly [string, Circumstances, object | undefined]

describe.each(['development', 'latest'])('the decision about an application that comes from %s', (upstream) => {
  const there = skippedBy('APP_ALREADY_IN_UPSTREAM_VERSION', { version: 2n })
  const lockedBy = (heldVersion: bigint | undefined, ...locks: readonly Lock[]) =>
    skippedBy('APP_IS_LOCKED', { locks, heldVersion })
  const noManifest = skippedBy('APP_DOES_NOT_EXIST_IN_ENV', { version: 2n })
  const denied = (reason: string) =>
    skippedBy('NO_TEAM_PERMISSION', { reason: expect.stringContaining(reason) as unknown })
  const teamLockedBy = (...locks: readonly Lock[]) =>
    skippedBy('TEAM_IS_LOCKED', { team: 'payments', locks, heldVersion: 2n })
  const severalLocks = [aLock('b'), aLock('a'), aLock('c', { expiresAt: now })]

  const rows: readonly ApplicationRow[] = [
    ['nothing stands in the way', {}, travelsTo(2n)],
    ['it was never deployed here', { inStaging: 'nothing' }, travelsTo(2n)],
    ['the release marks it as about to be removed', { release2: aRemoval }, travelsTo(2n)],

    ['its team is asked for', { wantedTeam: 'payments' }, travelsTo(2n)],
    ['another team is asked for', otherTeamWanted, undefined],
    ['a team is asked for and it has none', { ...otherTeamWanted, team: undefined }, undefined],
    ['another team is asked for and its version link is unreadable', { ...otherTeamWanted, ...linkBroken }, undefined],
    ['another team is asked for and its locks are unreadable', { ...otherTeamWanted, ...locksBroken }, undefined],
    ['another team is asked for and the release is unreadable', { ...otherTeamWanted, ...releaseBroken }, undefined],
    ['another team is asked for and it is already there', { ...otherTeamWanted, ...thereAlready }, undefined],

    ['its team is unreadable', { team: unreadable('no team') }, unreadableBy('no team')],
    [
      'its team is unreadable and one is asked for',
      { team: unreadable('no team'), wantedTeam: 'search' },
      unreadableBy('no team'),
    ],
    ['its version link is unreadable', linkBroken, unreadableBy('no link')],
    ['its version link names a release that does not exist', { inStaging: 9 }, unreadableBy(danglingLink('staging'))],
    ['all that staging knows of it is unreadable', { inStaging: 'all unreadable' }, unreadableBy('staging is broken')],
    ['its locks are unreadable', locksBroken, unreadableBy('no lock')],
    ["its team's locks are unreadable", teamLocksBroken, unreadableBy('no team lock')],
    ["another team's locks are unreadable", { teamLocks: { search: unreadable('no team lock') } }, travelsTo(2n)],
    ['the release is unreadable', releaseBroken, unreadableBy('no release')],
    ['its locks are unreadable and it is already there', { ...locksBroken, ...thereAlready }, unreadableBy('no lock')],
    [
      "its team's locks are unreadable and it is there",
      { ...teamLocksBroken, ...thereAlready },
      unreadableBy('no team lock'),
    ],
    ['the release is unreadable and already there', { ...releaseBroken, ...thereAlready }, unreadableBy('no release')],
    ['its version link is unreadable and it is locked', { ...linkBroken, ...locked }, unreadableBy('no link')],
    ['the release is unreadable and it is locked', { ...releaseBroken, ...locked }, unreadableBy('no release')],
    [
      "its team's locks are unreadable and it is locked",
      { ...teamLocksBroken, ...locked },
      unreadableBy('no team lock'),
    ],
    [
      'its version link is unreadable and deploying is denied',
      { ...linkBroken, ...mayNotDeploy },
      unreadableBy('no link'),
    ],

    ['it is already there', thereAlready, there],
    ['it is already there and locked', { ...thereAlready, ...locked }, there],
    ['it is already there and the release lost its manifest', { ...thereAlready, ...withoutManifest }, there],
    ['it is already there and deploying is denied', { ...thereAlready, ...mayNotDeploy }, there],
    ['it is already there and its team is locked', { ...thereAlready, ...teamLocked }, there],

    ['it is locked', locked, lockedBy(2n, freeze)],
    ['it has several locks, one of which has ended', { locks: severalLocks }, lockedBy(2n, aLock('a'), aLock('b'))],
    ['it is locked and so is its team', { ...locked, ...teamLocked }, lockedBy(2n, freeze)],
    // A version waits for a lock only when nothing but locks holds it back.
    ['it is locked and the release has no manifest', { ...locked, ...withoutManifest }, lockedBy(undefined, freeze)],
    ['it is locked and deploying is denied', { ...locked, ...mayNotDeploy }, lockedBy(undefined, freeze)],
    ['it is locked and the principal is not in its team', { ...locked, ...notInTeam }, lockedBy(undefined, freeze)],

    ['the release has no manifest', withoutManifest, noManifest],
    ['the release has no manifest and deploying is denied', { ...withoutManifest, ...mayNotDeploy }, noManifest],
    [
      'the release has no manifest and the principal is not in its team',
      { ...withoutManifest, ...notInTeam },
      noManifest,
    ],
    ['the release has no manifest and its team is locked', { ...withoutManifest, ...teamLocked }, noManifest],

    [
      'deploying is denied',
      mayNotDeploy,
      denied("Deployer lacks the permission DeployRelease for it in environment 'staging'"),
    ],
    ['the principal is not in its team', notInTeam, denied("Deployer is not in team 'payments'")],
    ['it has no team and the principal is in none', { team: undefined, ...notInTeam }, denied('team')],
    [
      'deploying is denied and the principal is not in its team',
      { principal: { ...notAllowedToDeploy, isInTeam: () => false } },
      denied('DeployRelease'),
    ],
    ['deploying is denied and its team is locked', { ...mayNotDeploy, ...teamLocked }, denied('DeployRelease')],
    ['the principal is not in its team and that is locked', { ...notInTeam, ...teamLocked }, denied('payments')],

    ['its team is locked', teamLocked, teamLockedBy(freeze)],
    [
      'its team has several locks, one ended',
      { teamLocks: { payments: severalLocks } },
      teamLockedBy(aLock('a'), aLock('b')),
    ],
    ['another team is locked', { teamLocks: { search: [freeze] } }, travelsTo(2n)],
    ['it has no team and some team is locked', { team: undefined, ...teamLocked }, travelsTo(2n)],
  ]

  it.each(rows)('when %s', (_, circumstances, outcome) => {
    expect(decisionAboutCart(upstream, circumstances)).toEqual(outcome)
  })
})

describe('the decision about an application that comes from an environment', () => {
  const nothing = skippedBy('APP_HAS_NO_VERSION_IN_UPSTREAM_ENV')
  const upstreamLinkBroken: Circumstances = { inDevelopment: unreadable('no link upstream') }

  const rows: readonly ApplicationRow[] = [
    ['nothing is deployed upstream', nothingUpstream, nothing],
    ['nothing is deployed on either side', { ...nothingUpstream, inStaging: 'nothing' }, nothing],
    ['nothing is deployed upstream and it is locked', { ...nothingUpstream, ...locked }, nothing],
    [
      'nothing is deployed upstream and another team is asked for',
      { ...nothingUpstream, ...otherTeamWanted },
      undefined,
    ],
    [
      'nothing is deployed upstream and the link here is unreadable',
      { ...nothingUpstream, ...linkBroken },
      unreadableBy('no link'),
    ],
    [
      'nothing is deployed upstream and its locks are unreadable',
      { ...nothingUpstream, ...locksBroken },
      unreadableBy('no lock'),
    ],
    [
      "nothing is deployed upstream and its team's locks are unreadable",
      { ...nothingUpstream, ...teamLocksBroken },
      unreadableBy('no team lock'),
    ],

    ['the version link upstream is unreadable', upstreamLinkBroken, unreadableBy('no link upstream')],
    [
      'the version link upstream is unreadable and it is locked',
      { ...upstreamLinkBroken, ...locked },
      unreadableBy('no link upstream'),
    ],
    [
      'all that the upstream knows of it is unreadable',
      { inDevelopment: 'all unreadable' },
      unreadableBy('development is broken'),
    ],
    [
      'another team is asked for and the link upstream is unreadable',
      { ...otherTeamWanted, ...upstreamLinkBroken },
      undefined,
    ],
    [
      'the link upstream names a release that does not exist',
      { inDevelopment: 9 },
      unreadableBy(danglingLink('development')),
    ],
    [
      'both links name the same release that does not exist',
      { inDevelopment: 9, inStaging: 9 },
      unreadableBy(danglingLink('staging')),
    ],

    ['an older version is deployed upstream', { inDevelopment: 1, inStaging: 2 }, travelsTo(1n)],
    ['a pre-publish is deployed upstream', { release2: { isPrepublish: true, manifests: ['staging'] } }, travelsTo(2n)],
    ['only another release has a manifest for the upstream', { release2: ['staging'] }, travelsTo(2n)],
    ['no release has a manifest for the upstream', { release1: ['staging'], release2: ['staging'] }, undefined],
    [
      'no release has a manifest for the upstream and its team is unreadable',
      { release1: ['staging'], release2: ['staging'], team: unreadable('no team') },
      undefined,
    ],
    [
      'no release that can be read has a manifest for the upstream',
      { release1: ['staging'], ...releaseBroken, ...nothingUpstream },
      nothing,
    ],
  ]

  it.each(rows)('when %s', (_, circumstances, outcome) => {
    expect(decisionAboutCart('development', circumstances)).toEqual(outcome)
  })

  it('when the snapshot does not hold the deployed release', () => {
    const snapshot = cartOnItsWay('development', {}).build()
    const cart = snapshot.applications.get('cart' as ApplicationName)
    if (!cart?.ok) throw new Error('cart is readable')
    const releases = new Map([...cart.value.releases].filter(([version]) => version !== 2n))
    const applications = new Map([[cart.value.name, readable({ ...cart.value, releases })]])
    const prognosis = prognoseReleaseTrain(
      { ...snapshot, applications },
      requestFor({ target: 'staging' }),
      deployer,
      now,
    )
    expect(applicationsOf(prognosis)).toMatchObject([
      { outcome: unreadableBy("release 2 of application 'cart' was not loaded") },
    ])
  })
})

describe('the decision about an application that comes from latest', () => {
  const announced = { isPrepublish: true }
  const announcedWithManifests = { isPrepublish: true, manifests: ['staging'] }
  const unreadableRelease = unreadable('no release')
  const all = ['staging']

  type Row = readonly [string, Required<ApplicationFacts>['releases'], string | undefined]
  const rows: readonly Row[] = [
    ['several releases exist', { 1: all, 2: all }, 'travels to 2'],
    ['versions have different lengths', { 9: all, 10: all }, 'travels to 10'],
    [
      'versions are beyond what a double can hold',
      { '18446744073709551614': all, '18446744073709551615': all },
      'travels to 18446744073709551615',
    ],
    ['the highest releases are pre-publishes', { 1: all, 2: all, 3: announced, 4: announced }, 'travels to 2'],
    ['a pre-publish is older than the highest release', { 1: announced, 2: all }, 'travels to 2'],
    ['all releases are pre-publishes', { 1: announced, 2: announced }, undefined],
    ['all releases are pre-publishes, with manifests even', { 1: announcedWithManifests }, undefined],
    ['it has no release', {}, undefined],
    ['only an older release has a manifest', { 1: all, 2: ['development'] }, 'APP_DOES_NOT_EXIST_IN_ENV'],
    ['releases have manifests for other environments only', { 1: ['development'], 2: ['development'] }, undefined],
    [
      'the highest release is unreadable: it may be more than announced',
      { 1: all, 2: unreadableRelease },
      'APP_UNREADABLE',
    ],
    [
      'the highest release but pre-publishes is unreadable',
      { 1: all, 2: unreadableRelease, 3: announced },
      'APP_UNREADABLE',
    ],
    ['a lower release is unreadable', { 1: unreadableRelease, 2: all }, 'travels to 2'],
  ]

  it.each(rows)('when %s', (_, releases, outcome) => {
    expect(outcomesOf(prognose(withReleases(releases), { target: 'staging' }))).toEqual({
      staging: outcome === undefined ? {} : { cart: outcome },
    })
  })

  it('when all releases are pre-publishes and it is locked', () => {
    const snapshot = withReleases({ 1: announcedWithManifests }).applicationLock('staging', 'cart', freeze)
    expect(outcomesOf(prognose(snapshot, { target: 'staging' }))).toEqual({ staging: {} })
  })

  it('when all releases are pre-publishes and its version link is unreadable', () => {
    const snapshot = withReleases({ 1: announcedWithManifests }).deployed('staging', 'cart', unreadable('no link'))
    expect(outcomesOf(prognose(snapshot, { target: 'staging' }))).toEqual({ staging: { cart: 'APP_UNREADABLE' } })
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
            tree: treeOf('cart', 2),
          },
        },
      },
    ])
  })

  it.each([
    ['nothing is deployed', { inStaging: 'nothing' }, { team: 'payments', deployedVersion: undefined }],
    ['it has no team', { team: undefined }, { team: undefined, deployedVersion: 1n }],
    ['its team is unreadable', { team: unreadable('?') }, { team: undefined, deployedVersion: undefined }],
    ['its link is unreadable', { inStaging: unreadable('?') }, { team: 'payments', deployedVersion: undefined }],
    ['the upstream is unreadable', { inDevelopment: unreadable('?') }, { team: 'payments', deployedVersion: 1n }],
    ['it is locked', { locks: [freeze] }, { team: 'payments', deployedVersion: 1n }],
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

describe('an unreadable application', () => {
  const snapshot = aSnapshot()
    .environment('development', { upstream: 'latest' })
    .environment('staging', { upstream: 'development' })
    .unreadableApplication('cart', 'releases is a file')
    .application('web', { team: 'search', releases: { 1: ['development', 'staging'] } })
    .deployed('development', 'web', 1)

  it.each(['development', 'staging'])('stays with the reason in %s, and the others travel or not', (target) => {
    const decided = applicationsOf(prognose(snapshot, { target }))
    expect(decided).toMatchObject([
      { application: 'cart', team: undefined, deployedVersion: undefined, outcome: unreadableBy('releases is a file') },
      { application: 'web' },
    ])
  })

  it('is not left out for a team: nobody knows that it is of another', () => {
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
        problem: { code: 'INVALID_NAME', invalid: [{ parameter: 'team', value: team, rule: nameRule('team') }] },
        message: 'invalid Team name',
      })
    },
  )

  it('is checked before the target is looked up', () => {
    expect(problemOf(() => prognose(snapshot, { target: 'unknown', team: 'No Team' })).problem).toEqual({
      code: 'INVALID_NAME',
      invalid: [{ parameter: 'team', value: 'No Team', rule: nameRule('team') }],
    })
  })

  it('is told together with a target that cannot exist', () => {
    const { problem, message } = problemOf(() => prognose(snapshot, { target: 'No Place', team: 'No Team' }))
    expect(problem).toMatchObject({ invalid: [{ parameter: 'environment' }, { parameter: 'team' }] })
    expect(message).toBe('invalid environment; invalid Team name')
  })

  it('is checked before permissions', () => {
    const principal = { ...deployer, mayDo: () => false }
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
    const snapshot = cartOnItsWay('development', { locks: [aLock('freeze', { expiresAt })] })
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
    ['forever when locks have no end', { locks: [freeze] }, undefined],
    ['until the lock of the application ends', { locks: [untilLater] }, later],
    ['until the first of its locks ends', { locks: [freeze, untilTomorrow, untilLater] }, later],
    ["until its team's lock ends", { teamLocks: { payments: [untilTomorrow] } }, tomorrow],
    ["until the first of its team's locks ends", { teamLocks: { payments: [untilTomorrow, untilLater] } }, later],
    ['until the lock ends that decided', { locks: [untilTomorrow], teamLocks: { payments: [untilLater] } }, tomorrow],
    ['forever when a lock ended before', { locks: [ended], teamLocks: { payments: [ended] } }, undefined],
    ['forever when the locked application is already there', { inStaging: 2, locks: [untilLater] }, undefined],
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
    found.map((expected, index) => [lookups[index] ?? 'group', situation, target, expected] as const),
  )

  it.each(cases.filter((row) => typeof row[3] === 'object'))('%s: %s (%j)', (lookup, _, target, expected) => {
    const { environments } = prognose(snapshot, { target, lookup })
    expect(environments.map(({ environment }) => environment)).toEqual(expected)
  })

  it.each(cases.filter((row) => typeof row[3] === 'string'))('%s: %s (%j) is %s', (lookup, _, target, expected) => {
    const problem = problemOf(() => prognose(snapshot, { target, lookup }))
    expect(problem).toEqual(expected === 'invalid' ? invalidTarget(lookup, target) : unknownTarget(lookup, target))
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
      message: `PermissionDenied The user 'Deployer' is not allowed to perform the action 'DeployReleaseTrain' on environment '${environment}'`,
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
      ...deployer,
      mayDo: (action, target) =>
        asked.push([action, target]) > 0 && (action !== 'DeployRelease' || target.application !== undefined),
      isInTeam: (team) => teams.push(team) > 0,
    }
    prognose(snapshot, { target: 'production-b' }, principal)
    prognose(snapshot, { target: 'staging' }, principal)
    const inProduction = { environment: 'production-b', environmentGroup: 'production' }
    const inStaging = { environment: 'staging', environmentGroup: 'staging' }
    expect(asked).toEqual([
      ['DeployReleaseTrain', inProduction],
      ['DeployRelease', inProduction],
      ['DeployRelease', { ...inProduction, application: 'cart' }],
      ['DeployReleaseTrain', inStaging],
      ['DeployRelease', inStaging],
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

describe('what an environment knows of an application', () => {
  const cart = 'cart' as ApplicationName

  it('is unreadable when none of its applications can be read', () => {
    const staging = environmentIn(aSnapshot().environment('staging', { unreadable: { applications: 'a file' } }))
    expect(applicationIn(staging, cart)).toEqual(unreadable('a file'))
  })

  it('is nothing when it has no entry', () => {
    expect(applicationIn(environmentIn(aSnapshot().environment('staging')), cart)).toEqual(readable(undefined))
  })

  it('names the link that leads to a release that does not exist', () => {
    const snapshot = aSnapshot()
      .environment('staging')
      .application('cart')
      .noRelease('cart', 9)
      .queued('staging', 'cart', 9)
    const application = snapshot.build().applications.get(cart)
    expect(application?.ok && queuedVersion(environmentIn(snapshot), application.value)).toEqual(
      unreadable(
        "the queued_version link of application 'cart' in environment 'staging' names release 9, which does not exist",
      ),
    )
  })
})

describe('an empty repository', () => {
  it('knows no target', () => {
    const snapshot = { ...aSnapshot().build(), commit: undefined }
    const ask = () => prognoseReleaseTrain(snapshot, requestFor({ target: 'staging' }), deployer, now)
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

function broken(part: string): EnvironmentFacts {
  return { unreadable: { [part]: 'broken' } }
}

function cartIs(outcome: object): object {
  return {
    kind: 'decided',
    applications: [expect.objectContaining({ application: 'cart', outcome }) as unknown],
  }
}

function skippedBy(cause: string, details: object = {}): object {
  return { kind: 'skipped', cause, ...details }
}

/** What is decided about staging, with version 2 of cart in development and 1 in staging. */
function decisionAboutStaging(
  staging: EnvironmentFacts,
  development: EnvironmentFacts,
): EnvironmentPrognosis | undefined {
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
  expect(environments).toHaveLength(1)
  return environments[0]
}

function withReleases(releases: Required<ApplicationFacts>['releases']): SnapshotBuilder {
  return aSnapshot()
    .environment('development')
    .environment('staging', { upstream: 'latest' })
    .application('cart', { releases })
}

function danglingLink(environment: string): string {
  return `the version link of application 'cart' in environment '${environment}' names release 9, which does not exist`
}

/** A principal who may do everything but this, there. */
function without(action: Action, ...environments: readonly string[]): Principal {
  return { ...deployer, mayDo: (asked, target) => asked !== action || !environments.includes(target.environment) }
}

function invalidTarget(lookup: TargetLookup, value: string): object {
  return {
    problem: {
      code: 'INVALID_NAME',
      invalid: [{ parameter: lookup === 'group' ? 'group' : 'environment', value, rule: nameRule('environment') }],
    },
    message: 'invalid environment',
  }
}

function unknownTarget(lookup: TargetLookup, target: string): object {
  return {
    problem: { code: 'UNKNOWN_TARGET', target },
    message:
      lookup === 'group'
        ? `error: could not find target of type ENVIRONMENTGROUP and name '${target}'`
        : `error: could not find environment group or environment configs for '${target}'`,
  }
}

function environmentIn(snapshot: SnapshotBuilder): Environment {
  const staging = snapshot.build().environments.get('staging' as EnvironmentName)
  if (staging === undefined) throw new Error('there is no staging')
  return staging
}

type Wish = Pick<ReleaseTrainRequest, 'target'> & Partial<ReleaseTrainRequest>

function requestFor(wish: Wish): ReleaseTrainRequest {
  return { lookup: 'environment-first', team: undefined, ...wish }
}

function prognose(snapshot: SnapshotBuilder, wish: Wish, principal: Principal = deployer): Prognosis {
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
