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
  return isValidName('environment', name)
}

/** Whether `name` may be given to an application; `isLong` allows 70 characters. */
export function isValidApplicationName(name: string, isLong = false): name is ApplicationName {
  return isLong ? name.length <= 70 && namePattern.test(name) : isValidName('application', name)
}

/** Whether `name` may be given to a team. */
export function isValidTeamName(name: string): name is TeamName {
  return isValidName('team', name)
}

function isValidName(kind: keyof typeof maximumLength, name: string): boolean {
  return name.length <= maximumLength[kind] && namePattern.test(name)
}

/** What such a name has to be, for people. */
export function nameRule(kind: keyof typeof maximumLength): string {
  return `at most ${maximumLength[kind]} lower-case letters and digits, with single hyphens between them`
}

/**
 * Whether a directory may have this name in every checkout: nothing that leads elsewhere, and none of git's own names, in
 * whatever spelling leads to the same file on Windows (dots and spaces at the end, streams, short names) or macOS (invisible
 * characters).
 */
export function isDirectoryName(name: string): boolean {
  if (name === '' || name === '.' || name === '..' || /[/\\\0\p{Cs}]/u.test(name)) return false
  if (byteLengthOf(name) > 255) return false
  return ![name, name.replaceAll(/\p{Cf}/gu, '')].some((spelling) => gitsOwn.test(spelling))
}

const gitsOwn = /^(\.git(modules|attributes)?|(g\w{0,5})?~\d+)[. ]*(:.*)?$/is

/** The length of the text in UTF-8. */
export function byteLengthOf(text: string): number {
  return new TextEncoder().encode(text).length
}

/** Orders names by UTF-16 code unit: the same on every machine, whatever its locale. */
export function compareNames(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
