import type { Application, Release } from './application.ts'
import type { ArgoCdSource } from './argo-cd-file.ts'
import { argoCdFiles } from './argo-cd-file.ts'
import type { Change } from './change.ts'
import type { Environment, EnvironmentApplication } from './environment.ts'
import { toGoTimeText } from './go-time.ts'
import { applicationDirectoryIn, argoCdFile, versionLinkTarget } from './manifest-layout.ts'
import type { ApplicationName, EnvironmentName, TeamName } from './names.ts'
import type { Principal } from './principal.ts'
import type { Readable } from './readable.ts'
import type { Snapshot } from './snapshot.ts'
import { queuedVersion } from './snapshot.ts'

/** Deploys a release that has a manifest for the environment: link, manifest, who and when (spec 6.3). */
export function deploy(
  environment: EnvironmentName,
  application: ApplicationName,
  release: Release,
  principal: Pick<Principal, 'name' | 'email'>,
  now: Date,
): readonly Change[] {
  const directory = applicationDirectoryIn(environment, application)
  const manifest = release.manifests.get(environment)
  if (manifest === undefined) throw new Error(`release ${release.version} of ${application} has no manifest to deploy`)
  return [
    {
      path: `${directory}/version`,
      content: { kind: 'link', target: versionLinkTarget(application, release.version) },
    },
    {
      path: `${directory}/manifests/manifests.yaml`,
      // An empty manifest is written as one space: Argo CD and Kuberpult's readers rely on a file that is not empty.
      content: manifest === emptyFile ? { kind: 'text', text: ' ' } : { kind: 'blob', id: manifest },
    },
    { path: `${directory}/deployed_by`, content: { kind: 'text', text: principal.name } },
    { path: `${directory}/deployed_by_email`, content: { kind: 'text', text: principal.email } },
    { path: `${directory}/deployed_at_utc`, content: { kind: 'text', text: toGoTimeText(now) } },
    { path: `${directory}/queued_version`, content: { kind: 'absent' } },
  ]
}

/** git's id of the file without content. */
const emptyFile = 'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391'

/** Remembers the version that a lock holds back; no change when it is remembered already. */
export function queue(environment: Environment, application: Application, version: bigint): readonly Change[] {
  const queued = queuedVersion(environment, application)
  if (queued.ok && queued.value === version) return []
  const path = `${applicationDirectoryIn(environment.name, application.name)}/queued_version`
  return [{ path, content: { kind: 'link', target: versionLinkTarget(application.name, version) } }]
}

/**
 * The environment's Argo CD files as they must be after these applications were deployed to it. They depend on which
 * applications are deployed, not on versions, so mostly they come out as they were and change nothing.
 */
export function renderArgoCdFiles(
  snapshot: Snapshot,
  environment: Environment,
  deployedNow: readonly ApplicationName[],
  source: ArgoCdSource,
): readonly Change[] {
  if (!environment.config.ok || environment.config.value.argoCd === undefined) return []
  const deployed = new Map<ApplicationName, TeamName | undefined>()
  for (const name of deployedNow) deployed.set(name, teamOf(snapshot, name))
  if (environment.applications.ok) {
    for (const [name, entry] of environment.applications.value) {
      if (isRunning(snapshot, name, entry)) deployed.set(name, teamOf(snapshot, name))
    }
  }
  return argoCdFiles(environment.name, environment.config.value.argoCd, deployed, source).map(({ name, text }) => ({
    path: argoCdFile(name),
    content: { kind: 'text', text },
  }))
}

/**
 * Whether the application stands in the Argo CD file of an environment that knows this of it. What cannot be read does
 * not take a running application out of the file, because Argo CD would delete it; a stray file is no application.
 */
function isRunning(snapshot: Snapshot, name: ApplicationName, entry: Readable<EnvironmentApplication>): boolean {
  if (!entry.ok) return snapshot.applications.has(name)
  const { version, hasManifestOnly } = entry.value
  return version.ok ? Boolean(version.value) : hasManifestOnly
}

function teamOf(snapshot: Snapshot, name: ApplicationName): TeamName | undefined {
  const application = snapshot.applications.get(name)
  return application?.ok && application.value.team.ok ? application.value.team.value : undefined
}
