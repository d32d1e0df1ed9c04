import type { Application, Release } from './application.ts'
import { hasVersion, latestRelease, mayGoTo } from './application.ts'
import type { Environment, EnvironmentConfig } from './environment.ts'
import type { Locks } from './lock.ts'
import { isHolding, locksHolding, noLocks } from './lock.ts'
import type { ApplicationName, EnvironmentName, TeamName } from './names.ts'
import { compareNames } from './names.ts'
import type { Readable } from './readable.ts'
import { readable, unreadable } from './readable.ts'
import type { ApplicationPrognosis, EnvironmentPrognosis, RestoredRelease } from './release-train-prognosis.ts'
import type { ApplicationSkip, EnvironmentSkip } from './skip-cause.ts'
import type { Snapshot } from './snapshot.ts'
import { applicationIn, deployedVersion } from './snapshot.ts'

export interface EnvironmentQuestion {
  readonly snapshot: Snapshot
  /** What was known at the commit of a replay: there the versions come from. */
  readonly past: Snapshot | undefined
  readonly environment: Environment
  /** Only this team's applications; undefined for all. */
  readonly team: TeamName | undefined
  readonly now: Date
}

/**
 * Decides one environment for somebody who may do everything, in the order of the design, section 7. What a decision depends on
 * are few pieces of the snapshot, which stay the same objects while nobody changes them: then so do the decisions.
 */
export function prognoseEnvironment(asked: EnvironmentQuestion): EnvironmentPrognosis {
  const { snapshot, past, environment, team, now } = asked
  const name = environment.name
  const { config, locks, teamLocks } = environment
  if (!config.ok) return skipEnvironment(name, { cause: 'ENV_UNREADABLE', reason: config.reason })
  if (!locks.ok) return skipEnvironment(name, { cause: 'ENV_UNREADABLE', reason: locks.reason })
  for (const part of [teamLocks, environment.applications]) {
    if (!part.ok) return skipEnvironment(name, { cause: 'ENV_UNREADABLE', reason: part.reason })
  }
  const source = findSource(snapshot, past, config.value)
  if (source.kind === 'skipped') return skipEnvironment(name, source.skip, source.upstream)
  const upstream = source.kind === 'latest' ? 'latest' : source.name
  const holding = locksHolding(locks.value, now)
  if (holding.length > 0) return skipEnvironment(name, { cause: 'ENV_IS_LOCKED', locks: holding }, upstream)

  const candidatesOf = source.kind === 'latest' ? name : source.name
  const question: ApplicationQuestion = { ...asked, source, candidatesOf }
  // Those of one team are few, and a replay is seldom asked for twice.
  if (team === undefined && past === undefined) return prognoseAgain(question, config.value)
  return toPrognosis(question, decideAll(question))
}

/** What was decided last about all applications of an environment, and from what. */
interface Decisions {
  readonly question: ApplicationQuestion
  /** From this moment on time changes some of it; undefined when it cannot. */
  readonly until: Date | undefined
  /** Of each application in their order; undefined for one that is left out. */
  readonly decided: readonly (ApplicationPrognosis | undefined)[]
  readonly prognosis: EnvironmentPrognosis
}

/** By the config of the environment, which stays the same object from snapshot to snapshot. */
const lastDecisions = new WeakMap<EnvironmentConfig, Decisions>()

/** Decides about those applications of which something is not what it was at the last time. */
function prognoseAgain(question: ApplicationQuestion, config: EnvironmentConfig): EnvironmentPrognosis {
  const known = lastDecisions.get(config)
  const last = known !== undefined && holdsFor(known, question) ? known : undefined
  if (last !== undefined && isSameQuestion(last.question, question)) return last.prognosis
  const decided = last === undefined ? decideAll(question) : decideAgain(question, last)
  const isSame = decided.length === last?.decided.length && decided.every((one, index) => one === last.decided[index])
  const prognosis = isSame ? last.prognosis : toPrognosis(question, decided)
  const until = last?.question.environment === question.environment ? last.until : firstEnd(question)
  lastDecisions.set(config, { question, until, decided, prognosis })
  return prognosis
}

function decideAll(question: ApplicationQuestion): Decisions['decided'] {
  if (question.past !== undefined) return replayAll(question, question.past)
  return sortedApplications(question.snapshot).map(([name, application]) =>
    prognoseApplication(question, name, application, application),
  )
}

/** The same for all applications that are, or were, there. */
function replayAll(question: ApplicationQuestion, past: Snapshot): Decisions['decided'] {
  const { applications } = question.snapshot
  const names = new Set([...applications.keys(), ...past.applications.keys()])
  return [...names].toSorted(compareNames).map((name) => {
    const offered = past.applications.get(name)
    const application = applications.get(name) ?? withoutReleases(offered)
    return application === undefined ? undefined : prognoseApplication(question, name, application, offered)
  })
}

