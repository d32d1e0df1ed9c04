import { DomainError } from './errors.ts'
import { maximumVersion } from './manifest-layout.ts'
import type { ApplicationName, EnvironmentName, TeamName } from './names.ts'
import type { ObjectId } from './object-id.ts'
import type { Readable } from './readable.ts'

/** One release: a version of an application, with a manifest for each environment that it may go to. */
export interface Release {
  readonly version: bigint
  /** The manifest's blob for each environment that has one. */
  readonly manifests: ReadonlyMap<EnvironmentName, ObjectId>
  /** Why the manifest for an environment cannot be read; absent when each can. */
  readonly brokenManifests?: ReadonlyMap<EnvironmentName, string>
  /** Announced, but without manifests yet: never what `latest` means. */
  readonly isPrepublish: boolean
  /** Marks the application as about to be removed. */
  readonly isUndeploy: boolean
  /** The id of its directory, for what was read from a repository. */
  readonly tree?: ObjectId
}

export interface Application {
  readonly name: ApplicationName
  readonly team: Readable<TeamName | undefined>
  readonly sourceRepoUrl: string | undefined
  /** All versions, oldest first. */
  readonly versions: readonly bigint[]
  /**
   * The releases that decisions can need, by version: the newest ones until together they have a manifest for every
   * environment (or all of them), and at least down to the first that is not known to be a pre-publish; and each one that
   * is deployed or queued somewhere.
   */
  readonly releases: ReadonlyMap<bigint, Readable<Release>>
}

/** Whether a release of that version exists. */
export function hasVersion(application: Application, version: bigint): boolean {
  // Mostly asked for one of the newest, and retention keeps the list short.
  return application.versions.lastIndexOf(version) !== -1
}

/** The number after the highest of these versions, 1 for none. Throws VERSIONS_EXHAUSTED. */
export function nextVersion(application: ApplicationName, versions: readonly bigint[]): bigint {
  const newest = versions.at(-1) ?? 0n
  if (newest < maximumVersion) return newest + 1n
  throw new DomainError(
    { code: 'VERSIONS_EXHAUSTED', application },
    `version ${newest} of '${application}' is the highest that there can be: there is no next number`,
  )
}

/** The highest release that is not a pre-publish; undefined when there is none. */
export function latestRelease(application: Application): Readable<Release> | undefined {
  for (const version of application.versions.toReversed()) {
    const release = application.releases.get(version)
    if (release !== undefined && !(release.ok && release.value.isPrepublish)) return release
  }
  return undefined
}

/**
 * Whether any release has a manifest for the environment. A release that cannot be read may have one: its application
 * is then worth a reason of its own instead of silence.
 */
export function mayGoTo(application: Application, environment: EnvironmentName): boolean {
  for (const release of application.releases.values()) {
    if (!release.ok || release.value.manifests.has(environment)) return true
    if (release.value.brokenManifests?.has(environment) === true) return true
  }
  return false
}
