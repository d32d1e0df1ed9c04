import type { Environment } from './environment.ts'
import { compareNames } from './names.ts'
import type { Snapshot } from './snapshot.ts'

export interface EnvironmentGroup {
  readonly name: string
  /** Sorted by name. */
  readonly environments: readonly Environment[]
}

/** The group an environment belongs to: the one its config names, else its own name. Undefined when the config is unreadable. */
export function groupNameOf(environment: Environment): string | undefined {
  return environment.config.ok ? (environment.config.value.environmentGroup ?? environment.name) : undefined
}

/** All groups sorted by name. Environments whose group cannot be known are in none: see `groupWarnings`. */
export function listEnvironmentGroups(snapshot: Snapshot): readonly EnvironmentGroup[] {
  const groups = new Map<string, Environment[]>()
  for (const environment of environmentsByName(snapshot)) {
    const name = groupNameOf(environment)
    if (name === undefined) continue
    const members = groups.get(name)
    if (members === undefined) groups.set(name, [environment])
    else members.push(environment)
  }
  return [...groups]
    .map(([name, environments]) => ({ name, environments }))
    .toSorted((a, b) => compareNames(a.name, b.name))
}

/** The environments whose config names this group, sorted by name. */
export function explicitMembersOf(snapshot: Snapshot, group: string): readonly Environment[] {
  return environmentsByName(snapshot).filter(
    (environment) => environment.config.ok && environment.config.value.environmentGroup === group,
  )
}

/** A sentence for each environment of which it is not plain which group it belongs to. */
export function groupWarnings(snapshot: Snapshot): readonly string[] {
  return environmentsByName(snapshot).flatMap(({ name, config }) => {
    if (!config.ok) return [`the group of environment '${name}' cannot be known: ${config.reason}`]
    const isHidden = config.value.environmentGroup === undefined && explicitMembersOf(snapshot, name).length > 0
    return isHidden
      ? [`a train to group '${name}' leaves out the environment of that name, whose config names no group`]
      : []
  })
}

export function environmentsByName(snapshot: Snapshot): readonly Environment[] {
  return [...snapshot.environments.values()].toSorted((a, b) => compareNames(a.name, b.name))
}
