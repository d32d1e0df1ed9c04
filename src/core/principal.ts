import type { ApplicationName, EnvironmentName, TeamName } from './names.ts'

/** What a principal may be allowed to do; Kuberpult's action names (spec 5.3). */
export const actions = [
  'CreateLock',
  'DeleteLock',
  'CreateRelease',
  'DeployRelease',
  'CreateUndeploy',
  'DeployUndeploy',
  'CreateEnvironment',
  'DeleteEnvironment',
  'DeleteEnvironmentApplication',
  'DeployReleaseTrain',
] as const

export type Action = (typeof actions)[number]

/** What an action is done to. Without an application: the environment as a whole. */
export interface ActionTarget {
  readonly environment: EnvironmentName
  /** `*` for all of them together. */
  readonly environmentGroup: string
  readonly application?: ApplicationName
}

/** Who asks, and what they may do, which does not change: somebody who may do something else is another object. */
export interface Principal {
  readonly name: string
  readonly email: string
  /** Undefined while nobody is asked who they are. */
  readonly roles?: readonly string[]
  /** Name and e-mail are what the caller says of itself, and nobody has checked it. */
  readonly isClaimed?: boolean
  /** Without an application: for all of them, and then for each. */
  mayDo(action: Action, target: ActionTarget): boolean
  /** Whether they may act for applications of that team; undefined is an application without one, and takes who may act for all. */
  isInTeam(team: TeamName | undefined): boolean
}

/** A principal whom nothing is refused: everyone, while nobody is asked who they are. */
export function createUnrestrictedPrincipal(person: { readonly name: string; readonly email: string }): Principal {
  return { ...person, mayDo: () => true, isInTeam: () => true }
}
