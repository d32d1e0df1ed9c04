import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Command } from '../../src/core/command.ts'
import { DomainError } from '../../src/core/errors.ts'
import type { KnownTags, SourceTag } from '../../src/core/git-tag.ts'
import { createUnrestrictedPrincipal } from '../../src/core/principal.ts'
import type { Prognosis, ReleaseTrainRequest } from '../../src/core/release-train-prognosis.ts'
import { prognoseReleaseTrain } from '../../src/core/release-train-prognosis.ts'
import { createReleaseTrain } from '../../src/core/release-train.ts'
import type { Snapshot } from '../../src/core/snapshot.ts'
import { fingerprintOf } from '../../src/http/fingerprint.ts'
import { filesOf } from '../support/decide.ts'
import { judgedAt, repositories, targetsOf, toSnapshot } from '../support/snapshot-arbitrary.ts'
import { aLock, aSnapshot, treeOf } from '../support/snapshot-builder.ts'
import { writeSettings } from '../support/write-settings.ts'

const principal = createUnrestrictedPrincipal({ name: 'Deployer', email: 'deployer@example.com' })
const commit = 'c'.repeat(40)

function at(snapshot: Snapshot): KnownTags {
  return { created: { kind: 'absent' }, source: { kind: 'commit', commit, snapshot } }
}

function requestFor(wish: Partial<ReleaseTrainRequest>): ReleaseTrainRequest {
  return { target: 'staging', lookup: 'environment-first', team: undefined, ...wish }
}

function replay(present: Snapshot, past: Snapshot, wish: Partial<ReleaseTrainRequest> = {}): Prognosis {
  return prognoseReleaseTrain(present, requestFor({ sourceGitTag: 'v1', ...wish }), principal, judgedAt, at(past))
}

/** What the train writes. */
function run(present: Snapshot, tags: KnownTags, wish: Partial<ReleaseTrainRequest>, settings = writeSettings()) {
  const train: Command<Prognosis> = createReleaseTrain({
    request: requestFor(wish),
    ciLink: undefined,
    accepts: () => true,
    settings,
  })
  const loaded = new Map()
  const input = { snapshot: present, loaded, principal, now: judgedAt, tags }
  for (;;) {
    const missing = train.reads(input).filter((path) => !loaded.has(path))
    if (missing.length === 0) return train.decide(input)
    for (const path of missing) loaded.set(path, undefined)
  }
}

const environments = aSnapshot()
  .environment('development', { upstream: 'latest' })
  .environment('staging', { upstream: 'development' })
const both = ['development', 'staging']
const past = environments
  .application('cart', { team: 'shop', releases: { 3: both, 4: both } })
  .application('gone', { team: 'old', releases: { 7: both } })
  .application('web', { team: 'shop', releases: { 1: both } })
  .deployed('development', 'cart', 3)
  .deployed('development', 'gone', 7)
  .deployed('development', 'web', 1)
  .build()
const present = environments
  .application('cart', { team: 'shop', releases: { 4: both, 8: both, 9: both } })
  .application('web', { team: 'web', releases: { 1: both, 2: both } })
  .application('young', { releases: { 1: both } })
  .deployed('development', 'cart', 9)
  .deployed('staging', 'cart', 8)
  .deployed('development', 'web', 2)
  .deployed('development', 'young', 1)

describe('a replay of the commit that the branch is at', () => {
  it('is the ordinary train', () => {
    fc.assert(
      fc.property(repositories, fc.nat(), (repository, index) => {
        const targets = targetsOf(repository)
        const target = targets[index % targets.length] as string
        const snapshot = toSnapshot(repository)
        const ordinary = prognoseReleaseTrain(snapshot, requestFor({ target }), principal, judgedAt)
        const { source, ...again } = replay(snapshot, toSnapshot(repository), { target })
        expect(source).toEqual({ gitTag: 'v1', commit })
        expect(again).toEqual(ordinary)
      }),
      { numRuns: 500 },
    )
  })
})