/** What is left of an application that has been removed since. */
function withoutReleases(removed: Readable<Application> | undefined): Readable<Application> | undefined {
  return removed?.ok === true ? readable({ ...removed.value, versions: [], releases: new Map() }) : removed
}

function decideAgain(question: ApplicationQuestion, last: Decisions): Decisions['decided'] {
  const before = sortedApplications(last.question.snapshot)
  const hasSameEntries =
    last.question.environment === question.environment && upstreamOf(last.question) === upstreamOf(question)
  let at = 0
  return sortedApplications(question.snapshot).map(([name, application]) => {
    while (at < before.length && compareNames(before[at]?.[0] ?? name, name) < 0) at += 1
    const [nameBefore, applicationBefore] = before[at] ?? []
    const isSame =
      nameBefore === name &&
      applicationBefore === application &&
      (hasSameEntries || isSameEntryFor(name, last.question, question))
    if (isSame) return last.decided[at]
    const decided = prognoseApplication(question, name, application, application)
    // What changed was mostly of no concern here: a release was loaded that is deployed elsewhere.
    return nameBefore === name && isSameDecision(decided, last.decided[at]) ? last.decided[at] : decided
  })
}

function isSameDecision(a: ApplicationPrognosis | undefined, b: ApplicationPrognosis | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  const [ofA, ofB] = [Object.entries(a.outcome), new Map(Object.entries(b.outcome))]
  return (
    a.team === b.team &&
    a.deployedVersion === b.deployedVersion &&
    ofA.length === ofB.size &&
    ofA.every(([key, value]) => ofB.has(key) && isSameValue(value, ofB.get(key)))
  )
}

/** The same object, or lists of the same objects. */
function isSameValue(a: unknown, b: unknown): boolean {
  if (!Array.isArray(a) || !Array.isArray(b)) return a === b
  return a.length === b.length && a.every((item, index) => item === b[index])
}

/** Whether time and what concerns all applications alike have left the decisions alone. */
function holdsFor({ question: last, until }: Decisions, { environment, source, now }: ApplicationQuestion): boolean {
  return (
    last.now <= now &&
    (until === undefined || now < until) &&
    last.environment.name === environment.name &&
    last.environment.teamLocks === environment.teamLocks &&
    last.source.kind === source.kind
  )
}

function isSameQuestion(a: ApplicationQuestion, b: ApplicationQuestion): boolean {
  return (
    a.environment === b.environment &&
    upstreamOf(a) === upstreamOf(b) &&
    a.snapshot.applications === b.snapshot.applications
  )
}

function isSameEntryFor(name: ApplicationName, a: ApplicationQuestion, b: ApplicationQuestion): boolean {
  return (
    entryIn(a.environment, name) === entryIn(b.environment, name) &&
    entryIn(upstreamOf(a), name) === entryIn(upstreamOf(b), name)
  )
}

function upstreamOf({ source }: ApplicationQuestion): Environment | undefined {
  return source.kind === 'environment' ? source.environment : undefined
}

function entryIn(environment: Environment | undefined, name: ApplicationName) {
  return environment?.applications.ok ? environment.applications.value.get(name) : undefined
}

/** The first moment after `now` at which a lock on an application or a team ends there. */
function firstEnd({ environment: { teamLocks, applications }, now }: ApplicationQuestion): Date | undefined {
  let first: Date | undefined
  const consider = (locks: Readable<Locks>) => {
    if (!locks.ok || locks.value.size === 0) return
    for (const lock of locks.value.values()) {
      const end = lock.expiresAt
      if (end !== undefined && isHolding(lock, now) && (first === undefined || end < first)) first = end
    }
  }
  if (teamLocks.ok) for (const locks of teamLocks.value.values()) consider(locks)
  if (applications.ok) for (const entry of applications.value.values()) if (entry.ok) consider(entry.value.locks)
  return first
}

type Applications = readonly (readonly [ApplicationName, Readable<Application>])[]

const sorted = new WeakMap<Snapshot['applications'], Applications>()

/** All applications, sorted by name. */
function sortedApplications({ applications }: Snapshot): Applications {
  let known = sorted.get(applications)
  if (known === undefined) {
    known = [...applications].toSorted(([a], [b]) => compareNames(a, b))
    sorted.set(applications, known)
  }
  return known
}

