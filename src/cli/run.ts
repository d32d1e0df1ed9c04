import { randomUUID } from 'node:crypto'
import { commands } from './commands.ts'
import type { Command, Context } from './command.ts'
import { CommandFailure } from './command.ts'
import { describeFailure, summaryOf, toFailureDocument } from './describe-failure.ts'
import type { Flag, ParsedArguments, ParsedFlags } from './flags.ts'
import { checkFlags, HelpWanted, parseFlags, UsageError, valueOf } from './flags.ts'
import { anAddress } from './flag-values.ts'
import { defaultRetries, defaultTimeoutSeconds, globalFlags } from './global-flags.ts'
import { toCommandHelp, toHelp, toSynopsis } from './help.ts'
import { noSuchCommand } from './no-such-command.ts'
import type { Output, Sink } from './output.ts'
import { createOutput } from './output.ts'
import { ProxyAddressError, proxyFor } from '../network/proxy.ts'
import type { Client } from './request.ts'
import { createClient, RequestFailure, toKeyFlag } from './request.ts'
import { isLoopback } from './sign-in/issuer.ts'
import { SessionFiles } from './sign-in/session-files.ts'
import { toServer } from './sign-in/session.ts'
import { storedToken } from './sign-in/stored-token.ts'
import { readVersion } from './version.ts'

/** What the program meets of the world. */
export interface World {
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly stdout: Sink
  readonly stderr: Sink
  readonly sleep: (milliseconds: number) => Promise<void>
  /** Takes what is to be done when somebody interrupts the program, before it ends. */
  readonly onInterrupt: (react: () => void) => void
}

// As Kuberpult's client has them (spec 4.1).
const exitCodes = { success: 0, failure: 1, usage: 2 } as const

/** Runs the program with these arguments, and answers its exit code. */
export async function run(args: readonly string[], world: World): Promise<number> {
  let command: Command | undefined
  let output = createOutput({ ...world, isJson: false, secrets: [] })
  try {
    const beforeCommand = parseFlags(asksForVersion(args) ? ['version', ...args.slice(1)] : args, globalFlags)
    const [name, ...others] = beforeCommand.rest
    if (name === undefined) throw new UsageError(['name a command'])
    command = commands.find((one) => one.name === name)
    if (command === undefined) throw new UsageError([noSuchCommand(name, commands)])
    const afterCommand = parseAround(others, [...command.flags, ...globalFlags], command.rest !== undefined)
    const flags: ParsedFlags = { given: [...beforeCommand.given, ...afterCommand.given] }
    assertUsage(command, flags, afterCommand)
    const tokens = command.isLocal === true ? {} : readTokens(world.environment)
    const isJson = valueOf(flags, 'output') === 'json'
    const url = command.isLocal === true ? undefined : readAddress(flags, world.environment)
    output = createOutput({ ...world, isJson, secrets: [...Object.values(tokens), ...secretsIn(url)] })
    if (url !== undefined && command.sendsNoToken !== true) warnOfOpenLine(url, tokens, output)
    const context = await createContext({ command, url, flags, tokens, output, world })
    return (await command.run({ ...context, flags, rest: afterCommand.rest, output })) ?? exitCodes.success
  } catch (error) {
    return explain(error, command, output)
  }
}

function asksForVersion([first = '']: readonly string[]): boolean {
  return first === '--version' || first === '-version'
}

/** Where other arguments are taken, flags may stand before, between and after them. */
function parseAround(args: readonly string[], known: readonly Flag[], takesOthers: boolean): ParsedArguments {
  const { given, rest } = parseFlags(args, known)
  if (!takesOthers || rest.length === 0) return { given, rest }
  const later = parseAround(rest.slice(1), known, takesOthers)
  return { given: [...given, ...later.given], rest: [...rest.slice(0, 1), ...later.rest] }
}

