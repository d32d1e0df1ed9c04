import { toDepartureBoard } from '../../protobuf/departure-board.ts'

import type { PrognosisMessage } from '../../protobuf/to-prognosis-message.ts'
import type { Answer } from '../../network/exchange.ts'
import { acceptsMessage, problemOf } from '../answer.ts'
import type { Command, Context } from '../command.ts'
import { clientHeaders, CommandFailure, commonFlags, requireMessage, showAnswer, showMessage } from '../command.ts'
import { comparePrognoses, hasArrived } from '../compare-prognoses.ts'
import { describeFailure, summaryOf, toFailureDocument } from '../describe-failure.ts'
import { aHeader, aLink, aName } from '../flag-values.ts'
import type { Flag, ParsedFlags } from '../flags.ts'
import { isOn, requiredValueOf, valueOf } from '../flags.ts'
import { messages } from '../messages.ts'
import { paintBoard } from '../painters.ts'
import { RequestFailure } from '../request.ts'

const targetFlags: readonly Flag[] = [
  {
    name: 'target-environment',
    value: 'name',
    help: 'where the train goes: an environment, or an environment group',
    isRequired: true,
    complain: aName,
  },
  { ...commonFlags.team, help: 'only the applications of this team travel' },
  { name: 'use_env_group_target', help: 'the target is an environment group' },
  { name: 'git_tag', value: 'tag', help: "the git tag that the train's commit gets; it must not exist yet" },
  {
    name: 'source_git_tag',
    value: 'tag',
    help: 'a replay: the versions are those that the upstream had at the commit of this git tag',
  },
]

export const prognosis: Command = {
  name: 'prognosis',
  summary: 'show what a release train would do at this moment',
  flags: [...targetFlags, { name: 'diff', help: 'show what changes in the manifests' }],
  run: async (context) => {
    const answer = await fetchPrognosis(context, isOn(context.flags, 'diff') ? 'true' : undefined)
    showMessage(context, requireMessage(answer, messages.prognosis), messages.prognosis, toDepartureBoard, paintBoard)
  },
}

export const releaseTrain: Command = {
  name: 'release-train',
  summary: 'run a release train',
  flags: [
    ...targetFlags,
    { name: 'ci_link', value: 'address', help: 'where the pipeline that asks can be looked at', complain: aLink },
    { name: 'if-prognosed', help: 'show the prognosis, and run exactly that or nothing' },
    {
      name: 'if-match',
      value: 'fingerprint',
      help: 'run exactly the prognosis that has this fingerprint, or nothing',
      complain: aHeader,
    },
    commonFlags.useDexAuth,
  ],
  check: (flags) =>
    isOn(flags, 'if-prognosed') && valueOf(flags, 'if-match') !== undefined
      ? ['--if-prognosed and --if-match exclude each other']
      : [],
  run: async (context) => {
    const { flags, client } = context
    const expected = isOn(flags, 'if-prognosed') ? await previewTrain(context) : undefined
    const match = expected?.fingerprint ?? valueOf(flags, 'if-match')
    const ciLink = valueOf(flags, 'ci_link')
    try {
      const answer = await client.change({
        method: 'PUT',
        path: [...targetPath(flags), 'releasetrain'],
        query: toQuery(flags),
        headers: {
          ...acceptsMessage,
          ...clientHeaders(flags),
          ...(match !== undefined && { 'If-Match': toEntityTag(match) }),
        },
        ...(ciLink && { body: { contentType: 'application/json', bytes: Buffer.from(JSON.stringify({ ciLink })) } }),
        namesAuthor: true,
      })
      showAnswer(context, answer, messages.train, toDepartureBoard, paintBoard)
    } catch (error) {
      if (expected !== undefined && error instanceof RequestFailure && error.repeatFlags !== undefined) {
        // The key belongs to a run of exactly that.
        error.repeatFlags += ` --if-match ${expected.fingerprint ?? ''} in the place of --if-prognosed`
      }
      throw toChange(error, expected) ?? error
    }
  },
}

function fetchPrognosis({ flags, client }: Context, diff?: string): Promise<Answer> {
  return client.read({
    method: 'GET',
    path: [...targetPath(flags), 'releasetrain', 'prognosis'],
    query: { ...toQuery(flags), diff },
    headers: acceptsMessage,
  })
}

/** What a train and its prognosis are asked with. */
function toQuery(flags: ParsedFlags): Readonly<Record<string, string | undefined>> {
  return {
    team: valueOf(flags, 'team'),
    gitTag: valueOf(flags, 'git_tag'),
    sourceGitTag: valueOf(flags, 'source_git_tag'),
  }
}

function targetPath(flags: ParsedFlags): readonly string[] {
  const kind = isOn(flags, 'use_env_group_target') ? 'environment-groups' : 'environments'
  return ['api', kind, requiredValueOf(flags, 'target-environment')]
}

/** Shows what is about to be run. As a result it is only shown to people: in JSON the train's answer is the one document. */
async function previewTrain(context: Context): Promise<PrognosisMessage> {
  const message = requireMessage(await fetchPrognosis(context), messages.prognosis)
  if (!message.fingerprint) throw new CommandFailure(['the prognosis has no fingerprint, so nothing was run'])
  const board = toDepartureBoard(message)
  if (context.output.isJson) context.output.note(board)
  else {
    context.output.print(board, paintBoard)
    context.output.print('')
  }
  return message
}

/** A fingerprint may be given as it is shown, or as the whole entity tag of the prognosis. */
function toEntityTag(fingerprint: string): string {
  return /^(W\/)?"|^\*$/u.test(fingerprint) ? fingerprint : `"${fingerprint}"`
}

/** The refusal of a train whose prognosis has changed, with what is different now; undefined for any other error. */
function toChange(error: unknown, expected: PrognosisMessage | undefined): CommandFailure | undefined {
  if (!(error instanceof RequestFailure) || error.answer === undefined) return undefined
  const current = problemOf(error.answer)?.prognosis
  if (current === undefined) return undefined
  const document = toFailureDocument(error)
  if (expected !== undefined && error.isAfterLostAnswer && hasArrived(expected, current)) {
    return new CommandFailure(
      [
        `${error.request} failed: ${summaryOf(error)}`,
        '  An earlier try got no answer, and every version that it was to deploy is there: the train seems to have run.',
      ],
      document,
    )
  }
  const changes = expected === undefined ? toDepartureBoard(current) : comparePrognoses(expected, current)
  const title = expected === undefined ? 'The prognosis is now:' : 'What changed meanwhile:'
  return new CommandFailure([...describeFailure(error), ...(changes === '' ? [] : ['', title, '', changes])], document)
}
