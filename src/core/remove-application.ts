import type { Command, DecisionInput } from './command.ts'
import { trailerKeys } from './commit-text.ts'
import { renderArgoCdFiles } from './deployment-changes.ts'
import type { Environment } from './environment.ts'
import { findEnvironment, unknownApplication } from './find.ts'
import { applicationDirectoryIn } from './manifest-layout.ts'
import type { ApplicationName } from './names.ts'
import { assertPermittedForTeam, targetOf } from './permission.ts'
import { readable } from './readable.ts'
import { applicationIn } from './snapshot.ts'
import type { WriteSettings } from './write-settings.ts'

/**
 * Removes an application from one environment, with its locks and what was queued there; its releases stay (spec 6.6).
 * Answers the version that was deployed, undefined when there was none or it cannot be read. An application that the
 * environment does not know is as good as removed.
 *
 * Throws UNKNOWN_ENVIRONMENT, UNKNOWN_APPLICATION for one that nobody knows, and PERMISSION_DENIED.
 */
export function removeApplication(
  environmentName: string,
  applicationName: string,
  settings: WriteSettings,
): Command<bigint | undefined> {
  return {
    reads: () => [],
    decide: ({ snapshot, principal }) => {
      const environment = findEnvironment(snapshot, environmentName)
      const application = applicationName as ApplicationName
      assertMayRemove({ snapshot, principal }, environment, application)
      const entry = applicationIn(environment, application)
      const isThere = !entry.ok || entry.value !== undefined
      const version = entry.ok ? entry.value?.version : undefined
      const removed = [application]
      return {
        changes: isThere
          ? [
              { path: applicationDirectoryIn(environment.name, application), content: { kind: 'absent' } },
              ...(settings.argoCd ? renderArgoCdFiles(snapshot, environment, { removed }, settings.argoCd) : []),
            ]
          : [],
        text: {
          subject: `Remove ${application} from ${environment.name}`,
          sections: [],
          trailers: [
            { key: trailerKeys.command, value: 'remove-application' },
            { key: trailerKeys.target, value: `application ${application} in ${environment.name}` },
          ],
        },
        result: version?.ok ? version.value : undefined,
      }
    },
  }
}

/** Throws PERMISSION_DENIED for who may not remove that application from the environment, and UNKNOWN_APPLICATION. */
export function assertMayRemove(
  { snapshot, principal }: Pick<DecisionInput, 'snapshot' | 'principal'>,
  environment: Environment,
  application: ApplicationName,
): void {
  const entry = applicationIn(environment, application)
  const known = snapshot.applications.get(application)
  if (entry.ok && entry.value === undefined && known === undefined) throw unknownApplication(application)
  const target = { ...targetOf(environment), application }
  const team = known?.ok ? known.value.team : readable(undefined)
  assertPermittedForTeam(principal, 'DeleteEnvironmentApplication', target, team)
}
