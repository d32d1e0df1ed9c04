import type {
  ApplicationPrognosisMessage,
  EnvironmentPrognosisMessage,
  PrognosisMessage,
} from '../protobuf/to-prognosis-message.ts'
import { cleanLine } from './output.ts'
import { toTable } from './table.ts'

const columns = ['ENVIRONMENT', 'APPLICATION', 'WAS', 'IS'].map((heading) => ({ heading }))

/** What one prognosis says otherwise than another before it, as a table; empty when they say the same. */
export function comparePrognoses(before: PrognosisMessage, after: PrognosisMessage): string {
  const rows = pair(before.envsPrognoses, after.envsPrognoses).flatMap(([environment, was, is]) => {
    // Of an environment that takes nothing, one line says it all.
    if (was?.appsPrognoses === undefined || is?.appsPrognoses === undefined) {
      return [[environment, '', environmentInWords(was), environmentInWords(is)]]
    }
    const applications = pair(was.appsPrognoses.prognoses, is.appsPrognoses.prognoses)
    return applications.map(([application, wasThere, isThere]) => [
      environment,
      application,
      applicationInWords(wasThere),
      applicationInWords(isThere),
    ])
  })
  const different = rows.filter(([, , was, is]) => was !== is).map((row) => row.map(cleanLine))
  return different.length === 0 ? '' : toTable(columns, different)
}

/** Whether every version that the plan deploys, and at least one, is now where it was to go. */
export function hasArrived(plan: PrognosisMessage, now: PrognosisMessage): boolean {
  const arrivals = pair(plan.envsPrognoses, now.envsPrognoses).flatMap(([, planned, is]) =>
    pair(planned?.appsPrognoses?.prognoses ?? {}, is?.appsPrognoses?.prognoses ?? {}).flatMap(([, was, isThere]) => {
      const version = was?.deployedVersion?.version
      return version === undefined ? [] : [isThere?.fromVersion?.equals(version) === true]
    }),
  )
  return arrivals.length > 0 && !arrivals.includes(false)
}

/** What two maps have under each name, sorted by name. A name may be any, `constructor` too. */
function pair<T>(
  before: Readonly<Record<string, T>>,
  after: Readonly<Record<string, T>>,
): readonly (readonly [name: string, before: T | undefined, after: T | undefined])[] {
  const was = new Map(Object.entries(before))
  const is = new Map(Object.entries(after))
  return [...new Set([...was.keys(), ...is.keys()])].toSorted().map((name) => [name, was.get(name), is.get(name)])
}

function environmentInWords(prognosis: EnvironmentPrognosisMessage | undefined): string {
  if (prognosis === undefined) return 'not part of it'
  const { appsPrognoses, reason, skipCause } = prognosis
  return appsPrognoses === undefined ? `skipped: ${reason || `cause ${skipCause ?? 'unknown'}`}` : 'takes applications'
}

function applicationInWords(prognosis: ApplicationPrognosisMessage | undefined): string {
  if (prognosis === undefined) return 'not part of it'
  const { deployedVersion, fromVersion, reason, skipCause, queuedVersion } = prognosis
  const from = fromVersion?.toString() ?? 'nothing'
  if (deployedVersion !== undefined) return `${from} to ${deployedVersion.version?.toString() ?? '0'}`
  const waiting = queuedVersion === undefined ? '' : `; version ${queuedVersion.toString()} waits`
  return `stays at ${from}: ${reason || `cause ${skipCause ?? 'unknown'}`}${waiting}`
}
