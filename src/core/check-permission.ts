import { assertMayDeployAutomatically, takesLatest } from './automatic-deployment.ts'
import type { DecisionInput } from './command.ts'
import { assertMayCreate } from './create-release.ts'
import { whyNotDeploy } from './denied-decisions.ts'
import type { Environment } from './environment.ts'
import { assertMayConfigure, assertMayDelete } from './environment-commands.ts'
import { DomainError } from './errors.ts'
import { findApplication, findEnvironment } from './find.ts'
import type { LockTarget } from './lock-commands.ts'
import { assertLockNames, assertMayLock } from './lock-commands.ts'
import type { ApplicationName, EnvironmentName } from './names.ts'
import { isValidApplicationName, isValidEnvironmentName, isValidTeamName, nameRule } from './names.ts'
import { assertPermittedForTeam, targetOf } from './permission.ts'
import type { PolicyPermission } from './policy.ts'
import { allows } from './policy.ts'
import type { Action, ActionTarget, Principal } from './principal.ts'
import { readable } from './readable.ts'
import { assertMayRunTrain } from './release-train-prognosis.ts'
import { assertMayRemove } from './remove-application.ts'
import type { Snapshot } from './snapshot.ts'
import { assertPermittedEverywhere } from './undeploy.ts'

/** May the principal do that there? Without an application: to the environment as a whole, or to whatever application. */
export interface PermissionQuestion {
  readonly action: Action
  readonly environment: string
  readonly application: string | undefined
  /** To which team a release says that its application belongs, or whose lock it is about: see `takesTeam`. */
  readonly team?: string | undefined
}

/** Whether a team means anything for that question: it does for the lock of a team, and for the release of an application. */
export function takesTeam({ action, application }: Pick<PermissionQuestion, 'action' | 'application'>): boolean {
  if (action === 'CreateRelease') return application !== undefined
  return (action === 'CreateLock' || action === 'DeleteLock') && application === undefined
}

export interface PermissionAnswer {
  readonly allowed: boolean
  /** Why, or why not, as a sentence for people. */
  readonly reason: string
}

interface Place {
  readonly snapshot: Snapshot
  readonly principal: Principal
}

/**
 * Answers by the very functions that the commands themselves ask, so that the answer is what would happen. Creating and deleting an
 * environment concerns all of it, whatever application is named. `permissions` are the lines of the policy that the principal's
 * roles give.
 *
 * Throws UNKNOWN_ENVIRONMENT, UNKNOWN_APPLICATION, UNKNOWN_TEAM, APPLICATION_UNREADABLE and INVALID_NAME.
 */
export function checkPermission(
  { snapshot, principal }: Pick<DecisionInput, 'snapshot' | 'principal'>,
  question: PermissionQuestion,
  permissions: readonly PolicyPermission[],
): PermissionAnswer {
  const asked: Asked[] = []
  const watched: Principal = {
    ...principal,
    mayDo: (action, target) => {
      asked.push({ action, target })
      return principal.mayDo(action, target)
    },
  }
  try {
    assertMayDo({ snapshot, principal: watched }, question)
  } catch (error) {
    if (error instanceof DomainError && error.code === 'PERMISSION_DENIED') {
      return { allowed: false, reason: error.message }
    }
    throw error
  }
  return { allowed: true, reason: toReason(principal, question, asked, permissions) }
}

function assertMayDo(place: Place, { action, environment: name, application, team }: PermissionQuestion): void {
  if (action === 'CreateEnvironment') return assertMayCreateEnvironment(place, name)
  const environment = findEnvironment(place.snapshot, name)
  if (action === 'DeleteEnvironment') return assertMayDelete(place, environment)
  if (action === 'DeployReleaseTrain') return assertMayTravel(place, environment, application)
  return application === undefined
    ? assertMayDoToAny(place, action, environment, team)
    : assertMayDoTo(place, action, environment, application, team)
}

type ApplicationAction = Exclude<Action, 'CreateEnvironment' | 'DeleteEnvironment' | 'DeployReleaseTrain'>

function assertMayCreateEnvironment({ snapshot, principal }: Place, name: string): void {
  const before = snapshot.environments.get(name as EnvironmentName)
  if (before === undefined && !isValidEnvironmentName(name)) {
    throw invalid('environment', name, nameRule('environment'))
  }
  const config = before?.config.ok ? before.config.value : undefined
  assertMayConfigure(principal, name as EnvironmentName, before, config)
}

/** With an application: whether a train takes it along, too. */
function assertMayTravel({ snapshot, principal }: Place, environment: Environment, name: string | undefined): void {
  assertMayRunTrain(environment, principal)
  if (name === undefined) return
  const { name: application, team } = findApplication(snapshot, name)
  const denial = whyNotDeploy(principal, targetOf(environment), application, team.ok ? team.value : undefined)
  if (denial === undefined) return
  throw new DomainError(
    { code: 'PERMISSION_DENIED', action: 'DeployRelease', environment: environment.name },
    `a train leaves it behind: ${denial}`,
  )
}

