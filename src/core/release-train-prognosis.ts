import type { Release } from './application.ts'
import { withoutDenied } from './denied-decisions.ts'
import type { Environment } from './environment.ts'
import { groupWarnings } from './environment-group.ts'
import type { InvalidName } from './errors.ts'
import { DomainError } from './errors.ts'
import type { KnownTags } from './git-tag.ts'
import { assertFree, findSource, invalidTagNames } from './git-tag.ts'
import type { Lock } from './lock.ts'
import type { ApplicationName, EnvironmentName, TeamName } from './names.ts'
import { isValidEnvironmentName, isValidTeamName, nameRule } from './names.ts'
import { assertPermitted, targetOf } from './permission.ts'
import type { ObjectId } from './object-id.ts'
import type { Principal } from './principal.ts'
import { prognoseEnvironment } from './prognose-environment.ts'
import type { ReleaseTrainTarget, TargetLookup } from './release-train-target.ts'
import { findTarget, unknownTarget } from './release-train-target.ts'
import type { ApplicationSkip, EnvironmentSkip } from './skip-cause.ts'
import type { Snapshot } from './snapshot.ts'
import { isKnownTeam } from './snapshot.ts'

/** What a caller asks of a train or its prognosis. Both take all of it and mean the same by it. */
export interface ReleaseTrainRequest {
  readonly target: string
  readonly lookup: TargetLookup
  /** Only this team's applications; undefined for all. */
  readonly team: string | undefined
  /** The commit that the train makes gets this tag. */
  readonly gitTag?: string | undefined
  /** A replay: the versions are those that the upstream had at this tag's commit. */
  readonly sourceGitTag?: string | undefined
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
  /** What the train's commit is to be tagged with. */
  readonly gitTag?: string
  /** Of a replay: the tag, and the commit that it leads to. */
  readonly source?: { readonly gitTag: string; readonly commit: ObjectId }
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
    | {
        readonly kind: 'travels'
        readonly release: Release
        /** Only in a replay: the release has been removed since, and comes back. */
        readonly restored?: RestoredRelease
      }
    | ({ readonly kind: 'skipped' } & ApplicationSkip)
}

export interface RestoredRelease {
  /** Its directory. */
  readonly tree: ObjectId
  /** The application has been removed as well, and comes back with its team; undefined when it is there, or had none. */
  readonly team: TeamName | undefined
}

/**
 * Decides what a train would do. The order of the rules is that of the design, section 7, and so of spec 2.1.
 * A group is decided from the one snapshot, each environment by itself.
 *
 * With `sourceGitTag` the versions are those of the tag's snapshot; locks, teams, permissions and configs are judged on the present.
 *
 * Throws INVALID_NAME or UNKNOWN_TARGET for the request, PERMISSION_DENIED when the principal lacks
 * `DeployReleaseTrain` on any of the environments that have an upstream, TAG_EXISTS, UNKNOWN_TAG and TAG_UNUSABLE.
 */
export function prognoseReleaseTrain(
  snapshot: Snapshot,
  request: ReleaseTrainRequest,
  principal: Principal,
  now: Date,
  tags: KnownTags = {},
): Prognosis {
  const target = findTarget(snapshot, request.target, request.lookup)
  assertNames(snapshot, request, target)
  if (target === undefined) throw unknownTarget(request.target, request.lookup, snapshot.problems)
  const team = (request.team || undefined) as TeamName | undefined
  for (const environment of target.environments) assertMayRunTrain(environment, principal)

  const { gitTag, sourceGitTag } = request
  if (gitTag !== undefined) assertFree(gitTag, tags.created)
  const source = sourceGitTag === undefined ? undefined : findSource(sourceGitTag, tags.source)

  const past = source?.snapshot
  const environments = target.environments.map((environment) =>
    withoutDenied(prognoseEnvironment({ snapshot, past, environment, team, now }), environment, principal),
  )
  return {
    target,
    team,
    environments,
    warnings: [...snapshot.problems, ...(target.kind === 'group' ? groupWarnings(snapshot) : [])],
    validUntil: earliestEnd(environments),
    ...(gitTag !== undefined && { gitTag }),
    ...(sourceGitTag !== undefined &&
      source !== undefined && { source: { gitTag: sourceGitTag, commit: source.commit } }),
  }
}

/**
 * Throws INVALID_NAME with every name that could not exist. One that does exist is taken whatever it looks like: the
 * repository may have been written by something with other rules.
 */
function assertNames(
  snapshot: Snapshot,
  { target: name, lookup, team, gitTag, sourceGitTag }: ReleaseTrainRequest,
  target: ReleaseTrainTarget | undefined,
): void {
  const invalid: InvalidName[] = [...invalidTagNames({ created: gitTag, source: sourceGitTag })]
  const messages = invalid.map(({ parameter }) => `invalid ${parameter}`)
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

/** Throws PERMISSION_DENIED for who may not run a train to that environment. One without an upstream gets none. */
export function assertMayRunTrain(environment: Environment, principal: Principal): void {
  if (!environment.config.ok || environment.config.value.upstream === undefined) return
  assertPermitted(principal, 'DeployReleaseTrain', targetOf(environment))
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
