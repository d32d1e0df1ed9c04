import type { ArgoCdDestinations } from './argo-cd-config.ts'
import type { Locks } from './lock.ts'
import type { ApplicationName, EnvironmentName, TeamName } from './names.ts'
import type { Readable } from './readable.ts'

/** Where an environment's versions come from. Either, both or neither may be set: a train judges that, not the reader. */
export interface Upstream {
  readonly environment: EnvironmentName | undefined
  /** The newest release of each application instead of what another environment has. */
  readonly latest: boolean
}

export interface EnvironmentConfig {
  readonly upstream: Upstream | undefined
  /** The group that `config.json` names. Without one an environment is its own group: see `groupNameOf`. */
  readonly environmentGroup: string | undefined
  readonly argoCd: ArgoCdDestinations | undefined
}

/** What an environment knows of one application: entries exist for locks and queued versions alone, too. */
export interface EnvironmentApplication {
  /** The version that the `version` link names. Whether such a release exists is for `deployedVersion` to say. */
  readonly version: Readable<bigint | undefined>
  readonly queuedVersion: Readable<bigint | undefined>
  readonly locks: Readable<Locks>
  /** A manifest stands there, although no version link can be read: something runs, and nobody knows which release. */
  readonly hasManifestOnly: boolean
}

export interface Environment {
  readonly name: EnvironmentName
  readonly config: Readable<EnvironmentConfig>
  readonly locks: Readable<Locks>
  readonly teamLocks: Readable<ReadonlyMap<TeamName, Readable<Locks>>>
  readonly applications: Readable<ReadonlyMap<ApplicationName, Readable<EnvironmentApplication>>>
}
