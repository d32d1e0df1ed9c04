import { DomainError } from './errors.ts'
import type { Action, ActionTarget, Principal } from './principal.ts'

/** Throws PERMISSION_DENIED with Kuberpult's words when the principal may not do that there. */
export function assertPermitted(principal: Principal, action: Action, target: ActionTarget): void {
  if (principal.mayDo(action, target)) return
  throw new DomainError(
    { code: 'PERMISSION_DENIED', action, environment: target.environment },
    `PermissionDenied The user '${principal.name}' is not allowed to perform the action '${action}' on environment ` +
      `'${target.environment}'`,
  )
}
