import type { Lock } from './lock.ts'
import type { EnvironmentName, TeamName } from './names.ts'

/**
 * Why an environment or an application stays behind. Names and, on the wire, numbers are Kuberpult's (spec 2.8); ours
 * begin at 100. Each cause carries what is needed to explain it.
 */
export type EnvironmentSkip =
  | { readonly cause: 'ENV_HAS_NO_UPSTREAM' }
  | { readonly cause: 'ENV_HAS_NO_UPSTREAM_LATEST_OR_UPSTREAM_ENV' }
  | { readonly cause: 'ENV_HAS_BOTH_UPSTREAM_LATEST_AND_UPSTREAM_ENV' }
  | { readonly cause: 'UPSTREAM_ENV_CONFIG_NOT_FOUND'; readonly upstream: EnvironmentName }
  | { readonly cause: 'ENV_IS_LOCKED'; readonly locks: readonly Lock[] }
  | { readonly cause: 'ENV_UNREADABLE'; readonly reason: string }

export type ApplicationSkip =
  | { readonly cause: 'APP_HAS_NO_VERSION_IN_UPSTREAM_ENV' }
  | { readonly cause: 'APP_ALREADY_IN_UPSTREAM_VERSION'; readonly version: bigint }
  | {
      readonly cause: 'APP_IS_LOCKED'
      readonly locks: readonly Lock[]
      /** The version that the lock holds back, when nothing but locks does. */
      readonly heldVersion: bigint | undefined
    }
  | { readonly cause: 'APP_DOES_NOT_EXIST_IN_ENV'; readonly version: bigint }
  | {
      readonly cause: 'TEAM_IS_LOCKED'
      readonly team: TeamName
      readonly locks: readonly Lock[]
      /** Undefined for a version that would have to be brought back first. */
      readonly heldVersion: bigint | undefined
    }
  | { readonly cause: 'NO_TEAM_PERMISSION'; readonly reason: string }
  | { readonly cause: 'APP_UNREADABLE'; readonly reason: string }

export type EnvironmentSkipCause = EnvironmentSkip['cause']
export type ApplicationSkipCause = ApplicationSkip['cause']

/** One sentence for people, without a full stop: why the environment takes nothing. */
export function describeEnvironmentSkip(skip: EnvironmentSkip): string {
  return toOneLine(environmentSentence(skip))
}

function environmentSentence(skip: EnvironmentSkip): string {
  switch (skip.cause) {
    case 'ENV_HAS_NO_UPSTREAM':
      return 'it has no upstream'
    case 'ENV_HAS_NO_UPSTREAM_LATEST_OR_UPSTREAM_ENV':
      return 'its upstream names neither an environment nor latest'
    case 'ENV_HAS_BOTH_UPSTREAM_LATEST_AND_UPSTREAM_ENV':
      return 'its upstream names both an environment and latest'
    case 'UPSTREAM_ENV_CONFIG_NOT_FOUND':
      return `its upstream environment '${skip.upstream}' does not exist`
    case 'ENV_IS_LOCKED':
      return `the environment is locked: ${describeLocks(skip.locks)}`
    case 'ENV_UNREADABLE':
      return `unreadable: ${skip.reason}`
  }
}

/** One sentence for people, without a full stop: why the application stays. */
export function describeApplicationSkip(skip: ApplicationSkip): string {
  return toOneLine(applicationSentence(skip))
}

function applicationSentence(skip: ApplicationSkip): string {
  switch (skip.cause) {
    case 'APP_HAS_NO_VERSION_IN_UPSTREAM_ENV':
      return 'nothing is deployed upstream'
    case 'APP_ALREADY_IN_UPSTREAM_VERSION':
      return `already at version ${skip.version}`
    case 'APP_IS_LOCKED':
      return `the application is locked: ${describeLocks(skip.locks)}`
    case 'APP_DOES_NOT_EXIST_IN_ENV':
      return `version ${skip.version} has no manifest for this environment`
    case 'TEAM_IS_LOCKED':
      return `team ${skip.team} is locked: ${describeLocks(skip.locks)}`
    case 'NO_TEAM_PERMISSION':
      return skip.reason
    case 'APP_UNREADABLE':
      return `unreadable: ${skip.reason}`
  }
}

function describeLocks(locks: readonly Lock[]): string {
  return locks.map(({ id, message }) => (message.trim() === '' ? id : `${id} (${shorten(message)})`)).join(', ')
}

/** Lock messages are free text: the beginning of the first line is enough. */
function shorten(message: string): string {
  const characters = Array.from(message.trim().split(/[\r\n]/u, 1)[0] ?? '')
  return characters.length > 100 ? `${characters.slice(0, 99).join('')}…` : characters.join('')
}

/** Names and reasons come from the repository: they must not break a table, a commit message or a terminal. */
function toOneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029]/gu, ' ')
}
