import { describe, expect, it } from 'vitest'
import type { ArgoCdDestinations } from '../../src/core/argo-cd-config.ts'
import type { NewManifest, NewRelease, ReleaseOutcome } from '../../src/core/create-release.ts'
import { createRelease, pairKey } from '../../src/core/create-release.ts'
import type { WriteSettings } from '../../src/core/write-settings.ts'
import { unreadable } from '../../src/core/readable.ts'
import type { Situation } from '../support/decide.ts'
import { blobId, decide, filesOf, problemOf } from '../support/decide.ts'
import type { SnapshotBuilder } from '../support/snapshot-builder.ts'
import { aLock, aSnapshot } from '../support/snapshot-builder.ts'
import { aPrincipal } from '../support/test-server.ts'
import { testTime } from '../support/test-store.ts'
import { writeSettings } from '../support/write-settings.ts'

const commit = '0123456789abcdef0123456789abcdef01234567'
const other = 'fedcba9876543210fedcba9876543210fedcba98'

/** Development takes the newest release by itself, staging what development has. */
const shop = aSnapshot()
  .environment('development', { upstream: 'latest' })
  .environment('staging', { upstream: 'development' })
  .application('cart', {
    team: 'storefront',
    releases: { 1: ['development', 'staging'], 2: ['development', 'staging'] },
  })
  .deployed('development', 'cart', 1)

function manifest(text: string): NewManifest {
  return { id: blobId(text), bytes: Buffer.from(text) }
}

function aRelease(different: Partial<NewRelease> = {}): NewRelease {
  return {
    application: 'cart',
    version: undefined,
    team: undefined,
    sourceCommitId: undefined,
    previousCommitId: undefined,
    sourceAuthor: undefined,
    sourceMessage: undefined,
    displayVersion: undefined,
    ciLink: undefined,
    isPrepublish: false,
    downstreamEnvironments: [],
    manifests: new Map([['development', manifest('kind: A\n')]]),
    ...different,
  }
}

function create(different: Partial<NewRelease> = {}, settings: Partial<WriteSettings> = {}) {
  return createRelease({ release: aRelease(different), settings: writeSettings(settings), allowsLongNames: false })
}

function outcomeOf(different: Partial<NewRelease>, situation: Partial<Situation> = {}): ReleaseOutcome {
  return decide(create(different), { snapshot: shop.build(), ...situation }).result
}

/** What became of it where, as one line each. */
function deploymentsOf(different: Partial<NewRelease>, snapshot: SnapshotBuilder = shop): readonly string[] {
  const { result } = decide(create(different), { snapshot: snapshot.build() })
  if (result.kind !== 'created') throw new Error(`it was not created: ${result.kind}`)
  return result.deployments.map(({ environment, outcome, reason = '' }) => `${environment} ${outcome} ${reason}`.trim())
}

