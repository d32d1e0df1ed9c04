import type Long from 'long'
import type { Environment, EnvironmentApplication } from '../core/environment.ts'
import { groupNameOf, groupWarnings, listEnvironmentGroups } from '../core/environment-group.ts'
import type { ApplicationName } from '../core/names.ts'
import { compareNames } from '../core/names.ts'
import type { Readable } from '../core/readable.ts'
import type { Snapshot } from '../core/snapshot.ts'
import { deployedVersion, queuedVersion } from '../core/snapshot.ts'
import { upstreamWarnings } from '../core/upstream-warnings.ts'
import { messageType } from './messages.ts'
import type { LocksMessage } from './to-lock-message.ts'
import { toLocksMessage } from './to-lock-message.ts'
import { toUint64 } from './uint64.ts'

/** signalbox.v1.ListEnvironmentGroupsResponse */
export interface EnvironmentGroupsMessage {
  readonly environmentGroups: readonly EnvironmentGroupMessage[]
  readonly warnings: readonly string[]
  readonly commit?: string | undefined
}

/** signalbox.v1.EnvironmentGroup */
export interface EnvironmentGroupMessage {
  readonly name?: string | undefined
  readonly environments: readonly EnvironmentSummaryMessage[]
}

/** signalbox.v1.EnvironmentSummary */
export interface EnvironmentSummaryMessage {
  readonly name?: string | undefined
  readonly upstream?: UpstreamMessage | undefined
  readonly locks: LocksMessage
  readonly warnings: readonly string[]
}

/** signalbox.v1.Upstream */
export interface UpstreamMessage {
  readonly environment?: string | undefined
  readonly latest?: boolean | undefined
}

/** signalbox.v1.Environment */
export interface EnvironmentMessage {
  readonly name?: string | undefined
  readonly environmentGroup?: string | undefined
  readonly upstream?: UpstreamMessage | undefined
  readonly locks: LocksMessage
  readonly teamLocks: Readonly<Record<string, { readonly locks: LocksMessage }>>
  readonly applications: readonly EnvironmentApplicationMessage[]
  readonly warnings: readonly string[]
  readonly commit?: string | undefined
}

/** signalbox.v1.EnvironmentApplication */
export interface EnvironmentApplicationMessage {
  readonly name?: string | undefined
  readonly team?: string | undefined
  readonly version?: Long | undefined
  readonly queuedVersion?: Long | undefined
  readonly locks: LocksMessage
  readonly unreadable: readonly string[]
}

export const environmentGroupsMessageType = messageType<EnvironmentGroupsMessage>(
  'signalbox.v1.ListEnvironmentGroupsResponse',
)
export const environmentMessageType = messageType<EnvironmentMessage>('signalbox.v1.Environment')

/** All environment groups with their environments. */
export function toEnvironmentGroupsMessage(snapshot: Snapshot): EnvironmentGroupsMessage {
  return {
    environmentGroups: listEnvironmentGroups(snapshot).map(({ name, environments }) => ({
      name,
      environments: environments.map((environment) => toEnvironmentSummaryMessage(snapshot, environment)),
    })),
    warnings: [...snapshot.problems, ...groupWarnings(snapshot)],
    commit: snapshot.commit,
  }
}

function toEnvironmentSummaryMessage(snapshot: Snapshot, environment: Environment): EnvironmentSummaryMessage {
  const { name, locks } = environment
  return {
    name,
    upstream: toUpstreamMessage(environment),
    locks: locks.ok ? toLocksMessage(locks.value.values()) : {},
    warnings: [...upstreamWarnings(snapshot, environment), ...environmentProblems(environment)],
  }
}

/** What makes every train to the environment impossible, apart from its config: see `upstreamWarnings` for that. */
function environmentProblems({ locks, teamLocks, applications }: Environment): readonly string[] {
  return [locks, teamLocks, applications].flatMap((part) => (part.ok ? [] : [part.reason]))
}

/** One environment with all that is in it. */
export function toEnvironmentMessage(snapshot: Snapshot, environment: Environment): EnvironmentMessage {
  const { locks, teamLocks, applications } = environment
  const locksByTeam = teamLocks.ok ? [...teamLocks.value].toSorted(([a], [b]) => compareNames(a, b)) : []
  const entries = applications.ok ? [...applications.value].toSorted(([a], [b]) => compareNames(a, b)) : []
  return {
    name: environment.name,
    environmentGroup: groupNameOf(environment),
    upstream: toUpstreamMessage(environment),
    locks: locks.ok ? toLocksMessage(locks.value.values()) : {},
    teamLocks: Object.fromEntries(
      locksByTeam.flatMap(([team, of]) => (of.ok ? [[team, { locks: toLocksMessage(of.value.values()) }]] : [])),
    ),
    applications: entries.map(([name, entry]) => toEnvironmentApplicationMessage(snapshot, environment, name, entry)),
    warnings: [
      ...upstreamWarnings(snapshot, environment),
      ...environmentProblems(environment),
      ...locksByTeam.flatMap(([, of]) => (of.ok ? [] : [of.reason])),
    ],
    commit: snapshot.commit,
  }
}

function toUpstreamMessage({ config }: Environment): UpstreamMessage | undefined {
  if (!config.ok || config.value.upstream === undefined) return undefined
  const { environment, latest } = config.value.upstream
  return { environment, latest }
}

function toEnvironmentApplicationMessage(
  snapshot: Snapshot,
  environment: Environment,
  name: ApplicationName,
  entry: Readable<EnvironmentApplication>,
): EnvironmentApplicationMessage {
  const unreadable: string[] = []
  const read = <T>(piece: Readable<T>): T | undefined => {
    if (piece.ok) return piece.value
    if (!unreadable.includes(piece.reason)) unreadable.push(piece.reason)
    return undefined
  }
  const known = snapshot.applications.get(name)
  const application = known === undefined ? undefined : read(known)
  const team = application === undefined ? undefined : read(application.team)
  const of = read(entry)
  const version = readVersion(application && deployedVersion(environment, application), of?.version)
  const queued = readVersion(application && queuedVersion(environment, application), of?.queuedVersion)
  if (of?.version.ok && of.version.value === undefined && of.hasManifestOnly) {
    unreadable.push(
      `a manifest is deployed in environment '${environment.name}', but no version link says of which release`,
    )
  }
  if (known === undefined && (version !== undefined || queued !== undefined)) {
    unreadable.push(
      `application '${name}' does not exist, although environment '${environment.name}' has a version of it`,
    )
  }
  const locks = of && read(of.locks)
  return {
    name,
    team,
    version,
    queuedVersion: queued,
    locks: locks === undefined ? {} : toLocksMessage(locks.values()),
    unreadable,
  }

  /** Without the application nobody knows whether the release exists; what the link says is still worth showing. */
  function readVersion(
    checked: Readable<bigint | undefined> | undefined,
    linked: Readable<bigint | undefined> | undefined,
  ): Long | undefined {
    const found = checked ?? linked
    const value = found && read(found)
    return value === undefined ? undefined : toUint64(value)
  }
}
