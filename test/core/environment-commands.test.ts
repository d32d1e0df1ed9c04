import { describe, expect, it } from 'vitest'
import type { ArgoCdConfig, ArgoCdDestinations } from '../../src/core/argo-cd-config.ts'
import type { Change } from '../../src/core/change.ts'
import type { Decision } from '../../src/core/command.ts'
import type { EnvironmentConfig } from '../../src/core/environment.ts'
import type { EnvironmentChange, EnvironmentRequest } from '../../src/core/environment-commands.ts'
import { createEnvironment, deleteEnvironment } from '../../src/core/environment-commands.ts'
import { DomainError } from '../../src/core/errors.ts'
import type { EnvironmentName } from '../../src/core/names.ts'
import type { Action, ActionTarget, Principal } from '../../src/core/principal.ts'
import { unreadable } from '../../src/core/readable.ts'
import { absent, file } from '../support/changes.ts'
import type { SnapshotBuilder } from '../support/snapshot-builder.ts'
import { aLock, aSnapshot } from '../support/snapshot-builder.ts'
import { aPrincipal } from '../support/test-server.ts'

const now = new Date('2026-05-04T09:30:00.250Z')
const argoCd = { repositoryUrl: 'git@example.com:shop/manifests.git', branch: 'main' }

const oneCluster: ArgoCdConfig = {
  destination: { server: 'https://k8s.example.com' },
  syncWindows: [],
  accessList: [],
  applicationAnnotations: {},
  ignoreDifferences: [],
  syncOptions: [],
}
const single: ArgoCdDestinations = { kind: 'single', config: oneCluster }

function several(commonEnvPrefix: string, ...names: readonly string[]): ArgoCdDestinations {
  return {
    kind: 'several',
    commonEnvPrefix,
    configs: names.map((concreteEnvName) => ({ concreteEnvName, config: oneCluster })),
  }
}

const shop = aSnapshot()
  .environment('development', { upstream: 'latest' })
  .environment('staging', { upstream: 'development', argoCd: single })
  .environment('production', { upstream: 'staging', group: 'live' })
  .application('cart', { team: 'payments', releases: { 1: ['staging'] } })
  .application('web', { releases: { 1: ['staging'] } })
  .deployed('staging', 'cart', 1)
  .queued('staging', 'web', 1)

type Config = Omit<Partial<EnvironmentConfig>, 'upstream'> & {
  readonly upstream?: { readonly environment?: string; readonly latest?: boolean }
}

function create(name: string, { upstream, ...config }: Config = {}, request: Partial<EnvironmentRequest> = {}) {
  return createEnvironment({
    name,
    isDryRun: false,
    argoCd: undefined,
    config: {
      environmentGroup: undefined,
      argoCd: undefined,
      upstream: upstream && {
        environment: upstream.environment as EnvironmentName | undefined,
        latest: upstream.latest ?? false,
      },
      ...config,
    },
    ...request,
  })
}

function remove(name: string, request: Partial<EnvironmentRequest> = {}) {
  return deleteEnvironment({ name, isDryRun: false, argoCd: undefined, ...request })
}

function decide(
  command: ReturnType<typeof create>,
  snapshot: SnapshotBuilder = shop,
  principal: Principal = aPrincipal({}),
): Decision<EnvironmentChange> {
  return command.decide({ snapshot: snapshot.build(), loaded: new Map(), principal, now })
}

function changesOf(...of: Parameters<typeof decide>): readonly Change[] {
  return decide(...of).changes
}

function warningsOf(...of: Parameters<typeof decide>): readonly string[] {
  return decide(...of).result.warnings
}

function errorOf(...of: Parameters<typeof decide>): DomainError {
  try {
    decide(...of)
  } catch (error) {
    if (error instanceof DomainError) return error
    throw error
  }
  throw new Error('nothing was refused')
}

