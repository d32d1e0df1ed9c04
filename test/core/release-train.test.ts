import { describe, expect, it, vi } from 'vitest'
import type { ArgoCdConfig, ArgoCdDestinations } from '../../src/core/argo-cd-config.ts'
import { argoCdFiles } from '../../src/core/argo-cd-file.ts'
import type { Content } from '../../src/core/change.ts'
import type { Decision } from '../../src/core/command.ts'
import { DomainError } from '../../src/core/errors.ts'
import type { ApplicationName, EnvironmentName, TeamName } from '../../src/core/names.ts'
import type { Principal } from '../../src/core/principal.ts'
import { createUnrestrictedPrincipal } from '../../src/core/principal.ts'
import { unreadable } from '../../src/core/readable.ts'
import type { ReleaseTrainOptions } from '../../src/core/release-train.ts'
import { createReleaseTrain } from '../../src/core/release-train.ts'
import type { Prognosis } from '../../src/core/release-train-prognosis.ts'
import { prognoseReleaseTrain } from '../../src/core/release-train-prognosis.ts'
import type { SnapshotBuilder } from '../support/snapshot-builder.ts'
import { aLock, aSnapshot, manifestOf, snapshotCommit } from '../support/snapshot-builder.ts'
import type { WriteSettings } from '../../src/core/write-settings.ts'
import { writeSettings } from '../support/write-settings.ts'

const now = new Date('2025-03-14T12:00:00.120Z')
const deployer = createUnrestrictedPrincipal({ name: 'Deployer', email: 'deployer@example.com' })
const everywhere = ['development', 'staging', 'production-a', 'production-b']
const freeze = aLock('freeze')

/** Two applications of two teams: both at 1 in staging, and cart at 2 in development. */
const cartCanTravel = aSnapshot()
  .environment('development', { upstream: 'latest' })
  .environment('staging', { upstream: 'development' })
  .environment('production-a', { upstream: 'staging', group: 'production' })
  .environment('production-b', { upstream: 'staging', group: 'production' })
  .application('cart', { team: 'payments', releases: { 1: everywhere, 2: everywhere } })
  .application('web', { team: 'search', releases: { 1: everywhere } })
  .deployed('development', 'cart', 2)
  .deployed('staging', 'cart', 1)
  .deployed('development', 'web', 1)
  .deployed('staging', 'web', 1)

describe('a deployment', () => {
  it('is the link, the manifest, who, when, and no queued version', () => {
    expect(changesOf(decide(cartCanTravel, 'staging'))).toEqual({
      'environments/staging/applications/cart/version': {
        kind: 'link',
        target: '../../../../applications/cart/releases/2',
      },
      'environments/staging/applications/cart/manifests/manifests.yaml': {
        kind: 'blob',
        id: manifestOf('cart', 2, 'staging'),
      },
      'environments/staging/applications/cart/deployed_by': { kind: 'text', text: 'Deployer' },
      'environments/staging/applications/cart/deployed_by_email': { kind: 'text', text: 'deployer@example.com' },
      'environments/staging/applications/cart/deployed_at_utc': {
        kind: 'text',
        text: '2025-03-14 12:00:00.12 +0000 UTC',
      },
      'environments/staging/applications/cart/queued_version': { kind: 'absent' },
    })
  })

  it('takes the manifest for its environment, in each environment of a group', () => {
    const changes = changesOf(decide(cartCanTravel, 'production'))
    for (const environment of ['production-a', 'production-b']) {
      for (const application of ['cart', 'web']) {
        expect(changes[`environments/${environment}/applications/${application}/manifests/manifests.yaml`]).toEqual({
          kind: 'blob',
          id: manifestOf(application, 1, environment),
        })
      }
    }
    expect(Object.keys(changes)).toHaveLength(24)
  })

  it('writes an empty manifest as one space', () => {
    const snapshot = aSnapshot()
      .environment('staging', { upstream: 'latest' })
      .application('cart', { releases: { 1: { emptyManifests: ['staging'] } } })
    expect(changesOf(decide(snapshot, 'staging'))).toMatchObject({
      'environments/staging/applications/cart/manifests/manifests.yaml': { kind: 'text', text: ' ' },
    })
  })

  it('keeps all 64 bits of a version', () => {
    const snapshot = aSnapshot()
      .environment('staging', { upstream: 'latest' })
      .application('cart', { releases: { '18446744073709551615': ['staging'] } })
    expect(changesOf(decide(snapshot, 'staging'))).toMatchObject({
      'environments/staging/applications/cart/version': {
        kind: 'link',
        target: '../../../../applications/cart/releases/18446744073709551615',
      },
    })
  })
})

