import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkPermission } from '../../src/core/check-permission.ts'
import type { Command } from '../../src/core/command.ts'
import { createRelease } from '../../src/core/create-release.ts'
import { deployRelease } from '../../src/core/deploy-release.ts'
import { createEnvironment, deleteEnvironment } from '../../src/core/environment-commands.ts'
import { DomainError } from '../../src/core/errors.ts'
import { createLock, deleteLock } from '../../src/core/lock-commands.ts'
import type { ApplicationName } from '../../src/core/names.ts'
import { isAmong, mayDo, parsePolicy, permissionsOf } from '../../src/core/policy.ts'
import type { Action, Principal } from '../../src/core/principal.ts'
import { actions, createUnrestrictedPrincipal } from '../../src/core/principal.ts'
import { createReleaseTrain } from '../../src/core/release-train.ts'
import { removeApplication } from '../../src/core/remove-application.ts'
import { createUndeployRelease, deleteApplication } from '../../src/core/undeploy.ts'
import { blobId, decide } from '../support/decide.ts'
import { aSnapshot } from '../support/snapshot-builder.ts'
import { writeSettings } from '../support/write-settings.ts'

const settings = writeSettings()
const everywhere = ['development', 'staging', 'sandbox']
const snapshot = aSnapshot()
  .environment('development', { upstream: 'latest' })
  .environment('staging', { group: 'tests', upstream: 'development' })
  .environment('sandbox')
  .application('cart', { team: 'storefront', releases: { 1: everywhere, 2: everywhere } })
  .application('shared', { releases: { 1: everywhere, 2: everywhere } })
  .deployed('development', 'cart', 2)
  .deployed('development', 'shared', 2)
  .deployed('staging', 'cart', 1)
  .deployed('staging', 'shared', 1)
  .deployed('sandbox', 'cart', 1)
  .build()
const files = Object.fromEntries(
  ['cart', 'shared'].flatMap((name) =>
    [1, 2].flatMap((version) =>
      everywhere.map((environment) => [
        `applications/${name}/releases/${version}/environments/${environment}/manifests.yaml`,
        `${version}`,
      ]),
    ),
  ),
)

/** Somebody with the role `Us` of a policy of these lines, in these teams. */
function somebody(lines: readonly string[], teams: readonly string[] = ['*']) {
  const { policy, problems } = parsePolicy(['p, role:Other, CreateLock, *:*, *, allow', ...lines].join('\n'))
  expect(problems).toEqual([])
  const roles = ['Us']
  const principal: Principal = {
    name: 'Somebody',
    email: 'somebody@example.com',
    roles,
    mayDo: (action, target) => mayDo(policy, roles, action, target),
    isInTeam: (team) => isAmong(teams, team),
  }
  return { principal, permissions: permissionsOf(policy, roles) }
}

function ask(
  { principal, permissions }: ReturnType<typeof somebody>,
  action: Action,
  environment: string,
  application?: string,
) {
  return checkPermission({ snapshot, principal }, { action, environment, application }, permissions)
}

