import type {
  ApplicationPrognosisMessage,
  EnvironmentPrognosisMessage,
  PrognosisMessage,
} from '../protobuf/to-prognosis-message.ts'
import { cleanLine } from './output.ts'
import { toTable } from './table.ts'

/** What one prognosis says otherwise than another before it, as a table; empty when they say the same. */
export function comparePrognoses(before: PrognosisMessage, after: PrognosisMessage): string {
  const was = outcomesOf(before)
  const is = outcomesOf(after)
  const places = [...new Set([...was.keys(), ...is.keys()])].toSorted()
  const rows = places
    .filter((place) => was.get(place)?.says !== is.get(place)?.says)
    .map((place) => {
      const known = is.get(place) ?? was.get(place)
      return [
        known?.environment ?? '',
        known?.application ?? '',
        was.get(place)?.says ?? 'not considered',
        is.get(place)?.says ?? 'not considered',
      ]
    })
  const columns = ['ENVIRONMENT', 'APPLICATION', 'WAS', 'IS'].map((heading) => ({ heading }))
  return rows.length === 0 ? '' : toTable(columns, rows)
}

interface Outcome {
  readonly environment: string
  readonly application: string
  readonly says: string
}

/** By environment and application, where an environment that takes nothing stands by itself. */
function outcomesOf({ envsPrognoses }: PrognosisMessage): ReadonlyMap<string, Outcome> {
  const outcomes = Object.entries(envsPrognoses).flatMap(([environment, prognosis]) =>
    outcomesIn(environment, prognosis),
  )
  return new Map(outcomes.map((outcome) => [`${outcome.environment}\0${outcome.application}`, outcome]))
}

function outcomesIn(name: string, { appsPrognoses, reason, skipCause }: EnvironmentPrognosisMessage): Outcome[] {
  const environment = cleanLine(name)
  if (appsPrognoses === undefined) {
    return [
      { environment, application: '', says: `skipped: ${cleanLine(reason) || `cause ${skipCause ?? 'unknown'}`}` },
    ]
  }
  return Object.entries(appsPrognoses.prognoses).map(([application, prognosis]) => ({
    environment,
    application: cleanLine(application),
    says: toWords(prognosis),
  }))
}

function toWords(prognosis: ApplicationPrognosisMessage): string {
  const { deployedVersion, fromVersion, reason, skipCause, queuedVersion } = prognosis
  const from = fromVersion?.toString() ?? 'nothing'
  if (deployedVersion !== undefined) return `${from} to ${deployedVersion.version?.toString() ?? '0'}`
  const waiting = queuedVersion === undefined ? '' : `; version ${queuedVersion.toString()} waits`
  return `stays at ${from}: ${cleanLine(reason) || `cause ${skipCause ?? 'unknown'}`}${waiting}`
}
