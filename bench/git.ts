import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Readable } from 'node:stream'

/** Runs git, away from the configuration of this machine, and answers what it printed. Throws when git fails. */
export function git(gitDirectory: string, args: readonly string[], input?: string): string {
  return gitBytes(gitDirectory, args, input).toString('utf8')
}

export function gitBytes(gitDirectory: string, args: readonly string[], input?: string): Buffer {
  const options = { env: gitEnvironment, input, maxBuffer: 2 ** 31 - 1 }
  const result = spawnSync('git', [`--git-dir=${gitDirectory}`, ...args], options)
  if (result.error !== undefined) throw result.error
  if (result.status !== 0) throw new Error(`git ${args.join(' ')} failed:\n${result.stderr.toString()}`)
  return result.stdout
}

/** Makes an empty bare repository. */
export function initRepository(gitDirectory: string): void {
  git(gitDirectory, ['init', '--quiet', '--bare', '--initial-branch=main'])
}

/**
 * Runs git with this input, at low priority where the input is the bench's own preparation, and answers how many milliseconds
 * the process lived. What it prints is read and dropped.
 */
export async function timeGit(
  gitDirectory: string,
  args: readonly string[],
  input: string | Readable,
  { isNice = false }: { readonly isNice?: boolean } = {},
): Promise<number> {
  const command = ['git', `--git-dir=${gitDirectory}`, ...args]
  const [program = '', ...rest] = isNice ? ['nice', ...command] : command
  const start = performance.now()
  const child = spawn(program, rest, { env: gitEnvironment, stdio: ['pipe', 'pipe', 'pipe'] })
  let errors = ''
  child.stdout.resume()
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  const ended = once(child, 'close') as Promise<[number | null]>
  if (typeof input === 'string') child.stdin.end(input)
  // A git that fails closes its input: its words are the better error.
  else await pipeline(input, child.stdin).catch(() => undefined)
  const [code] = await ended
  if (code !== 0) throw new Error(`git ${args.join(' ')} ended with ${code}:\n${errors}`)
  return performance.now() - start
}

const gitEnvironment = {
  PATH: process.env['PATH'] ?? '',
  // Need not exist: git only looks for a configuration in it.
  HOME: join(tmpdir(), 'signalbox-bench-home'),
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'Signalbox bench',
  GIT_AUTHOR_EMAIL: 'bench@example.com',
  GIT_COMMITTER_NAME: 'Signalbox bench',
  GIT_COMMITTER_EMAIL: 'bench@example.com',
  LC_ALL: 'C',
}
