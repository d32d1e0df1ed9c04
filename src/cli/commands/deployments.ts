import { writeFile } from 'node:fs/promises'
import { toJson } from '../../protobuf/messages.ts'
import type { DeploymentEventMessage, HistoryMessage } from '../../protobuf/to-history-message.ts'
import { acceptsMessage } from '../answer.ts'
import type { Command } from '../command.ts'
import { assertBody, CommandFailure, commonFlags, requireMessage, required, showBody, showMessage } from '../command.ts'
import { aCommitId, aVersion, aWholeNumber } from '../flag-values.ts'
import type { ParsedFlags } from '../flags.ts'
import { requiredValueOf, valueOf } from '../flags.ts'
import type { DeploymentMessage } from '../messages.ts'
import { messages } from '../messages.ts'
import { cleanLine } from '../output.ts'
import { paintTable } from '../painters.ts'
import { toTable } from '../table.ts'
import { toMoment } from '../../protobuf/to-timestamp-message.ts'

const where = [required(commonFlags.environment), required(commonFlags.application)]

function pathOf(flags: ParsedFlags, what: string): readonly string[] {
  const [environment, application] = where.map(({ name }) => requiredValueOf(flags, name))
  return ['api', 'environments', environment ?? '', 'applications', application ?? '', what]
}

export const deploy: Command = {
  name: 'deploy',
  summary: 'deploy a version of an application in an environment',
  flags: [
    ...where,
    { name: 'version', value: 'number', help: 'the version to deploy', isRequired: true, complain: aVersion },
    {
      name: 'lock-behavior',
      value: 'behavior',
      help: 'under a lock: deploy all the same (ignore, the default), have it wait (record), or refuse (fail)',
      choices: ['ignore', 'record', 'fail'],
    },
  ],
  run: async (context) => {
    const { flags, client } = context
    const answer = await client.change({
      method: 'PUT',
      path: pathOf(flags, 'deployment'),
      headers: acceptsMessage,
      body: {
        contentType: 'application/json',
        bytes: Buffer.from(
          JSON.stringify({
            version: requiredValueOf(flags, 'version'),
            lockBehavior: valueOf(flags, 'lock-behavior')?.toUpperCase(),
          }),
        ),
      },
      namesAuthor: true,
    })
    showMessage(context, requireMessage(answer, messages.deployment), messages.deployment, toText)
  },
}

function toText(message: DeploymentMessage): string {
  const { environment, application, version, outcome, fromVersion, locks, removedVersions, commit } = message
  const what = `${cleanLine(application)} version ${version?.toString() ?? '?'}`
  const place = cleanLine(environment)
  const before = fromVersion === undefined ? 'nothing' : `version ${fromVersion.toString()}`
  const isAgain = version !== undefined && fromVersion?.equals(version) === true
  const sentences = new Map([
    [
      'deployed',
      isAgain
        ? `${what} was in ${place} already, and no other version waits there any more`
        : `deployed ${what} in ${place}, after ${before}`,
    ],
    ['queued', `${what} waits for ${place}, which stays at ${before}`],
    ['unchanged', `${what} is in ${place} already: nothing was done`],
  ])
  const sentence = sentences.get(outcome ?? '') ?? `${what} in ${place}: ${cleanLine(outcome)}`
  return [
    `${sentence}${commit ? `, commit ${cleanLine(commit)}` : ''}`,
    ...locks.map(({ kind, lock }) => cleanLine(`${kind ?? ''} lock ${lock?.lockId ?? ''}: ${lock?.message ?? ''}`)),
    ...(removedVersions.length === 0 ? [] : [`removed old versions: ${removedVersions.join(', ')}`]),
  ].join('\n')
}

const largestPage = 100

