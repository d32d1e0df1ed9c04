import { readFile } from 'node:fs/promises'
import { messages } from '../messages.ts'
import type { CreatedReleaseMessage } from '../messages.ts'
import { acceptsMessage, messageOf } from '../answer.ts'
import type { Command } from '../command.ts'
import { compareWithLatest } from '../compare-with-latest.ts'
import { clientHeaders, CommandFailure, commonFlags, required, showAnswer } from '../command.ts'
import { describeFailure } from '../describe-failure.ts'
import { aCommitId, aDisplayVersion, aLink, aName, aVersion, aWholeNumber } from '../flag-values.ts'
import type { Flag, ParsedFlags } from '../flags.ts'
import { isOn, requiredValueOf, UsageError, valueOf, valuesOf } from '../flags.ts'
import type { FormPart } from '../form-body.ts'
import { toFormBody } from '../form-body.ts'
import { cleanLine } from '../output.ts'
import { paintTable } from '../painters.ts'
import { RequestFailure } from '../request.ts'
import { toTable } from '../table.ts'

/** Flags that are sent as a form's value of the same name when they are given. */
const valueFlags: readonly Flag[] = [
  { ...commonFlags.team, help: 'the team that the application belongs to' },
  {
    name: 'source_commit_id',
    value: 'commit',
    help: 'the commit it was built from, 40 hex digits',
    complain: aCommitId,
  },
  {
    name: 'previous_commit_id',
    value: 'commit',
    help: 'the commit before that, 40 hex digits',
    complain: aCommitId,
  },
  { name: 'source_author', value: 'author', help: 'who made that commit' },
  { name: 'source_message', value: 'text', help: 'what that commit says' },
  {
    name: 'version',
    value: 'number',
    help: 'the number of the release; without it, the next one',
    complain: aVersion,
  },
  { name: 'revision', value: 'number', help: 'for servers that have revisions', complain: aWholeNumber },
  {
    name: 'display_version',
    value: 'text',
    help: 'what people call it, at most 15 bytes',
    complain: aDisplayVersion,
  },
  { name: 'ci_link', value: 'address', help: 'where the pipeline that asks can be looked at', complain: aLink },
]

export const release: Command = {
  name: 'release',
  summary: 'create a release of an application',
  flags: [
    required(commonFlags.application),
    {
      name: 'environment',
      value: 'name',
      help: 'an environment that it can be deployed to; its --manifest follows',
      isRequired: true,
      isRepeatable: true,
      complain: aName,
    },
    {
      name: 'manifest',
      value: 'file',
      help: 'the manifest for the --environment before it',
      isRequired: true,
      isRepeatable: true,
      isFile: true,
    },
    {
      name: 'signature',
      value: 'file',
      help: 'the signature of the --manifest before it; Signalbox takes none',
      isRepeatable: true,
      isFile: true,
    },
    ...valueFlags,
    { name: 'prepublish', help: 'announce the release before its manifests are there' },
    {
      name: 'deploy-to-downstream',
      value: 'name',
      help: 'deploy it at once in this environment too, although it has an upstream',
      isRepeatable: true,
      complain: aName,
    },
    { name: 'dry-run', help: 'create nothing: show what differs from the manifests of the latest release' },
    { name: 'skip_signatures', help: 'send no signatures' },
    commonFlags.useDexAuth,
  ],
  check: (flags) => {
    const { problems } = pairFiles(flags)
    const isLoose =
      valueOf(flags, 'previous_commit_id') !== undefined && valueOf(flags, 'source_commit_id') === undefined
    return isLoose ? [...problems, '--previous_commit_id needs --source_commit_id'] : problems
  },
  run: async (context) => {
    const { flags, client } = context
    const files = await readFiles(flags)
    const application = requiredValueOf(flags, 'application')
    if (isOn(flags, 'dry-run')) return compareWithLatest(context, application, files)
    try {
      const answer = await client.change({
        method: 'POST',
        path: ['api', 'release'],
        headers: { ...acceptsMessage, ...clientHeaders(flags) },
        body: toFormBody(toForm(flags, files)),
        namesAuthor: true,
      })
      showAnswer(context, answer, messages.createdRelease, toText, paintTable)
    } catch (error) {
      throw toRefusal(error) ?? error
    }
  },
}