describe('a new release', () => {
  it('is written with all that is said of it', () => {
    const decision = decide(
      create({
        version: 7n,
        team: 'payments',
        sourceCommitId: commit.toUpperCase(),
        sourceAuthor: 'Release Bot <bot@example.com>',
        sourceMessage: 'Round\n\nprices (#42)',
        displayVersion: 'v1.7',
        ciLink: 'https://ci.example.com/7',
        manifests: new Map([
          ['staging', manifest('kind: S\n')],
          ['development', manifest('')],
        ]),
      }),
      { snapshot: shop.build() },
    )
    const directory = 'applications/cart/releases/7'
    expect(filesOf(decision)).toEqual({
      [directory]: null,
      [`${directory}/source_commit_id`]: commit,
      [`${directory}/source_author`]: 'Release Bot <bot@example.com>',
      [`${directory}/source_message`]: 'Round\n\nprices (#42)',
      [`${directory}/display_version`]: 'v1.7',
      [`${directory}/ci_link`]: 'https://ci.example.com/7',
      [`${directory}/created_at`]: testTime.toISOString().replace(/\.\d+/, ''),
      'applications/cart/team': 'payments',
      [`${directory}/environments/development/manifests.yaml`]: '',
      [`${directory}/environments/staging/manifests.yaml`]: 'kind: S\n',
      'environments/development/applications/cart/version': '-> ../../../../applications/cart/releases/7',
      // An empty manifest is deployed as one space: readers rely on a file that is not empty.
      'environments/development/applications/cart/manifests/manifests.yaml': ' ',
      'environments/development/applications/cart/deployed_by': 'Keeper',
      'environments/development/applications/cart/deployed_by_email': 'keeper@example.com',
      'environments/development/applications/cart/deployed_at_utc': expect.stringMatching(/ UTC$/),
      'environments/development/applications/cart/queued_version': null,
    })
    expect(decision.text.subject).toBe('Release cart 7 (v1.7)')
    expect(decision.result).toEqual({
      kind: 'created',
      version: 7n,
      deployments: [{ environment: 'development', from: 1n, outcome: 'deployed', locks: [], reason: undefined }],
      removed: [],
    })
  })

  it('leaves the team alone when it names none', () => {
    expect(filesOf(decide(create(), { snapshot: shop.build() }))).not.toHaveProperty('applications/cart/team')
  })

  it.each([
    ['the next number', 'cart', 3n],
    ['1 for a new application', 'new-one', 1n],
  ])('without a version gets %s', (_name, application, version) => {
    expect(outcomeOf({ application })).toMatchObject({ kind: 'created', version })
  })

  it('keeps versions above 2^53 exactly, and ends at 2^64-1', () => {
    const huge = shop.application('huge', { releases: { '18446744073709551614': ['development'] } })
    const situation = { snapshot: huge.build() }
    expect(outcomeOf({ application: 'huge' }, situation)).toMatchObject({ version: 18446744073709551615n })
    const last = shop.application('huge', { releases: { '18446744073709551615': ['development'] } })
    expect(problemOf(create({ application: 'huge' }), { snapshot: last.build() })).toMatchObject({
      code: 'VERSIONS_EXHAUSTED',
    })
  })

  it.each([
    ['of an invalid name', { application: 'Cart' }, { kind: 'invalid-name', maximumLength: 39 }],
    ['of too long a name', { application: 'a'.repeat(40) }, { kind: 'invalid-name', maximumLength: 39 }],
    [
      'for downstream environments without a manifest',
      { downstreamEnvironments: ['staging', 'qa'] },
      { kind: 'missing-manifest', environments: ['qa', 'staging'] },
    ],
    [
      'for environments that are not downstream',
      {
        downstreamEnvironments: ['development', 'qa'],
        manifests: new Map([
          ['development', manifest('1')],
          ['qa', manifest('2')],
        ]),
      },
      { kind: 'no-downstream', environments: ['development', 'qa'] },
    ],
  ])('%s is refused', (_name, different, expected) => {
    const decision = decide(create(different), { snapshot: shop.build() })
    expect(decision.result).toEqual(expected)
    expect(decision.changes).toEqual([])
  })

  it('takes long names where they are allowed', () => {
    const command = createRelease({
      release: aRelease({ application: 'a'.repeat(70) }),
      settings: writeSettings(),
      allowsLongNames: true,
    })
    expect(decide(command, { snapshot: shop.build() }).result.kind).toBe('created')
  })

  it('names every environment and team that cannot be', () => {
    const manifests = new Map([
      ['../up', manifest('1')],
      ['DEV', manifest('2')],
    ])
    expect(problemOf(create({ manifests, team: '.git' }), { snapshot: shop.build() })).toMatchObject({
      code: 'INVALID_NAME',
      invalid: [{ value: '../up' }, { value: 'DEV' }, { value: '.git' }],
    })
  })

  it('of an application that cannot be read is refused, since nobody knows its versions', () => {
    const snapshot = aSnapshot().unreadableApplication('cart', 'it is a file').build()
    expect(problemOf(create(), { snapshot })).toMatchObject({ code: 'APPLICATION_UNREADABLE' })
  })

  it('asks for the group that the environment is in', () => {
    const asked: string[] = []
    const principal = {
      ...aPrincipal({}),
      mayDo: (action: string, target: { environmentGroup: string }) =>
        asked.push(`${action} ${target.environmentGroup}`) > 0,
    }
    const grouped = aSnapshot().environment('development', { upstream: 'latest', group: 'shared' })
    decide(create(), { snapshot: grouped.build(), principal })
    expect(new Set(asked)).toEqual(new Set(['CreateRelease shared', 'DeployRelease shared']))
  })

  it.each([
    ['CreateRelease', 'CreateRelease development'],
    ['DeployRelease where it would go by itself', 'DeployRelease development'],
  ])('needs the permission %s', (_name, denied) => {
    const principal = aPrincipal({ denied: [denied] })
    expect(problemOf(create(), { snapshot: shop.build(), principal })).toMatchObject({ code: 'PERMISSION_DENIED' })
  })
})