describe('whether somebody may do something', () => {
  const keeper = somebody(
    [
      'p, role:Us, DeployRelease, tests:*, cart, allow',
      'p, role:Us, DeployReleaseTrain, *:staging, *, allow',
      'p, role:Us, CreateRelease, *:*, *, allow',
      'p, role:Us, CreateLock, tests:staging, *, allow',
      'p, role:Us, DeleteEnvironment, *:*, *, allow',
      'p, role:Us, CreateEnvironment, tests:*, *, allow',
      'p, role:Us, DeployUndeploy, tests:*, *, allow',
    ],
    ['storefront'],
  )

  it.each<[Action, string, string | undefined, boolean, string | RegExp]>([
    ['DeployRelease', 'staging', 'cart', true, 'the policy allows DeployRelease in tests:* for cart'],
    ['DeployRelease', 'staging', 'shared', false, /^PermissionDenied .*'DeployRelease' on environment 'staging'$/],
    ['DeployRelease', 'staging', undefined, false, /^PermissionDenied .*'DeployRelease'/],
    ['DeployRelease', 'sandbox', 'cart', false, /on environment 'sandbox'$/],
    [
      'DeployReleaseTrain',
      'staging',
      'cart',
      true,
      'the policy allows DeployReleaseTrain in *:staging for all applications; DeployRelease in tests:* for cart',
    ],
    ['DeployReleaseTrain', 'staging', undefined, true, /^the policy allows DeployReleaseTrain/],
    ['DeployReleaseTrain', 'staging', 'shared', false, /^a train leaves it behind: Somebody lacks the permission/],
    ['DeployReleaseTrain', 'development', undefined, false, /on environment 'development'$/],
    ['DeployReleaseTrain', 'sandbox', undefined, true, "it takes no permission: environment 'sandbox' has no upstream"],
    ['CreateRelease', 'staging', 'cart', true, 'the policy allows CreateRelease in *:* for all applications'],
    ['CreateRelease', 'staging', 'shared', false, /for an application without a team$/],
    ['CreateRelease', 'staging', 'new', false, /for an application without a team$/],
    // It would go there by itself.
    ['CreateRelease', 'development', 'cart', false, /'DeployRelease' on environment 'development'$/],
    ['CreateLock', 'staging', undefined, true, 'the policy allows CreateLock in tests:staging for all applications'],
    ['CreateLock', 'staging', 'cart', true, /^the policy allows CreateLock/],
    ['CreateLock', 'staging', 'later', false, /for an application without a team$/],
    [
      'CreateEnvironment',
      'staging',
      undefined,
      true,
      'the policy allows CreateEnvironment in tests:* for all applications',
    ],
    ['CreateEnvironment', 'qa', undefined, false, /'CreateEnvironment' on environment 'qa'$/],
    // What runs there goes with it.
    ['DeleteEnvironment', 'sandbox', undefined, false, /'DeleteEnvironmentApplication' on environment 'sandbox'$/],
    ['DeleteEnvironment', 'sandbox', 'shared', false, /'DeleteEnvironmentApplication' on environment 'sandbox'$/],
    ['DeployUndeploy', 'staging', 'cart', false, /'DeployUndeploy' on environment '\*'$/],
  ])('%s in %s to %s: %s', (action, environment, application, allowed, reason) => {
    expect(ask(keeper, action, environment, application)).toEqual({
      allowed,
      reason: typeof reason === 'string' ? reason : expect.stringMatching(reason),
    })
  })

  it.each<[Action, string | undefined, string, boolean]>([
    ['CreateRelease', 'new', 'storefront', true],
    ['CreateRelease', 'new', 'payments', false],
    // In both teams, where a release takes the application to another one.
    ['CreateRelease', 'cart', 'payments', false],
    ['CreateRelease', 'shared', 'storefront', false],
    ['CreateLock', undefined, 'storefront', true],
    ['CreateLock', undefined, 'payments', false],
    ['DeleteLock', undefined, 'payments', false],
  ])('%s of %s for team %s: %s, as it happens', (action, application, team, allowed) => {
    const lines = ['CreateLock', 'DeleteLock', 'CreateRelease'].map((one) => `p, role:Us, ${one}, *:*, *, allow`)
    const us = somebody(lines, ['storefront'])
    const both = { ...snapshot, applications: new Map(snapshot.applications) }
    const pay = aSnapshot().environment('staging').application('pay', { team: 'payments' }).build()
    for (const [name, one] of pay.applications) both.applications.set(name, one)
    const question = { action, environment: 'staging', application, team }
    const answer = checkPermission({ snapshot: both, principal: us.principal }, question, us.permissions)
    expect(answer.allowed).toBe(allowed)
    const target = { kind: 'team', environment: 'staging', team } as const
    const command =
      application !== undefined
        ? aRelease(application, 'staging', team)
        : action === 'CreateLock'
          ? createLock(target, 'freeze', lockText)
          : deleteLock(target, 'freeze')
    const refused = () => decide(command, { snapshot: both, files, principal: us.principal })
    if (allowed) expect(refused).not.toThrow()
    else expect(refused).toThrow(expect.objectContaining({ code: 'PERMISSION_DENIED' }) as Error)
  })

  it.each(actions)('%s is for everybody where nobody is asked who they are', (action) => {
    const principal = createUnrestrictedPrincipal({ name: 'Anybody', email: 'anybody@example.com' })
    expect(
      checkPermission({ snapshot, principal }, { action, environment: 'staging', application: undefined }, []),
    ).toEqual({
      allowed: true,
      reason: 'nobody is asked who they are here, so everybody may do everything',
    })
  })

  it.each<[Action, string, string | undefined, string]>([
    ['DeployRelease', 'nowhere', 'cart', 'UNKNOWN_ENVIRONMENT'],
    ['DeployReleaseTrain', 'nowhere', undefined, 'UNKNOWN_ENVIRONMENT'],
    ['DeployRelease', 'staging', 'nothing', 'UNKNOWN_APPLICATION'],
    ['DeployReleaseTrain', 'staging', 'nothing', 'UNKNOWN_APPLICATION'],
    ['CreateUndeploy', 'staging', 'nothing', 'UNKNOWN_APPLICATION'],
    ['DeleteEnvironmentApplication', 'staging', 'nothing', 'UNKNOWN_APPLICATION'],
    ['CreateLock', 'staging', 'Not Possible', 'INVALID_NAME'],
    ['CreateRelease', 'staging', '../cart', 'INVALID_NAME'],
    ['CreateEnvironment', 'Not Possible', undefined, 'INVALID_NAME'],
  ])('cannot be said of %s in %s to %s', (action, environment, application, code) => {
    expect(() => ask(keeper, action, environment, application)).toThrow(
      expect.objectContaining({ problem: expect.objectContaining({ code }) as object }) as Error,
    )
  })
})

const lockText = { message: 'wait', ciLink: undefined, suggestedLifetime: undefined, end: undefined }