describe('a queued version', () => {
  const inStaging = 'environments/staging/applications/cart/queued_version'
  const locked = cartCanTravel.applicationLock('staging', 'cart', freeze)
  const teamLocked = aSnapshot()
    .environment('development')
    .environment('staging', { upstream: 'development', teamLocks: { payments: [freeze] } })
    .application('cart', { team: 'payments', releases: { 2: ['development', 'staging'] } })
    .deployed('development', 'cart', 2)

  it.each([
    ['an application lock holds it back', locked],
    ['a team lock holds it back', teamLocked],
    ['an older one was held back before', locked.queued('staging', 'cart', 1)],
    ['the one before cannot be read', locked.queued('staging', 'cart', unreadable('no link'))],
    ['the one before does not exist', locked.noRelease('cart', 9).queued('staging', 'cart', 9)],
  ])('is written when %s', (_, snapshot) => {
    expect(changesOf(decide(snapshot, 'staging'))).toEqual({ [inStaging]: linkTo('cart', 2) })
  })

  it('is not written when it stands there already', () => {
    expect(changesOf(decide(locked.queued('staging', 'cart', 2), 'staging'))).toEqual({})
  })

  const mayNotDeploy: Principal = { ...deployer, mayDo: (action) => action !== 'DeployRelease' }
  const notInTeam: Principal = { ...deployer, isInTeam: () => false }
  const withoutManifest = aSnapshot()
    .environment('development')
    .environment('staging', { upstream: 'development' })
    .application('cart', { releases: { 1: ['staging'], 2: ['development'] } })
    .deployed('development', 'cart', 2)
  const alreadyThere = aSnapshot()
    .environment('development')
    .environment('staging', { upstream: 'development' })
    .application('cart', { releases: { 2: ['development', 'staging'] } })
    .deployed('development', 'cart', 2)
    .deployed('staging', 'cart', 2)
    .applicationLock('staging', 'cart', freeze)
  const releaseBroken = aSnapshot()
    .environment('staging', { upstream: 'latest' })
    .application('cart', { releases: { 2: unreadable('no release') } })
    .applicationLock('staging', 'cart', freeze)
  const environmentLocked = aSnapshot()
    .environment('staging', { upstream: 'latest', locks: [freeze] })
    .application('cart', { releases: { 2: ['staging'] } })

  it.each([
    ['the release has no manifest', withoutManifest, deployer],
    [
      'it is locked and the release has no manifest',
      withoutManifest.applicationLock('staging', 'cart', freeze),
      deployer,
    ],
    ['the principal may not deploy it', cartCanTravel, mayNotDeploy],
    ['it is locked and the principal may not deploy it', locked, mayNotDeploy],
    ['the principal is not in its team', cartCanTravel, notInTeam],
    ['it is locked and the principal is not in its team', locked, notInTeam],
    ['the environment is locked', environmentLocked, deployer],
    ['it is locked and already there', alreadyThere, deployer],
    ['it is locked and its release cannot be read', releaseBroken, deployer],
  ])('is not written when %s', (_, snapshot, principal) => {
    expect(changesOf(decide(snapshot, 'staging', { principal }))).toEqual({})
  })

  it('is removed when it, or another one, is deployed', () => {
    const snapshot = cartCanTravel.queued('staging', 'cart', 1)
    expect(changesOf(decide(snapshot, 'staging'))).toMatchObject({ [inStaging]: { kind: 'absent' } })
  })

  it('is written beside the deployments of others', () => {
    const snapshot = aSnapshot()
      .environment('staging', { upstream: 'latest' })
      .application('cart', { releases: { 2: ['staging'] } })
      .application('web', { releases: { 7: ['staging'] } })
      .applicationLock('staging', 'cart', freeze)
    expect(changesOf(decide(snapshot, 'staging'))).toMatchObject({
      [inStaging]: linkTo('cart', 2),
      'environments/staging/applications/web/version': linkTo('web', 7),
    })
  })
})

