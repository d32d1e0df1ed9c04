import type { EnvironmentMessage, EnvironmentSummaryMessage } from '../../protobuf/to-environment-message.ts'
import type { LocksMessage } from '../../protobuf/to-lock-message.ts'
import { toJson } from '../../protobuf/messages.ts'
import { acceptsMessage } from '../answer.ts'
import type { Command, Context } from '../command.ts'
import { commonFlags, requireMessage, required, showAnswer, showMessage } from '../command.ts'
import { isOn, requiredValueOf, valueOf } from '../flags.ts'
import { messages } from '../messages.ts'
import { cleanLine } from '../output.ts'
import { paintStatus } from '../painters.ts'
import { toTable } from '../table.ts'

/** So many environments are asked for at the same time. */
const atOnce = 6

export const status: Command = {
  name: 'status',
  summary: 'show which version of each application is where, and what is locked',
  flags: [
    { ...commonFlags.environment, help: 'only this environment' },
    { ...commonFlags.application, help: 'only this application' },
    { ...commonFlags.team, help: 'only the applications of this team' },
  ],
  run: async (context) => {
    const { flags, client, output } = context
    const only = valueOf(flags, 'environment')
    const application = valueOf(flags, 'application')
    // Asked for first, because an application that nobody knows is a mistake and not an empty table.
    if (application !== undefined) {
      const answer = await client.read({
        method: 'GET',
        path: ['api', 'applications', application],
        headers: acceptsMessage,
      })
      requireMessage(answer, messages.application)
    }
    if (only !== undefined) {
      const whole = await fetchEnvironment(context, only)
      noteTeam(context, [whole])
      const environment = choose(context, whole)
      showMessage(
        context,
        environment,
        messages.environment,
        () => toStatus([toPlace(environment)], [environment]),
        paintStatus,
      )
      return
    }
    const answer = await client.read({ method: 'GET', path: ['api', 'environment-groups'], headers: acceptsMessage })
    const groups = requireMessage(answer, messages.environmentGroups)
    const places = groups.environmentGroups.flatMap(({ name, environments }) =>
      environments.map((environment) => ({ ...environment, group: name })),
    )
    const all: EnvironmentMessage[] = []
    for (let next = 0; next < places.length; next += atOnce) {
      const some = places.slice(next, next + atOnce)
      all.push(...(await Promise.all(some.map(({ name = '' }) => fetchEnvironment(context, name)))))
    }
    noteTeam(context, all)
    const environments = all.map((environment) => choose(context, environment))
    if (output.isJson) {
      const listed = environments.map((environment) => toJson(messages.environment, environment)).join(',')
      return output.printJson(
        `{"environmentGroups":${toJson(messages.environmentGroups, groups)},"environments":[${listed}]}`,
      )
    }
    output.print(toStatus(places, environments, groups.warnings), paintStatus)
  },
}

/** The environment with those applications only that were asked for. */
function choose({ flags }: Context, environment: EnvironmentMessage): EnvironmentMessage {
  const application = valueOf(flags, 'application')
  const team = valueOf(flags, 'team')
  const applications = environment.applications.filter(
    (one) => (application === undefined || one.name === application) && (team === undefined || one.team === team),
  )
  return { ...environment, applications }
}

/** A team that nobody knows is a mistake that looks like an empty table. */
function noteTeam({ flags, output }: Context, environments: readonly EnvironmentMessage[]): void {
  const team = valueOf(flags, 'team')
  if (team === undefined || environments.some(({ applications }) => applications.some((one) => one.team === team)))
    return
  output.note(`none of the applications that were looked at belongs to team ${team}`)
}

async function fetchEnvironment({ client }: Context, name: string): Promise<EnvironmentMessage> {
  const answer = await client.read({ method: 'GET', path: ['api', 'environments', name], headers: acceptsMessage })
  return requireMessage(answer, messages.environment)
}

/** An environment as it stands in a list of all. */
type Place = EnvironmentSummaryMessage & { readonly group?: string | undefined }