describe('where a new release goes', () => {
  const everywhere = new Map([
    ['development', manifest('1')],
    ['staging', manifest('2')],
    ['unheard-of', manifest('3')],
  ])

  it('is the environments that take the newest one', () => {
    expect(deploymentsOf({ manifests: everywhere })).toEqual(['development deployed'])
  })

  it('is none, when it is not the newest', () => {
    const gap = aSnapshot()
      .environment('development', { upstream: 'latest' })
      .application('cart', { releases: { 5: ['development'] } })
    expect(deploymentsOf({ version: 4n }, gap)).toEqual([])
  })

  it('does not count announcements as newer', () => {
    const announced = aSnapshot()
      .environment('development', { upstream: 'latest' })
      .application('cart', { releases: { 3: ['development'], 9: { isPrepublish: true } } })
    expect(deploymentsOf({ version: 4n }, announced)).toEqual(['development deployed'])
  })

  it('is downstream too where that was asked for, newest or not', () => {
    const downstreamEnvironments = ['staging']
    expect(deploymentsOf({ manifests: everywhere, downstreamEnvironments })).toEqual([
      'development deployed',
      'staging deployed',
    ])
    const newer = shop.application('web', { releases: { 9: ['staging'] } })
    expect(
      deploymentsOf({ application: 'web', version: 8n, manifests: everywhere, downstreamEnvironments }, newer),
    ).toEqual(['staging deployed'])
  })

  it.each([
    [
      'the environment',
      aSnapshot().environment('development', { upstream: 'latest', locks: [aLock('l')] }),
      'environment',
    ],
    [
      'the application',
      aSnapshot()
        .environment('development', { upstream: 'latest' })
        .application('cart')
        .applicationLock('development', 'cart', aLock('l')),
      'application',
    ],
    [
      'its new team',
      aSnapshot().environment('development', { upstream: 'latest', teamLocks: { payments: [aLock('l')] } }),
      'team',
    ],
  ])('waits behind a lock on %s', (_name, snapshot, kind) => {
    expect(deploymentsOf({ team: 'payments' }, snapshot)).toEqual([`development queued it is locked: ${kind} lock l`])
    const decision = decide(create({ team: 'payments', version: 4n }), { snapshot: snapshot.build() })
    expect(filesOf(decision)).toMatchObject({
      'environments/development/applications/cart/queued_version': '-> ../../../../applications/cart/releases/4',
    })
    expect(filesOf(decision)).not.toHaveProperty('environments/development/applications/cart/version')
  })

  it('does not mind a lock that has ended', () => {
    const ended = aLock('l', { expiresAt: testTime })
    const snapshot = aSnapshot().environment('development', { upstream: 'latest', locks: [ended] })
    expect(deploymentsOf({}, snapshot)).toEqual(['development deployed'])
  })

  it('stays where nobody knows what runs, or whether it is locked', () => {
    const snapshot = aSnapshot()
      .environment('development', { upstream: 'latest', unreadable: { locks: 'locks is a file' } })
      .environment('sandbox', { upstream: 'latest' })
      .application('cart', { releases: { 1: ['sandbox'] } })
      .deployed('sandbox', 'cart', unreadable('the link is broken'))
    const manifests = new Map([...everywhere, ['sandbox', manifest('4')]])
    expect(deploymentsOf({ manifests }, snapshot)).toEqual([
      'development skipped unreadable: locks is a file',
      'sandbox skipped unreadable: the link is broken',
    ])
  })
})

