import { spawnSync } from 'node:child_process'
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** Whether tests can take the git program as their judge: `it.runIf(hasGit)`. */
export const hasGit = spawnSync('git', ['--version']).status === 0

export interface GitOptions {
  readonly cwd?: string
  readonly input?: string | Uint8Array
  readonly env?: Readonly<Record<string, string>>
}

/** Runs git, away from the configuration of this machine, and answers what it printed. Throws when git fails. */
export function git(args: readonly string[], options: GitOptions = {}): string {
  return gitBytes(args, options).toString('utf8')
}

/** The same, for output that is not text. */
export function gitBytes(args: readonly string[], { cwd, input, env }: GitOptions = {}): Buffer {
  const result = spawnSync('git', args, { cwd, input, env: { ...gitEnvironment(), ...env }, maxBuffer: 2 ** 30 })
  if (result.error !== undefined) throw result.error
  if (result.status !== 0) {
    // Some commands tell on the one, some on the other.
    const said = [result.stderr, result.stdout.subarray(0, 10_000)].join('\n')
    throw new Error(`git ${args.join(' ')} failed with ${result.status ?? result.signal}:\n${said}`)
  }
  return result.stdout
}

/** For tests that start git themselves: the same author, committer and time in every run, and no configuration. */
export function gitEnvironment(): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    // Need not exist: git only looks for a configuration in it.
    HOME: join(tmpdir(), 'signalbox-test-home'),
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'Test Author',
    GIT_AUTHOR_EMAIL: 'author@example.com',
    GIT_AUTHOR_DATE: '1700000000 +0000',
    GIT_COMMITTER_NAME: 'Test Committer',
    GIT_COMMITTER_EMAIL: 'committer@example.com',
    GIT_COMMITTER_DATE: '1700000060 +0000',
    LC_ALL: 'C',
  }
}

/** An empty folder that is removed after the test. Inside of a test only. */
export function createTemporaryFolder(): string {
  const folder = createFolder()
  onTestFinished(() => removeFolder(folder))
  return folder
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
}

/** An empty folder that its maker removes. */
export function createFolder(): string {
  // Without links in the way (macOS), so that paths can be compared with what git prints.
  return mkdtempSync(join(realpathSync(tmpdir()), 'signalbox-test-'))
}

/** A bare repository without commits whose branch is `main`, in a folder that is removed after the test. */
export function createBareRepository(): string {
  const folder = join(createTemporaryFolder(), 'repository.git')
  git(['init', '--quiet', '--bare', '--initial-branch=main', folder])
  return folder
}
