import type { Application } from './application.ts'
import { latestRelease, nextVersion } from './application.ts'
import { deployAutomatically, describeDeployment } from './automatic-deployment.ts'
import type { ReleaseDeployment } from './automatic-deployment.ts'
import type { Change } from './change.ts'
import type { Command, DecisionInput } from './command.ts'
import { trailerKeys } from './commit-text.ts'
import { renderArgoCdFiles } from './deployment-changes.ts'
import { carryOut, forget, readsOf, readsToForget, toRemovedSection } from './deployments.ts'
import { environmentsByName, groupNameOf } from './environment-group.ts'
import type { Environment } from './environment.ts'
import { DomainError } from './errors.ts'
import { findApplication } from './find.ts'
import { applicationDirectoryIn, applicationsDirectory, releaseDirectory } from './manifest-layout.ts'
import type { EnvironmentName } from './names.ts'
import type { ObjectId } from './object-id.ts'
import { assertPermittedForTeam } from './permission.ts'
import { toSeconds } from './rfc-3339.ts'
import type { Snapshot } from './snapshot.ts'
import { applicationIn, deployedVersion } from './snapshot.ts'
import type { WriteSettings } from './write-settings.ts'

/** What stands in the place of a manifest when nothing is to run: readers rely on a file that is not empty. */
const emptyManifest = ' '
const emptyManifestId: ObjectId = '0519ecba6ea913e21689ec692e81e9e4973fbf73'

export interface UndeployRelease {
  readonly version: bigint
  /** Sorted by environment. */
  readonly deployments: readonly ReleaseDeployment[]
  readonly removed: readonly bigint[]
}

/**
 * Makes a release of an application that runs nothing, for every environment (spec 6.6). It goes where new releases go by
 * themselves, and trains carry it on. When the newest release is one already, that is the answer, and nothing changes.
 *
 * Throws UNKNOWN_APPLICATION, APPLICATION_UNREADABLE, VERSIONS_EXHAUSTED and PERMISSION_DENIED.
 */
export function createUndeployRelease(name: string, settings: WriteSettings): Command<UndeployRelease> {
  const toPlan = (input: DecisionInput) => {
    const application = findApplication(input.snapshot, name)
    assertPermittedEverywhere(input, 'CreateUndeploy', application)
    const version = nextVersion(application.name, application.versions)
    const environments = environmentsByName(input.snapshot)
    const { deployments, ...steps } = deployAutomatically(input, {
      name: application.name,
      application,
      version,
      team: application.team,
      manifests: new Map(environments.map((environment) => [environment.name, emptyManifestId])),
      downstreamEnvironments: new Set(),
    })
    const team = application.team.ok ? application.team.value : undefined
    const created = { application: application.name, version, team, sourceCommit: undefined, events: [] }
    return { application, version, environments, deployments, plan: { ...steps, created } }
  }
  return {
    reads: (input) => {
      if (newestUndeploy(findApplication(input.snapshot, name)) !== undefined) return []
      return readsOf(toPlan(input).plan, input, settings)
    },
    decide: (input) => {
      const text = {
        sections: [],
        trailers: [
          { key: trailerKeys.command, value: 'create-undeploy-release' },
          { key: trailerKeys.target, value: `application ${name}` },
        ],
      }
      const known = findApplication(input.snapshot, name)
      const existing = newestUndeploy(known)
      if (existing !== undefined) {
        assertPermittedEverywhere(input, 'CreateUndeploy', known)
        return {
          changes: [],
          text: { ...text, subject: '' },
          result: { version: existing, deployments: [], removed: [] },
        }
      }
      const { application, version, environments, deployments, plan } = toPlan(input)
      const { changes, removed } = carryOut(plan, input, settings)
      return {
        changes: [...writeUndeployRelease(application, version, environments, input.now), ...changes],
        text: {
          ...text,
          subject: `Prepare to undeploy ${application.name}: release ${version} runs nothing`,
          sections: [
            ...(deployments.length === 0
              ? []
              : [{ heading: 'Deployments', lines: deployments.map(describeDeployment) }]),
            ...toRemovedSection(removed),
          ],
        },
        result: { version, deployments, removed: removed.get(application.name) ?? [] },
      }
    },
  }
}

