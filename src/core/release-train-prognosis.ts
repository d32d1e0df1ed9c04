import type { Application, Release } from './application.ts'
import { latestRelease, mayGoTo } from './application.ts'
import type { Environment, EnvironmentConfig } from './environment.ts'
import { groupNameOf, groupWarnings } from './environment-group.ts'
import type { InvalidName } from './errors.ts'
import { DomainError } from './errors.ts'
import type { Lock, Locks } from './lock.ts'
import { locksHolding, noLocks } from './lock.ts'
import type { ApplicationName, EnvironmentName, TeamName } from './names.ts'
import { compareNames, isValidEnvironmentName, isValidTeamName, nameRule } from './names.ts'
import { assertPermitted } from './permission.ts'
import type { Principal } from './principal.ts'
import type { Readable } from './readable.ts'
import { readable, unreadable } from './readable.ts'
import type { ReleaseTrainTarget, TargetLookup } from './release-train-target.ts'
import { findTarget, unknownTarget } from './release-train-target.ts'
import type { ApplicationSkip, EnvironmentSkip } from './skip-cause.ts'
import type { Snapshot } from './snapshot.ts'
import { applicationIn, deployedVersion, isKnownTeam } from './snapshot.ts'

/** What a caller asks of a train or its prognosis. Both take all of it and mean the same by it. */
export interface ReleaseTrainRequest {
  readonly target: string
  readonly lookup: TargetLookup
  /** Only this team's applications; undefined for all. */
  readonly team: string | undefined
}

/** What a train would do at this moment, environment by environment. */
export interface Prognosis {
  readonly target: ReleaseTrainTarget
  readonly team: TeamName | undefined
  /** Sorted by name. */
  readonly environments: readonly EnvironmentPrognosis[]
  /** Sentences about what could not be taken into account. */
  readonly warnings: readonly string[]
  /** From this moment on, time alone may have changed the answer: one of the locks behind it ends then. */
  readonly validUntil: Date | undefined
}

export interface EnvironmentPrognosis {
  readonly environment: EnvironmentName
  /** The environment that versions come from, or `latest`; undefined where the skip is about just that. */
  readonly upstream: EnvironmentName | 'latest' | undefined
  readonly outcome:
    | ({ readonly kind: 'skipped' } & EnvironmentSkip)
    /** Sorted by name. */
    | { readonly kind: 'decided'; readonly applications: readonly ApplicationPrognosis[] }
}

export interface ApplicationPrognosis {
  readonly application: ApplicationName
  readonly team: TeamName | undefined
  /** The version deployed now; undefined when there is none, or it cannot be read. */
  readonly deployedVersion: bigint | undefined
  readonly outcome:
    | { readonly kind: 'travels'; readonly release: Release }
    | ({ readonly kind: 'skipped' } & ApplicationSkip)
}

/**
 * Decides what a train would do. The order of the rules is that of the design, section 7, and so of spec 2.1.
 * A group is decided from the one snapshot, each environment by itself.
 *
 * Throws INVALID_NAME or UNKNOWN_TARGET for the request, PERMISSION_DENIED when the principal lacks
 * `DeployReleaseTrain` on any of the environments that have an upstream.
 */
export function prognoseReleaseTrain(
  snapshot: Snapshot,
  request: ReleaseTrainRequest,
  principal: Principal,
  now: Date,
): Prognosis {
  const target = findTarget(snapshot, request.target, request.lookup)
  assertNames(snapshot, request, target)
  if (target === undefined) throw unknownTarget(request.target, request.lookup, snapshot.problems)
  const team = (request.team || undefined) as TeamName | undefined
  for (const environment of target.environments) assertMayRunTrain(environment, principal)

  const applications = [...snapshot.applications].toSorted(([a], [b]) => compareNames(a, b))
  const environments = target.environments.map((environment) =>
    prognoseEnvironment({ snapshot, applications, environment, team, principal, now }),
  )
  return {
    target,
    team,
    environments,
    warnings: [...snapshot.problems, ...(target.kind === 'group' ? groupWarnings(snapshot) : [])],
    validUntil: earliestEnd(environments),
  }
}

interface EnvironmentQuestion {
  readonly snapshot: Snapshot
  /** All applications, sorted by name. */
  readonly applications: readonly (readonly [ApplicationName, Readable<Application>])[]
  readonly environment: Environment
  readonly team: TeamName | undefined
  readonly principal: Principal
  readonly now: Date
}

