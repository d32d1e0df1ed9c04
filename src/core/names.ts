declare const brand: unique symbol

/** Names are text, but an environment's name is never by accident an application's. */
export type EnvironmentName = string & { readonly [brand]: 'EnvironmentName' }
export type ApplicationName = string & { readonly [brand]: 'ApplicationName' }
export type TeamName = string & { readonly [brand]: 'TeamName' }

/** What Kuberpult accepts for names it creates (spec 6.4): lower-case letters and digits in groups joined by one hyphen. */
const namePattern = /^[a-z0-9]+(-[a-z0-9]+)*$/

const maximumLength = { application: 39, environment: 20, team: 62 } as const

/** Whether `name` may be given to an environment or an environment group. */
export function isValidEnvironmentName(name: string): name is EnvironmentName {
  return name.length <= maximumLength.environment && namePattern.test(name)
}

/** Whether `name` may be given to an application. */
export function isValidApplicationName(name: string): name is ApplicationName {
  return name.length <= maximumLength.application && namePattern.test(name)
}

/** Whether `name` may be given to a team. */
export function isValidTeamName(name: string): name is TeamName {
  return name.length <= maximumLength.team && namePattern.test(name)
}

/** Orders names by UTF-16 code unit: the same on every machine, whatever its locale. */
export function compareNames(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
