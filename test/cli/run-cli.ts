import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run } from '../../src/cli/run.ts'

export interface CliResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs the program within the test. `pauses` are the seconds that it would have waited between tries. */
export async function runCli(
  args: readonly string[],
  options: { readonly environment?: Readonly<Record<string, string>>; readonly isTerminal?: boolean } = {},
): Promise<CliResult & { readonly pauses: readonly number[] }> {
  let stdout = ''
  let stderr = ''
  const pauses: number[] = []
  const isTTY = options.isTerminal === true
  const code = await run(args, {
    environment: options.environment ?? {},
    stdout: { write: (text) => (stdout += text), isTTY },
    stderr: { write: (text) => (stderr += text), isTTY },
    sleep: (milliseconds) => {
      pauses.push(milliseconds / 1000)
      return Promise.resolve()
    },
    onInterrupt: () => undefined,
  })
  return { code, stdout, stderr, pauses }
}

const cliMain = fileURLToPath(new URL('../../dist/cli-main.js', import.meta.url))

/** Starts the shipped program. */
export function spawnCli(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  stdout: number | 'pipe' = 'pipe',
): ChildProcess {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(SIGNALBOX|KUBERPULT)_|^NO_COLOR$/u.test(name))
  return spawn(process.execPath, [cliMain, ...args], {
    // Whoever runs the tests may have signed in somewhere.
    env: { ...Object.fromEntries(inherited), XDG_STATE_HOME: join(tmpdir(), 'signalbox-test-home'), ...environment },
    stdio: ['ignore', stdout, 'pipe'],
  })
}

/** What a started program prints until it ends. */
export async function endOf(child: ChildProcess): Promise<CliResult> {
  let stdout = ''
  let stderr = ''
  child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout, stderr }
}
