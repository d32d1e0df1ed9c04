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
  const rows = namesOf(before.envsPrognoses, after.envsPrognoses).flatMap((environment) => {
    const was = before.envsPrognoses[environment]
    const is = after.envsPrognoses[environment]
    const prognosesBefore = was?.appsPrognoses?.prognoses
    const prognosesAfter = is?.appsPrognoses?.prognoses
    // Of an environment that takes nothing, one line says it all.
    if (prognosesBefore === undefined || prognosesAfter === undefined) {
      return [[environment, '', environmentInWords(was), environmentInWords(is)]]
    }
    return namesOf(prognosesBefore, prognosesAfter).map((application) => [
      environment,
      application,
      applicationInWords(prognosesBefore[application]),
      applicationInWords(prognosesAfter[application]),
    ])
  })
  const different = rows.filter(([, , was, is]) => was !== is).map((row) => row.map(cleanLine))
  return different.length === 0 ? '' : toTable(columns, different)
}

function namesOf(...maps: readonly Readonly<Record<string, unknown>>[]): readonly string[] {
  return [...new Set(maps.flatMap((map) => Object.keys(map)))].toSorted()
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