function prognoseEnvironment(question: EnvironmentQuestion): EnvironmentPrognosis {
  const { environment, snapshot, now } = question
  const name = environment.name
  const { config, locks, teamLocks } = environment
  if (!config.ok) return skipEnvironment(name, { cause: 'ENV_UNREADABLE', reason: config.reason })
  if (!locks.ok) return skipEnvironment(name, { cause: 'ENV_UNREADABLE', reason: locks.reason })
  for (const part of [teamLocks, environment.applications]) {
    if (!part.ok) return skipEnvironment(name, { cause: 'ENV_UNREADABLE', reason: part.reason })
  }
  const source = findSource(snapshot, config.value)
  if (source.kind === 'skipped') return skipEnvironment(name, source.skip, source.upstream)
  const upstream = source.kind === 'latest' ? 'latest' : source.environment.name
  const holding = locksHolding(locks.value, now)
  if (holding.length > 0) return skipEnvironment(name, { cause: 'ENV_IS_LOCKED', locks: holding }, upstream)

  const group = groupNameOf(environment) ?? name
  const candidatesOf = source.kind === 'latest' ? name : source.environment.name
  const applications = question.applications.flatMap(([applicationName, application]) => {
    const decided = prognoseApplication({ ...question, source, group, candidatesOf }, applicationName, application)
    return decided === undefined ? [] : [decided]
  })
  return { environment: name, upstream, outcome: { kind: 'decided', applications } }
}

function skipEnvironment(
  environment: EnvironmentName,
  skip: EnvironmentSkip,
  upstream?: EnvironmentName | 'latest',
): EnvironmentPrognosis {
  return { environment, upstream, outcome: { kind: 'skipped', ...skip } }
}

type Source = { readonly kind: 'latest' } | { readonly kind: 'environment'; readonly environment: Environment }

function findSource(
  snapshot: Snapshot,
  config: EnvironmentConfig,
): Source | { readonly kind: 'skipped'; readonly skip: EnvironmentSkip; readonly upstream?: EnvironmentName } {
  if (config.upstream === undefined) return { kind: 'skipped', skip: { cause: 'ENV_HAS_NO_UPSTREAM' } }
  const { environment: upstream, latest } = config.upstream
  if (upstream === undefined) {
    return latest
      ? { kind: 'latest' }
      : { kind: 'skipped', skip: { cause: 'ENV_HAS_NO_UPSTREAM_LATEST_OR_UPSTREAM_ENV' } }
  }
  if (latest) return { kind: 'skipped', skip: { cause: 'ENV_HAS_BOTH_UPSTREAM_LATEST_AND_UPSTREAM_ENV' } }
  const environment = snapshot.environments.get(upstream)
  if (environment === undefined) {
    return { kind: 'skipped', skip: { cause: 'UPSTREAM_ENV_CONFIG_NOT_FOUND', upstream }, upstream }
  }
  for (const part of [environment.config, environment.applications]) {
    if (!part.ok) {
      const reason = `its upstream '${upstream}': ${part.reason}`
      return { kind: 'skipped', skip: { cause: 'ENV_UNREADABLE', reason }, upstream }
    }
  }
  return { kind: 'environment', environment }
}

interface ApplicationQuestion extends EnvironmentQuestion {
  readonly source: Source
  readonly group: string
  /** Applications with a manifest for this environment are candidates. */
  readonly candidatesOf: EnvironmentName
}

/** Undefined for an application that this train has nothing to say about. */
function prognoseApplication(
  question: ApplicationQuestion,
  name: ApplicationName,
  application: Readable<Application>,
): ApplicationPrognosis | undefined {
  if (!application.ok) {
    return skipApplication(name, undefined, undefined, { cause: 'APP_UNREADABLE', reason: application.reason })
  }
  const { environment, team: wantedTeam, principal, now } = question
  if (!mayGoTo(application.value, question.candidatesOf)) return undefined
  const teamOfApplication = application.value.team
  if (!teamOfApplication.ok) {
    return skipApplication(name, undefined, undefined, { cause: 'APP_UNREADABLE', reason: teamOfApplication.reason })
  }
  const team = teamOfApplication.value
  if (wantedTeam !== undefined && team !== wantedTeam) return undefined

  const deployed = deployedVersion(environment, application.value)
  const from = deployed.ok ? deployed.value : undefined
  const skip = (reason: ApplicationSkip) => skipApplication(name, team, from, reason)
  if (!deployed.ok) return skip({ cause: 'APP_UNREADABLE', reason: deployed.reason })
  const locks = readLocks(environment, name, team)
  if (!locks.ok) return skip({ cause: 'APP_UNREADABLE', reason: locks.reason })
  const release = releaseToTravel(question.source, application.value)
  if (release === 'left-out') return undefined
  if (release === undefined) return skip({ cause: 'APP_HAS_NO_VERSION_IN_UPSTREAM_ENV' })
  if (!release.ok) return skip({ cause: 'APP_UNREADABLE', reason: release.reason })

  const { version, manifests, brokenManifests } = release.value
  const broken = brokenManifests?.get(environment.name)
  if (broken !== undefined) return skip({ cause: 'APP_UNREADABLE', reason: broken })
  if (version === from) return skip({ cause: 'APP_ALREADY_IN_UPSTREAM_VERSION', version })
  const hasManifest = manifests.has(environment.name)
  const denial = whyNotDeploy(principal, environment.name, question.group, name, team)
  const applicationLocks = locksHolding(locks.value.application, now)
  if (applicationLocks.length > 0) {
    const heldVersion = hasManifest && denial === undefined ? version : undefined
    return skip({ cause: 'APP_IS_LOCKED', locks: applicationLocks, heldVersion })
  }
  if (!hasManifest) return skip({ cause: 'APP_DOES_NOT_EXIST_IN_ENV', version })
  if (denial !== undefined) return skip({ cause: 'NO_TEAM_PERMISSION', reason: denial })
  const teamLocks = locksHolding(locks.value.team, now)
  if (team !== undefined && teamLocks.length > 0) {
    return skip({ cause: 'TEAM_IS_LOCKED', team, locks: teamLocks, heldVersion: version })
  }
  return { application: name, team, deployedVersion: from, outcome: { kind: 'travels', release: release.value } }
}

