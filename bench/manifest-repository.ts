/** What a generated repository is made of, and the names in it: everything follows from the size. */

export interface RepositorySize {
  readonly applications: number
  /** One is the upstream of all others, which are one group. */
  readonly environments: number
  readonly releases: number
  /** Commits of history, each of which changed one deployment. */
  readonly commits: number
}

export const upstreamEnvironment = 'development'
export const targetGroup = 'production'
export const teamCount = 20

/** The environments that the train goes to. Where there is only one, it is the one that takes the latest releases. */
export function targetEnvironments({ environments }: RepositorySize): readonly string[] {
  if (environments === 1) return [upstreamEnvironment]
  return Array.from({ length: environments - 1 }, (_, index) => `production-${pad(index + 1)}`)
}

export function allEnvironments(size: RepositorySize): readonly string[] {
  return [...new Set([upstreamEnvironment, ...targetEnvironments(size)])]
}

/** The path below which a train to all target environments, and its prognosis, are found. */
export function trainPath({ environments }: RepositorySize): string {
  return environments === 1
    ? `/api/environments/${upstreamEnvironment}/releasetrain`
    : `/api/environment-groups/${targetGroup}/releasetrain`
}

export function applicationNames({ applications }: RepositorySize): readonly string[] {
  return Array.from({ length: applications }, (_, index) => applicationName(index))
}

export function applicationName(index: number): string {
  return `application-${String(index + 1).padStart(4, '0')}`
}

export function teamOf(index: number): string {
  return `team-${pad((index % teamCount) + 1)}`
}

/** Everything can travel: the target environments are three releases behind the upstream one. */
export function deployedVersion(size: RepositorySize, environment: string, application: number): number {
  const newest = size.releases - (application % 3)
  if (size.environments === 1) return newest - 3
  return environment === upstreamEnvironment ? newest : newest - 3
}

function pad(index: number): string {
  return String(index).padStart(2, '0')
}
