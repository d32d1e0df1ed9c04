import { describe, expect, it, vi } from 'vitest'
import { DomainError } from '../../src/core/errors.ts'
import type { ApplicationName, EnvironmentName } from '../../src/core/names.ts'
import { assertPermitted } from '../../src/core/permission.ts'
import type { Principal } from '../../src/core/principal.ts'

const target = {
  environment: 'staging' as EnvironmentName,
  environmentGroup: 'tests',
  application: 'cart' as ApplicationName,
}

function principalWho(mayDo: Principal['mayDo']): Principal {
  return { name: 'Keeper', email: 'keeper@example.com', mayDo, isInTeam: () => true }
}

describe('a permission', () => {
  it('that the principal has lets the action through', () => {
    const mayDo = vi.fn<Principal['mayDo']>(() => true)
    expect(() => assertPermitted(principalWho(mayDo), 'CreateLock', target)).not.toThrow()
    expect(mayDo).toHaveBeenCalledWith('CreateLock', target)
  })

  it("that the principal lacks is told in Kuberpult's words", () => {
    const attempt = () =>
      assertPermitted(
        principalWho(() => false),
        'DeleteLock',
        target,
      )
    expect(attempt).toThrow(DomainError)
    expect(attempt).toThrow(
      expect.objectContaining({
        problem: { code: 'PERMISSION_DENIED', action: 'DeleteLock', environment: 'staging' },
        message:
          "PermissionDenied The user 'Keeper' is not allowed to perform the action 'DeleteLock' on environment 'staging'",
      }),
    )
  })

  it('that the roles of the principal lack names them', () => {
    const attempt = (roles: readonly string[]) => () =>
      assertPermitted({ ...principalWho(() => false), roles }, 'DeleteLock', target)
    expect(attempt(['Developer', 'Releaser'])).toThrow(
      "PermissionDenied The user 'Keeper' with role 'Developer, Releaser' is not allowed to perform the action " +
        "'DeleteLock' on environment 'staging'",
    )
    expect(attempt([])).toThrow("with role '' is not allowed")
  })
})
