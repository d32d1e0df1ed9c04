import type { Environment } from './environment.ts'
import { groupNameOf } from './environment-group.ts'
import { DomainError } from './errors.ts'
import type { TeamName } from './names.ts'
import type { Action, ActionTarget, Principal } from './principal.ts'
import type { Readable } from './readable.ts'

/**
 * The environment as permissions are asked for it. Where nobody can read which group it belongs to, it takes a permission for all
 * groups, or a broken config would let in who may do it in a group of that name alone.
 */
export function targetOf(environment: Environment): ActionTarget {
  return { environment: environment.name, environmentGroup: groupNameOf(environment) ?? '*' }
}

/** Throws PERMISSION_DENIED with Kuberpult's words (spec 5.6) when the principal may not do that there. */
export function assertPermitted(principal: Principal, action: Action, target: ActionTarget): void {
  if (principal.mayDo(action, target)) return
  const roles = principal.roles === undefined ? '' : ` with role '${principal.roles.join(', ')}'`
  throw new DomainError(
    { code: 'PERMISSION_DENIED', action, environment: target.environment },
    `PermissionDenied The user '${principal.name}'${roles} is not allowed to perform the action '${action}' on ` +
      `environment '${target.environment}'`,
  )
}

/**
 * Throws PERMISSION_DENIED with Kuberpult's words when the principal may not do that there, or may not act for the team.
 * Everything that is done to an application or a team asks for both, as the newest Kuberpult does. A team that cannot be
 * read counts as none, which takes somebody who may act for all.
 */
export function assertPermittedForTeam(
  principal: Principal,
  action: Action,
  target: ActionTarget,
  team: Readable<TeamName | undefined>,
): void {
  assertPermitted(principal, action, target)
  const name = team.ok ? team.value : undefined
  if (principal.isInTeam(name)) return
  throw new DomainError(
    { code: 'PERMISSION_DENIED', action, environment: target.environment },
    `PermissionDenied The user ${principal.name} with email ${principal.email} is not allowed to perform the action ` +
      `${action}${name === undefined ? ' for an application without a team' : ` for team ${name}`}`,
  )
}
