import type { Command, DecisionInput } from './command.ts'
import type { CommitSection, CommitText } from './commit-text.ts'
import { trailerKeys } from './commit-text.ts'
import type { DeploymentStep, HeldStep } from './deployment-changes.ts'
import type { DeploymentPlan, RemovedVersions, RestoredStep } from './deployments.ts'
import { carryOut, readsOf, toRemovedSection } from './deployments.ts'
import { DomainError } from './errors.ts'
import type { EnvironmentName } from './names.ts'
import type {
  ApplicationPrognosis,
  EnvironmentPrognosis,
  Prognosis,
  ReleaseTrainRequest,
} from './release-train-prognosis.ts'
import { prognoseReleaseTrain } from './release-train-prognosis.ts'
import { describeApplicationSkip, describeEnvironmentSkip } from './skip-cause.ts'
import type { Snapshot } from './snapshot.ts'
import type { WriteSettings } from './write-settings.ts'

export interface ReleaseTrainOptions {
  readonly request: ReleaseTrainRequest
  /** Where the caller's pipeline can be looked at; goes into the commit. */
  readonly ciLink: string | undefined
  /** Whether the run is wanted with this prognosis: how `If-Match` reaches the decision. */
  readonly accepts: (prognosis: Prognosis) => boolean
  readonly settings: WriteSettings
}

/**
 * A release train as a command. It does exactly what the prognosis of the same request says at that moment, and its
 * result is that prognosis. Throws what the prognosis throws, and PROGNOSIS_CHANGED when it is not accepted.
 */
export function createReleaseTrain({ request, ciLink, accepts, settings }: ReleaseTrainOptions): Command<Prognosis> {
  const plan = rememberLast((input) => {
    const prognosis = prognoseReleaseTrain(input.snapshot, request, input.principal, input.now, input.tags)
    return { prognosis, deployments: toPlan(prognosis, input.snapshot) }
  })
  return {
    tags: { created: request.gitTag, source: request.sourceGitTag },
    reads: (input) => readsOf(plan(input).deployments, input, settings),
    decide: (input) => {
      const { prognosis, deployments } = plan(input)
      if (!accepts(prognosis)) {
        throw new DomainError(
          { code: 'PROGNOSIS_CHANGED', prognosis, commit: input.snapshot.commit },
          'the prognosis has changed since it was made: nothing was deployed',
        )
      }
      const { changes, removed } = carryOut(deployments, input, settings)
      const { gitTag: tag } = prognosis
      const text = toCommitText(prognosis, deployments, removed, ciLink)
      return { changes, text, result: prognosis, ...(tag !== undefined && { tag }) }
    },
  }
}

/** Answers the same for the same input without working it out again: reading and deciding need the same plan. */
function rememberLast<T>(work: (input: DecisionInput) => T): (input: DecisionInput) => T {
  let last: { readonly input: DecisionInput; readonly answer: T } | undefined
  return (input) => {
    if (last?.input !== input) last = { input, answer: work(input) }
    return last.answer
  }
}

/** What a prognosis deploys, and what it holds back. */
function toPlan({ target, environments }: Prognosis, snapshot: Snapshot): DeploymentPlan {
  const deployed: DeploymentStep[] = []
  const held: HeldStep[] = []
  const restored = new Map<string, RestoredStep>()
  const upstreams = new Map<EnvironmentName, EnvironmentName | 'latest'>()
  for (const { environment: name, upstream, outcome } of environments) {
    const environment = snapshot.environments.get(name)
    if (outcome.kind === 'skipped' || environment === undefined) continue
    if (upstream !== undefined) upstreams.set(name, upstream)
    for (const { application, deployedVersion: from, outcome: of } of outcome.applications) {
      if (of.kind === 'travels') {
        const { version, manifests } = of.release
        const manifest = manifests.get(name)
        if (manifest === undefined) throw new Error(`release ${version} of ${application} has no manifest to deploy`)
        deployed.push({ environment, application, version, manifest, from })
        if (of.restored !== undefined) {
          restored.set(`${application} ${version}`, { application, version, ...of.restored })
        }
        continue
      }
      const version = heldVersion(of)
      if (version !== undefined) held.push({ environment, application, version, lock: lockBehind(of) })
    }
  }
  const group = target.kind === 'group' ? target.name : undefined
  return {
    deployed,
    held,
    restored: [...restored.values()],
    train: (name) => ({ group, upstream: upstreams.get(name) ?? 'latest' }),
  }
}

