import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const serverMain = fileURLToPath(new URL('../../dist/server/main.js', import.meta.url))

/** The shipped process while it runs, or after it refused to. */
export interface ServerProcess {
  readonly child: ChildProcess
  /** Where it listens. */
  readonly url: string
  /** What it has printed so far. */
  output(): { readonly stdout: string; readonly stderr: string }
  /** Sends the signal and answers the exit code; null when the signal ended it. */
  stop(signal?: NodeJS.Signals): Promise<number | null>
}

interface StartOptions {
  /** Its current folder: the demo repository is made below it. */
  readonly folder: string
  readonly environment?: Readonly<Record<string, string>>
  /** The user that it runs as, by number. */
  readonly user?: number
  /** Arguments of Node itself. */
  readonly nodeArguments?: readonly string[]
  /** Whether messages can be sent to it. */
  readonly hasChannel?: boolean
  /** Is given the process before it serves. */
  readonly onLaunch?: (child: ChildProcess) => void
}

/** Starts the process on a free port and waits until it serves. Throws with its output when it does not. */
export async function startServer(options: StartOptions): Promise<ServerProcess> {
  const server = launch(options)
  options.onLaunch?.(server.child)
  const url = await new Promise<string>((resolve, reject) => {
    server.child.stdout?.on('data', () => {
      const line = server
        .output()
        .stdout.split('\n')
        .find((text) => text.includes('"msg":"Signalbox serves"'))
      if (line !== undefined) resolve((JSON.parse(line) as { url: string }).url)
    })
    server.child.once('exit', (code) => {
      const { stdout, stderr } = server.output()
      reject(new Error(`the server ended with ${code} before it served:\n${stdout}${stderr}`))
    })
  })
  return { ...server, url }
}

/** Runs the process until it ends by itself: for starts that must fail. */
export async function runServer(
  options: StartOptions,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const { child, output } = launch(options)
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, ...output() }
}

function launch({
  folder,
  environment = {},
  nodeArguments = [],
  hasChannel = false,
  user,
}: StartOptions): Omit<ServerProcess, 'url'> {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('SIGNALBOX_'))
  const child = spawn(process.execPath, [...nodeArguments, serverMain], {
    cwd: folder,
    env: { ...Object.fromEntries(inherited), SIGNALBOX_PORT: '0', ...environment },
    ...(user !== undefined && { uid: user, gid: user }),
    stdio: ['ignore', 'pipe', 'pipe', ...(hasChannel ? ['ipc' as const] : [])],
  })
  let stdout = ''
  let stderr = ''
  child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  return {
    child,
    output: () => ({ stdout, stderr }),
    stop: async (signal = 'SIGTERM') => {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
      const ended = once(child, 'close')
      child.kill(signal)
      const [code] = (await ended) as [number | null]
      return code
    },
  }
}