describe('an announcement', () => {
  const announced = aSnapshot()
    .environment('development', { upstream: 'latest' })
    .application('cart', { releases: { 1: { isPrepublish: true } } })
  const files = {
    'applications/cart/releases/1/is_prepublish': '',
    'applications/cart/releases/1/source_commit_id': commit,
  }

  it('has no manifests and goes nowhere', () => {
    const decision = decide(create({ isPrepublish: true }), { snapshot: shop.build() })
    expect(Object.keys(filesOf(decision)).map((path) => path.split('/').at(-1))).toEqual([
      '3',
      'created_at',
      'is_prepublish',
    ])
    expect(decision.result).toMatchObject({ kind: 'created', deployments: [] })
  })

  it('is filled by the release of its version', () => {
    const decision = decide(create({ version: 1n }), { snapshot: announced.build(), files })
    expect(decision.result).toMatchObject({ kind: 'created', deployments: [{ outcome: 'deployed' }] })
    expect(filesOf(decision)).toMatchObject({ 'applications/cart/releases/1': null })
  })

  it('made again is the same, or different, by what it says', () => {
    const situation = { snapshot: announced.build(), files }
    expect(outcomeOf({ version: 1n, isPrepublish: true, sourceCommitId: commit }, situation).kind).toBe('same')
    expect(outcomeOf({ version: 1n, isPrepublish: true, sourceCommitId: other }, situation).kind).toBe('different')
  })
})

describe('a version that exists', () => {
  const directory = 'applications/cart/releases/2'
  const files = {
    [`${directory}/source_commit_id`]: commit,
    [`${directory}/source_author`]: 'Release Bot',
    // Tools that migrated repositories ended files like this.
    [`${directory}/source_message`]: 'Round prices\n',
    [`${directory}/display_version`]: 'v2',
    [`${directory}/environments/development/manifests.yaml`]: 'kind: A\n',
  }
  const situation = { snapshot: shop.build(), files }
  const same: Partial<NewRelease> = {
    version: 2n,
    sourceCommitId: commit.toUpperCase(),
    sourceAuthor: 'Release Bot',
    sourceMessage: 'Round prices',
    displayVersion: 'v2',
    team: 'storefront',
  }

  it('with the same content is the same, whatever the case of its commit', () => {
    expect(outcomeOf(same, situation)).toEqual({ kind: 'same', version: 2n })
    expect(decide(create(same), situation).changes).toEqual([])
  })

  it('is compared by what is said only', () => {
    expect(outcomeOf({ version: 2n }, situation).kind).toBe('same')
  })

  it.each([
    ['SOURCE_COMMIT_ID', { sourceCommitId: other, sourceAuthor: 'x' }, commit, other],
    ['SOURCE_AUTHOR', { sourceAuthor: 'x', sourceMessage: 'x' }, 'Release Bot', 'x'],
    ['SOURCE_MESSAGE', { sourceMessage: 'x', displayVersion: 'x' }, 'Round prices', 'x'],
    ['DISPLAY_VERSION', { displayVersion: 'x', team: 'x' }, 'v2', 'x'],
    ['TEAM', { team: 'x', manifests: new Map([['development', manifest('x')]]) }, 'storefront', 'x'],
  ])('differs first in %s', (field, different, existing, requested) => {
    expect(outcomeOf({ ...same, ...different }, situation)).toEqual({
      kind: 'different',
      version: 2n,
      field,
      difference: { kind: 'text', existing, requested },
    })
  })

  it('without a manifest that is handed in now differs', () => {
    const staging = manifest('kind: S\n')
    expect(outcomeOf({ ...same, manifests: new Map([['staging', staging]]) }, situation)).toEqual({
      kind: 'different',
      version: 2n,
      field: 'MANIFESTS',
      difference: { kind: 'manifest', environment: 'staging', existing: undefined, requested: staging },
    })
  })

  it('is undecided while nobody has compared manifests of other bytes', () => {
    const requested = manifest('kind:  A\n')
    const release = aRelease({ ...same, manifests: new Map([['development', requested]]) })
    const existing = blobId('kind: A\n')
    const compare = (isSame?: boolean) => {
      const comparisons = new Map(isSame === undefined ? [] : [[pairKey(existing, requested.id), isSame]])
      const options = { release, settings: writeSettings(), allowsLongNames: false, comparisons }
      return decide(createRelease(options), situation).result
    }
    expect(compare()).toEqual({ kind: 'undecided', pairs: [{ environment: 'development', existing, requested }] })
    expect(compare(true)).toEqual({ kind: 'same', version: 2n })
    expect(compare(false)).toMatchObject({ kind: 'different', field: 'MANIFESTS' })
  })
})

