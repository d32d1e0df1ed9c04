import { parseArgs } from 'node:util'
import type { RepositorySize } from './manifest-repository.ts'

export interface Flags {
  readonly mode: 'lines' | 'growth'
  readonly isQuick: boolean
  /** Names of lines; empty for all. */
  readonly only: readonly string[]
  readonly size: RepositorySize
  readonly alternations: number
  readonly isRemade: boolean
  readonly json: string | undefined
  readonly profileFolder: string | undefined
}

/** The command line is wrong: the message says how, for people. */
export class FlagError extends Error {
  override readonly name = 'FlagError'
}

export const help = `npm run bench -- [flags]

  --quick               ratios alone, on 200 applications, in about half a minute
  --only <line>         only this line; may be given several times
  --growth              how times grow with applications and environments, instead of the lines
  --json <file>         writes every figure to this file, too
  --applications <n>    1000 unless given, 200 with --quick
  --environments <n>    10
  --releases <n>        20 for each application; at least 7
  --commits <n>         2000 commits of history
  --alternations <n>    9 times a measurement and its yardstick, 5 with --quick
  --remake              makes the repository again, although there is one of this size
  --cpu-prof <folder>   each server leaves its CPU profile there
  --help

Lines: `

export function parseFlags(args: readonly string[], lineNames: readonly string[]): Flags | 'help' {
  const { values } = parse(args)
  if (values.help === true) return 'help'
  const isQuick = values.quick ?? false
  const only = values.only ?? []
  for (const name of only) {
    if (!lineNames.includes(name)) throw new FlagError(`there is no line '${name}'; there is: ${lineNames.join(', ')}`)
  }
  return {
    mode: values.growth === true ? 'growth' : 'lines',
    isQuick,
    only,
    size: {
      applications: toNumber('applications', values.applications, 1, isQuick ? 200 : 1000),
      environments: toNumber('environments', values.environments, 1, 10),
      releases: toNumber('releases', values.releases, 7, 20),
      commits: toNumber('commits', values.commits, 0, 2000),
    },
    alternations: toNumber('alternations', values.alternations, 1, isQuick ? 5 : 9),
    isRemade: values.remake ?? false,
    json: values.json,
    profileFolder: values['cpu-prof'],
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        quick: { type: 'boolean' },
        only: { type: 'string', multiple: true },
        growth: { type: 'boolean' },
        json: { type: 'string' },
        applications: { type: 'string' },
        environments: { type: 'string' },
        releases: { type: 'string' },
        commits: { type: 'string' },
        alternations: { type: 'string' },
        remake: { type: 'boolean' },
        'cpu-prof': { type: 'string' },
        help: { type: 'boolean' },
      },
    })
  } catch (error) {
    throw new FlagError((error as Error).message, { cause: error })
  }
}

function toNumber(name: string, text: string | undefined, least: number, fallback: number): number {
  if (text === undefined) return fallback
  if (!/^\d{1,7}$/.test(text) || Number(text) < least) {
    throw new FlagError(`--${name} must be a whole number of at least ${least}, not '${text}'`)
  }
  return Number(text)
}