/** A principal who is asked about nothing else than these, as `action environment group application`. */
function aRecordingPrincipal(): { readonly principal: Principal; readonly asked: string[] } {
  const asked: string[] = []
  const mayDo = (action: Action, { environment, environmentGroup, application }: ActionTarget) => {
    asked.push([action, environment, environmentGroup, application ?? '*'].join(' '))
    return true
  }
  return { principal: { ...aPrincipal({}), mayDo }, asked }
}

describe('a new environment', () => {
  it('has a config.json and nothing else', () => {
    const { changes, text, result } = decide(create('qa', { upstream: { environment: 'staging' } }))
    expect(changes).toEqual([
      file('environments/qa/config.json', '{\n  "upstream": {\n    "environment": "staging"\n  }\n}\n'),
    ])
    expect(text.subject).toBe('Create environment qa')
    expect(result.warnings).toEqual([])
  })

  it('has one even when that says nothing, also in an empty repository', () => {
    expect(changesOf(create('qa'), aSnapshot())).toEqual([file('environments/qa/config.json', '{}\n')])
  })

  it('has its Argo CD files at once, when it has a destination and they are wanted', () => {
    const paths = (destinations: ArgoCdDestinations, wanted = true) =>
      changesOf(create('qa', { argoCd: destinations }, wanted ? { argoCd } : {})).map(({ path }) => path)
    expect(paths(single)).toEqual(['environments/qa/config.json', 'argocd/v1alpha1/qa.yaml'])
    expect(paths(several('eu', 'de-1', 'de-2'))).toEqual([
      'environments/qa/config.json',
      'argocd/v1alpha1/eu-qa-de-1.yaml',
      'argocd/v1alpha1/eu-qa-de-2.yaml',
    ])
    expect(paths(single, false)).toEqual(['environments/qa/config.json'])
  })

  it.each([
    ['Qa', {}, "invalid environment: 'Qa'"],
    ['a'.repeat(21), {}, `invalid environment: '${'a'.repeat(21)}'`],
    ['..', {}, "invalid environment: '..'"],
    ['qa', { environmentGroup: 'Live' }, "invalid environmentGroup: 'Live'"],
    ['qa', { argoCd: several('', 'de') }, "invalid argoConfigs.commonEnvPrefix: ''"],
    ['qa', { argoCd: several('eu', 'de', '') }, "invalid argoConfigs.configs.1.concreteEnvName: ''"],
    ['Qa', { argoCd: several('EU', 'a b') }, "'Qa', argoConfigs.commonEnvPrefix: 'EU', argoConfigs.configs.0"],
  ] as const)('needs names that can be: %s %j', (name, config, detail) => {
    const error = errorOf(create(name, config))
    expect(error.code).toBe('INVALID_NAME')
    expect(error.message).toContain(`cannot create environment: `)
    expect(error.message).toContain(detail)
  })

  it.each([
    [several('eu', 'de', 'de'), 'two of the configs'],
    [several('a', 'c-d'), "belongs to environment 'qa-c'"],
  ])('needs Argo CD files of its own', (destinations, why) => {
    const error = errorOf(
      create('qa', { argoCd: destinations }),
      shop.environment('qa-c', { argoCd: several('a', 'd') }),
    )
    expect(error.code).toBe('ARGO_CD_FILE_TAKEN')
    expect(error.message).toContain(why)
  })
})