/** Every problem with the arguments is told at once. */
function assertUsage(command: Command, flags: ParsedFlags, { rest }: ParsedArguments): void {
  const taken = command.rest ?? []
  const extra = rest.slice(taken.length)
  const problems = [
    ...taken.flatMap(({ name, isRequired, complain }, index) => {
      const value = rest[index] ?? ''
      if (value === '') return isRequired === true ? [`<${name}> is missing`] : []
      const complaint = complain?.(value)
      return complaint === undefined ? [] : [`<${name}> ${complaint}, and is '${value}'`]
    }),
    ...checkFlags(flags, [...command.flags, ...globalFlags]),
    ...(command.check?.(flags) ?? []),
    ...(extra.length === 0 ? [] : [`nothing is known to do with '${extra.join(' ')}'`]),
  ]
  if (problems.length > 0) throw new UsageError(problems)
}

interface Tokens {
  readonly bearer?: string
  readonly proxy?: string
}

/** Kuberpult's variables are sent even when they are empty, as its client does. */
function readTokens(environment: World['environment']): Tokens {
  const bearer = environment['SIGNALBOX_TOKEN'] || environment['KUBERPULT_DEX_ACCESS_TOKEN']
  const proxy = environment['KUBERPULT_IAP_TOKEN']
  const isImpossible = [bearer, proxy].some((token) => /[^\t\u0020-\u007e\u0080-\u00ff]/u.test(token ?? ''))
  if (isImpossible) throw new UsageError(['a token has a character that no header can have, such as a line break'])
  return { ...(bearer !== undefined && { bearer }), ...(proxy !== undefined && { proxy }) }
}

function readAddress(flags: ParsedFlags, environment: World['environment']): URL {
  const url = valueOf(flags, 'url') ?? environment['SIGNALBOX_URL']
  if (!url) throw new UsageError(['--url is missing, and SIGNALBOX_URL is not set'])
  const complaint = anAddress(url)
  if (complaint !== undefined) throw new UsageError([`SIGNALBOX_URL ${complaint}`])
  return new URL(url)
}

