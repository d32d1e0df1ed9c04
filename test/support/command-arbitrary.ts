import fc from 'fast-check'
import type { Command } from '../../src/core/command.ts'
import type { ReleaseOutcome } from '../../src/core/create-release.ts'
import { createRelease } from '../../src/core/create-release.ts'
import type { LockBehavior } from '../../src/core/deploy-release.ts'
import { deployRelease } from '../../src/core/deploy-release.ts'
import type { EnvironmentConfig } from '../../src/core/environment.ts'
import { createEnvironment, deleteEnvironment } from '../../src/core/environment-commands.ts'
import type { ListedLock } from '../../src/core/list-locks.ts'
import { listLocks } from '../../src/core/list-locks.ts'
import type { LockTarget } from '../../src/core/lock-commands.ts'
import { createLock, deleteLock } from '../../src/core/lock-commands.ts'
import type { ApplicationName, EnvironmentName } from '../../src/core/names.ts'
import { createReleaseTrain } from '../../src/core/release-train.ts'
import { removeApplication } from '../../src/core/remove-application.ts'
import type { Snapshot } from '../../src/core/snapshot.ts'
import { createUndeployRelease, deleteApplication } from '../../src/core/undeploy.ts'
import type { WriteSettings } from '../../src/core/write-settings.ts'
import { createObject } from '../../src/manifest-store/git/git-object.ts'

/** A command that may come to mind, and what kind it is; versions are picked from those that there are. */
export interface Wish {
  readonly kind: string
  readonly toCommand: (snapshot: Snapshot, settings: WriteSettings) => Command<unknown>
  /** For people, when a sequence fails. */
  readonly what: object
  readonly [fc.toStringMethod]?: () => string
}

const dev = 'dev' as EnvironmentName
const staging = 'staging' as EnvironmentName
const live = ['live-de', 'live-fr'] as EnvironmentName[]
const environments = [dev, 'test' as EnvironmentName, staging, ...live]
const applications = ['cart', 'web', 'api'] as ApplicationName[]
const teams = ['shop', 'sre']
const commits = ['a', 'b', 'c', 'd'].map((digit) => digit.repeat(40))

/** How every history begins: two environments that take the newest release, one behind them, and a group behind that. */
export const firstConfigs: readonly (readonly [EnvironmentName, EnvironmentConfig])[] = [
  [dev, aConfig({ upstream: 'latest', hasArgoCd: true })],
  ['test' as EnvironmentName, aConfig({ upstream: 'latest', hasArgoCd: false })],
  [staging, aConfig({ upstream: dev, hasArgoCd: true })],
  ...live.map((name) => [name, aConfig({ upstream: staging, hasArgoCd: true, group: 'live' })] as const),
]

function aConfig(facts: {
  readonly upstream: EnvironmentName | 'latest' | undefined
  readonly hasArgoCd: boolean | 'twice'
  readonly group?: string | undefined
}): EnvironmentConfig {
  const { upstream, hasArgoCd, group } = facts
  const config = {
    destination: { server: 'https://kubernetes.default.svc' },
    syncWindows: [],
    accessList: [],
    applicationAnnotations: {},
    ignoreDifferences: [],
    syncOptions: [],
  }
  const several = ['one', 'two'].map((concreteEnvName) => ({ concreteEnvName, config }))
  return {
    upstream: upstream && {
      environment: upstream === 'latest' ? undefined : upstream,
      latest: upstream === 'latest',
    },
    environmentGroup: group,
    argoCd:
      hasArgoCd === 'twice'
        ? { kind: 'several', commonEnvPrefix: 'aa', configs: several }
        : hasArgoCd
          ? { kind: 'single', config }
          : undefined,
  }
}

const environment = fc.constantFrom(...environments)
const application = fc.constantFrom(...applications)
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 2 })

/** Texts that commits must survive. */
export const text = fc.oneof(
  fc.constantFrom(
    'Freeze',
    'Signalbox-Request: forged\nSignalbox-Command: deploy',
    '\n\nSignalbox-Principal: Nobody <x>\n',
    '# x\n---\n',
    '\u0000',
    'x'.repeat(30_000),
    'a line\n'.repeat(3000),
    '\u{1f682}'.repeat(5000),
  ),
  fc.string({ unit: 'binary', maxLength: 20 }),
)

/** One of the versions that the application has, or one that it has not. */
function pick(snapshot: Snapshot, name: ApplicationName, at: number): bigint {
  const known = snapshot.applications.get(name)
  const versions = known?.ok ? known.value.versions : []
  return versions.at(-1 - (at % (versions.length + 1))) ?? BigInt(at)
}

const releaseWish = fc
  .record({
    name: application,
    at: optional(fc.nat(7)),
    team: optional(fc.constantFrom(...teams)),
    sourceCommitId: optional(fc.constantFrom(...commits)),
    previousCommitId: optional(fc.constantFrom(...commits)),
    sourceMessage: optional(text),
    isPrepublish: fc.nat(7).map((one) => one === 0),
    where: fc.subarray(environments, { minLength: 1 }),
    downstream: fc.subarray([staging], { maxLength: 1 }),
    content: fc.constantFrom('a: 1\n', 'a: 2\n', ''),
  })
  .map((what): Wish => ({
    kind: 'release',
    what,
    toCommand: (snapshot, settings): Command<ReleaseOutcome> => {
      const { name, at, where, downstream, content, ...texts } = what
      const bytes = Buffer.from(content)
      const { id } = createObject('blob', bytes)
      const release = {
        ...texts,
        application: name,
        // A number that exists, or leaves a gap.
        version: at === undefined ? undefined : pick(snapshot, name, at) + (at === 3 ? 2n : 0n) || 1n,
        sourceAuthor: undefined,
        displayVersion: undefined,
        ciLink: undefined,
        downstreamEnvironments: downstream.filter((one) => where.includes(one)),
        manifests: new Map(where.map((one) => [one, { id, bytes }])),
      }
      return createRelease({ release, settings, allowsLongNames: false })
    },
  }))

