import { likeYoungestPack, timeFiveSyncs } from '../five-syncs.ts'
import type { Bench, Line } from '../line.ts'
import { applicationName, targetEnvironments, upstreamEnvironment } from '../manifest-repository.ts'
import type { Pair } from '../result.ts'
import { atMostAbove } from '../result.ts'
import type { Server } from '../server.ts'
import { startServer } from '../server.ts'
import { changeOneDeployment } from './prognosis.ts'

/** One lock, and one deployment, beside what the disk needs for the same bytes. */
export const singleWrites: Line = {
  name: 'single-writes',
  isQuick: true,
  measure: async (bench) => {
    const repository = await bench.repositories.copy(bench.size)
    const server = await startServer({ repository, profileFolder: bench.profileFolder })
    try {
      const { locks, deployments } = await measureSingleWrites(server, repository, bench)
      const comparison = { unit: 'ms', yardstick: 'five syncs of the same bytes' }
      return [
        atMostAbove(3, { ...comparison, what: 'one lock, durable', pairs: locks }),
        atMostAbove(3, { ...comparison, what: 'one deployment, durable', pairs: deployments }),
      ]
    } finally {
      await server.stop()
    }
  },
}

const warmUps = 20

export async function measureSingleWrites(
  server: Server,
  repository: string,
  { size, alternations, repositories }: Pick<Bench, 'size' | 'alternations' | 'repositories'>,
): Promise<{ readonly locks: readonly Pair[]; readonly deployments: readonly Pair[] }> {
  const folder = await repositories.temporaryFolder()
  const locks: Pair[] = []
  const deployments: Pair[] = []
  const environments = targetEnvironments(size)
  for (let index = -warmUps; index < alternations * 4; index += 1) {
    const number = index + warmUps
    const environment = environments[number % environments.length] ?? upstreamEnvironment
    const application = applicationName((number * 31) % size.applications)
    const lock = await server.send(
      'PUT',
      `/environments/${environment}/applications/${application}/locks/bench-${number}`,
      {
        message: 'Load test until Thursday',
      },
    )
    const afterLock = await timeLikeYoungest()
    const deployment = await changeOneDeployment(server, size, number)
    const afterDeployment = await timeLikeYoungest()
    if (index < 0) continue
    locks.push({ measured: lock.completeAfter, yardstick: afterLock })
    deployments.push({ measured: deployment, yardstick: afterDeployment })
  }
  return { locks, deployments }

  async function timeLikeYoungest(): Promise<number> {
    const { pack, index } = await likeYoungestPack(repository)
    return timeFiveSyncs(folder, pack, index)
  }
}