/** The password of an address, or a token in its place, in each form in which it may be sent back. */
function secretsIn(url: URL | undefined): readonly string[] {
  if (url === undefined || url.username + url.password === '') return []
  const secret = url.password || url.username
  const both = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`
  return [secret, decodeURIComponent(secret), both, Buffer.from(both).toString('base64')]
}

function findProxy(url: URL, environment: World['environment']): URL | undefined {
  try {
    return proxyFor(url, environment)
  } catch (error) {
    if (error instanceof ProxyAddressError) throw new UsageError([error.message])
    throw error
  }
}

/** Pipelines within a cluster do without TLS, so this is no reason to refuse; a login is asked for it before it is kept. */
function warnOfOpenLine({ protocol, hostname, password }: URL, { bearer, proxy }: Tokens, output: Output): void {
  if (protocol !== 'http:' || isLoopback(hostname) || !(bearer || proxy || password)) return
  output.note(`warning: ${hostname} is asked without https, so others on the way can read the token that is sent`)
}

function connect(url: URL, flags: ParsedFlags, { bearer, proxy }: Tokens, output: Output, world: World): Client {
  const retries = Number(valueOf(flags, 'retries') ?? defaultRetries)
  const idempotencyKey = valueOf(flags, 'idempotency-key') ?? randomUUID()
  const client = createClient({
    url,
    headers: {
      'User-Agent': `signalbox/${readVersion()}`,
      ...(bearer !== undefined && { Authorization: `Bearer ${bearer}` }),
      ...(proxy !== undefined && { 'Proxy-Authorization': `Bearer ${proxy}` }),
    },
    authorHeaders: {
      ...toAuthorHeader('author-name', valueOf(flags, 'author_name')),
      ...toAuthorHeader('author-email', valueOf(flags, 'author_email')),
    },
    timeoutSeconds: Number(valueOf(flags, 'timeout') ?? defaultTimeoutSeconds),
    retries,
    sleep: world.sleep,
    proxy: findProxy(url, world.environment),
    onRetry: (failure, pauseSeconds, retry) =>
      output.note(
        `${failure.request} failed: ${summaryOf(failure)}; trying again in ${pauseSeconds} s (${retry} of ${retries})`,
      ),
    idempotencyKey,
    onLateSuccess: (request, isReplayed) =>
      output.note(
        isReplayed
          ? `${request} succeeded: an earlier try that got no answer had done it, and it was not done again`
          : `${request} succeeded, but an earlier try that got no answer may have done it already`,
      ),
    onWait: (request) => output.wait(request),
  })
  let isChanging = false
  world.onInterrupt(() => {
    output.stopWaiting()
    output.note(
      isChanging
        ? `interrupted: what was asked for may have been done; ${toKeyFlag(idempotencyKey)} asks for the same again`
        : 'interrupted',
    )
  })
  return {
    read: (request) => client.read(request),
    change: (request) => {
      isChanging = true
      return client.change(request).finally(() => (isChanging = false))
    },
  }
}

/** What a command works with at that server. */
async function createContext({
  command,
  url,
  flags,
  tokens,
  output,
  world,
}: {
  readonly command: Command
  readonly url: URL | undefined
  readonly flags: ParsedFlags
  readonly tokens: Tokens
  readonly output: Output
  readonly world: World
}): Promise<Pick<Context, 'client' | 'signIn'>> {
  const { environment, sleep } = world
  const files = new SessionFiles(world)
  const server = url === undefined ? '' : toServer(url)
  const clientWith = (bearer: string | undefined, ...others: readonly (string | undefined)[]) => {
    for (const secret of [bearer, ...others]) if (secret) output.conceal(secret)
    const { bearer: _, ...proxy } = tokens
    return url === undefined
      ? noClient
      : connect(url, flags, { ...proxy, ...(bearer !== undefined && { bearer }) }, output, world)
  }
  // What somebody says for this one command comes before what is kept: a token, or a password in the address.
  const saysWho = tokens.bearer || url === undefined || url.username + url.password !== ''
  const stored = saysWho || command.sendsNoToken === true ? undefined : await storedToken(files, server, environment)
  const client = clientWith(command.sendsNoToken === true ? undefined : (stored ?? tokens.bearer))
  return { client, signIn: { server, files, environment, sleep, clientWith } }
}

function toAuthorHeader(name: string, value: string | undefined): Readonly<Record<string, string>> {
  return value === undefined ? {} : { [name]: Buffer.from(value).toString('base64') }
}

const noClient: Client = {
  read: () => Promise.reject(new Error('this command asks no server')),
  change: () => Promise.reject(new Error('this command asks no server')),
}

function explain(error: unknown, command: Command | undefined, output: Output): number {
  if (error instanceof HelpWanted) {
    output.note(command === undefined ? toHelp(commands) : toCommandHelp(command))
    return exitCodes.usage
  }
  if (error instanceof UsageError) {
    const name = command === undefined ? 'signalbox' : `signalbox ${command.name}`
    output.note(
      [
        ...error.problems.map((problem) => `${name}: ${problem}`),
        `Usage: ${command === undefined ? 'signalbox [global flags] <command> [flags]' : toSynopsis(command)}`,
        `\`signalbox help${command === undefined ? '' : ` ${command.name}`}\` tells more.`,
      ].join('\n'),
    )
    return exitCodes.usage
  }
  const { lines, document } = toFailure(error)
  output.note(lines.join('\n'))
  if (output.isJson) output.printJson(document)
  return command?.failureCode ?? exitCodes.failure
}

function toFailure(error: unknown): Pick<CommandFailure, 'lines' | 'document'> {
  if (error instanceof CommandFailure) return error
  if (error instanceof RequestFailure) return { lines: describeFailure(error), document: toFailureDocument(error) }
  const detail = `a fault of this program: ${error instanceof Error ? error.stack : String(error)}`
  return { lines: [detail], document: JSON.stringify({ code: 'FAULT', detail }) }
}