function lockBehind(outcome: ApplicationPrognosis['outcome']): HeldStep['lock'] {
  if (!('locks' in outcome)) return undefined
  const kind = outcome.cause === 'TEAM_IS_LOCKED' ? 'team' : 'application'
  return { kind, message: outcome.locks[0]?.message ?? '' }
}

/** The version that is queued: only an application or team lock holds one back. */
export function heldVersion(outcome: ApplicationPrognosis['outcome']): bigint | undefined {
  return 'heldVersion' in outcome ? outcome.heldVersion : undefined
}

function toCommitText(
  prognosis: Prognosis,
  { restored = [] }: DeploymentPlan,
  removed: RemovedVersions,
  ciLink: string | undefined,
): CommitText {
  const { target, team, environments, gitTag, source } = prognosis
  const sections: CommitSection[] = environments.map((environment) => ({
    heading:
      environment.upstream === undefined
        ? environment.environment
        : `${environment.environment} from ${environment.upstream}`,
    lines: toLines(environment),
  }))
  if (ciLink !== undefined) sections.unshift({ heading: 'Started by', lines: [ciLink] })
  if (restored.length > 0) {
    const lines = restored.map(({ application, version }) => `${application} ${version}`)
    sections.push({ heading: 'Restored releases', lines })
  }
  const whose = team === undefined ? '' : ` for team ${team}`
  const when = source === undefined ? '' : ` as of tag ${source.gitTag}`
  return {
    subject: `Release train to ${target.name}${whose}${when}: ${summarise(environments)}`,
    sections: [...sections, ...toRemovedSection(removed)],
    trailers: [
      { key: trailerKeys.command, value: 'release-train' },
      { key: trailerKeys.target, value: `${target.kind} ${target.name}` },
      ...(team === undefined ? [] : [{ key: trailerKeys.team, value: team }]),
      ...(gitTag === undefined ? [] : [{ key: trailerKeys.tag, value: gitTag }]),
      ...(source === undefined ? [] : [{ key: trailerKeys.sourceTag, value: `${source.gitTag} ${source.commit}` }]),
    ],
  }
}

function summarise(environments: readonly EnvironmentPrognosis[]): string {
  const skippedEnvironments = environments.filter(({ outcome }) => outcome.kind === 'skipped').length
  const outcomes = environments.flatMap(({ outcome }) => (outcome.kind === 'decided' ? outcome.applications : []))
  const deployed = outcomes.filter(({ outcome }) => outcome.kind === 'travels').length
  const parts = [`${deployed} deployed`, `${outcomes.length - deployed} skipped`]
  if (skippedEnvironments > 0) {
    parts.push(`${skippedEnvironments} ${skippedEnvironments === 1 ? 'environment' : 'environments'} skipped`)
  }
  return parts.join(', ')
}

/** What was deployed comes first: it is what a shortened message must not lose. */
function toLines({ outcome }: EnvironmentPrognosis): readonly string[] {
  if (outcome.kind === 'skipped') return [`skipped: ${describeEnvironmentSkip(outcome)}`]
  const deployed: string[] = []
  const skipped: string[] = []
  for (const { application, deployedVersion, outcome: of } of outcome.applications) {
    if (of.kind === 'travels') deployed.push(`${application} ${deployedVersion ?? 'none'} -> ${of.release.version}`)
    else skipped.push(`skipped ${application}: ${describeApplicationSkip(of)}`)
  }
  return [...deployed, ...skipped]
}