/** What somebody would do who may. A release is one that is not there yet. */
function commandFor(
  action: Action,
  environment: string,
  application: string | undefined,
): Command<unknown> | undefined {
  const lock =
    application === undefined
      ? ({ kind: 'environment', environment } as const)
      : ({ kind: 'application', environment, application } as const)
  const request = { name: environment, isDryRun: false, argoCd: undefined }
  if (action === 'CreateLock') return createLock(lock, 'freeze', lockText)
  if (action === 'DeleteLock') return deleteLock(lock, 'freeze')
  if (action === 'CreateEnvironment') {
    return createEnvironment({ ...request, config: { ...configOf(environment), upstream: undefined } })
  }
  if (action === 'DeleteEnvironment') return deleteEnvironment(request)
  if (action === 'DeployReleaseTrain') {
    const train = { target: environment, lookup: 'environment-first', team: undefined } as const
    return createReleaseTrain({ request: train, ciLink: undefined, accepts: () => true, settings })
  }
  if (application === undefined) return undefined
  switch (action) {
    case 'CreateRelease':
      return aRelease(application, environment)
    case 'DeployRelease':
      return deployRelease({ environment, application, version: 1n, lockBehavior: 'IGNORE', settings })
    case 'CreateUndeploy':
      return createUndeployRelease(application, settings)
    case 'DeployUndeploy':
      return deleteApplication(application, settings)
    case 'DeleteEnvironmentApplication':
      return removeApplication(environment, application, settings)
  }
}

function configOf(name: string) {
  const environment = snapshot.environments.get(name as never)
  if (environment?.config.ok !== true) throw new Error(`${name} has no config`)
  return environment.config.value
}

function aRelease(application: string, environment: string, team?: string): Command<unknown> {
  const nothing = {
    sourceCommitId: undefined,
    previousCommitId: undefined,
    sourceAuthor: undefined,
    sourceMessage: undefined,
    displayVersion: undefined,
    ciLink: undefined,
    version: undefined,
    team,
  }
  const manifests = new Map([[environment, { id: blobId('three'), bytes: Buffer.from('three') }]])
  const release = { ...nothing, application, isPrepublish: false, downstreamEnvironments: [], manifests }
  return createRelease({ release, settings, allowsLongNames: false })
}

/** Whether the principal is refused; or, where a train is asked about an application, whether it stays for want of a permission. */
function isRefused(command: Command<unknown>, action: Action, application: string | undefined, principal: Principal) {
  try {
    const { result } = decide(command, { snapshot, files, principal })
    return action === 'DeployReleaseTrain' && application !== undefined && staysBehind(result, application)
  } catch (error) {
    if (error instanceof DomainError) return error.code === 'PERMISSION_DENIED'
    throw error
  }
}

function staysBehind(prognosis: unknown, name: string): boolean {
  const { environments } = prognosis as {
    readonly environments: readonly {
      readonly outcome: {
        readonly applications?: readonly {
          readonly application: ApplicationName
          readonly outcome: { readonly cause?: string }
        }[]
      }
    }[]
  }
  return environments.some(({ outcome }) =>
    outcome.applications?.some((one) => one.application === name && one.outcome.cause === 'NO_TEAM_PERMISSION'),
  )
}

const line = fc
  .tuple(
    fc.constantFrom(...actions),
    fc.constantFrom('*', 'tests', 'development', 'sandbox'),
    fc.constantFrom('*', 'staging', 'development', 'sandbox'),
    fc.constantFrom('*', 'cart', 'shared'),
  )
  .map(([action, group, environment, application]) => {
    const isForAll = ['CreateRelease', 'CreateUndeploy', 'DeployUndeploy', 'CreateEnvironment'].includes(action)
    return `p, role:Us, ${action}, ${group}:${isForAll ? '*' : environment}, ${application}, allow`
  })

describe('the answer and what happens', () => {
  it('are the same, whatever the policy and the teams', () => {
    const verdicts = new Set<string>()
    const property = fc.property(
      fc.array(line, { maxLength: 12 }),
      fc.subarray(['storefront', '*']),
      (lines, teams) => {
        const us = somebody(lines, teams)
        for (const action of actions) {
          for (const environment of everywhere) {
            for (const application of [undefined, 'cart', 'shared']) {
              const command = commandFor(action, environment, application)
              if (command === undefined) continue
              // Nothing travels to an environment without an upstream.
              if (action === 'DeployReleaseTrain' && application !== undefined && environment !== 'staging') continue
              const { allowed } = ask(us, action, environment, application)
              const what = `${action} ${environment} ${application}`
              expect([what, allowed]).toEqual([what, !isRefused(command, action, application, us.principal)])
              verdicts.add(`${action} ${allowed}`)
            }
          }
        }
      },
    )
    const all = actions.map((action) => `p, role:Us, ${action}, *:*, *, allow`)
    fc.assert(property, {
      numRuns: 150,
      examples: [
        [all, ['*']],
        [[], []],
      ],
    })
    // Each answer was seen for each action, or nothing would be said by all this.
    expect(verdicts.size).toBe(2 * actions.length)
  })
})