export const history: Command = {
  name: 'history',
  summary: 'show what was deployed of an application in an environment, newest first',
  flags: [
    ...where,
    { name: 'limit', value: 'number', help: 'at most so many deployments, 20 by default', complain: aWholeNumber },
  ],
  run: async ({ flags, client, output }) => {
    const environment = requiredValueOf(flags, 'environment')
    const application = requiredValueOf(flags, 'application')
    const limit = Number(valueOf(flags, 'limit') ?? 20)
    const events: DeploymentEventMessage[] = []
    let pageToken: string | undefined
    let truncated: boolean | undefined
    do {
      const answer = await client.read({
        method: 'GET',
        path: pathOf(flags, 'history'),
        query: { pageSize: String(Math.min(limit - events.length, largestPage)), pageToken },
        headers: acceptsMessage,
      })
      const page = requireMessage(answer, messages.history)
      events.push(...page.events)
      truncated = page.truncated
      const next = page.nextPageToken || undefined
      if (next !== undefined && next === pageToken) throw new CommandFailure(['the server gives the same page again'])
      pageToken = next
    } while (pageToken !== undefined && events.length < limit)
    const message: HistoryMessage = {
      environment,
      application,
      events: events.slice(0, limit),
      nextPageToken: pageToken,
      truncated,
    }
    if (output.isJson) output.printJson(toJson(messages.history, message))
    else output.print(toHistoryText(message), paintTable)
  },
}

const historyColumns = [
  { heading: 'AT' },
  { heading: 'FROM', isRight: true },
  { heading: 'TO', isRight: true },
  { heading: 'BY' },
  { heading: 'COMMIT' },
  { heading: 'WHAT' },
]

function toHistoryText({ environment, application, events, truncated }: HistoryMessage): string {
  const end = truncated === true ? 'warning: the repository goes no further back, so there may have been more' : ''
  if (events.length === 0) return end || `${application} was never deployed in ${environment}`
  const rows = events.map(({ at, fromVersion, version, by, commit, subject, ...event }) => [
    toMoment(at),
    fromVersion?.toString() ?? '',
    version?.toString() ?? '',
    cleanLine(by?.name || by?.email),
    cleanLine(commit).slice(0, 12),
    cleanLine(toWhat(event) || subject),
  ])
  return [toTable(historyColumns, rows), ...(end === '' ? [] : [end])].join('\n')
}

function toWhat({ command, trainTarget, trainTeam, sourceGitTag, gitTag }: DeploymentEventMessage): string {
  if (!command) return ''
  return [
    command,
    trainTarget && `to ${trainTarget}`,
    trainTeam && `for team ${trainTeam}`,
    sourceGitTag && `as of tag ${sourceGitTag}`,
    gitTag && `tagged ${gitTag}`,
  ]
    .filter(Boolean)
    .join(' ')
}

export const getCommitDeployments: Command = {
  name: 'get-commit-deployments',
  summary: 'show where the releases made from a commit are deployed',
  flags: [
    { name: 'commit', value: 'commit', help: 'the commit, 40 hex digits', isRequired: true, complain: aCommitId },
    { name: 'out', value: 'file', help: 'write the answer to this file', isFile: true },
  ],
  run: async ({ flags, client, output }) => {
    const path = ['api', 'commit-deployments', requiredValueOf(flags, 'commit')]
    const answer = await client.read({ method: 'GET', path })
    const out = valueOf(flags, 'out')
    if (out === undefined) return showBody(output, answer)
    assertBody(answer)
    try {
      return await writeFile(out, answer.body)
    } catch (error) {
      const problem = `the answer cannot be written to ${out}: ${(error as Error).message}`
      throw new CommandFailure([problem], JSON.stringify({ code: 'FILE_NOT_WRITTEN', detail: problem }))
    }
  },
}

export const getDeploymentCommit: Command = {
  name: 'get-deployment-commit',
  summary: 'show the commit that the deployed version of an application was made from',
  flags: where,
  run: async ({ flags, client, output }) => {
    const answer = await client.read({ method: 'GET', path: pathOf(flags, 'commit') })
    showBody(output, answer)
  },
}
