import { spawn } from 'node:child_process'
import type { ChildProcessWithoutNullStreams } from 'node:child_process'

export interface ChildOptions {
  readonly command: string
  readonly args: readonly string[]
  /** All of it: nothing is inherited. */
  readonly environment: Readonly<Record<string, string>>
  readonly input?: string | Uint8Array
  /** Milliseconds for all of it. */
  readonly timeout: number
  /** Milliseconds in which it must say something; undefined when it need not. */
  readonly silenceTimeout?: number
  /** Bytes that it may print. */
  readonly maximumOutput: number
  /** Ends it from outside. */
  readonly signal: AbortSignal
}

export type ChildEnd =
  | { readonly kind: 'ended'; readonly code: number | null; readonly output: Buffer; readonly errors: string }
  | { readonly kind: 'timeout'; readonly milliseconds: number; readonly errors: string }
  | { readonly kind: 'too-much-output' }
  | { readonly kind: 'closed' }
  /** The program is missing, or the machine has no room for another process. */
  | { readonly kind: 'not-started'; readonly cause: NodeJS.ErrnoException }

/** How long a program may take to clean up behind itself, such as to remove its lock files. */
export const graceMilliseconds = 2000

/** Of what it prints on its standard error, the end is kept: it says last why it failed. */
const maximumErrors = 64 * 1024

/** Runs a program, and whatever it starts, to its end. Never rejects. */
export function runChild(options: ChildOptions): Promise<ChildEnd> {
  if (options.signal.aborted) return Promise.resolve({ kind: 'closed' })
  return new Promise((resolve) => {
    const child = startChild(options)
    const output: Buffer[] = []
    let length = 0
    let errors = ''
    let ending: ChildEnd | undefined
    const timers = new Set<NodeJS.Timeout>()

    function end(why: ChildEnd): void {
      ending ??= why
      endGroup(child)
    }
    function later(milliseconds: number, act: () => void): NodeJS.Timeout {
      const timer = setTimeout(act, milliseconds)
      timers.add(timer)
      return timer
    }
    const onAbort = () => end({ kind: 'closed' })
    const onSilence = () => end({ kind: 'timeout', milliseconds: options.silenceTimeout ?? 0, errors })
    const silence = options.silenceTimeout === undefined ? undefined : later(options.silenceTimeout, onSilence)
    later(options.timeout, () => end({ kind: 'timeout', milliseconds: options.timeout, errors }))
    options.signal.addEventListener('abort', onAbort)

    function finish(result: ChildEnd): void {
      for (const timer of timers) clearTimeout(timer)
      options.signal.removeEventListener('abort', onAbort)
      child.stdout.destroy()
      child.stderr.destroy()
      resolve(ending ?? result)
    }
    child.stdout.on('data', (chunk: Buffer) => {
      silence?.refresh()
      length += chunk.length
      if (length > options.maximumOutput) end({ kind: 'too-much-output' })
      else output.push(chunk)
    })
    child.stderr.on('data', (chunk: Buffer) => {
      silence?.refresh()
      errors = (errors + chunk.toString('utf8')).slice(-maximumErrors)
    })
    child.once('error', (cause) => finish({ kind: 'not-started', cause }))
    const toEnd = (code: number | null): ChildEnd => ({ kind: 'ended', code, output: Buffer.concat(output), errors })
    child.once('close', (code) => finish(toEnd(code)))
    // What it has started may outlive it and keep its output open: nobody waits for that.
    child.once('exit', (code) => later(graceMilliseconds, () => finish(toEnd(code))))
    // A program that does not want all of its input says so by its exit.
    child.stdin.on('error', () => undefined)
    child.stdin.end(options.input)
  })
}

/** In a group of its own, so that what it starts can be ended with it, and a Ctrl-C in our terminal does not reach it. */
export function startChild(
  options: Pick<ChildOptions, 'command' | 'args' | 'environment'>,
): ChildProcessWithoutNullStreams {
  return spawn(options.command, options.args, { env: options.environment, stdio: 'pipe', detached: true })
}

/** Asks the program and all that it started to end, and ends what does not. */
export function endGroup(child: ChildProcessWithoutNullStreams): void {
  signalGroup(child, 'SIGTERM')
  setTimeout(() => signalGroup(child, 'SIGKILL'), graceMilliseconds).unref()
}

function signalGroup({ pid, exitCode, signalCode }: ChildProcessWithoutNullStreams, signal: NodeJS.Signals): void {
  // Only as long as its leader lives, the number of the group is surely not somebody else's.
  if (pid === undefined || exitCode !== null || signalCode !== null) return
  try {
    process.kill(-pid, signal)
  } catch {
    // It has just ended.
  }
}