function skipApplication(
  application: ApplicationName,
  team: TeamName | undefined,
  from: bigint | undefined,
  skip: ApplicationSkip,
): ApplicationPrognosis {
  return { application, team, deployedVersion: from, outcome: { kind: 'skipped', ...skip } }
}

/** The release that the source offers; undefined when nothing is deployed upstream, `left-out` where latest has none. */
function releaseToTravel(source: Source, application: Application): Readable<Release> | undefined | 'left-out' {
  if (source.kind === 'latest') return latestRelease(application) ?? 'left-out'
  const upstream = deployedVersion(source.environment, application)
  if (!upstream.ok) return upstream
  if (upstream.value === undefined) return undefined
  return (
    application.releases.get(upstream.value) ??
    unreadable(`release ${upstream.value} of application '${application.name}' was not loaded`)
  )
}

function readLocks(
  environment: Environment,
  application: ApplicationName,
  team: TeamName | undefined,
): Readable<{ readonly application: Locks; readonly team: Locks }> {
  const entry = applicationIn(environment, application)
  if (!entry.ok) return entry
  const applicationLocks = entry.value?.locks ?? readable(noLocks)
  if (!applicationLocks.ok) return applicationLocks
  if (!environment.teamLocks.ok) return environment.teamLocks
  const teamLocks = (team === undefined ? undefined : environment.teamLocks.value.get(team)) ?? readable(noLocks)
  if (!teamLocks.ok) return teamLocks
  return readable({ application: applicationLocks.value, team: teamLocks.value })
}

/**
 * Throws INVALID_NAME with every name that could not exist. One that does exist is taken whatever it looks like: the
 * repository may have been written by something with other rules.
 */
function assertNames(
  snapshot: Snapshot,
  { target: name, lookup, team }: ReleaseTrainRequest,
  target: ReleaseTrainTarget | undefined,
): void {
  const invalid: InvalidName[] = []
  const messages: string[] = []
  if (target === undefined && !isValidEnvironmentName(name)) {
    const parameter = lookup === 'group' ? 'group' : 'environment'
    invalid.push({ parameter, value: name, rule: nameRule('environment') })
    messages.push('invalid environment')
  }
  if (team !== undefined && team !== '' && !isKnownTeam(snapshot, team) && !isValidTeamName(team)) {
    invalid.push({ parameter: 'team', value: team, rule: nameRule('team') })
    messages.push('invalid Team name')
  }
  if (invalid.length > 0) throw new DomainError({ code: 'INVALID_NAME', invalid }, messages.join('; '))
}

function assertMayRunTrain(environment: Environment, principal: Principal): void {
  if (!environment.config.ok || environment.config.value.upstream === undefined) return
  const environmentGroup = groupNameOf(environment) ?? environment.name
  assertPermitted(principal, 'DeployReleaseTrain', { environment: environment.name, environmentGroup })
}

function whyNotDeploy(
  principal: Principal,
  environment: EnvironmentName,
  environmentGroup: string,
  application: ApplicationName,
  team: TeamName | undefined,
): string | undefined {
  if (!principal.mayDo('DeployRelease', { environment, environmentGroup, application })) {
    return `${principal.name} lacks the permission DeployRelease for it in environment '${environment}'`
  }
  if (!principal.isInTeam(team)) {
    return team === undefined
      ? `${principal.name} may not act for applications without a team`
      : `${principal.name} is not in team '${team}'`
  }
  return undefined
}

/** The first end of any lock that was decisive. Locks that did not matter cannot change the answer by ending. */
function earliestEnd(environments: readonly EnvironmentPrognosis[]): Date | undefined {
  let earliest: Date | undefined
  const consider = (locks: readonly Lock[]) => {
    for (const { expiresAt } of locks) {
      if (expiresAt !== undefined && (earliest === undefined || expiresAt < earliest)) earliest = expiresAt
    }
  }
  for (const { outcome } of environments) {
    if (outcome.kind === 'skipped') {
      if (outcome.cause === 'ENV_IS_LOCKED') consider(outcome.locks)
      continue
    }
    for (const application of outcome.applications) {
      if ('locks' in application.outcome) consider(application.outcome.locks)
    }
  }
  return earliest
}
