import { likeLastPack, timeFiveSyncs } from '../five-syncs.ts'
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
    const path = `/environments/${environment}/applications/${application}/locks/bench-${number}`
    const lock = await besideSyncs(async () => {
      const { completeAfter } = await server.send('PUT', path, { message: 'Load test until Thursday' })
      return completeAfter
    })
    const deployment = await besideSyncs(() => changeOneDeployment(server, size))
    if (index < 0) continue
    if (lock !== undefined) locks.push(lock)
    if (deployment !== undefined) deployments.push(deployment)
  }
  return { locks, deployments }

  async function besideSyncs(write: () => Promise<number>): Promise<Pair | undefined> {
    const since = Math.floor(Date.now()) - 1
    const measured = await write()
    const like = await likeLastPack(repository, since)
    return like && { measured, yardstick: await timeFiveSyncs(folder, like.pack, like.index) }
  }
}
