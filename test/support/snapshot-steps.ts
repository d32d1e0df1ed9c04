import fc from 'fast-check'
import type { Environment } from '../../src/core/environment.ts'
import type { ApplicationName, EnvironmentName } from '../../src/core/names.ts'
import { readable } from '../../src/core/readable.ts'
import type { Snapshot } from '../../src/core/snapshot.ts'

/** A commit: one piece of the snapshot becomes what it is in another one, all others stay the same objects. */
export interface Step {
  readonly piece: 'entry' | 'application' | 'locks' | 'teamLocks' | 'nothing'
  readonly environment: number
  readonly application: number
  /** How much later, or earlier, it is looked at. */
  readonly offset: number
}

/** What happens between one look at a repository and the next. */
export const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record({
    piece: fc.constantFrom<Step['piece'][]>('entry', 'entry', 'application', 'locks', 'teamLocks', 'nothing'),
    environment: fc.nat({ max: 3 }),
    application: fc.nat({ max: 2 }),
    offset: fc.constantFrom(-1, 0, 0, 0, 1, 60_000),
  }),
  { minLength: 1, maxLength: 8 },
)

/** The snapshot after that commit; what the piece becomes is what it is in `other`. */
export function take(snapshot: Snapshot, other: Snapshot, step: Step): Snapshot {
  const name = [...snapshot.environments.keys()][step.environment % snapshot.environments.size] as EnvironmentName
  const application = [...snapshot.applications.keys()][
    step.application % snapshot.applications.size
  ] as ApplicationName
  if (step.piece === 'nothing') return { ...snapshot }
  if (step.piece === 'application') {
    const theirs = other.applications.get(application)
    const applications = new Map(snapshot.applications)
    if (theirs === undefined) applications.delete(application)
    else applications.set(application, theirs)
    return { ...snapshot, applications }
  }
  const ours = snapshot.environments.get(name)
  const theirs = other.environments.get(name)
  if (ours === undefined || theirs === undefined) return snapshot
  const changed =
    step.piece === 'entry' ? takeEntry(ours, theirs, application) : { ...ours, [step.piece]: theirs[step.piece] }
  return { ...snapshot, environments: new Map(snapshot.environments).set(name, changed) }
}

function takeEntry(ours: Environment, theirs: Environment, application: ApplicationName): Environment {
  if (!ours.applications.ok || !theirs.applications.ok) return { ...ours, applications: theirs.applications }
  const entry = theirs.applications.value.get(application)
  const applications = new Map(ours.applications.value)
  if (entry === undefined) applications.delete(application)
  else applications.set(application, entry)
  return { ...ours, applications: readable(applications) }
}
