import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Change } from '../../src/core/change.ts'
import type { ApplicationName, EnvironmentName, TeamName } from '../../src/core/names.ts'
import type { ApplicationPrognosis, EnvironmentPrognosis, Prognosis } from '../../src/core/release-train-prognosis.ts'
import { fingerprintOf } from '../../src/http/fingerprint.ts'
import { absent, deployment, environmentLock, file, link } from '../support/changes.ts'
import { aLock } from '../support/snapshot-builder.ts'
import { createTestServer } from '../support/test-server.ts'

const staging = '/api/environments/staging/releasetrain/prognosis'

/** The fingerprints of the prognosis before and after somebody's commit. */
async function fingerprintsAround(changes: readonly Change[], request = staging): Promise<readonly [string, string]> {
  const { send, commit } = await createTestServer()
  const read = async () => ((await send(`GET ${request}`)).json as { readonly fingerprint: string }).fingerprint
  const before = await read()
  await commit(...changes)
  return [before, await read()]
}

/** Commits that have nothing to do with a train from development to staging. */
const unrelated: Readonly<Record<string, readonly Change[]>> = {
  'another environment is locked': environmentLock('production-de', 'freeze'),
  'the upstream is locked': environmentLock('development', 'freeze'),
  'an application travels elsewhere': [deployment('production-de', 'cart', 4)],
  'a release is published that is nowhere yet': [
    file('applications/cart/releases/9/environments/staging/manifests.yaml', 'kind: Deployment\n'),
  ],
  'a new application is nowhere yet': [file('applications/search/team', 'storefront')],
  'a lock has another message': [
    file('environments/staging/teams/payments/locks/acquirer-load-test/message', 'Still going on'),
  ],
  'a second lock holds what is held already': [
    file('environments/staging/teams/payments/locks/another/message', 'And another one'),
  ],
  'an application that stays upstream is locked': [
    file('environments/staging/applications/catalog/locks/quiet/message', 'Shh'),
  ],
  'who deployed what': [file('environments/staging/applications/cart/deployed_by', 'Somebody Else')],
  'an Argo CD file': [file('argocd/v1alpha1/staging.yaml', 'kind: AppProject\n')],
  'the notes of a release': [file('applications/cart/releases/5/source_message', 'Other words')],
  'a file nobody knows': [file('README.md', 'Hello')],
}

/** Commits of which each one changes the plan of that train, every one in its own way. */
const related: Readonly<Record<string, readonly Change[]>> = {
  'the version to come': [deployment('development', 'cart', 4)],
  'the version before': [deployment('staging', 'cart', 3)],
  'nothing is deployed before': [absent('environments/staging/applications/cart')],
  'nothing is deployed upstream': [absent('environments/development/applications/cart')],
  'an application lock': [file('environments/staging/applications/cart/locks/stop/message', 'Stop')],
  'a team lock': [file('environments/staging/teams/storefront/locks/stop/message', 'Stop')],
  'an environment lock': environmentLock('staging', 'stop'),
  'a lock is lifted': [absent('environments/staging/teams/payments/locks/acquirer-load-test')],
  'the version that a lock holds back': [deployment('development', 'checkout', 2)],
  'no manifest for the target': [absent('applications/cart/releases/5/environments/staging')],
  'an application is gone': [absent('applications/cart')],
  'a new application': [
    file('applications/search/releases/1/environments/development/manifests.yaml', 'kind: Deployment\n'),
    file('applications/search/releases/1/environments/staging/manifests.yaml', 'kind: Deployment\n'),
    deployment('development', 'search', 1),
  ],
  'a link that leads nowhere': [link('environments/staging/applications/cart/version', '../nowhere')],
  'the config is unreadable': [file('environments/staging/config.json', '{')],
  'there is no upstream any more': [file('environments/staging/config.json', '{}')],
}

describe('the fingerprint after a commit', () => {
  it.each(Object.entries(unrelated))('is the same when it does not touch the plan: %s', async (_what, changes) => {
    const [before, after] = await fingerprintsAround(changes)
    expect(after).toBe(before)
  })

  it('is the same after all of these at once', async () => {
    const [before, after] = await fingerprintsAround(Object.values(unrelated).flat())
    expect(after).toBe(before)
  })

  it.each(Object.entries(related))('is another one when it touches the plan: %s', async (_what, changes) => {
    const [before, after] = await fingerprintsAround(changes)
    expect(after).not.toBe(before)
  })

  it('is another one for each of these', async () => {
    const fingerprints = await Promise.all(
      Object.values(related).map(async (changes) => (await fingerprintsAround(changes))[1]),
    )
    expect(new Set(fingerprints).size).toBe(fingerprints.length)
  })
})