describe('retention with a new release', () => {
  const versions = Array.from({ length: 30 }, (_, index) => index + 1)
  const old = aSnapshot()
    .environment('development', { upstream: 'latest' })
    .environment('staging', { upstream: 'development' })
    .application('cart', {
      releases: Object.fromEntries(versions.map((version) => [version, ['development', 'staging']])),
    })
    .deployed('development', 'cart', 30)

  it('counts after its own deployment', () => {
    const { result, ...decision } = decide(create({}, { releaseVersionsLimit: 20 }), { snapshot: old.build() })
    expect(result).toMatchObject({ version: 31n, removed: versions.slice(0, 11).map(BigInt) })
    expect(filesOf(decision)).toMatchObject({ 'applications/cart/releases/11': null })
    expect(filesOf(decision)).not.toHaveProperty('applications/cart/releases/12')
  })

  it.each([
    ['an older version is deployed elsewhere', old.deployed('staging', 'cart', 3)],
    ['a deployment cannot be read', old.deployed('staging', 'cart', unreadable('the link is broken'))],
    ['a link leads to no release', old.deployed('staging', 'cart', 99).noRelease('cart', 99)],
    ['something runs of which nobody knows the version', old.manifestOnly('staging', 'cart')],
    [
      'nothing is deployed by it',
      aSnapshot()
        .environment('development', { upstream: 'latest', locks: [aLock('l')] })
        .application('cart', { releases: Object.fromEntries(versions.map((version) => [version, ['development']])) }),
    ],
  ])('removes nothing when %s', (_name, snapshot) => {
    expect(decide(create(), { snapshot: snapshot.build() }).result).toMatchObject({ kind: 'created', removed: [] })
  })

  it('keeps what waits for a lock', () => {
    const snapshot = old.queued('staging', 'cart', 5).build()
    const { result } = decide(create(), { snapshot })
    expect(result).toMatchObject({ removed: [1n, 2n, 3n, 4n, 6n, 7n, 8n, 9n, 10n, 11n] })
  })

  it('refuses a version that it would remove at once', () => {
    const gap = aSnapshot()
      .environment('development', { upstream: 'latest' })
      .application('cart', {
        releases: Object.fromEntries(versions.slice(5).map((version) => [version, ['development']])),
      })
      .deployed('development', 'cart', 30)
    expect(outcomeOf({ version: 5n }, { snapshot: gap.build() })).toEqual({ kind: 'too-old', version: 5n })
  })
})

