import type Long from 'long'
import type { Application } from '../core/application.ts'
import { latestRelease } from '../core/application.ts'
import { environmentsByName } from '../core/environment-group.ts'
import type { ApplicationName } from '../core/names.ts'
import { compareNames } from '../core/names.ts'
import type { Readable } from '../core/readable.ts'
import type { ReleaseDetails } from '../core/release-details.ts'
import type { Snapshot } from '../core/snapshot.ts'
import { deployedVersion } from '../core/snapshot.ts'
import { messageType } from './messages.ts'
import type { TimestampMessage } from './to-timestamp-message.ts'
import { toTimestampMessage } from './to-timestamp-message.ts'
import { toUint64 } from './uint64.ts'

/** signalbox.v1.ListApplicationsResponse */
export interface ApplicationsMessage {
  readonly applications: readonly ApplicationSummaryMessage[]
  readonly commit?: string | undefined
  readonly warnings: readonly string[]
}

/** signalbox.v1.ApplicationSummary */
export interface ApplicationSummaryMessage {
  readonly name?: string | undefined
  readonly team?: string | undefined
  readonly latestVersion?: Long | undefined
  readonly deployments: readonly DeploymentMessage[]
  readonly unreadable: readonly string[]
}

/** signalbox.v1.Deployment */
export interface DeploymentMessage {
  readonly environment?: string | undefined
  readonly version?: Long | undefined
}

/** signalbox.v1.Application */
export interface ApplicationMessage {
  readonly name?: string | undefined
  readonly team?: string | undefined
  readonly sourceRepoUrl?: string | undefined
  readonly releases: readonly ReleaseMessage[]
  readonly deployments: readonly DeploymentMessage[]
  readonly unreadable: readonly string[]
  readonly commit?: string | undefined
}

/** api.v1.Release */
export interface ReleaseMessage {
  readonly version?: Long | undefined
  readonly sourceCommitId?: string | undefined
  readonly sourceAuthor?: string | undefined
  readonly sourceMessage?: string | undefined
  readonly createdAt?: TimestampMessage | undefined
  readonly undeployVersion?: boolean | undefined
  readonly prNumber?: string | undefined
  readonly displayVersion?: string | undefined
  readonly isPrepublish?: boolean | undefined
  readonly environments: readonly string[]
  readonly ciLink?: string | undefined
  readonly unreadable?: string | undefined
  readonly deployedIn: readonly string[]
}

export const applicationsMessageType = messageType<ApplicationsMessage>('signalbox.v1.ListApplicationsResponse')
export const applicationMessageType = messageType<ApplicationMessage>('signalbox.v1.Application')

/** All applications with what is deployed of them. */
export function toApplicationsMessage(snapshot: Snapshot): ApplicationsMessage {
  return {
    applications: [...snapshot.applications]
      .toSorted(([a], [b]) => compareNames(a, b))
      .map(([name, application]) => toApplicationSummaryMessage(snapshot, name, application)),
    commit: snapshot.commit,
    warnings: snapshot.problems,
  }
}

function toApplicationSummaryMessage(
  snapshot: Snapshot,
  name: ApplicationName,
  application: Readable<Application>,
): ApplicationSummaryMessage {
  if (!application.ok) return { name, deployments: [], unreadable: [application.reason] }
  const { team } = application.value
  const latest = latestRelease(application.value)
  const { deployments, unreadable } = findDeployments(snapshot, application.value)
  return {
    name,
    team: team.ok ? team.value : undefined,
    latestVersion: latest?.ok ? toUint64(latest.value.version) : undefined,
    deployments: deployments.map(toDeploymentMessage),
    unreadable: [...(team.ok ? [] : [team.reason]), ...(latest?.ok === false ? [latest.reason] : []), ...unreadable],
  }
}

/** One application with its releases. */
export function toApplicationMessage(
  snapshot: Snapshot,
  application: Application,
  releases: readonly ReleaseDetails[],
): ApplicationMessage {
  const { name, team, sourceRepoUrl } = application
  const { deployments, unreadable } = findDeployments(snapshot, application)
  return {
    name,
    team: team.ok ? team.value : undefined,
    sourceRepoUrl,
    releases: releases
      .toSorted((a, b) => (a.version < b.version ? 1 : -1))
      .map((release) => toReleaseMessage(release, deployments)),
    deployments: deployments.map(toDeploymentMessage),
    unreadable: [...(team.ok ? [] : [team.reason]), ...unreadable],
    commit: snapshot.commit,
  }
}

/** Where a version is. */
export interface Deployment {
  readonly environment: string
  readonly version: bigint
}

/** Where an application is deployed, sorted by environment, and why that cannot be known somewhere. */
export function findDeployments(
  snapshot: Snapshot,
  application: Application,
): { readonly deployments: readonly Deployment[]; readonly unreadable: readonly string[] } {
  const deployments: Deployment[] = []
  const unreadable: string[] = []
  for (const environment of environmentsByName(snapshot)) {
    // What is wrong with the environment as a whole is shown with it, not with each application.
    if (!environment.applications.ok) continue
    const version = deployedVersion(environment, application)
    if (!version.ok) unreadable.push(version.reason)
    else if (version.value !== undefined) deployments.push({ environment: environment.name, version: version.value })
  }
  return { deployments, unreadable }
}

function toDeploymentMessage({ environment, version }: Deployment): DeploymentMessage {
  return { environment, version: toUint64(version) }
}

export function toReleaseMessage(release: ReleaseDetails, deployments: readonly Deployment[]): ReleaseMessage {
  const { version } = release
  return {
    version: toUint64(version),
    sourceCommitId: release.sourceCommitId,
    sourceAuthor: release.sourceAuthor,
    sourceMessage: release.sourceMessage,
    createdAt: toTimestampMessage(release.createdAt),
    undeployVersion: release.isUndeploy,
    prNumber: toPullRequestNumber(release.sourceMessage),
    displayVersion: release.displayVersion,
    isPrepublish: release.isPrepublish,
    environments: release.environments.toSorted(compareNames),
    ciLink: release.ciLink,
    unreadable: release.unreadable,
    deployedIn: deployments
      .filter((deployment) => deployment.version === version)
      .map(({ environment }) => environment),
  }
}

/** The digits of the last `(#…)`, as Kuberpult finds them (spec 3.3). */
function toPullRequestNumber(sourceMessage: string): string | undefined {
  return [...sourceMessage.matchAll(/\(#([0-9]+)\)/gu)].at(-1)?.[1]
}