describe('the Argo CD file', () => {
  const source = { repositoryUrl: 'https://git.example.com/manifests.git', branch: 'main' }
  const config: ArgoCdConfig = {
    destination: { server: 'https://kubernetes.example.com' },
    syncWindows: [],
    accessList: [],
    applicationAnnotations: {},
    ignoreDifferences: [],
    syncOptions: [],
  }
  const argoCd: ArgoCdDestinations = { kind: 'single', config }
  const file = 'argocd/v1alpha1/staging.yaml'

  /** What stands in the file for these applications and teams. */
  function textFor(deployed: Readonly<Record<string, string | undefined>>): object {
    const applications = new Map(Object.entries(deployed) as [ApplicationName, TeamName | undefined][])
    return { kind: 'text', text: argoCdFiles('staging' as EnvironmentName, argoCd, applications, source)[0]?.text }
  }

  /** Staging, to which new of team search travels. */
  const newTravels = aSnapshot()
    .environment('staging', { upstream: 'latest', argoCd })
    .application('new', { team: 'search', releases: { 1: ['staging'] } })
  const there = { releases: { 1: ['staging'] } }

  it('names what is deployed to the environment now, with its team', () => {
    expect(changesOf(decide(newTravels, 'staging', { argoCd: source }))[file]).toEqual(textFor({ new: 'search' }))
  })

  const others: readonly (readonly [string, SnapshotBuilder, Record<string, string | undefined>])[] = [
    [
      'what was deployed before',
      newTravels.application('old', { team: 'payments', ...there }).deployed('staging', 'old', 1),
      { old: 'payments' },
    ],
    [
      'an application without team',
      newTravels.application('old', there).deployed('staging', 'old', 1),
      { old: undefined },
    ],
    [
      'an application whose team cannot be read',
      newTravels.application('old', { team: unreadable('?'), ...there }).deployed('staging', 'old', 1),
      { old: undefined },
    ],
    [
      'an application that cannot be read',
      newTravels.unreadableApplication('old', '?').deployed('staging', 'old', 1),
      { old: undefined },
    ],
    [
      'an application that runs without standing in the repository',
      newTravels.noApplication('old').deployed('staging', 'old', 1),
      { old: undefined },
    ],
    [
      'one whose link names a release that does not exist',
      newTravels
        .application('old', { team: 'payments', ...there })
        .noRelease('old', 9)
        .deployed('staging', 'old', 9),
      { old: 'payments' },
    ],
    [
      'one whose link cannot be read, but whose manifest is there',
      newTravels
        .application('old', { team: 'payments', ...there })
        .deployed('staging', 'old', unreadable('?'), { hasManifest: true }),
      { old: 'payments' },
    ],
  ]
  it.each(others)('names %s', (_, snapshot, expected) => {
    expect(changesOf(decide(snapshot, 'staging', { argoCd: source }))[file]).toEqual(
      textFor({ new: 'search', ...expected }),
    )
  })

  it('does not lose a running application because what the environment knows of it cannot be read', () => {
    const snapshot = newTravels.application('old', there).unreadableIn('staging', 'old', 'unsupported file mode')
    const content = changesOf(decide(snapshot, 'staging', { argoCd: source }))[file]
    // Argo CD deletes what the file no longer names: name it, or leave the file as it is.
    expect(content?.kind === 'text' ? content.text : 'name: staging-old').toContain('name: staging-old')
  })

  const notDeployed = newTravels.application('old', { team: 'payments', releases: {} }).noRelease('old', 0)
  it.each([
    ['is only locked', notDeployed.applicationLock('staging', 'old', freeze)],
    ['is only queued', notDeployed.noRelease('old', 1).queued('staging', 'old', 1)],
    ['has a link that cannot be read and no manifest', notDeployed.deployed('staging', 'old', unreadable('?'))],
    ['has version 0, which is none to Kuberpult', notDeployed.deployed('staging', 'old', 0)],
    ['has a manifest and no link', notDeployed.manifestOnly('staging', 'old')],
  ])('does not name an application that %s', (_, snapshot) => {
    expect(changesOf(decide(snapshot, 'staging', { argoCd: source }))[file]).toEqual(textFor({ new: 'search' }))
  })

  const nothingTravels = aSnapshot()
    .environment('staging', { upstream: 'latest', argoCd })
    .application('cart', { releases: { 1: ['staging'] } })
  it.each([
    ['no files are wanted', newTravels, undefined],
    [
      'the environment has no Argo CD config',
      aSnapshot().environment('staging', { upstream: 'latest' }).application('new', there),
      source,
    ],
    ['everything is already there', nothingTravels.deployed('staging', 'cart', 1), source],
    ['versions were only queued', nothingTravels.applicationLock('staging', 'cart', freeze), source],
    [
      'the environment is locked',
      aSnapshot()
        .environment('staging', { upstream: 'latest', argoCd, locks: [freeze] })
        .application('new', there),
      source,
    ],
  ])('is not rendered when %s', (_, snapshot, argoCdSource) => {
    const changes = changesOf(decide(snapshot, 'staging', { argoCd: argoCdSource }))
    expect(Object.keys(changes).filter((path) => path.startsWith('argocd/'))).toEqual([])
  })

  it('is rendered for those environments of a group to which something was deployed', () => {
    const group = { upstream: 'latest', group: 'live', argoCd }
    const snapshot = aSnapshot()
      .environment('live-a', group)
      .environment('live-b', { ...group, locks: [freeze] })
      .environment('live-c', group)
      .environment('live-d', group)
      .application('cart', { releases: { 1: ['live-a', 'live-b', 'live-c', 'live-d'] } })
      .deployed('live-c', 'cart', 1)
    const changes = changesOf(decide(snapshot, 'live', { argoCd: source }))
    expect(Object.keys(changes).filter((path) => path.startsWith('argocd/'))).toEqual([
      'argocd/v1alpha1/live-a.yaml',
      'argocd/v1alpha1/live-d.yaml',
    ])
  })

  it('is one for each cluster of an active/active environment', () => {
    const several: ArgoCdDestinations = {
      kind: 'several',
      commonEnvPrefix: 'aa',
      configs: [
        { concreteEnvName: 'de-1', config },
        { concreteEnvName: 'de-2', config },
      ],
    }
    const snapshot = aSnapshot()
      .environment('staging', { upstream: 'latest', argoCd: several })
      .application('new', there)
    const changes = changesOf(decide(snapshot, 'staging', { argoCd: source }))
    expect(Object.keys(changes).filter((path) => path.startsWith('argocd/'))).toEqual([
      'argocd/v1alpha1/aa-staging-de-1.yaml',
      'argocd/v1alpha1/aa-staging-de-2.yaml',
    ])
  })
})

