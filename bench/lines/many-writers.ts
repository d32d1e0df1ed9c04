import { git } from '../git.ts'
import type { Line } from '../line.ts'
import { applicationName, targetEnvironments, upstreamEnvironment } from '../manifest-repository.ts'
import { atLeast, atMost } from '../result.ts'
import { startServer } from '../server.ts'

const clients = 64
const rounds = 5
const millisecondsOfRound = 2000

/** 64 clients that write as fast as they are answered. */
export const manyWriters: Line = {
  name: 'many-writers',
  isQuick: false,
  measure: async (bench) => {
    const repository = await bench.repositories.copy(bench.size)
    const server = await startServer({ repository, profileFolder: bench.profileFolder })
    try {
      const countCommits = () => Number(git(repository, ['rev-list', '--count', 'main']))
      const environments = targetEnvironments(bench.size)
      let number = 0
      const lockUntil = async (end: number): Promise<number> => {
        let written = 0
        while (performance.now() < end) {
          number += 1
          const environment = environments[number % environments.length] ?? upstreamEnvironment
          const application = applicationName((number * 31) % bench.size.applications)
          await server.send('PUT', `/environments/${environment}/applications/${application}/locks/many-${number}`, {
            message: 'Load test until Thursday',
          })
          written += 1
        }
        return written
      }
      const before = countCommits()
      const perSecond: number[] = []
      let acknowledged = 0
      for (let round = 0; round < rounds; round += 1) {
        const begin = performance.now()
        const written = await Promise.all(Array.from({ length: clients }, () => lockUntil(begin + millisecondsOfRound)))
        const count = written.reduce((sum, each) => sum + each, 0)
        acknowledged += count
        perSecond.push((count * 1000) / (performance.now() - begin))
      }
      return [
        atLeast(300, { what: `acknowledged writes of ${clients} clients`, unit: '/s', values: perSecond }),
        atMost(0, {
          what: 'acknowledged writes without a commit of their own',
          unit: '',
          values: [acknowledged - (countCommits() - before)],
        }),
      ]
    } finally {
      await server.stop()
    }
  },
}
