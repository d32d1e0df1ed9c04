import type { Bench } from './line.ts'
import { measurePrognoses } from './lines/prognosis.ts'
import { measureSingleWrites } from './lines/single-writes.ts'
import { measureTrains } from './lines/train.ts'
import type { RepositorySize } from './manifest-repository.ts'
import { targetEnvironments } from './manifest-repository.ts'
import { layOut, toFigure } from './report.ts'
import { startServer } from './server.ts'
import { spreadOf } from './statistics.ts'

const applications = [100, 1000, 5000]
const environments = [1, 10, 50]

/** What one of each costs in a repository of some size. Medians. */
export interface Growth {
  readonly size: RepositorySize
  readonly microsecondsPerDecision: number
  readonly microsecondsPerDeploymentOfTrain: number
  readonly millisecondsPerDeployment: number
  readonly millisecondsPerLock: number
  /** What the disk alone took for the lock. */
  readonly millisecondsOfSyncs: number
  readonly millisecondsUntilReady: number
}

export async function measureGrowth(bench: Bench, say: (sentence: string) => void): Promise<readonly Growth[]> {
  const sizes = [
    ...applications.map((count) => ({ ...bench.size, applications: count })),
    ...environments
      .filter((count) => count !== bench.size.environments)
      .map((count) => ({ ...bench.size, environments: count })),
  ]
  const growth: Growth[] = []
  for (const size of sizes) {
    say(`${size.applications} applications x ${size.environments} environments`)
    growth.push(await measureSize({ ...bench, size }))
    await bench.repositories.removeCopies()
  }
  return growth
}

async function measureSize(bench: Bench): Promise<Growth> {
  const { size } = bench
  const repository = await bench.repositories.copy(size)
  const server = await startServer({ repository, profileFolder: bench.profileFolder })
  try {
    const { pairs } = await measureTrains(server, repository, bench)
    const { first, decisions } = await measurePrognoses(server, bench)
    const { locks, deployments } = await measureSingleWrites(server, repository, bench)
    const medianOf = (values: readonly { readonly measured: number }[]) =>
      spreadOf(values.map(({ measured }) => measured)).median
    return {
      size,
      microsecondsPerDecision: (medianOf(first) * 1000) / decisions,
      microsecondsPerDeploymentOfTrain:
        (medianOf(pairs) * 1000) / (size.applications * targetEnvironments(size).length),
      millisecondsPerDeployment: medianOf(deployments),
      millisecondsPerLock: medianOf(locks),
      millisecondsOfSyncs: spreadOf(locks.map(({ yardstick }) => yardstick)).median,
      millisecondsUntilReady: server.readyAfter,
    }
  } finally {
    await server.stop()
  }
}

export function toGrowthTable(growth: readonly Growth[]): string {
  return layOut([
    ['APPLICATIONS', 'ENVIRONMENTS', 'DECISION', 'OF A TRAIN', 'DEPLOYMENT', 'LOCK', 'SYNCS ALONE', 'READY'],
    ...growth.map((each) => [
      String(each.size.applications),
      String(each.size.environments),
      `${toFigure(each.microsecondsPerDecision)} us`,
      `${toFigure(each.microsecondsPerDeploymentOfTrain)} us`,
      `${toFigure(each.millisecondsPerDeployment)} ms`,
      `${toFigure(each.millisecondsPerLock)} ms`,
      `${toFigure(each.millisecondsOfSyncs)} ms`,
      `${toFigure(each.millisecondsUntilReady)} ms`,
    ]),
  ])
}

/** What the design allows from the fewest applications to the most, and what became of it. */
export function judgeGrowth(
  growth: readonly Growth[],
): readonly { readonly sentence: string; readonly isMet: boolean }[] {
  const [small] = growth
  const large = growth.find(({ size }) => size.applications === applications.at(-1))
  if (small === undefined || large === undefined) return []
  const judge = (what: string, limit: number, factor: number) => ({
    sentence:
      `from ${small.size.applications} to ${large.size.applications} applications ${what} grows ${toFigure(factor)} x; ` +
      `${factor <= limit ? '' : 'MISSED: '}at most ${limit} x`,
    isMet: factor <= limit,
  })
  return [
    judge('a lock', 2, large.millisecondsPerLock / small.millisecondsPerLock),
    judge('a deployment', 4, large.millisecondsPerDeployment / small.millisecondsPerDeployment),
  ]
}
