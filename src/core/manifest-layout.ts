import type { ApplicationName, EnvironmentName } from './names.ts'

/**
 * Where everything stands in a manifest repository: Kuberpult's v2.44.1 layout (spec 1). Pure text; whether the names
 * may stand in a path is for the tree editor, which refuses what could leave its folder.
 */

export const environmentsDirectory = 'environments'
export const applicationsDirectory = 'applications'

/** `environments/<environment>/config.json` */
export function configFile(environment: EnvironmentName): string {
  return `${environmentsDirectory}/${environment}/config.json`
}

/** `environments/<environment>/applications/<application>` */
export function applicationDirectoryIn(environment: EnvironmentName, application: ApplicationName): string {
  return `${environmentsDirectory}/${environment}/applications/${application}`
}

/** The manifest that is deployed there. */
export function manifestFileIn(environment: EnvironmentName, application: ApplicationName): string {
  return `${applicationDirectoryIn(environment, application)}/manifests/manifests.yaml`
}

/** `applications/<application>/releases/<version>` */
export function releaseDirectory(application: ApplicationName, version: bigint): string {
  return `${applicationsDirectory}/${application}/releases/${version}`
}

/** The text of a `version` or `queued_version` link. */
export function versionLinkTarget(application: ApplicationName, version: bigint): string {
  return `../../../../${releaseDirectory(application, version)}`
}

export const argoCdDirectory = 'argocd/v1alpha1'

/** `argocd/v1alpha1/<name>.yaml` */
export function argoCdFile(name: string): string {
  return `${argoCdDirectory}/${name}.yaml`
}

/** Versions are unsigned 64-bit numbers. */
export const maximumVersion = 2n ** 64n - 1n

/** A release's directory name as its version: an unsigned 64-bit number as it is written. Undefined for anything else. */
export function parseVersion(name: string): bigint | undefined {
  if (!/^(0|[1-9][0-9]{0,19})$/.test(name)) return undefined
  const version = BigInt(name)
  return version <= maximumVersion ? version : undefined
}

/**
 * The version that a link in `environments/<environment>/applications/<application>/` names; undefined when the link
 * leads anywhere but to a release of that application.
 */
export function parseVersionLink(application: ApplicationName, target: string): bigint | undefined {
  const canonical = `../../../../${applicationsDirectory}/${application}/releases/`
  const segments = target.split('/').filter((segment) => segment !== '' && segment !== '.')
  const isRelative = !target.startsWith('/')
  const normal = segments.join('/')
  return isRelative && normal.startsWith(canonical) ? parseVersion(normal.slice(canonical.length)) : undefined
}
