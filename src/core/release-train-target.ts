import type { Environment } from './environment.ts'
import { explicitMembersOf, groupNameOf } from './environment-group.ts'
import { DomainError } from './errors.ts'
import type { EnvironmentName } from './names.ts'
import { isValidEnvironmentName } from './names.ts'
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
 * The environments that a train to `name` goes to. An environment without a group counts as its own group.
 * Throws INVALID_NAME or UNKNOWN_TARGET. A name that exists is taken whatever it looks like: the repository may have
 * been written by something with other rules.
 */
export function resolveTarget(snapshot: Snapshot, name: string, lookup: TargetLookup): ReleaseTrainTarget {
  const environment = snapshot.environments.get(name as EnvironmentName)
  const members = explicitMembersOf(snapshot, name)
  const group: ReleaseTrainTarget | undefined =
    members.length === 0 ? undefined : { kind: 'group', name, environments: members }
  const single: ReleaseTrainTarget | undefined =
    environment === undefined ? undefined : { kind: 'environment', name, environments: [environment] }

  switch (lookup) {
    case 'environment-first': {
      const found = single ?? group
      if (found !== undefined) return found
      break
    }
    case 'group-first': {
      const found = group ?? single
      if (found !== undefined) return found
      break
    }
    case 'group': {
      if (group !== undefined) return group
      if (environment !== undefined && groupNameOf(environment) === name) {
        return { kind: 'group', name, environments: [environment] }
      }
      break
    }
  }
  if (!isValidEnvironmentName(name)) {
    throw new DomainError(
      { code: 'INVALID_NAME', parameter: lookup === 'group' ? 'group' : 'environment' },
      'invalid environment',
    )
  }
  throw new DomainError(
    { code: 'UNKNOWN_TARGET', target: name },
    lookup === 'group'
      ? `error: could not find target of type ENVIRONMENTGROUP and name '${name}'`
      : `error: could not find environment group or environment configs for '${name}'`,
  )
}