/** The files of an environment, as the flags name them. */
interface NamedFiles {
  readonly environment: string
  readonly manifest: string
  readonly signature: string | undefined
}

/** The files of an environment, read. */
interface EnvironmentFiles {
  readonly environment: string
  readonly manifest: Buffer
  readonly signature: Buffer | undefined
}

/** A manifest belongs to the environment before it, a signature to the manifest before it: the order matters. */
function pairFiles({ given }: ParsedFlags): { readonly pairs: readonly NamedFiles[]; readonly problems: string[] } {
  const pairs: { environment: string; manifest: string | undefined; signature: string | undefined }[] = []
  const problems: string[] = []
  for (const { name, value } of given) {
    const last = pairs.at(-1)
    if (name === 'environment') {
      if (pairs.some(({ environment }) => environment === value)) problems.push(`--environment ${value} is given twice`)
      pairs.push({ environment: value, manifest: undefined, signature: undefined })
    } else if (name === 'manifest') {
      if (last === undefined) problems.push(`--manifest ${value} has no --environment before it`)
      else if (last.manifest !== undefined) problems.push(`--environment ${last.environment} has two manifests`)
      else last.manifest = value
    } else if (name === 'signature') {
      if (last?.manifest === undefined) problems.push(`--signature ${value} has no --manifest before it`)
      else if (last.signature !== undefined) problems.push(`--manifest ${last.manifest} has two signatures`)
      else last.signature = value
    }
  }
  for (const { environment, manifest } of pairs) {
    if (manifest === undefined) problems.push(`--environment ${environment} has no --manifest after it`)
  }
  return {
    pairs: pairs.flatMap((pair) => (pair.manifest === undefined ? [] : [{ ...pair, manifest: pair.manifest }])),
    problems,
  }
}

/** Reads everything before anything is asked. Throws UsageError with all files that cannot be sent. */
async function readFiles(flags: ParsedFlags): Promise<readonly EnvironmentFiles[]> {
  const problems: string[] = []
  const read = async (path: string): Promise<Buffer> => {
    try {
      const content = await readFile(path)
      if (content.length === 0) problems.push(`the file ${path} is empty`)
      return content
    } catch (error) {
      problems.push(toFileProblem(path, error as NodeJS.ErrnoException))
      return Buffer.alloc(0)
    }
  }
  const skipsSignatures = isOn(flags, 'skip_signatures')
  const files: EnvironmentFiles[] = []
  for (const { environment, manifest, signature } of pairFiles(flags).pairs) {
    files.push({
      environment,
      manifest: await read(manifest),
      signature: signature === undefined || skipsSignatures ? undefined : await read(signature),
    })
  }
  if (problems.length > 0) throw new UsageError(problems)
  return files
}

function toFileProblem(path: string, { code, message }: NodeJS.ErrnoException): string {
  if (code === 'ENOENT') return `there is no file ${path}`
  if (code === 'EISDIR') return `${path} is a folder, not a file`
  if (code === 'EACCES') return `the file ${path} may not be read`
  return `the file ${path} cannot be read: ${message}`
}

/** The form with the names that Kuberpult's client gives its parts (spec 4.3). */
function toForm(flags: ParsedFlags, files: readonly EnvironmentFiles[]): readonly FormPart[] {
  return [
    { name: 'application', content: requiredValueOf(flags, 'application') },
    ...files.flatMap(({ environment, manifest, signature }) => [
      { name: `manifests[${environment}]`, content: manifest, fileName: `${environment}-manifest` },
      ...(signature === undefined
        ? []
        : [{ name: `signatures[${environment}]`, content: signature, fileName: `${environment}-signature` }]),
    ]),
    ...valueFlags.flatMap(({ name }) => {
      const content = valueOf(flags, name)
      return content ? [{ name, content }] : []
    }),
    ...(isOn(flags, 'prepublish') ? [{ name: 'is_prepublish', content: 'true' }] : []),
    ...valuesOf(flags, 'deploy-to-downstream').map((content) => ({
      name: 'deploy_to_downstream_environments',
      content,
    })),
  ]
}

