import type { Environment } from '../../core/environment.ts'
import { DomainError } from '../../core/errors.ts'
import type { EnvironmentName } from '../../core/names.ts'
import type { Snapshot } from '../../core/snapshot.ts'

/** The environment that a path names. Throws UNKNOWN_ENVIRONMENT. */
export function findEnvironment(snapshot: Snapshot, name: EnvironmentName): Environment {
  const environment = snapshot.environments.get(name)
  if (environment !== undefined) return environment
  throw new DomainError(
    { code: 'UNKNOWN_ENVIRONMENT', environment: name },
    `there is no environment '${name}'; GET /api/environment-groups lists them`,
  )
}