describe('the fingerprint of a request', () => {
  it('depends on target and team, and not on the form or the path', async () => {
    const { send } = await createTestServer()
    const read = async (request: string, accept = 'application/json') =>
      (await send(`GET ${request}`, { headers: { accept } })).headers['etag']?.split(/["".]/)[1]
    const fingerprint = await read(staging)
    expect(fingerprint).toMatch(/^[0-9a-f]{32}$/)
    expect(await read(staging, 'text/plain')).toBe(fingerprint)
    expect(await read(staging, 'application/x-protobuf')).toBe(fingerprint)
    expect(await read('/environments/staging/releasetrain/prognosis')).toBe(fingerprint)
    expect(await read(`${staging}?team=`)).toBe(fingerprint)
    expect(await read(`${staging}?team=storefront`)).not.toBe(fingerprint)
    expect(await read('/api/environments/production-de/releasetrain/prognosis')).not.toBe(fingerprint)
  })

  it('is its own for a group, although its one environment decides the same', async () => {
    const { send } = await createTestServer()
    const ofGroup = await send('GET /api/environment-groups/staging/releasetrain/prognosis')
    const ofEnvironment = await send(`GET ${staging}`)
    expect(ofGroup.json).not.toMatchObject({ fingerprint: (ofEnvironment.json as { fingerprint: string }).fingerprint })
  })
})

// Names that would run into each other if they were only put one after the other.
const hostileName = fc
  .array(fc.constantFrom('a', 'b', '"', ',', '[', ']', ' ', '\\', '\0', '5', 'APP_IS_LOCKED'), { maxLength: 3 })
  .map((pieces) => pieces.join(''))
const version = fc.option(fc.bigInt({ min: 0n, max: 3n }), { nil: undefined })
const locks = fc.constantFrom([aLock('one')], [aLock('one'), aLock('two', { message: 'Two' })])

const outcome: fc.Arbitrary<ApplicationPrognosis['outcome']> = fc.oneof(
  fc.bigInt({ min: 0n, max: 3n }).map((to) => ({
    kind: 'travels' as const,
    release: { version: to, manifests: new Map(), isPrepublish: false, isUndeploy: false },
  })),
  fc.record({
    kind: fc.constant('skipped' as const),
    cause: fc.constant('APP_IS_LOCKED' as const),
    locks,
    heldVersion: version,
  }),
  fc.record({
    kind: fc.constant('skipped' as const),
    cause: fc.constant('APP_UNREADABLE' as const),
    reason: hostileName,
  }),
  fc.constant({ kind: 'skipped' as const, cause: 'APP_HAS_NO_VERSION_IN_UPSTREAM_ENV' as const }),
)

const environmentPrognosis: fc.Arbitrary<EnvironmentPrognosis> = fc.record({
  environment: hostileName.map((name) => name as EnvironmentName),
  upstream: fc.constantFrom('latest' as const, undefined),
  outcome: fc.oneof(
    fc.record({ kind: fc.constant('skipped' as const), cause: fc.constant('ENV_IS_LOCKED' as const), locks }),
    fc.constant({ kind: 'skipped' as const, cause: 'ENV_HAS_NO_UPSTREAM' as const }),
    fc.record({
      kind: fc.constant('decided' as const),
      applications: fc.array(
        fc.record({
          application: hostileName.map((name) => name as ApplicationName),
          team: fc.constant(undefined),
          deployedVersion: version,
          outcome,
        }),
        { maxLength: 3 },
      ),
    }),
  ),
})

const prognosis: fc.Arbitrary<Prognosis> = fc.record({
  target: fc.record({
    kind: fc.constantFrom('environment' as const, 'group' as const),
    name: hostileName,
    environments: fc.constant([]),
  }),
  team: fc.option(
    hostileName.map((name) => name as TeamName),
    { nil: undefined },
  ),
  environments: fc.array(environmentPrognosis, { maxLength: 3 }),
  warnings: fc.array(hostileName, { maxLength: 1 }),
  validUntil: fc.constantFrom(undefined, new Date(0)),
})

/** What of a prognosis is the plan: the design, section 6. */
function planOf({ target, team, environments }: Prognosis): unknown {
  return {
    target: [target.kind, target.name, team],
    environments: environments.map(({ environment, outcome: of }) => [
      environment,
      of.kind === 'skipped'
        ? of.cause
        : of.applications.map((application) => ({
            application: application.application,
            from: application.deployedVersion,
            to: application.outcome.kind === 'travels' ? application.outcome.release.version : undefined,
            cause: application.outcome.kind === 'skipped' ? application.outcome.cause : undefined,
            held: 'heldVersion' in application.outcome ? application.outcome.heldVersion : undefined,
          })),
    ]),
  }
}

describe('the fingerprint of any two prognoses', () => {
  it('is the same exactly when their plans are', () => {
    fc.assert(
      fc.property(prognosis, prognosis, (one, another) => {
        for (const other of [another, { ...one, environments: another.environments }]) {
          const arePlansEqual = JSON.stringify(planOf(one), withBigints) === JSON.stringify(planOf(other), withBigints)
          expect(fingerprintOf(one) === fingerprintOf(other)).toBe(arePlansEqual)
        }
      }),
      { numRuns: 1000 },
    )
  })

  it('is the same for one plan with other locks, warnings and times', () => {
    fc.assert(
      fc.property(prognosis, (one) => {
        const other = { ...one, warnings: ['Something else'], validUntil: new Date(1) }
        expect(fingerprintOf(other)).toBe(fingerprintOf(one))
      }),
    )
  })
})

function withBigints(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}n` : value
}