describe('the config of an environment that exists', () => {
  it('is replaced, and its Argo CD file rendered with what is deployed there', () => {
    const changes = changesOf(create('staging', { argoCd: single }, { argoCd }))
    expect(changes.map(({ path }) => path)).toEqual([
      'environments/staging/config.json',
      'argocd/v1alpha1/staging.yaml',
    ])
    const [, rendered] = changes
    expect(rendered?.content.kind === 'text' ? rendered.content.text : '').toMatch(
      /\n {2}name: staging-cart\n[^]*main\n/,
    )
    expect(JSON.stringify(changes)).not.toContain('staging-web')
  })

  it.each([
    [{ upstream: { environment: 'development' }, argoCd: single }],
    [
      {
        upstream: { environment: 'development' },
        argoCd: {
          kind: 'single',
          config: { ...oneCluster, destination: { name: '', server: 'https://k8s.example.com' } },
        },
      },
    ],
  ] as const)('is left alone when it means the same', (config) => {
    expect(changesOf(create('staging', config, { argoCd }))).toEqual([])
  })

  it('is left alone as it is when it is sent back, however odd it is', () => {
    const odd = shop
      .environment('Odd One', {
        upstream: { environment: 'staging', latest: true },
        group: 'Odd Group',
        argoCd: several('', 'x y', 'x y'),
      })
      .environment('empty', { upstream: {} })
    const upstream = { environment: 'staging', latest: true }
    const decision = decide(
      create('Odd One', { upstream, environmentGroup: 'Odd Group', argoCd: several('', 'x y', 'x y') }),
      odd,
    )
    expect(decision.changes).toEqual([])
    expect(decision.result.warnings).toEqual(['its upstream names both an environment and latest'])
    expect(changesOf(create('empty', { upstream: {} }), odd)).toEqual([])
  })

  it('may be unreadable: then it is replaced', () => {
    const broken = aSnapshot().environment('staging', { unreadable: { config: 'config.json is not JSON' } })
    expect(changesOf(create('staging'), broken)).toEqual([file('environments/staging/config.json', '{}\n')])
  })

  it('leaves Argo CD files behind when it changes where they are, and says so', () => {
    const command = (destinations?: ArgoCdDestinations) => create('staging', { argoCd: destinations }, { argoCd })
    expect(warningsOf(command())).toEqual([expect.stringMatching(/^argocd\/v1alpha1\/staging\.yaml stays/)])
    expect(changesOf(command()).map(({ path }) => path)).toEqual(['environments/staging/config.json'])
    expect(warningsOf(command(several('eu', 'de')))).toHaveLength(1)
    expect(warningsOf(command(single))).toEqual([])
  })
})

describe('an upstream', () => {
  it.each([
    [{ environment: 'staging', latest: true }, '"latest": true', ["its upstream is latest: environment 'staging'"]],
    [{ environment: 'staging' }, '"environment": "staging"', []],
    [{ latest: true }, '"latest": true', []],
    [{}, undefined, ['its upstream names neither']],
    [{ environment: 'nowhere' }, '"environment": "nowhere"', ["its upstream environment 'nowhere' does not exist"]],
    [{ environment: 'qa' }, '"environment": "qa"', ['its upstream is the environment itself']],
  ])('of %j is stored as what it means, with a warning where no train can come of it', (upstream, line, warnings) => {
    const { changes, result } = decide(create('qa', { upstream }))
    const expected = line === undefined ? '{}\n' : `{\n  "upstream": {\n    ${line}\n  }\n}\n`
    expect(changes).toEqual([file('environments/qa/config.json', expected)])
    expect(result.warnings).toEqual(warnings.map((warning) => expect.stringContaining(warning) as string))
  })

  it('that makes a cycle is told for each environment whose trains it breaks', () => {
    expect(warningsOf(create('development', { upstream: { environment: 'production' } }))).toEqual([
      'its upstreams form a cycle: development -> production -> staging -> development',
      "environment 'production': its upstreams form a cycle: production -> staging -> development -> production",
      "environment 'staging': its upstreams form a cycle: staging -> development -> production -> staging",
    ])
  })

  it('that makes a long cycle is told for some of them', () => {
    let chain = aSnapshot().environment('e0', { upstream: 'latest' })
    for (let index = 1; index <= 30; index += 1) chain = chain.environment(`e${index}`, { upstream: `e${index - 1}` })
    const warnings = warningsOf(create('e0', { upstream: { environment: 'e30' } }), chain)
    expect(warnings).toHaveLength(22)
    expect(warnings.at(-1)).toBe('and 10 more like these')
  })

  it('says nothing of what was wrong with others before', () => {
    const before = shop.environment('lost', { upstream: 'nowhere' }).noEnvironment('nowhere')
    expect(warningsOf(create('qa', { upstream: { latest: true } }), before)).toEqual([])
  })
})