/** What came of it, environment by environment. */
function toText({
  application,
  version,
  commit,
  alreadyExistsSame,
  deployments,
  removedVersions,
}: CreatedReleaseMessage) {
  const what = `${cleanLine(application)} version ${version?.toString() ?? '?'}`
  if (alreadyExistsSame !== undefined) return `${what} exists already, with the same content: nothing was done`
  const rows = deployments.map(({ environment, queued, locks, fromVersion, reason }) => {
    const behind = locks.map(({ lockId, message }) => cleanLine(`${lockId ?? ''} (${message ?? ''})`)).join(', ')
    const to = queued === true ? `waits for ${behind || 'a lock'}` : reason && `stays: ${cleanLine(reason)}`
    return [cleanLine(environment), fromVersion?.toString() ?? '', to || (version?.toString() ?? '?')]
  })
  const columns = [{ heading: 'ENVIRONMENT' }, { heading: 'FROM', isRight: true }, { heading: 'TO' }]
  return [
    `created ${what}${commit ? `, commit ${cleanLine(commit)}` : ''}`,
    ...(rows.length === 0 ? ['deployed nowhere yet'] : ['', toTable(columns, rows)]),
    ...(removedVersions.length === 0 ? [] : ['', `removed old versions: ${removedVersions.join(', ')}`]),
  ].join('\n')
}

const differingFields = [
  'source_commit_id',
  'source_author',
  'source_message',
  'source_repo_url',
  'display_version',
  'team',
  'manifests',
] as const

/** A refusal that the server put in the message itself; undefined for any other error. */
function toRefusal(error: unknown): CommandFailure | undefined {
  if (!(error instanceof RequestFailure) || error.answer === undefined) return undefined
  const message = messageOf(error.answer, messages.createdRelease)
  if (message === undefined) return undefined
  const [first = '', ...others] = describeFailure(error)
  const reasons = reasonsIn(message)
  return new CommandFailure(
    [first, ...reasons.map((reason) => `  ${reason}`), ...others],
    JSON.stringify({ code: 'RELEASE_REFUSED', detail: reasons.join('\n'), status: error.answer.status }),
  )
}

function reasonsIn(message: CreatedReleaseMessage): readonly string[] {
  const { alreadyExistsDifferent, tooOld, tooLong, generalFailure, missingManifest, isNoDownstream } = message
  if (alreadyExistsDifferent !== undefined) {
    const { firstDifferingField = 0, diff = '' } = alreadyExistsDifferent
    const field = differingFields[firstDifferingField] ?? `field ${firstDifferingField}`
    return [
      `this version exists already, and differs in ${field}`,
      ...(diff === '' ? [] : diff.trimEnd().split('\n')),
      'Try: another --version, or none to take the next number.',
    ]
  }
  if (tooOld !== undefined) {
    return ['the version is older than all that are kept', 'Try: a higher --version, or none to take the next number.']
  }
  if (tooLong !== undefined) {
    const { appName, regExp, maxLen } = tooLong
    return [`'${cleanLine(appName)}' cannot be a name: it must match ${regExp} and have at most ${maxLen} characters`]
  }
  if (missingManifest !== undefined) {
    return [`it has no manifest for ${missingManifest.missingManifest.map(cleanLine).join(', ')}`]
  }
  if (isNoDownstream !== undefined) {
    const names = isNoDownstream.noDownstream.map(cleanLine).join(', ')
    return [`not downstream, because they take the newest release by themselves or do not exist: ${names}`]
  }
  return generalFailure?.message ? [generalFailure.message] : []
}
