import type { ArgoCdSource } from './argo-cd-file.ts'
import type { Change } from './change.ts'
import type { Command, DecisionInput } from './command.ts'
import type { CommitSection, CommitText } from './commit-text.ts'
import { trailerKeys } from './commit-text.ts'
import { deploy, queue, renderArgoCdFiles } from './deployment-changes.ts'
import { DomainError } from './errors.ts'
import type {
  ApplicationPrognosis,
  EnvironmentPrognosis,
  Prognosis,
  ReleaseTrainRequest,
} from './release-train-prognosis.ts'
import { prognoseReleaseTrain } from './release-train-prognosis.ts'
import { describeApplicationSkip, describeEnvironmentSkip } from './skip-cause.ts'

export interface ReleaseTrainOptions {
  readonly request: ReleaseTrainRequest
  /** Where the caller's pipeline can be looked at; goes into the commit. */
  readonly ciLink: string | undefined
  /** Whether the run is wanted with this prognosis: how `If-Match` reaches the decision. */
  readonly accepts: (prognosis: Prognosis) => boolean
  /** Undefined when no Argo CD files are to be written. */
  readonly argoCd: ArgoCdSource | undefined
}

/**
 * A release train as a command. It does exactly what the prognosis of the same request says at that moment, and its
 * result is that prognosis. Throws what the prognosis throws, and PROGNOSIS_CHANGED when it is not accepted.
 */
export function createReleaseTrain(options: ReleaseTrainOptions): Command<Prognosis> {
  return {
    reads: () => [],
    decide: (input) => {
      const { snapshot, principal, now } = input
      const prognosis = prognoseReleaseTrain(snapshot, options.request, principal, now)
      if (!options.accepts(prognosis)) {
        throw new DomainError(
          { code: 'PROGNOSIS_CHANGED', prognosis, commit: snapshot.commit },
          'the prognosis has changed since it was made: nothing was deployed',
        )
      }
      return {
        changes: prognosis.environments.flatMap((environment) => toChanges(environment, input, options.argoCd)),
        text: toCommitText(prognosis, options.ciLink),
        result: prognosis,
      }
    },
  }
}

function toChanges(
  prognosis: EnvironmentPrognosis,
  { snapshot, principal, now }: DecisionInput,
  argoCd: ArgoCdSource | undefined,
): readonly Change[] {
  const environment = snapshot.environments.get(prognosis.environment)
  if (prognosis.outcome.kind === 'skipped' || environment === undefined) return []
  const changes: Change[] = []
  const deployed = []
  for (const { application, outcome } of prognosis.outcome.applications) {
    if (outcome.kind === 'travels') {
      changes.push(...deploy(environment.name, application, outcome.release, principal, now))
      // Version 0 stands for nothing in the Argo CD file (spec 1.6).
      if (outcome.release.version > 0n) deployed.push(application)
      continue
    }
    const held = heldVersion(outcome)
    const known = snapshot.applications.get(application)
    if (held !== undefined && known?.ok) changes.push(...queue(environment, known.value, held))
  }
  if (deployed.length > 0 && argoCd !== undefined) {
    changes.push(...renderArgoCdFiles(snapshot, environment, deployed, argoCd))
  }
  return changes
}

/** The version that is queued: only an application or team lock holds one back. */
export function heldVersion(outcome: ApplicationPrognosis['outcome']): bigint | undefined {
  return 'heldVersion' in outcome ? outcome.heldVersion : undefined
}

function toCommitText(prognosis: Prognosis, ciLink: string | undefined): CommitText {
  const { target, team, environments } = prognosis
  const sections: CommitSection[] = environments.map((environment) => ({
    heading:
      environment.upstream === undefined
        ? environment.environment
        : `${environment.environment} from ${environment.upstream}`,
    lines: toLines(environment),
  }))
  if (ciLink !== undefined) sections.unshift({ heading: 'Started by', lines: [ciLink] })
  return {
    subject: `Release train to ${target.name}${team === undefined ? '' : ` for team ${team}`}: ${summarise(environments)}`,
    sections,
    trailers: [
      { key: trailerKeys.command, value: 'release-train' },
      { key: trailerKeys.target, value: `${target.kind} ${target.name}` },
      ...(team === undefined ? [] : [{ key: trailerKeys.team, value: team }]),
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