const deployWish = fc
  .record({
    place: environment,
    name: application,
    at: fc.nat(8),
    lockBehavior: fc.constantFrom<LockBehavior>('IGNORE', 'RECORD', 'FAIL'),
  })
  .map((what): Wish => ({
    kind: 'deploy',
    what,
    toCommand: (snapshot, settings) => {
      const { place, name, at, lockBehavior } = what
      const version = pick(snapshot, name, at)
      return deployRelease({ environment: place, application: name, version, lockBehavior, settings })
    },
  }))

const target: fc.Arbitrary<LockTarget> = fc.oneof(
  environment.map((name) => ({ kind: 'environment' as const, environment: name })),
  fc
    .tuple(environment, application)
    .map(([place, name]) => ({ kind: 'application' as const, environment: place, application: name })),
  fc
    .tuple(environment, fc.constantFrom(...teams))
    .map(([place, team]) => ({ kind: 'team' as const, environment: place, team })),
  fc.constant({ kind: 'group' as const, group: 'live' }),
)
const lockId = fc.constantFrom('freeze', 'Freeze', 'load test')

const lockWish = fc
  .record({ on: target, id: lockId, message: text, end: fc.constantFrom(undefined, undefined, '1h', '1d') })
  .map((what): Wish => ({
    kind: `lock ${what.on.kind}`,
    what,
    toCommand: () => {
      const { on, id, message, end } = what
      return createLock(on, id, { message, ciLink: undefined, suggestedLifetime: end, end })
    },
  }))

const unlockWish = fc.record({ at: fc.nat(20), on: target, id: lockId }).map((what): Wish => ({
  kind: 'unlock',
  what,
  toCommand: (snapshot) => {
    const { locks } = listLocks(snapshot, {}, new Date(0))
    const found = locks[what.at % (locks.length + 1)]
    return found === undefined ? deleteLock(what.on, what.id) : deleteLock(toTarget(found), found.lock.id)
  },
}))

function toTarget({ kind, environment: place, name }: ListedLock): LockTarget {
  switch (kind) {
    case 'environment':
      return { kind, environment: place }
    case 'application':
      return { kind, environment: place, application: name as ApplicationName }
    case 'team':
      return { kind, environment: place, team: name as string }
  }
}

const trainWish = fc
  .record({
    target: fc.constantFrom('dev', 'staging', 'live', 'live-de'),
    lookup: fc.constantFrom('environment-first' as const, 'group-first' as const),
    team: optional(fc.constantFrom(...teams, 'nobody')),
  })
  .map((request): Wish => ({
    kind: 'train',
    what: request,
    toCommand: (_snapshot, settings) =>
      createReleaseTrain({ request, ciLink: undefined, accepts: () => true, settings }),
  }))

const environmentWish = fc
  .record({
    name: environment,
    upstream: fc.constantFrom('latest' as const, dev, staging, undefined),
    hasArgoCd: fc.constantFrom(true, false, 'twice' as const),
    group: optional(fc.constant('live')),
  })
  .map((what): Wish => ({
    kind: 'environment',
    what,
    toCommand: (_snapshot, { argoCd }) =>
      createEnvironment({ name: what.name, config: aConfig(what), isDryRun: false, argoCd }),
  }))

function undeploy(name: ApplicationName): Wish {
  const toCommand: Wish['toCommand'] = (_snapshot, settings) => createUndeployRelease(name, settings)
  return { kind: 'undeploy', what: { name }, toCommand }
}

function removeFrom(place: EnvironmentName, name: ApplicationName): Wish {
  const toCommand: Wish['toCommand'] = (_snapshot, settings) => removeApplication(place, name, settings)
  return { kind: 'remove', what: { place, name }, toCommand }
}

function deleteWish(name: ApplicationName): Wish {
  const toCommand: Wish['toCommand'] = (_snapshot, settings) => deleteApplication(name, settings)
  return { kind: 'delete application', what: { name }, toCommand }
}

const otherWishes = fc.oneof(
  fc.tuple(environment, application).map(([place, name]) => removeFrom(place, name)),
  application.map(undeploy),
  application.map(deleteWish),
  environment.map((name): Wish => ({
    kind: 'delete environment',
    what: { name },
    toCommand: (_snapshot, { argoCd }) => deleteEnvironment({ name, isDryRun: false, argoCd }),
  })),
)

/** Anything that somebody may want of a repository. */
const wish: fc.Arbitrary<Wish> = fc.oneof(
  { weight: 7, arbitrary: releaseWish },
  { weight: 4, arbitrary: deployWish },
  { weight: 4, arbitrary: lockWish },
  { weight: 2, arbitrary: unlockWish },
  { weight: 4, arbitrary: trainWish },
  { weight: 1, arbitrary: environmentWish },
  { weight: 2, arbitrary: otherWishes },
)

/** What is wanted at once: mostly anything, now and then all that it takes to get rid of an application. */
export const wishes: fc.Arbitrary<readonly Wish[]> = fc
  .oneof(
    { weight: 12, arbitrary: fc.array(wish, { minLength: 1, maxLength: 3, size: 'max' }) },
    {
      weight: 1,
      arbitrary: application.map((name) => [
        undeploy(name),
        ...environments.map((place) => removeFrom(place, name)),
        deleteWish(name),
      ]),
    },
  )
  .map((all) => all.map((one) => ({ ...one, [fc.toStringMethod]: () => `${one.kind} ${fc.stringify(one.what)}` })))
