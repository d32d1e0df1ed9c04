import type { MessageType } from '../protobuf/messages.ts'
import { toJson } from '../protobuf/messages.ts'
import type { Answer } from './answer.ts'
import { messageOf, textOf } from './answer.ts'
import { aName } from './flag-values.ts'
import type { Flag, ParsedFlags } from './flags.ts'
import { valueOf } from './flags.ts'
import type { LinePainter, Output } from './output.ts'
import { toJsonDocument } from './output.ts'
import type { Client } from './request.ts'

/** A command as the command line, the help and the completion know it. */
export interface Command {
  readonly name: string
  /** What it does, as a sentence without a full stop. */
  readonly summary: string
  readonly flags: readonly Flag[]
  /** What may follow the flags, for the help. */
  readonly rest?: { readonly name: string; readonly choices: () => readonly string[] }
  /** It asks no server, so it needs no `--url`. */
  readonly isLocal?: boolean
  /** What is wrong with flags that are each right by themselves. */
  readonly check?: (flags: ParsedFlags) => readonly string[]
  /** Throws UsageError, RequestFailure or CommandFailure. */
  readonly run: (context: Context) => Promise<void> | void
}

/** What a command works with. */
export interface Context {
  readonly flags: ParsedFlags
  /** What follows the flags. */
  readonly rest: readonly string[]
  readonly client: Client
  readonly output: Output
}

/** The command did not succeed. Lines for people. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure'
  readonly lines: readonly string[]

  constructor(lines: readonly string[]) {
    super(lines.join('\n'))
    this.lines = lines
  }
}

/** Flags that several commands have. */
export const commonFlags = {
  environment: { name: 'environment', value: 'name', help: 'the environment', complain: aName },
  application: { name: 'application', value: 'name', help: 'the application', complain: aName },
  team: { name: 'team', value: 'name', help: 'the team', complain: aName },
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

/** Shows the message in an answer as text or JSON. What is no message, as from Kuberpult's own server, is shown as it is. */
export function showAnswer<Message extends object>(
  { output }: Context,
  answer: Answer,
  type: MessageType<Message>,
  toText: (message: Message) => string,
  painter?: LinePainter,
): void {
  const message = messageOf(answer, type)
  if (message !== undefined && output.isJson) output.printJson(toJson(type, message))
  else if (message !== undefined) output.print(toText(message), painter)
  else showBody(output, answer)
}

/** Shows what a server answered where nothing is known about its form. */
export function showBody(output: Output, answer: Answer): void {
  const text = textOf(answer)
  if (output.isJson) output.printJson(toJsonDocument(text))
  else if (text !== '') output.print(text)
}

/** The message in an answer that nothing can be done without. */
export function requireMessage<Message extends object>(answer: Answer, type: MessageType<Message>): Message {
  const message = messageOf(answer, type)
  if (message === undefined) {
    throw new CommandFailure([
      `the server answered ${answer.status}, but not with what was asked for (${type.fullName.slice(1)})`,
      '  Try: whether --url is that of a Signalbox, and not of another server.',
    ])
  }
  return message
}