function toPlace({ name, environmentGroup, upstream, locks, warnings }: EnvironmentMessage): Place {
  return { name, group: environmentGroup, upstream, locks, warnings }
}

const placeColumns = ['GROUP', 'ENVIRONMENT', 'FROM', 'LOCKS'].map((heading) => ({ heading }))

/** The environments, then which version of each application is where. */
function toStatus(
  places: readonly Place[],
  environments: readonly EnvironmentMessage[],
  moreWarnings: readonly string[] = [],
): string {
  const rows = places.map(({ group, name, upstream, locks }) => [
    cleanLine(group),
    cleanLine(name),
    upstream?.latest === true ? 'latest' : cleanLine(upstream?.environment),
    toLockWords(locks),
  ])
  const warnings = [
    ...places.flatMap(({ name, warnings: of }) => of.map((warning) => `${name ?? ''}: ${warning}`)),
    ...moreWarnings,
  ].map((warning) => `warning: ${cleanLine(warning)}`)
  return [
    rows.length === 0 ? 'no environments' : toTable(placeColumns, rows),
    ...(warnings.length === 0 ? [] : [warnings.join('\n')]),
    toMatrix(environments),
  ].join('\n\n')
}

function toLockWords(locks: LocksMessage): string {
  return Object.entries(locks)
    .map(([id, { message }]) => cleanLine(message ? `${id} (${message})` : id))
    .join(', ')
}

/** Applications by environments. A cell has the version, `!` under a lock, and what waits behind it. */
function toMatrix(environments: readonly EnvironmentMessage[]): string {
  const rows = new Map<string, { team: string; readonly cells: string[] }>()
  for (const [column, environment] of environments.entries()) {
    for (const entry of environment.applications) {
      const name = cleanLine(entry.name)
      const row = rows.get(name) ?? { team: '', cells: environments.map(() => '') }
      rows.set(name, row)
      row.team ||= cleanLine(entry.team)
      row.cells[column] = toCell(environment, entry)
    }
  }
  if (rows.size === 0) return 'no applications'
  const columns = [
    { heading: 'APPLICATION' },
    { heading: 'TEAM' },
    ...environments.map(({ name }) => ({ heading: cleanLine(name) })),
  ]
  const lines = [...rows].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([name, row]) => [name, row.team, ...row.cells])
  return `${toTable(columns, lines)}\n\n${legend}`
}

const legend = '! locked   (+7) version 7 waits behind a lock   ? cannot be read'

function toCell({ teamLocks }: EnvironmentMessage, entry: EnvironmentMessage['applications'][number]): string {
  const { version, queuedVersion, locks, team, unreadable } = entry
  const isLocked = Object.keys(locks).length > 0 || Object.keys(teamLocks[team ?? '']?.locks ?? {}).length > 0
  return [
    `${version?.toString() ?? (unreadable.length > 0 ? '?' : '-')}${isLocked ? '!' : ''}`,
    ...(queuedVersion === undefined ? [] : [`(+${queuedVersion.toString()})`]),
  ].join(' ')
}

export const deleteEnvironment: Command = {
  name: 'delete-environment',
  summary: 'delete an environment',
  flags: [
    required(commonFlags.environment),
    { name: 'dry-run', help: 'delete nothing: show what would be, or why it cannot be' },
  ],
  run: async (context) => {
    const { flags, client } = context
    const environment = requiredValueOf(flags, 'environment')
    const answer = await client.change({
      method: 'DELETE',
      path: ['api', 'environments', environment],
      query: { dryrun: isOn(flags, 'dry-run') ? 'true' : undefined },
      headers: acceptsMessage,
    })
    showAnswer(context, answer, messages.environmentChange, ({ dryrun, warnings, commit }) =>
      [
        `${dryrun === true ? 'could delete' : 'deleted'} environment ${environment}${commit ? `, commit ${cleanLine(commit)}` : ''}`,
        ...warnings.map((warning) => `warning: ${cleanLine(warning)}`),
      ].join('\n'),
    )
  },
}
