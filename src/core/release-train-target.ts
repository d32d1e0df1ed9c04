import type { Environment } from './environment.ts'
import { explicitMembersOf, groupNameOf } from './environment-group.ts'
import { DomainError } from './errors.ts'
import type { EnvironmentName } from './names.ts'
import type { Snapshot } from './snapshot.ts'

/**
 * How the target's name is looked up.
 * `environment-first`: the environment of that name, else the group; `group-first`: the other way round, as Kuberpult's
 * paths without `/api` always did; `group`: groups only.
 */
export type TargetLookup = 'environment-first' | 'group-first' | 'group'

export interface ReleaseTrainTarget {
  readonly kind: 'environment' | 'group'
  readonly name: string
  /** Never empty, sorted by name. */
  readonly environments: readonly Environment[]
}

/**
 * The environments that a train to `name` goes to; undefined when there are none. An environment without a group counts
 * as its own group.
 */
export function findTarget(snapshot: Snapshot, name: string, lookup: TargetLookup): ReleaseTrainTarget | undefined {
  const environment = snapshot.environments.get(name as EnvironmentName)
  const members = explicitMembersOf(snapshot, name)
  const group: ReleaseTrainTarget | undefined =
    members.length === 0 ? undefined : { kind: 'group', name, environments: members }
  const single: ReleaseTrainTarget | undefined =
    environment === undefined ? undefined : { kind: 'environment', name, environments: [environment] }

  switch (lookup) {
    case 'environment-first':
      return single ?? group
    case 'group-first':
      return group ?? single
    case 'group': {
      const isOwnGroup = environment !== undefined && groupNameOf(environment) === name
      return group ?? (isOwnGroup ? { kind: 'group', name, environments: [environment] } : undefined)
    }
  }
}

/** Nothing has that name; Kuberpult's words, and what could not be read, since that may be why. */
export function unknownTarget(name: string, lookup: TargetLookup, problems: readonly string[]): DomainError {
  const text =
    lookup === 'group'
      ? `error: could not find target of type ENVIRONMENTGROUP and name '${name}'`
      : `error: could not find environment group or environment configs for '${name}'`
  return new DomainError({ code: 'UNKNOWN_TARGET', target: name }, [text, ...problems].join('; '))
}