/** New releases go by themselves to environments that take the newest one, and that is part of making one. */
function assertMayDeployNewest(
  { snapshot, principal }: Place,
  action: ApplicationAction,
  environment: Environment,
  application: ApplicationName | undefined,
): void {
  if (action !== 'CreateRelease' && action !== 'CreateUndeploy') return
  // What runs nothing is for all of them.
  const environments = action === 'CreateRelease' ? [environment] : snapshot.environments.values()
  for (const one of environments) {
    if (takesLatest(one)) assertMayDeployAutomatically(principal, one, application)
  }
}

/** What is allowed for any application takes a line for all, and nothing that depends on its team. */
function assertMayDoToAny(
  place: Place,
  action: ApplicationAction,
  environment: Environment,
  team: string | undefined,
): void {
  if (action === 'CreateLock' || action === 'DeleteLock') {
    const of = environment.name
    const target: LockTarget =
      team === undefined ? { kind: 'environment', environment: of } : { kind: 'team', environment: of, team }
    assertLockNames(place.snapshot, target, [environment], action === 'CreateLock' ? 'create' : 'delete', invalid)
    return assertMayLock(place, target, action, targetOf(environment))
  }
  const noTeam = readable(undefined)
  if (action === 'CreateUndeploy' || action === 'DeployUndeploy') {
    assertPermittedEverywhere(place, action, { team: noTeam })
  } else {
    assertPermittedForTeam(place.principal, action, targetOf(environment), noTeam)
  }
  assertMayDeployNewest(place, action, environment, undefined)
}

function assertMayDoTo(
  place: Place,
  action: ApplicationAction,
  environment: Environment,
  name: string,
  newTeam: string | undefined,
): void {
  const { snapshot, principal } = place
  const application = name as ApplicationName
  switch (action) {
    case 'CreateLock':
    case 'DeleteLock':
      assertPossible(snapshot, name)
      return assertMayLock(
        place,
        { kind: 'application', environment: environment.name, application },
        action,
        targetOf(environment),
      )
    case 'CreateRelease': {
      assertPossible(snapshot, name)
      const known = snapshot.applications.has(application) ? findApplication(snapshot, name) : undefined
      const manifests = new Map([[environment.name, undefined]])
      if (newTeam !== undefined && !isValidTeamName(newTeam)) throw invalid('team', newTeam, nameRule('team'))
      const team = newTeam === undefined ? (known?.team ?? readable(undefined)) : readable(newTeam)
      assertMayCreate(place, { manifests }, { name: application, application: known, team })
      return assertMayDeployNewest(place, action, environment, application)
    }
    case 'CreateUndeploy':
    case 'DeployUndeploy':
      assertPermittedEverywhere(place, action, findApplication(snapshot, name))
      return assertMayDeployNewest(place, action, environment, application)
    case 'DeleteEnvironmentApplication':
      return assertMayRemove(place, environment, application)
    case 'DeployRelease': {
      const { team } = findApplication(snapshot, name)
      return assertPermittedForTeam(principal, action, { ...targetOf(environment), application }, team)
    }
  }
}

/** A lock or a release may come before its application, which then has a name that one can have. */
function assertPossible(snapshot: Snapshot, name: string): void {
  if (snapshot.applications.has(name as ApplicationName) || isValidApplicationName(name, true)) return
  throw invalid('application', name, nameRule('application'))
}

function invalid(parameter: string, value: string, rule: string): DomainError {
  return new DomainError(
    { code: 'INVALID_NAME', invalid: [{ parameter, value, rule }] },
    `invalid ${parameter}: '${value}'`,
  )
}

/** A permission that was asked for on the way to the answer. */
interface Asked {
  readonly action: Action
  readonly target: ActionTarget
}

function toReason(
  { roles }: Principal,
  { environment }: PermissionQuestion,
  asked: readonly Asked[],
  permissions: readonly PolicyPermission[],
): string {
  if (roles === undefined) return 'nobody is asked who they are here, so everybody may do everything'
  if (asked.length === 0) return `it takes no permission: environment '${environment}' has no upstream`
  const lines = new Set(
    asked.flatMap(({ action, target }) => {
      const line = permissions.find((permission) => allows(permission, action, target))
      return line === undefined ? [] : [toText(line)]
    }),
  )
  return `the policy allows ${[...lines].join('; ')}`
}

function toText({ action, environmentGroup, environment, application }: PolicyPermission): string {
  return `${action} in ${environmentGroup}:${environment} for ${application === '*' ? 'all applications' : application}`
}
