import type { Application } from './application.ts'
import type { Environment } from './environment.ts'
import { DomainError } from './errors.ts'
import type { ApplicationName, EnvironmentName } from './names.ts'
import type { Snapshot } from './snapshot.ts'

/** The environment of that name. Throws UNKNOWN_ENVIRONMENT. */
export function findEnvironment(snapshot: Snapshot, name: string): Environment {
  const environment = snapshot.environments.get(name as EnvironmentName)
  if (environment !== undefined) return environment
  throw new DomainError(
    { code: 'UNKNOWN_ENVIRONMENT', environment: name },
    `there is no environment '${name}'; GET /api/environment-groups lists them`,
  )
}

/** The application of that name. Throws UNKNOWN_APPLICATION, or APPLICATION_UNREADABLE. */
export function findApplication(snapshot: Snapshot, name: string): Application {
  const application = snapshot.applications.get(name as ApplicationName)
  if (application === undefined) throw unknownApplication(name)
  if (application.ok) return application.value
  throw new DomainError(
    { code: 'APPLICATION_UNREADABLE', application: name },
    `application '${name}' cannot be read: ${application.reason}`,
  )
}

export function unknownApplication(name: string): DomainError {
  return new DomainError(
    { code: 'UNKNOWN_APPLICATION', application: name },
    `there is no application '${name}'; GET /api/applications lists them`,
  )
}
