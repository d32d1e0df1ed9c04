import type { MessageType } from '../protobuf/messages.ts'
import { toJson } from '../protobuf/messages.ts'
import type { Answer } from '../network/exchange.ts'
import { isPage, mediaTypeOf, messageOf, protobufMediaType, textOf } from './answer.ts'
import { aName } from './flag-values.ts'
import type { Flag, ParsedFlags } from './flags.ts'
import { valueOf } from './flags.ts'
import type { LinePainter, Output } from './output.ts'
import { toJsonDocument } from './output.ts'
import type { Client } from './request.ts'
import type { SessionFiles } from './sign-in/session-files.ts'

/** A command as the command line, the help and the completion know it. */
export interface Command {
  readonly name: string
  /** What it does, as a sentence without a full stop. */
  readonly summary: string
  readonly flags: readonly Flag[]
  /** What may stand beside the flags, in this order. */
  readonly rest?: readonly RestArgument[]
  /** It asks no server, so it needs no `--url`. */
  readonly isLocal?: boolean
  /** It is about signing in, and sends no token that there may be. */
  readonly sendsNoToken?: boolean
  /** The exit code when it fails, where 1 is an answer. */
  readonly failureCode?: number
  /** What is wrong with flags that are each right by themselves. */
  readonly check?: (flags: ParsedFlags) => readonly string[]
  /** Answers the exit code where success is more than 0. Throws UsageError, RequestFailure or CommandFailure. */
  readonly run: (context: Context) => Promise<number | void> | void
}

/** An argument that is no flag. */
export interface RestArgument {
  readonly name: string
  readonly isRequired?: boolean
  /** For the help and the completion. */
  readonly choices?: () => readonly string[]
  /** As that of a flag. */
  readonly complain?: (value: string) => string | undefined
}

/** What a command works with. */
export interface Context {
  readonly flags: ParsedFlags
  /** What follows the flags. */
  readonly rest: readonly string[]
  readonly client: Client
  readonly output: Output
  readonly signIn: SignInContext
}

/** What signing in works with. */
export interface SignInContext {
  /** The server as sessions know it: see `toServer`. */
  readonly server: string
  readonly files: SessionFiles
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly sleep: (milliseconds: number) => Promise<void>
  /** A client that sends this token. Neither of the two is shown from then on. */
  readonly clientWith: (token: string, refreshToken: string | undefined) => Client
}

/** The command did not succeed. Lines for people, and a JSON document for scripts. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure'
  readonly lines: readonly string[]
  readonly document: string

  constructor(lines: readonly string[], document = JSON.stringify({ code: 'UNEXPECTED_ANSWER', detail: lines[0] })) {
    super(lines.join('\n'))
    this.lines = lines
    this.document = document
  }
}

/** Flags that several commands have. */
export const commonFlags = {
  environment: { name: 'environment', value: 'name', help: 'the environment', complain: aName },
  application: { name: 'application', value: 'name', help: 'the application', complain: aName },
  team: { name: 'team', value: 'name', help: 'the team', complain: aName },
  useDexAuth: { name: 'use_dex_auth', help: 'changes nothing; taken because kuberpult-client takes it' },
} as const satisfies Record<string, Flag>

/** The same flag, without which the command cannot do. */
export function required(flag: Flag): Flag {
  return { ...flag, isRequired: true }
}

/** The header that names the installation that asks; only releases and trains send it. */
export function clientHeaders(flags: ParsedFlags): Readonly<Record<string, string>> {
  const id = valueOf(flags, 'client_uuid')
  return id === undefined ? {} : { 'client-uuid': id }
}

/** Shows a message as text or JSON. */
export function showMessage<Message extends object>(
  { output }: Context,
  message: Message,
  type: MessageType<Message>,
  toText: (message: Message) => string,
  painter?: LinePainter,
): void {
  if (output.isJson) output.printJson(toJson(type, message))
  else output.print(toText(message), painter)
}

/** Shows the message in an answer. What is no message, as from Kuberpult's own server, is shown as it is. */
export function showAnswer<Message extends object>(
  context: Context,
  answer: Answer,
  type: MessageType<Message>,
  toText: (message: Message) => string,
  painter?: LinePainter,
): void {
  const message = messageOf(answer, type)
  if (message === undefined) showBody(context.output, answer)
  else showMessage(context, message, type, toText, painter)
}

/** Shows what a server answered where nothing is known about its form. Throws as `assertBody` does. */
export function showBody(output: Output, answer: Answer): void {
  assertBody(answer)
  const text = textOf(answer)
  if (output.isJson) output.printJson(toJsonDocument(text))
  else if (text !== '') output.print(text)
}

/** Throws CommandFailure for what no success of any server looks like: a page, or a message that cannot be read. */
export function assertBody(answer: Answer): void {
  if (isPage(answer) || mediaTypeOf(answer) === protobufMediaType) throw notAskedFor(answer)
}

/** The message in an answer that nothing can be done without. Throws CommandFailure. */
export function requireMessage<Message extends object>(answer: Answer, type: MessageType<Message>): Message {
  const message = messageOf(answer, type)
  if (message === undefined) throw notAskedFor(answer, ` (${type.fullName.slice(1)})`)
  return message
}

function notAskedFor(answer: Answer, what = ''): CommandFailure {
  return new CommandFailure([
    `the server answered ${answer.status}, but not with what was asked for${what}`,
    '  Try: whether --url is that of a Signalbox, and whether a login stands before it.',
  ])
}
