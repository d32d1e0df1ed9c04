import type { Environment } from './environment.ts'
import type { ApplicationName, TeamName } from './names.ts'
import { targetOf } from './permission.ts'
import type { ActionTarget, Principal } from './principal.ts'
import type { ApplicationPrognosis, EnvironmentPrognosis } from './release-train-prognosis.ts'

/**
 * The decisions for this principal: what would travel, or wait for a lock, but may not be deployed by them stays behind. The same
 * object where they may do all of it, and for the same decisions and principal as lately.
 */
export function withoutDenied(
  prognosis: EnvironmentPrognosis,
  environment: Environment,
  principal: Principal,
): EnvironmentPrognosis {
  const { outcome } = prognosis
  if (outcome.kind === 'skipped') return prognosis
  const target = targetOf(environment)
  if (principal.mayDo('DeployRelease', target) && principal.isInTeam(undefined)) return prognosis

  let known = lately.get(prognosis)
  if (known === undefined) lately.set(prognosis, (known = new Map()))
  let allowed = known.get(principal)
  if (allowed === undefined) {
    allowed = withoutEachDenied(prognosis, outcome.applications, target, principal)
    const [first] = known.keys()
    if (first !== undefined && known.size >= principalsRemembered) known.delete(first)
    known.set(principal, allowed)
  }
  return allowed
}

/** What was decided for whom: principals stay the same objects as long as their token and the policy do. */
const lately = new WeakMap<EnvironmentPrognosis, Map<Principal, EnvironmentPrognosis>>()

/** A thousand decisions for each of them are 100 KB, and their JSON is as much. */
const principalsRemembered = 8

function withoutEachDenied(
  prognosis: EnvironmentPrognosis,
  decided: readonly ApplicationPrognosis[],
  target: ActionTarget,
  principal: Principal,
): EnvironmentPrognosis {
  let applications: ApplicationPrognosis[] | undefined
  for (const [index, application] of decided.entries()) {
    const allowed = withoutDeniedOne(application, target, principal)
    if (allowed === application) continue
    applications ??= [...decided]
    applications[index] = allowed
  }
  return applications === undefined ? prognosis : { ...prognosis, outcome: { kind: 'decided', applications } }
}

function withoutDeniedOne(
  prognosis: ApplicationPrognosis,
  target: ActionTarget,
  principal: Principal,
): ApplicationPrognosis {
  const { application, team, outcome } = prognosis
  const isHeld =
    outcome.kind === 'skipped' &&
    (outcome.cause === 'TEAM_IS_LOCKED' || (outcome.cause === 'APP_IS_LOCKED' && outcome.heldVersion !== undefined))
  if (outcome.kind !== 'travels' && !isHeld) return prognosis
  const denial = whyNotDeploy(principal, target, application, team)
  if (denial === undefined) return prognosis
  // The lock of an application comes first (spec 2.1), but then it holds nothing back.
  return outcome.kind === 'skipped' && outcome.cause === 'APP_IS_LOCKED'
    ? { ...prognosis, outcome: { ...outcome, heldVersion: undefined } }
    : { ...prognosis, outcome: { kind: 'skipped', cause: 'NO_TEAM_PERMISSION', reason: denial } }
}

/** Why a train of that principal leaves the application behind; undefined when it does not. */
export function whyNotDeploy(
  principal: Principal,
  target: ActionTarget,
  application: ApplicationName,
  team: TeamName | undefined,
): string | undefined {
  if (!principal.mayDo('DeployRelease', { ...target, application })) {
    return `${principal.name} lacks the permission DeployRelease for it in environment '${target.environment}'`
  }
  if (!principal.isInTeam(team)) {
    return team === undefined
      ? `${principal.name} may not act for applications without a team`
      : `${principal.name} is not in team '${team}'`
  }
  return undefined
}