describe('a group with the name of an environment', () => {
  it.each([
    ['whose config names none', { environmentGroup: 'staging' }, shop, "a train to group 'staging' leaves out"],
    ['that is in another one', { environmentGroup: 'production' }, shop, "'production' is both"],
  ])('%s', (_why, config, snapshot, warning) => {
    expect(warningsOf(create('qa', config), snapshot)).toEqual([expect.stringContaining(warning)])
  })

  it('is told when the environment comes second', () => {
    expect(warningsOf(create('live'))).toEqual([expect.stringContaining("a train to group 'live' leaves out")])
    expect(warningsOf(create('live', { environmentGroup: 'tests' }))).toEqual([
      expect.stringContaining("'live' is both"),
    ])
    expect(warningsOf(create('live', { environmentGroup: 'live' }))).toEqual([])
  })
})

describe('deleting an environment', () => {
  it('takes all that is in it, and its Argo CD files', () => {
    const { changes, text } = decide(remove('production', { argoCd }))
    expect(changes).toEqual([absent('environments/production'), absent('argocd/v1alpha1/production.yaml')])
    expect(text.subject).toBe('Delete environment production')
    expect(changesOf(remove('production'))).toEqual([absent('environments/production')])
    const active = shop.environment('qa', { argoCd: several('eu', 'de') })
    expect(changesOf(remove('qa', { argoCd }), active).slice(1)).toEqual([
      absent('argocd/v1alpha1/qa.yaml'),
      absent('argocd/v1alpha1/eu-qa-de.yaml'),
    ])
  })

  it("leaves another environment's file alone", () => {
    const namesakes = shop.environment('a', { argoCd: several('x', 'b') }).environment('x-a-b', { argoCd: single })
    expect(changesOf(remove('x-a-b', { argoCd }), namesakes)).toEqual([absent('environments/x-a-b')])
  })

  it('says what goes with it, and what cannot be known', () => {
    const full = aSnapshot()
      .environment('qa', {
        locks: [aLock('freeze'), aLock('over', { expiresAt: new Date('2026-05-04T09:30:00Z') })],
        teamLocks: { payments: [aLock('load')] },
      })
      .environment('odd', { unreadable: { config: 'config.json is not JSON' } })
      .application('cart', { releases: { 1: ['qa'] } })
      .deployed('qa', 'cart', 1)
      .applicationLock('qa', 'web', aLock('wait'))
      .noApplication('web')
    expect(warningsOf(remove('qa'), full)).toEqual([
      'what is deployed there goes with it: cart',
      'locks that hold there go with it: freeze, load of team payments, wait of application web',
      "whether it is the upstream of environment 'odd' cannot be known: config.json is not JSON",
    ])
  })

  it('is refused when it does not exist, or another one takes its versions from it', () => {
    expect(errorOf(remove('nowhere')).code).toBe('UNKNOWN_ENVIRONMENT')
    const error = errorOf(remove('development'))
    expect(error.problem).toEqual({ code: 'ENVIRONMENT_IN_USE', environment: 'development', usedBy: ['staging'] })
    expect(error.message).toContain("is upstream from 'staging'")
    const circle = aSnapshot().environment('qa', { upstream: 'qa' })
    expect(changesOf(remove('qa'), circle)).toHaveLength(1)
  })
})

describe('a dry run', () => {
  it.each([
    [
      'creating',
      (isDryRun: boolean) => create('qa', { upstream: { environment: 'qa' }, argoCd: single }, { isDryRun, argoCd }),
    ],
    ['deleting', (isDryRun: boolean) => remove('production', { isDryRun, argoCd })],
  ])('of %s says all and changes nothing', (_what, command) => {
    const real = decide(command(false))
    const dry = decide(command(true))
    expect(real.changes.length).toBeGreaterThan(0)
    expect(dry).toEqual({ ...real, changes: [] })
  })

  it('is refused as the real one would be', () => {
    expect(errorOf(create('Qa', {}, { isDryRun: true })).code).toBe('INVALID_NAME')
    expect(errorOf(remove('staging', { isDryRun: true })).code).toBe('ENVIRONMENT_IN_USE')
  })
})

