import type { Answer } from '../../network/exchange.ts'
import { acceptsMessage } from '../answer.ts'
import type { Command, Context } from '../command.ts'
import { assertBody, commonFlags, requireMessage, required, showBody, showMessage } from '../command.ts'
import { aLifetime, aLink, aName } from '../flag-values.ts'
import type { Flag, ParsedFlags } from '../flags.ts'
import { requiredValueOf, valueOf } from '../flags.ts'
import type { LockListMessage } from '../../protobuf/to-locks-message.ts'
import { messages } from '../messages.ts'
import { cleanLine } from '../output.ts'
import { paintTable } from '../painters.ts'
import { toTable } from '../table.ts'
import { toMoment } from '../../protobuf/to-timestamp-message.ts'

/** What can be locked, and where its locks are (spec 4.3). */
const lockedThings: readonly {
  readonly command: string
  readonly what: string
  readonly flags: readonly Flag[]
  readonly path: (of: (flag: string) => string) => readonly string[]
  /** Servers refuse a lock without a message. Kuberpult's client insists on one for teams, and leaves the others to them. */
  readonly message: 'optional' | 'wanted' | 'required'
}[] = [
  {
    command: 'env',
    what: 'an environment',
    flags: [commonFlags.environment],
    path: (of) => ['environments', of('environment'), 'locks', of('lockID')],
    message: 'wanted',
  },
  {
    command: 'app',
    what: 'an application in an environment',
    flags: [commonFlags.environment, commonFlags.application],
    path: (of) => ['environments', of('environment'), 'applications', of('application'), 'locks', of('lockID')],
    message: 'optional',
  },
  {
    command: 'team',
    what: "a team's applications in an environment",
    flags: [commonFlags.environment, commonFlags.team],
    path: (of) => ['api', 'environments', of('environment'), 'lock', 'team', of('team'), of('lockID')],
    message: 'required',
  },
  {
    command: 'group',
    what: 'every environment of a group',
    flags: [{ name: 'environment-group', value: 'name', help: 'the environment group', complain: aName }],
    path: (of) => ['environment-groups', of('environment-group'), 'locks', of('lockID')],
    message: 'wanted',
  },
]

const lockIdFlag: Flag = { name: 'lockID', value: 'id', help: 'the id of the lock', isRequired: true, complain: aName }

export const lockCommands: readonly Command[] = lockedThings.flatMap(({ command, what, flags, path, message }) => {
  const where = [...flags.map(required), lockIdFlag]
  return [
    {
      name: `create-${command}-lock`,
      summary: `lock ${what}`,
      flags: [
        ...where,
        {
          name: 'message',
          value: 'text',
          help: message === 'wanted' ? 'why; servers refuse the lock without it' : 'why',
          isRequired: message === 'required',
        },
        { name: 'ci_link', value: 'address', help: 'where the pipeline that asks can be looked at', complain: aLink },
        {
          name: 'suggested_lifetime',
          value: 'time',
          help: 'how long it is meant to stay, such as 2d; does not end it',
          complain: aLifetime,
        },
        {
          name: 'lifetime',
          value: 'time',
          help: 'after this time it no longer holds, such as 2d',
          complain: aLifetime,
        },
        {
          name: 'expires-at',
          value: 'moment',
          help: 'from then on it no longer holds, such as 2026-05-04T09:30:00Z',
        },
        commonFlags.useDexAuth,
      ],
      check: (given) =>
        valueOf(given, 'lifetime') !== undefined && valueOf(given, 'expires-at') !== undefined
          ? ['--lifetime and --expires-at exclude each other']
          : [],
      run: async (context) => {
        const answer = await context.client.change({
          method: 'PUT',
          path: path((flag) => requiredValueOf(context.flags, flag)),
          body: { contentType: 'application/json', bytes: Buffer.from(toLockBody(context.flags)) },
          namesAuthor: true,
        })
        showResult(context, answer, `created ${describe(context, 'of')}`)
      },
    },
    {
      name: `delete-${command}-lock`,
      summary: `remove the lock of ${what}`,
      flags: [...where, commonFlags.useDexAuth],
      run: async (context) => {
        const answer = await context.client.change({
          method: 'DELETE',
          path: path((flag) => requiredValueOf(context.flags, flag)),
          // Kuberpult refuses to remove a group's lock without it.
          headers: { 'Content-Type': 'application/json' },
          namesAuthor: true,
        })
        // Kuberpult answers the same when there was none.
        showResult(context, answer, `there is no ${describe(context, 'on')} any more`)
      },
    },
  ] satisfies readonly Command[]

  function describe({ flags: given }: Context, place: 'of' | 'on'): string {
    const places = flags.map(({ name }) => `${name.replace('-', ' ')} ${valueOf(given, name)}`)
    return `lock ${valueOf(given, 'lockID')} ${place} ${places.toReversed().join(' in ')}`
  }
})

function showResult({ output }: Context, answer: Answer, text: string): void {
  assertBody(answer)
  if (output.isJson) showBody(output, answer)
  else output.print(text)
}

/** In the order in which Kuberpult's client has them; what was not given is left out, but for the message. */
function toLockBody(flags: ParsedFlags): string {
  return JSON.stringify({
    message: valueOf(flags, 'message') ?? '',
    ciLink: valueOf(flags, 'ci_link') || undefined,
    suggestedLifeTime: valueOf(flags, 'suggested_lifetime'),
    lifetime: valueOf(flags, 'lifetime'),
    expiresAt: valueOf(flags, 'expires-at'),
  })
}

export const locks: Command = {
  name: 'locks',
  summary: 'list the locks',
  flags: [
    {
      name: 'kind',
      value: 'kind',
      help: 'only locks on this kind of thing',
      choices: ['environment', 'application', 'team'],
    },
    { ...commonFlags.environment, help: 'only locks in this environment' },
    { ...commonFlags.team, help: "only this team's locks, and those of its applications" },
    { name: 'author', value: 'text', help: 'only locks whose author has this in the name or e-mail address' },
    { name: 'older-than', value: 'time', help: 'only locks that are older than this, such as 2w', complain: aLifetime },
  ],
  run: async (context) => {
    const { flags, client } = context
    const answer = await client.read({
      method: 'GET',
      path: ['api', 'locks'],
      query: {
        kind: valueOf(flags, 'kind'),
        environment: valueOf(flags, 'environment'),
        team: valueOf(flags, 'team'),
        author: valueOf(flags, 'author'),
        olderThan: valueOf(flags, 'older-than'),
      },
      headers: acceptsMessage,
    })
    showMessage(context, requireMessage(answer, messages.locks), messages.locks, toText, paintTable)
  },
}

const columns = ['ENVIRONMENT', 'LOCKED', 'ID', 'SINCE', 'BY', 'UNTIL', 'WHY'].map((heading) => ({ heading }))

function toText({ locks: listed, warnings }: LockListMessage): string {
  const rows = listed.map(({ kind, environment, application, team, lock, ended }) => [
    cleanLine(environment),
    kind === 'environment' ? 'all of it' : cleanLine(`${kind ?? ''} ${application || team || ''}`),
    cleanLine(lock?.lockId),
    toMoment(lock?.createdAt),
    cleanLine(lock?.createdBy?.name || lock?.createdBy?.email),
    ended === true ? 'ended' : toMoment(lock?.expiresAt),
    cleanLine(lock?.message),
  ])
  return [
    rows.length === 0 ? 'no locks' : toTable(columns, rows),
    ...warnings.map((warning) => `warning: ${cleanLine(warning)}`),
  ].join('\n')
}