describe('commit data', () => {
  const settings = { writesCommitData: true }
  const directory = 'commits/01/23456789abcdef0123456789abcdef01234567'
  const previous = 'commits/fe/dcba9876543210fedcba9876543210fedcba98'

  it('is not written unless it is configured', () => {
    const paths = Object.keys(filesOf(decide(create({ sourceCommitId: commit }), { snapshot: shop.build() })))
    expect(paths.filter((path) => path.startsWith('commits/'))).toEqual([])
  })

  it('records the commit, its release, the deployment and what that replaced', () => {
    const release = { sourceCommitId: commit, previousCommitId: other.toUpperCase(), sourceMessage: 'Round prices' }
    const files = {
      'applications/cart/releases/1/source_commit_id': other,
      [`${previous}/source_message`]: 'Before',
    }
    const decision = filesOf(decide(create(release, settings), { snapshot: shop.build(), files }))
    const written = Object.entries(decision).filter(([path]) => path.startsWith('commits/'))
    const withoutIds = written.map(([path, text]) => [
      path.replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/, '*'),
      text,
    ])
    expect(withoutIds).toEqual([
      [`${directory}/.empty`, ''],
      [`${directory}/.gitkeep`, ''],
      [`${directory}/source_message`, 'Round prices'],
      [`${directory}/applications/cart/.gitkeep`, ''],
      [`${directory}/previousCommit`, other],
      [`${previous}/nextCommit`, commit],
      [`${directory}/events/*/eventType`, 'new-release'],
      [`${directory}/events/*/environments/development/.gitkeep`, ''],
      [`${directory}/events/*/eventType`, 'deployment'],
      [`${directory}/events/*/application`, 'cart'],
      [`${directory}/events/*/environment`, 'development'],
      [`${previous}/events/*/eventType`, 'replaced-by'],
      [`${previous}/events/*/application`, 'cart'],
      [`${previous}/events/*/environment`, 'development'],
      [`${previous}/events/*/commit`, commit],
    ])
    const ids = new Set(written.flatMap(([path]) => /events\/([^/]+)/.exec(path)?.[1] ?? []))
    expect([...ids]).toEqual([...ids].toSorted())
    expect(ids.size).toBe(3)
  })

  it('does not link a previous commit that nobody knows', () => {
    const release = { sourceCommitId: commit, previousCommitId: other }
    const paths = Object.keys(filesOf(decide(create(release, settings), { snapshot: shop.build() })))
    expect(paths).not.toContain(`${directory}/previousCommit`)
    expect(paths).not.toContain(`${previous}/nextCommit`)
  })

  it('records what a lock prevented', () => {
    const locked = aSnapshot().environment('development', {
      upstream: 'latest',
      locks: [aLock('l', { message: 'Signalbox-Principal: nobody' })],
    })
    const decision = decide(create({ sourceCommitId: commit }, settings), { snapshot: locked.build() })
    const written = Object.entries(filesOf(decision)).flatMap(([path, text]) =>
      path.includes('/events/') ? [`${path.split('/').at(-1)} ${text}`] : [],
    )
    expect(written).toEqual([
      'eventType new-release',
      '.gitkeep ',
      'eventType lock-prevented-deployment',
      'application cart',
      'environment development',
      'lock_message Signalbox-Principal: nobody',
      'lock_type environment',
    ])
  })

  it('tells releases of one commit and one moment apart', () => {
    const eventIds = (application: string) =>
      Object.keys(
        filesOf(decide(create({ application, sourceCommitId: commit }, settings), { snapshot: shop.build() })),
      ).flatMap((path) => /events\/([^/]+)\/eventType$/.exec(path)?.[1] ?? [])
    const ids = [...eventIds('one'), ...eventIds('two'), ...eventIds('cart')]
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('keeps the message that another release of the commit has told', () => {
    const files = { [`${directory}/source_message`]: 'Round prices' }
    const messageOf = (release: Partial<NewRelease>) =>
      filesOf(decide(create({ sourceCommitId: commit, ...release }, settings), { snapshot: shop.build(), files }))[
        `${directory}/source_message`
      ]
    expect(messageOf({})).toBeUndefined()
    expect(messageOf({ sourceMessage: 'Round all prices' })).toBe('Round all prices')
  })

  it.each([
    ['the one that is made', { sourceCommitId: commit }, {}],
    ['one that stays', {}, { 'applications/cart/releases/7/source_commit_id': `${commit.toUpperCase()}\n` }],
  ])('does not forget a commit that another release was made from: %s', (_name, release, more) => {
    const versions = Array.from({ length: 8 }, (_, index) => index + 1)
    const snapshot = aSnapshot()
      .environment('development', { upstream: 'latest' })
      .application('cart', { releases: Object.fromEntries(versions.map((version) => [version, ['development']])) })
      .deployed('development', 'cart', 8)
      .build()
    const files = {
      'applications/cart/releases/3/source_commit_id': commit,
      [`${directory}/applications/cart/.gitkeep`]: '',
      ...more,
    }
    const decision = decide(create(release, { ...settings, releaseVersionsLimit: 5 }), { snapshot, files })
    expect(decision.result).toMatchObject({ removed: [1n, 2n, 3n, 4n] })
    expect(Object.entries(filesOf(decision))).not.toContainEqual([directory, null])
  })

  it('forgets a commit with the last release that was made from it', () => {
    const versions = Array.from({ length: 8 }, (_, index) => index + 1)
    const snapshot = aSnapshot()
      .environment('development', { upstream: 'latest' })
      .application('cart', { releases: Object.fromEntries(versions.map((version) => [version, ['development']])) })
      .deployed('development', 'cart', 8)
      .build()
    const files = {
      'applications/cart/releases/3/source_commit_id': commit,
      'applications/cart/releases/4/source_commit_id': other,
      [`${directory}/applications/cart/.gitkeep`]: '',
      [`${previous}/applications/cart/.gitkeep`]: '',
      [`${previous}/applications/web/.gitkeep`]: '',
    }
    const decision = decide(create({}, { releaseVersionsLimit: 5 }), { snapshot, files })
    expect(decision.result).toMatchObject({ removed: [1n, 2n, 3n, 4n] })
    const removed = Object.entries(filesOf(decision)).filter(
      ([path, text]) => path.startsWith('commits') && text === null,
    )
    expect(removed.map(([path]) => path)).toEqual([directory, `${previous}/applications/cart`])
  })
})

describe('Argo CD files with a new release', () => {
  const cluster: ArgoCdDestinations = {
    kind: 'single',
    config: {
      destination: { server: 'https://cluster.example.com' },
      syncWindows: [],
      accessList: [],
      applicationAnnotations: {},
      ignoreDifferences: [],
      syncOptions: [],
    },
  }
  const argoCd = { repositoryUrl: 'https://git.example.com/manifests', branch: 'main' }

  it('are written wherever it changes the team of something that runs', () => {
    const snapshot = aSnapshot()
      .environment('development', { upstream: 'latest', argoCd: cluster })
      .environment('staging', { upstream: 'development', argoCd: cluster })
      .environment('production', { upstream: 'staging', argoCd: cluster })
      .application('cart', { team: 'storefront', releases: { 1: ['development', 'staging'] } })
      .deployed('staging', 'cart', 1)
      .build()
    const rendered = (team: string | undefined) =>
      Object.entries(filesOf(decide(create({ team }, { argoCd }), { snapshot }))).flatMap(([path, text]) =>
        path.startsWith('argocd/') ? [`${path.split('/').at(-1)} ${/\/team: (.*)/.exec(text ?? '')?.[1]}`] : [],
      )
    expect(rendered(undefined)).toEqual(['development.yaml storefront'])
    expect(rendered('payments')).toEqual(['development.yaml payments', 'staging.yaml payments'])
  })
})