describe('a replay', () => {
  it('does what its prognosis says: whatever travels is there, and nothing else is brought back', () => {
    fc.assert(
      fc.property(repositories, repositories, fc.nat(), (before, after, index) => {
        const targets = targetsOf(after)
        const wish = { target: targets[index % targets.length] as string, sourceGitTag: 'v1' }
        const now = toSnapshot(after)
        const tags = at(toSnapshot(before))
        const prognosis = prognoseReleaseTrain(now, requestFor(wish), principal, judgedAt, tags)
        const { result, changes } = run(now, tags, wish)
        expect(result).toEqual(prognosis)
        const files = filesOf({ changes })
        const restored = new Set<string>()
        for (const { environment, outcome } of prognosis.environments) {
          if (outcome.kind === 'skipped') continue
          for (const { application, outcome: of } of outcome.applications) {
            if (of.kind !== 'travels') continue
            const release = `applications/${application}/releases/${of.release.version}`
            expect(files[`environments/${environment}/applications/${application}/version`]).toBe(
              `-> ../../../../${release}`,
            )
            const known = now.applications.get(application)
            const isThere = known?.ok === true && known.value.versions.includes(of.release.version)
            expect(of.restored === undefined).toBe(isThere)
            if (!isThere) restored.add(release)
          }
        }
        const brought = changes.flatMap(({ path, content }) => (content.kind === 'tree' ? [path] : []))
        expect(brought.toSorted()).toEqual([...restored].toSorted())
      }),
      { numRuns: 500 },
    )
  })

  it('takes what was deployed upstream then, and brings releases and applications back', () => {
    const { changes, text } = run(present.build(), at(past), { sourceGitTag: 'v1' })
    const files = filesOf({ changes })
    expect(files).toMatchObject({
      'applications/cart/releases/3': `tree ${treeOf('cart', 3)}`,
      'applications/gone/releases/7': `tree ${treeOf('gone', 7)}`,
      'applications/gone/team': 'old',
      'environments/staging/applications/cart/version': '-> ../../../../applications/cart/releases/3',
      'environments/staging/applications/gone/version': '-> ../../../../applications/gone/releases/7',
      'environments/staging/applications/web/version': '-> ../../../../applications/web/releases/1',
    })
    expect(files).not.toHaveProperty('applications/cart/team')
    expect(files).not.toHaveProperty('applications/web/releases/1')
    expect(text.subject).toBe('Release train to staging as of tag v1: 3 deployed, 1 skipped')
    expect(text.trailers).toContainEqual({ key: 'Signalbox-Source-Tag', value: `v1 ${commit}` })
    expect(text.sections).toContainEqual({ heading: 'Restored releases', lines: ['cart 3', 'gone 7'] })
  })

  it('says of what was not there then that nothing was deployed', () => {
    const outcome = replay(present.build(), past).environments[0]?.outcome
    expect(
      outcome?.kind === 'decided' && outcome.applications.find(({ application }) => application === 'young'),
    ).toMatchObject({
      outcome: { cause: 'APP_HAS_NO_VERSION_IN_UPSTREAM_ENV' },
    })
  })

  it('takes the highest release of that time where the environment takes the latest', () => {
    const files = filesOf(run(present.build(), at(past), { target: 'development', sourceGitTag: 'v1' }))
    expect(files).toMatchObject({
      'environments/development/applications/cart/version': '-> ../../../../applications/cart/releases/4',
      'environments/development/applications/web/version': '-> ../../../../applications/web/releases/1',
    })
    expect(Object.keys(files).filter((path) => path.includes('young'))).toEqual([])
  })

  it('judges locks and teams on the present', () => {
    const locked = present.applicationLock('staging', 'cart', aLock('freeze')).build()
    const outcome = replay(locked, past, { team: 'web' }).environments[0]?.outcome
    expect(outcome?.kind === 'decided' && outcome.applications.map(({ application }) => application)).toEqual(['web'])
    const all = replay(locked, past).environments[0]?.outcome
    expect(all?.kind === 'decided' && all.applications[0]).toMatchObject({
      application: 'cart',
      // Queued, its link would lead nowhere.
      outcome: { cause: 'APP_IS_LOCKED', heldVersion: undefined },
    })
  })

  it('does not have retention take what it needs', () => {
    const many = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [String(index + 10), both]))
    const now = environments.application('cart', { releases: many }).deployed('staging', 'cart', 39).build()
    const then = environments
      .application('cart', { releases: { 2: both } })
      .deployed('development', 'cart', 2)
      .build()
    const removed = run(now, at(then), { sourceGitTag: 'v1' }).changes.filter(({ path, content }) => {
      return content.kind === 'absent' && path.startsWith('applications/cart/releases/')
    })
    expect(removed).toEqual([])
  })

  it('stands in the Argo CD file with the team that came back', () => {
    const config = {
      destination: { server: 'https://kubernetes.example.com' },
      syncWindows: [],
      accessList: [],
      applicationAnnotations: {},
      ignoreDifferences: [],
      syncOptions: [],
    }
    const now = aSnapshot()
      .environment('development', { upstream: 'latest' })
      .environment('staging', { upstream: 'development', argoCd: { kind: 'single', config } })
      .build()
    const argoCd = { repositoryUrl: 'https://git.example.com/m.git', branch: 'main' }
    const files = filesOf(run(now, at(past), { sourceGitTag: 'v1' }, writeSettings({ argoCd })))
    expect(files['argocd/v1alpha1/staging.yaml']).toMatch(/com\.freiheit\.kuberpult\/team: old/)
  })

  it('has a fingerprint of its own for each commit of the tag', () => {
    const now = present.build()
    const moved = { ...at(past), source: { kind: 'commit', commit: 'd'.repeat(40), snapshot: past } as SourceTag }
    const wish = requestFor({ sourceGitTag: 'v1' })
    const prints = [at(past), moved].map((tags) =>
      fingerprintOf(prognoseReleaseTrain(now, wish, principal, judgedAt, tags)),
    )
    expect(new Set(prints).size).toBe(2)
  })
})

