import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { PushOutcome, RefUpdate } from './git-remote.ts'
import { RemoteError } from './git-remote.ts'
import type { PktLine } from './pkt-line.ts'
import { flushPkt, ProtocolError, readPktLine } from './pkt-line.ts'
import { findPushProblem, hasMoved, readAdvertisement, readReport, toOutcome, toPushRequest } from './receive-pack.ts'
import { toEndError, toRemoteError } from './remote-failure.ts'
import { endGroup, graceMilliseconds, startChild } from './run-child.ts'

export interface ChildPushOptions {
  /** What runs `git receive-pack` on the server, and brings it here: `ssh` with its arguments, or git itself. */
  readonly command: string
  readonly args: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  /** Milliseconds for all of it. */
  readonly timeout: number
  readonly signal: AbortSignal
}

/** Of all that the server says: as much as a hundred thousand refs take, several times. */
const maximumBytes = 64 * 1024 * 1024
const maximumErrors = 64 * 1024

/** Pushes through a program that connects us with `git receive-pack`, which tells first where all refs are. */
export async function pushOverChild(
  options: ChildPushOptions,
  updates: readonly RefUpdate[],
  pack: Uint8Array,
): Promise<PushOutcome> {
  const { command, timeout, signal } = options
  const what = `${command} ${command === 'git' ? 'receive-pack' : 'git-receive-pack'}`
  if (signal.aborted) throw toEndError(what, { kind: 'closed' })
  const child = startChild(options)
  const conversation = new Conversation(child)
  let end: 'timeout' | 'closed' | undefined
  const endBecause = (why: 'timeout' | 'closed') => {
    end ??= why
    endGroup(child)
  }
  const onAbort = () => endBecause('closed')
  const timer = setTimeout(() => endBecause('timeout'), timeout)
  signal.addEventListener('abort', onAbort)
  try {
    const outcome = await converse(conversation, updates, pack)
    await conversation.end()
    return outcome
  } catch (cause) {
    const error = await explain(cause)
    if (conversation.isSent) return { kind: 'unknown', cause: error }
    throw error
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
  }

  async function explain(cause: unknown): Promise<Error> {
    await conversation.end()
    const { errors } = conversation
    if (end !== undefined) {
      return toEndError(what, end === 'timeout' ? { kind: end, milliseconds: timeout, errors } : { kind: end })
    }
    if (conversation.startError !== undefined) {
      return toEndError(what, { kind: 'not-started', cause: conversation.startError })
    }
    if (cause instanceof RemoteError) return cause
    if (errors.trim() !== '' || !(cause instanceof ProtocolError)) return toRemoteError(what, errors, [])
    return new RemoteError('REMOTE_UNREACHABLE', `${what} answers as no git server does: ${cause.message}`)
  }
}

async function converse(
  conversation: Conversation,
  updates: readonly RefUpdate[],
  pack: Uint8Array,
): Promise<PushOutcome> {
  const advertisement = readAdvertisement(await conversation.readToFlush(), [])
  const problem = findPushProblem(advertisement, updates)
  if (problem !== undefined || hasMoved(advertisement, updates)) {
    await conversation.send(flushPkt)
    return problem === undefined
      ? { kind: 'moved', reason: 'the server names another commit' }
      : { kind: 'refused', reason: problem }
  }
  const { capabilities } = advertisement
  await conversation.sendLast(Buffer.concat([toPushRequest(updates, capabilities), pack]))
  const lines = await conversation.readToEnd()
  const report = readReport(lines, { updates, usesSideBand: capabilities.has('side-band-64k'), secrets: [] })
  return toOutcome(report, false)
}

/** What goes to and fro, in the protocol's lines. */
class Conversation {
  readonly #child: ChildProcessWithoutNullStreams
  readonly #lines: AsyncGenerator<PktLine, void>
  readonly #closed: Promise<unknown>
  /** The end of what the program had to say. */
  errors = ''
  /** Whether the last byte has left for the program: until then the server cannot have all of it. */
  isSent = false
  /** Why there is no program at all. */
  startError: NodeJS.ErrnoException | undefined

  constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child
    this.#lines = readLines(child.stdout)
    this.#closed = once(child, 'close').catch(() => undefined)
    child.stderr.on('data', (chunk: Buffer) => {
      this.errors = (this.errors + chunk.toString('utf8')).slice(-maximumErrors)
    })
    child.once('error', (error) => {
      this.startError = error
    })
    // That nobody reads is seen where an answer is missing.
    child.stdin.on('error', () => undefined)
  }

  async readToFlush(): Promise<readonly PktLine[]> {
    const lines: PktLine[] = []
    for (;;) {
      const { value, done } = await this.#lines.next()
      if (done === true) throw new ProtocolError('the end is missing')
      lines.push(value)
      if (value === 'flush') return lines
    }
  }

  /** What can be read until the program ends, or breaks off. */
  async readToEnd(): Promise<readonly PktLine[]> {
    const lines: PktLine[] = []
    try {
      for await (const line of this.#lines) lines.push(line)
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
    }
    return lines
  }

  send(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve) => this.#child.stdin.write(bytes, () => resolve()))
  }

  /** Resolves when all of it has left, or nobody takes it any more. */
  async sendLast(bytes: Uint8Array): Promise<void> {
    const { stdin } = this.#child
    stdin.end(bytes)
    stdin.once('finish', () => {
      this.isSent = true
    })
    if (!stdin.closed) await once(stdin, 'close').catch(() => undefined)
  }

  /** Waits until the program has ended, which it is about to, but not for long. */
  async end(): Promise<void> {
    this.#child.stdin.destroy()
    const patience = new AbortController()
    const isClosed = await Promise.race([
      this.#closed.then(() => true),
      sleep(graceMilliseconds, false, { signal: patience.signal }),
    ])
    patience.abort()
    if (!isClosed) endGroup(this.#child)
  }
}

async function* readLines(stream: AsyncIterable<Buffer>): AsyncGenerator<PktLine, void> {
  let rest: Buffer = Buffer.alloc(0)
  let length = 0
  for await (const chunk of stream) {
    length += chunk.length
    if (length > maximumBytes) throw new ProtocolError(`it sends more than ${maximumBytes} bytes`)
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    let offset = 0
    for (let read = readPktLine(rest, 0); read !== undefined; read = readPktLine(rest, offset)) {
      yield read.line
      offset = read.end
    }
    rest = rest.subarray(offset)
  }
  if (rest.length > 0) throw new ProtocolError('the end is missing')
}
