import { writeFileSync } from 'node:fs'
import type { Flags } from './flags.ts'
import { FlagError, help, parseFlags } from './flags.ts'
import { judgeGrowth, measureGrowth, toGrowthTable } from './growth.ts'
import type { Bench, Line } from './line.ts'
import { bigPack } from './lines/big-pack.ts'
import { manyDeployments } from './lines/many-deployments.ts'
import { manyWriters } from './lines/many-writers.ts'
import { prognosis } from './lines/prognosis.ts'
import { readsUnderLoad } from './lines/reads-under-load.ts'
import { remote } from './lines/remote.ts'
import { singleWrites } from './lines/single-writes.ts'
import { start } from './lines/start.ts'
import { train } from './lines/train.ts'
import { describeMachine, toTable } from './report.ts'
import { RepositoryCache } from './repository-cache.ts'
import type { Result } from './result.ts'

const lines: readonly Line[] = [
  start,
  prognosis,
  train,
  singleWrites,
  manyWriters,
  readsUnderLoad,
  remote,
  bigPack,
  manyDeployments,
]

process.exitCode = await main(process.argv.slice(2))

/** Answers the exit code: 0 when every target is met, 1 when one is missed, 2 when the command line is wrong. */
async function main(args: readonly string[]): Promise<number> {
  const names = lines.map(({ name }) => name)
  let flags: Flags | 'help'
  try {
    flags = parseFlags(args, names)
  } catch (error) {
    if (!(error instanceof FlagError)) throw error
    say(error.message)
    return 2
  }
  if (flags === 'help') {
    process.stdout.write(`${help}${names.join(', ')}\n`)
    return 0
  }
  const repositories = new RepositoryCache(flags.isRemade, say)
  try {
    return await run(flags, { ...flags, repositories })
  } finally {
    await repositories.removeCopies()
  }
}

async function run(flags: Flags, bench: Bench): Promise<number> {
  const machine = describeMachine()
  say(machine)
  if (flags.mode === 'growth') {
    const growth = await measureGrowth(bench, say)
    const judgements = judgeGrowth(growth)
    process.stdout.write(`\n${toGrowthTable(growth)}\n${judgements.map(({ sentence }) => `${sentence}\n`).join('')}`)
    writeJson(flags, { machine, growth, judgements })
    return judgements.every((judgement) => judgement.isMet) ? 0 : 1
  }
  const results: Result[] = []
  for (const line of lines) {
    if (flags.only.length > 0 ? !flags.only.includes(line.name) : flags.isQuick && !line.isQuick) continue
    results.push(...(await measure(line, flags, bench)))
  }
  process.stdout.write(`\n${toTable(results)}\n`)
  writeJson(flags, { machine, size: flags.size, results })
  return results.every(isMet) ? 0 : 1
}

/** One that misses is measured once more where the measurement was a quick one: the machine may have been busy. */
async function measure(line: Line, { isQuick }: Flags, bench: Bench): Promise<readonly Result[]> {
  say(`measuring ${line.name}`)
  const results = await line.measure(bench)
  await bench.repositories.removeCopies()
  if (!isQuick || results.every(isMet)) return results
  say(`measuring ${line.name} once more`)
  const again = await line.measure(bench)
  await bench.repositories.removeCopies()
  return again
}

function isMet({ verdict }: Result): boolean {
  return verdict?.isMet ?? true
}

function writeJson({ json }: Flags, figures: object): void {
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(figures, null, 2)}\n`)
}

/** Progress goes where it does not mix with the table. */
function say(sentence: string): void {
  process.stderr.write(`${sentence}\n`)
}
