import type { Snapshot } from '../../core/snapshot.ts'
import { RepositoryRefusedError } from '../store-errors.ts'

/**
 * Throws RepositoryRefusedError for a repository that Kuberpult's manifest exporter wrote: it has the deployed manifests
 * but keeps the versions, releases and locks in its database (spec 0.1). A train would see nothing deployed anywhere.
 */
export function assertNotExported(snapshot: Snapshot, repository: string): void {
  let example: string | undefined
  for (const environment of snapshot.environments.values()) {
    if (!environment.applications.ok) continue
    for (const [application, entry] of environment.applications.value) {
      if (!entry.ok) continue
      if (!entry.value.version.ok || entry.value.version.value !== undefined) return
      if (entry.value.hasManifestOnly) example ??= `environments/${environment.name}/applications/${application}`
    }
  }
  if (example === undefined) return
  throw new RepositoryRefusedError(
    `${repository} was written by Kuberpult's manifest exporter (Kuberpult with a database): ${example} has manifests but no ` +
      'version, and no other application has one either. Its releases and locks are only in that database. ' +
      'Serve a repository of Kuberpult v2.44 or older, or begin with an empty one and release into it',
  )
}