describe('what a release train answers', () => {
  it('is the prognosis of the same request on the same snapshot', () => {
    const request = { target: 'production', lookup: 'environment-first', team: 'payments' } as const
    const { result } = decide(cartCanTravel, 'production', { request })
    expect(result).toEqual(prognoseReleaseTrain(cartCanTravel.build(), request, deployer, now))
  })

  it('is made for the snapshot of each decision', () => {
    const train = createReleaseTrain(optionsFor('staging'))
    const decideOn = (builder: SnapshotBuilder) =>
      train.decide({ snapshot: builder.build(), loaded: new Map(), principal: deployer, now }).changes.length
    expect(decideOn(cartCanTravel)).toBe(6)
    expect(decideOn(cartCanTravel.applicationLock('staging', 'cart', freeze))).toBe(1)
    expect(decideOn(cartCanTravel)).toBe(6)
  })

  it('needs no file beyond the snapshot', () => {
    const input = { snapshot: cartCanTravel.build(), loaded: new Map(), principal: deployer, now }
    expect(createReleaseTrain(optionsFor('staging')).reads(input)).toEqual([])
  })

  it('changes nothing when everything stays behind', () => {
    const decision = decide(aSnapshot().environment('staging'), 'staging')
    expect(decision.changes).toEqual([])
    expect(decision.result.environments).toMatchObject([{ outcome: { cause: 'ENV_HAS_NO_UPSTREAM' } }])
  })

  it.each([
    ['an unknown target', 'moon', deployer, 'UNKNOWN_TARGET'],
    ['an impossible target', 'Moon', deployer, 'INVALID_NAME'],
    ['a principal who may not run it', 'staging', { ...deployer, mayDo: () => false }, 'PERMISSION_DENIED'],
  ])('is the error of the prognosis for %s', (_, target, principal, code) => {
    expect(problemOf(() => decide(cartCanTravel, target, { principal }))).toMatchObject({ code })
  })
})

describe('a run that is wanted with one prognosis only', () => {
  it('is asked about the prognosis that it would run', () => {
    const asked: Prognosis[] = []
    const { result } = decide(cartCanTravel, 'staging', { accepts: (prognosis) => asked.push(prognosis) > 0 })
    expect(asked).toEqual([result])
  })

  it('is refused with the prognosis as it is now when that is not wanted', () => {
    const request = { target: 'staging', lookup: 'environment-first', team: undefined } as const
    const prognosis = prognoseReleaseTrain(cartCanTravel.build(), request, deployer, now)
    expect(problemOf(() => decide(cartCanTravel, 'staging', { accepts: () => false }))).toEqual({
      code: 'PROGNOSIS_CHANGED',
      prognosis,
      commit: snapshotCommit,
    })
  })

  it('is told so in a sentence', () => {
    expect(() => decide(cartCanTravel, 'staging', { accepts: () => false })).toThrow(
      'the prognosis has changed since it was made: nothing was deployed',
    )
  })

  it('is not asked when the prognosis itself fails', () => {
    const accepts = vi.fn<() => boolean>()
    expect(problemOf(() => decide(cartCanTravel, 'moon', { accepts })).code).toBe('UNKNOWN_TARGET')
    expect(accepts).not.toHaveBeenCalled()
  })
})

