/** What of an application's releases is needed after a command. */
export interface ReleasesInUse {
  /** All versions, oldest first. */
  readonly versions: readonly bigint[]
  /** Deployed somewhere. */
  readonly deployed: ReadonlySet<bigint>
  /** Held back somewhere by a lock. */
  readonly queued: ReadonlySet<bigint>
}

/**
 * The versions that may go, oldest first: of those older than the oldest deployed one, or than the newest where none is
 * deployed, all but `limit - 1` (spec 6.5). A queued version is kept.
 */
export function expiredVersions({ versions, deployed, queued }: ReleasesInUse, limit: number): readonly bigint[] {
  const oldestNeeded = versions.findIndex((version) => deployed.has(version))
  const position = oldestNeeded === -1 ? versions.length - 1 : oldestNeeded
  return versions.slice(0, Math.max(position - (limit - 1), 0)).filter((version) => !queued.has(version))
}