function toPrognosis(
  { environment, source }: ApplicationQuestion,
  decided: readonly (ApplicationPrognosis | undefined)[],
): EnvironmentPrognosis {
  const applications = decided.filter((prognosis) => prognosis !== undefined)
  const upstream = source.kind === 'latest' ? 'latest' : source.name
  return { environment: environment.name, upstream, outcome: { kind: 'decided', applications } }
}

function skipEnvironment(
  environment: EnvironmentName,
  skip: EnvironmentSkip,
  upstream?: EnvironmentName | 'latest',
): EnvironmentPrognosis {
  return { environment, upstream, outcome: { kind: 'skipped', ...skip } }
}

type Source =
  | { readonly kind: 'latest' }
  /** As it was at the commit of a replay; undefined when it was not there. */
  | { readonly kind: 'environment'; readonly name: EnvironmentName; readonly environment: Environment | undefined }

function findSource(
  snapshot: Snapshot,
  past: Snapshot | undefined,
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
  const offering = past === undefined ? environment : past.environments.get(upstream)
  for (const part of [environment.config, offering?.applications]) {
    if (part?.ok === false) {
      const reason = `its upstream '${upstream}': ${part.reason}`
      return { kind: 'skipped', skip: { cause: 'ENV_UNREADABLE', reason }, upstream }
    }
  }
  return { kind: 'environment', name: upstream, environment: offering }
}

interface ApplicationQuestion extends EnvironmentQuestion {
  readonly source: Source
  /** Applications with a manifest for this environment are candidates. */
  readonly candidatesOf: EnvironmentName
}

/**
 * Undefined for an application that this train has nothing to say about. `offered` is what it is where versions come from: the same,
 * but for a replay, and there undefined when it was not there.
 */
function prognoseApplication(
  question: ApplicationQuestion,
  name: ApplicationName,
  application: Readable<Application>,
  offered: Readable<Application> | undefined,
): ApplicationPrognosis | undefined {
  if (!application.ok) {
    return skipApplication(name, undefined, undefined, { cause: 'APP_UNREADABLE', reason: application.reason })
  }
  const { environment, team: wantedTeam, now, candidatesOf } = question
  if (!mayGoTo(application.value, candidatesOf)) {
    const mightThen = offered !== application && offered?.ok === true && mayGoTo(offered.value, candidatesOf)
    if (!mightThen) return undefined
  }
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
  const release = releaseToTravel(question.source, offered)
  if (release === 'left-out') return undefined
  if (release === undefined) return skip({ cause: 'APP_HAS_NO_VERSION_IN_UPSTREAM_ENV' })
  if (!release.ok) return skip({ cause: 'APP_UNREADABLE', reason: release.reason })

  const { version, manifests, brokenManifests } = release.value
  const broken = brokenManifests?.get(environment.name)
  if (broken !== undefined) return skip({ cause: 'APP_UNREADABLE', reason: broken })
  if (version === from) return skip({ cause: 'APP_ALREADY_IN_UPSTREAM_VERSION', version })
  const hasManifest = manifests.has(environment.name)
  const isThere = question.past === undefined || hasVersion(application.value, version)
  const applicationLocks = locksHolding(locks.value.application, now)
  if (applicationLocks.length > 0) {
    return skip({
      cause: 'APP_IS_LOCKED',
      locks: applicationLocks,
      heldVersion: hasManifest && isThere ? version : undefined,
    })
  }
  if (!hasManifest) return skip({ cause: 'APP_DOES_NOT_EXIST_IN_ENV', version })
  const teamLocks = locksHolding(locks.value.team, now)
  if (team !== undefined && teamLocks.length > 0) {
    return skip({ cause: 'TEAM_IS_LOCKED', team, locks: teamLocks, heldVersion: isThere ? version : undefined })
  }
  const restored = isThere ? undefined : toRestored(release.value, question.snapshot.applications.has(name), team)
  return {
    application: name,
    team,
    deployedVersion: from,
    outcome: { kind: 'travels', release: release.value, ...(restored && { restored }) },
  }
}

function toRestored({ version, tree }: Release, isKnown: boolean, team: TeamName | undefined): RestoredRelease {
  if (tree === undefined) throw new Error(`nobody knows the directory of release ${version}`)
  return { tree, team: isKnown ? undefined : team }
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
function releaseToTravel(
  source: Source,
  offered: Readable<Application> | undefined,
): Readable<Release> | undefined | 'left-out' {
  if (offered === undefined) return source.kind === 'latest' ? 'left-out' : undefined
  if (!offered.ok) return offered
  const application = offered.value
  if (source.kind === 'latest') return latestRelease(application) ?? 'left-out'
  if (source.environment === undefined) return undefined
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