describe('the commit text', () => {
  it('says what travelled and what did not, and why', () => {
    const snapshot = cartCanTravel
      .application('new', { releases: { 3: everywhere } })
      .deployed('development', 'new', 3)
      .application('shop', { releases: { 1: everywhere, 2: everywhere } })
      .deployed('development', 'shop', 2)
      .applicationLock('staging', 'shop', aLock('fair', { message: 'until the fair is over\nsays Keeper' }))
    expect(decide(snapshot, 'staging').text).toEqual({
      subject: 'Release train to staging: 2 deployed, 2 skipped',
      sections: [
        {
          heading: 'staging from development',
          lines: [
            'cart 1 -> 2',
            'new none -> 3',
            'skipped shop: the application is locked: fair (until the fair is over)',
            'skipped web: already at version 1',
          ],
        },
      ],
      trailers: [
        { key: 'Signalbox-Command', value: 'release-train' },
        { key: 'Signalbox-Target', value: 'environment staging' },
      ],
    })
  })

  it('names the team and the kind of the target, and has a section for each environment of a group', () => {
    const request = { target: 'production', lookup: 'group', team: 'payments' } as const
    const snapshot = cartCanTravel.environment('production-c', { group: 'production' })
    expect(decide(snapshot, 'production', { request }).text).toEqual({
      subject: 'Release train to production for team payments: 2 deployed, 0 skipped, 1 environment skipped',
      sections: [
        { heading: 'production-a from staging', lines: ['cart none -> 1'] },
        { heading: 'production-b from staging', lines: ['cart none -> 1'] },
        { heading: 'production-c', lines: ['skipped: it has no upstream'] },
      ],
      trailers: [
        { key: 'Signalbox-Command', value: 'release-train' },
        { key: 'Signalbox-Target', value: 'group production' },
        { key: 'Signalbox-Team', value: 'payments' },
      ],
    })
  })

  it('counts the environments that were skipped', () => {
    const snapshot = aSnapshot()
      .environment('live-a', { upstream: 'latest', group: 'live', locks: [freeze] })
      .environment('live-b', { group: 'live' })
    const { subject, sections } = decide(snapshot, 'live').text
    expect(subject).toBe('Release train to live: 0 deployed, 0 skipped, 2 environments skipped')
    expect(sections).toEqual([
      { heading: 'live-a from latest', lines: ['skipped: the environment is locked: freeze'] },
      { heading: 'live-b', lines: ['skipped: it has no upstream'] },
    ])
  })

  it('begins with where the train was started from', () => {
    const { sections } = decide(cartCanTravel, 'staging', { ciLink: 'https://ci.example.com/42' }).text
    expect(sections.map(({ heading }) => heading)).toEqual(['Started by', 'staging from development'])
    expect(sections[0]?.lines).toEqual(['https://ci.example.com/42'])
  })
})

interface Wish extends Partial<Omit<ReleaseTrainOptions, 'settings'>>, Partial<WriteSettings> {
  readonly principal?: Principal
}

function optionsFor(target: string): ReleaseTrainOptions {
  return {
    request: { target, lookup: 'environment-first', team: undefined },
    ciLink: undefined,
    accepts: () => true,
    settings: writeSettings(),
  }
}

function decide(snapshot: SnapshotBuilder, target: string, wish: Wish = {}): Decision<Prognosis> {
  const { principal = deployer, request, ciLink, accepts, ...settings } = wish
  const options = { ...optionsFor(target), ...(request && { request }), ...(accepts && { accepts }) }
  const train = createReleaseTrain({ ...options, ciLink, settings: writeSettings(settings) })
  return train.decide({ snapshot: snapshot.build(), loaded: new Map(), principal, now })
}

function linkTo(application: string, version: number): Content {
  return { kind: 'link', target: `../../../../applications/${application}/releases/${version}` }
}

/** The changes by path, of which none may be said twice. */
function changesOf({ changes }: Pick<Decision<unknown>, 'changes'>): Record<string, Content> {
  const paths = changes.map(({ path }) => path)
  expect(paths).toEqual([...new Set(paths)])
  return Object.fromEntries(changes.map(({ path, content }) => [path, content]))
}

function problemOf(run: () => unknown): DomainError['problem'] {
  try {
    run()
  } catch (error) {
    if (error instanceof DomainError) return error.problem
    throw error
  }
  throw new Error('nothing was thrown')
}