function writeUndeployRelease(
  { name }: Application,
  version: bigint,
  environments: readonly Environment[],
  now: Date,
): readonly Change[] {
  const directory = releaseDirectory(name, version)
  const file = (path: string, text: string): Change => ({ path, content: { kind: 'text', text } })
  return [
    file(`${directory}/undeploy`, ''),
    file(`${directory}/created_at`, toSeconds(now)),
    ...environments.map((environment) =>
      file(`${directory}/environments/${environment.name}/manifests.yaml`, emptyManifest),
    ),
  ]
}

/** It concerns every group that there is, and without a name whatever application; an environment whose group nobody knows takes who may do it in all groups. */
export function assertPermittedEverywhere(
  { snapshot, principal }: Pick<DecisionInput, 'snapshot' | 'principal'>,
  action: 'CreateUndeploy' | 'DeployUndeploy',
  { name: application, team }: Pick<Application, 'team'> & Partial<Pick<Application, 'name'>>,
): void {
  const groups = new Set(environmentsByName(snapshot).map((environment) => groupNameOf(environment) ?? '*'))
  for (const environmentGroup of groups.size === 0 ? ['*'] : groups) {
    const environment = '*' as EnvironmentName
    const place = { environment, environmentGroup, ...(application !== undefined && { application }) }
    assertPermittedForTeam(principal, action, place, team)
  }
}

/** The version of the newest release if that is one that runs nothing. An announcement does not count: it runs nothing either. */
function newestUndeploy(application: Application): bigint | undefined {
  const newest = latestRelease(application)
  return newest?.ok && newest.value.isUndeploy ? newest.value.version : undefined
}

/**
 * Removes an application for good: releases, deployments, locks, and what is recorded of its commits. Only when its newest
 * release runs nothing, and nothing else is deployed anywhere (spec 6.6). Answers the environments that knew it.
 *
 * Throws UNKNOWN_APPLICATION, APPLICATION_UNREADABLE, NOT_UNDEPLOYED and PERMISSION_DENIED.
 */
export function deleteApplication(name: string, settings: WriteSettings): Command<readonly EnvironmentName[]> {
  return {
    reads: (input) => readsToForget(releasesOf(findApplication(input.snapshot, name)), input),
    decide: (input) => {
      const { snapshot } = input
      const application = findApplication(snapshot, name)
      assertPermittedEverywhere(input, 'DeployUndeploy', application)
      assertUndeployed(snapshot, application)
      const environments = environmentsByName(snapshot).filter((environment) => {
        const entry = applicationIn(environment, application.name)
        return !entry.ok || entry.value !== undefined
      })
      const removed = [application.name]
      const names = environments.map((environment) => environment.name)
      return {
        changes: [
          { path: `${applicationsDirectory}/${application.name}`, content: { kind: 'absent' } },
          ...environments.flatMap((environment): readonly Change[] => [
            { path: applicationDirectoryIn(environment.name, application.name), content: { kind: 'absent' } },
            ...(settings.argoCd ? renderArgoCdFiles(snapshot, environment, { removed }, settings.argoCd) : []),
          ]),
          ...forget(releasesOf(application), input),
        ],
        text: {
          subject: `Delete application ${application.name}`,
          sections: names.length === 0 ? [] : [{ heading: 'Removed from', lines: names }],
          trailers: [
            { key: trailerKeys.command, value: 'delete-application' },
            { key: trailerKeys.target, value: `application ${application.name}` },
          ],
        },
        result: names,
      }
    },
  }
}

function releasesOf({ name, versions }: Application) {
  return versions.map((version) => ({ application: name, version }))
}

function assertUndeployed(snapshot: Snapshot, application: Application): void {
  const problems = newestUndeploy(application) === undefined ? ['its newest release still runs something'] : []
  for (const environment of environmentsByName(snapshot)) {
    const deployed = deployedVersion(environment, application)
    const entry = applicationIn(environment, application.name)
    if (entry.ok && entry.value?.hasManifestOnly === true) {
      problems.push(`what runs in ${environment.name} cannot be known: it has a manifest, but no version`)
      continue
    }
    if (!deployed.ok) {
      problems.push(`what runs in ${environment.name} cannot be known: ${deployed.reason}`)
      continue
    }
    if (deployed.value === undefined) continue
    const release = application.releases.get(deployed.value)
    if (!(release?.ok && release.value.isUndeploy)) problems.push(`${environment.name} runs version ${deployed.value}`)
  }
  if (problems.length === 0) return
  throw new DomainError(
    { code: 'NOT_UNDEPLOYED', application: application.name },
    `application '${application.name}' is not undeployed: ${problems.join('; ')}. ` +
      `POST /api/applications/${application.name}/undeploy-release prepares it, trains carry that on`,
  )
}