describe('a train with tags', () => {
  const now = present.build()
  it.each<[string, Partial<ReleaseTrainRequest>, KnownTags, unknown]>([
    ['that exists', { gitTag: 'v1' }, { created: { kind: 'commit', commit } }, { code: 'TAG_EXISTS', tag: 'v1' }],
    [
      'that cannot be created',
      { gitTag: 'v1' },
      { created: { kind: 'unusable', reason: "cannot stand beside 'v1/a'" } },
      { code: 'TAG_EXISTS', tag: 'v1' },
    ],
    [
      'to replay that does not exist',
      { sourceGitTag: 'v1' },
      { source: { kind: 'absent' } },
      { code: 'UNKNOWN_TAG', tag: 'v1' },
    ],
    [
      'to replay that names no commit',
      { sourceGitTag: 'v1' },
      { source: { kind: 'unusable', reason: 'names a tree, not a commit' } },
      { code: 'TAG_UNUSABLE', tag: 'v1' },
    ],
    [
      'that git would not take',
      { gitTag: '../v1' },
      { created: { kind: 'absent' } },
      { code: 'INVALID_NAME', invalid: [{ parameter: 'gitTag', value: '../v1', rule: expect.any(String) as string }] },
    ],
  ])('%s is refused by the prognosis and the run alike', (_, wish, tags, problem) => {
    const asks = [
      () => prognoseReleaseTrain(now, requestFor(wish), principal, judgedAt, tags),
      () => run(now, tags, wish),
    ]
    for (const ask of asks) {
      const thrown: unknown = (() => {
        try {
          return ask()
        } catch (error) {
          return error
        }
      })()
      expect(thrown).toBeInstanceOf(DomainError)
      expect((thrown as DomainError).problem).toEqual(problem)
    }
  })

  it('is judged after permissions: nobody learns of tags who may not run it', () => {
    const nobody = { ...principal, mayDo: () => false }
    const tags: KnownTags = { source: { kind: 'absent' } }
    expect(() => prognoseReleaseTrain(now, requestFor({ sourceGitTag: 'v1' }), nobody, judgedAt, tags)).toThrow(
      'PermissionDenied',
    )
  })

  it('asks for its tag, says so, and has another fingerprint', () => {
    const decision = run(now, { created: { kind: 'absent' } }, { gitTag: 'v2' })
    expect(decision.tag).toBe('v2')
    expect(decision.text.trailers).toContainEqual({ key: 'Signalbox-Tag', value: 'v2' })
    const without = run(now, {}, {})
    expect(without).not.toHaveProperty('tag')
    expect(fingerprintOf(decision.result)).not.toBe(fingerprintOf(without.result))
  })
})
