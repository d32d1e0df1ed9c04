import { createTwoFilesPatch, FILE_HEADERS_ONLY } from 'diff'
import type { Answer } from '../network/exchange.ts'
import { problemOf, textOf } from './answer.ts'
import type { Context } from './command.ts'
import { CommandFailure } from './command.ts'
import { toFormBody } from './form-body.ts'
import { cleanLine } from './output.ts'
import { paintDiff } from './painters.ts'
import { RequestFailure } from './request.ts'

/** What becomes of the manifest for one environment. */
interface Comparison {
  readonly environment: string
  readonly outcome: 'new' | 'changed' | 'unchanged' | 'gone'
  /** Unified; empty where nothing changes. */
  readonly diff: string
}

/** Shows how the manifests differ from those of the application's latest release. Creates nothing. */
export async function compareWithLatest(
  context: Context,
  application: string,
  files: readonly { readonly environment: string; readonly manifest: Buffer }[],
): Promise<void> {
  const latest = await fetchLatest(context, application)
  const ours = new Map(files.map(({ environment, manifest }) => [environment, manifest.toString()]))
  const environments = [...new Set([...ours.keys(), ...latest.keys()])].toSorted()
  const comparisons = environments.map((environment) =>
    compare(environment, latest.get(environment), ours.get(environment)),
  )
  const { output } = context
  if (output.isJson) return output.printJson(JSON.stringify({ application, manifests: comparisons }))
  for (const { environment, outcome, diff } of comparisons) {
    output.print(`${cleanLine(environment)}: ${outcome}`)
    if (diff !== '') output.print(diff, paintDiff)
  }
}

function compare(environment: string, before: string | undefined, after: string | undefined): Comparison {
  if (before === after) return { environment, outcome: 'unchanged', diff: '' }
  const outcome = before === undefined ? 'new' : after === undefined ? 'gone' : 'changed'
  const name = cleanLine(environment)
  const diff = createTwoFilesPatch(
    before === undefined ? '/dev/null' : `${name} (latest)`,
    after === undefined ? '/dev/null' : `${name} (this one)`,
    before ?? '',
    after ?? '',
    undefined,
    undefined,
    // Of two large files that have nothing in common, nobody wants to wait for the shortest difference.
    { context: 3, headerOptions: FILE_HEADERS_ONLY, timeout: 5000 },
  )
  return { environment, outcome, diff: diff ?? '(too different to be shown)' }
}

/** The manifests of the latest release by environment; none when the application is new. */
async function fetchLatest({ client }: Context, application: string): Promise<ReadonlyMap<string, string>> {
  try {
    const answer = await client.read({
      method: 'POST',
      path: ['api', 'application', application, 'release', 'manifests', 'latest'],
      body: toFormBody([]),
      namesAuthor: true,
    })
    return readManifests(answer)
  } catch (error) {
    if (error instanceof RequestFailure && isNewApplication(error.answer)) return new Map()
    throw error
  }
}

/** A 404 may as well come from a wrong address, so it has to say that it is about the application. */
function isNewApplication(answer: Answer | undefined): boolean {
  if (answer?.status !== 404) return false
  const problem = problemOf(answer)
  if (problem?.code === 'UNKNOWN_APPLICATION') return true
  return /^(no releases found|release not found)/u.test(problem?.detail ?? textOf(answer))
}

function readManifests(answer: Answer): ReadonlyMap<string, string> {
  let body: unknown
  try {
    body = JSON.parse(answer.body.toString())
  } catch {
    body = undefined
  }
  const manifests = (body as { manifests?: unknown } | null | undefined)?.manifests
  if (typeof body !== 'object' || body === null || (manifests !== undefined && typeof manifests !== 'object')) {
    throw new CommandFailure([
      `the server answered ${answer.status}, but not with the manifests of a release`,
      '  Try: whether --url is that of the server, with its path prefix.',
    ])
  }
  return new Map(
    Object.entries(manifests ?? {}).map(([environment, manifest]) => {
      const content = (manifest as { content?: unknown } | null)?.content
      return [environment, typeof content === 'string' ? content : '']
    }),
  )
}