describe('permission', () => {
  it.each([
    ['to create', create('qa'), ['CreateEnvironment qa * *']],
    ['to create in a group', create('qa', { environmentGroup: 'live' }), ['CreateEnvironment qa live *']],
    [
      'to leave a group',
      create('production', { environmentGroup: 'tests' }),
      ['CreateEnvironment production tests *', 'CreateEnvironment production live *'],
    ],
    [
      'to join a group',
      create('development', { upstream: { latest: true }, environmentGroup: 'live' }),
      ['CreateEnvironment development live *', 'CreateEnvironment development * *'],
    ],
    [
      'to change nothing',
      create('production', { upstream: { environment: 'staging' }, environmentGroup: 'live' }),
      ['CreateEnvironment production live *'],
    ],
    ['to delete', remove('production'), ['DeleteEnvironment production live *']],
  ])('%s is asked for', (_what, command, expected) => {
    const { principal, asked } = aRecordingPrincipal()
    decide(command, shop, principal)
    expect(asked).toEqual(expected)
  })

  it('to repair what belongs to nobody knows whom is asked for all groups', () => {
    const { principal, asked } = aRecordingPrincipal()
    const broken = aSnapshot().environment('odd', { unreadable: { config: 'no JSON' } })
    decide(create('odd', { environmentGroup: 'live' }), broken, principal)
    expect(asked).toEqual(['CreateEnvironment odd live *', 'CreateEnvironment odd * *'])
  })

  it('to delete takes membership in the team of all that runs there', () => {
    const full = aSnapshot()
      .environment('qa', { locks: [aLock('freeze')] })
      .environment('odd', { unreadable: { applications: 'a file in the way' } })
      .application('cart', { team: 'storefront', releases: { 1: ['qa'] } })
      .application('checkout', { team: 'payments', releases: { 1: ['qa'] } })
      .deployed('qa', 'cart', 1)
      .deployed('qa', 'checkout', 1)
    const inBoth = aPrincipal({ teams: ['storefront', 'payments'], denied: ['DeleteLock qa'] })
    expect(decide(remove('qa'), full, inBoth).changes).not.toEqual([])
    for (const name of ['qa', 'odd']) {
      expect(errorOf(remove(name), full, aPrincipal({ teams: ['storefront'] })).problem).toEqual({
        code: 'PERMISSION_DENIED',
        action: 'DeleteEnvironmentApplication',
        environment: name,
      })
    }
  })

  it('to delete is asked for each application that may run there, and for all where nobody knows them', () => {
    const { principal, asked } = aRecordingPrincipal()
    const full = aSnapshot()
      .environment('qa')
      .application('cart', { releases: { 1: ['qa'] } })
      .application('web', { releases: { 1: ['qa'] } })
      .application('shop')
      .deployed('qa', 'cart', 1)
      .queued('qa', 'web', 1)
      .deployed('qa', 'shop', unreadable('a file in the way'))
    decide(remove('qa'), full, principal)
    decide(
      remove('odd'),
      aSnapshot().environment('odd', { unreadable: { applications: 'a file in the way' } }),
      principal,
    )
    expect(asked).toEqual([
      'DeleteEnvironment qa qa *',
      'DeleteEnvironmentApplication qa qa cart',
      'DeleteEnvironmentApplication qa qa shop',
      'DeleteEnvironment odd odd *',
      'DeleteEnvironmentApplication odd odd *',
    ])
  })

  it.each([
    [create('qa'), 'CreateEnvironment qa'],
    [remove('production'), 'DeleteEnvironment production'],
  ])('that is lacking is told', (command, denied) => {
    expect(errorOf(command, shop, aPrincipal({ denied: [denied] })).code).toBe('PERMISSION_DENIED')
  })
})
