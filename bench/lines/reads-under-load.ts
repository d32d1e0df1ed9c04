import { setTimeout as sleep } from 'node:timers/promises'
import { git } from '../git.ts'
import type { Line } from '../line.ts'
import { applicationName, targetEnvironments, trainPath, upstreamEnvironment } from '../manifest-repository.ts'
import type { Pair } from '../result.ts'
import { atMostTimes } from '../result.ts'
import { startServer } from '../server.ts'
import { spreadOf } from '../statistics.ts'
import { changeOneDeployment } from './prognosis.ts'

const readers = 64
const millisecondsOfRound = 3000

/** 64 clients that read prognoses, alone and while trains and locks are written. */
export const readsUnderLoad: Line = {
  name: 'reads-under-load',
  isQuick: false,
  measure: async (bench) => {
    const { size } = bench
    const repository = await bench.repositories.copy(size)
    const server = await startServer({ repository, profileFolder: bench.profileFolder })
    const environments = targetEnvironments(size)
    const base = git(repository, ['rev-parse', 'main']).trim()
    let number = 0

    const readUntil = async (end: number, reader: number): Promise<readonly number[]> => {
      const environment = environments[reader % environments.length] ?? upstreamEnvironment
      const times: number[] = []
      let entityTag = ''
      while (performance.now() < end) {
        const answer = await server.client.send('GET', `/api/environments/${environment}/releasetrain/prognosis`, {
          headers: { 'if-none-match': entityTag },
        })
        entityTag = answer.entityTag ?? ''
        times.push(answer.completeAfter)
        // They look again and again, but not as a flood: it is not their own queue that they are to wait for.
        await sleep(20)
      }
      return times
    }
    const writeUntil = async (end: number): Promise<readonly number[]> => {
      git(repository, ['update-ref', 'refs/heads/main', base])
      while (performance.now() < end) {
        await server.send('PUT', trainPath(size))
        for (let lock = 0; lock < 5; lock += 1) {
          number += 1
          const environment = environments[number % environments.length] ?? upstreamEnvironment
          await server.send(
            'PUT',
            `/environments/${environment}/applications/${applicationName(number % size.applications)}/locks/load-${number}`,
            { message: 'Load test until Thursday' },
          )
          await changeOneDeployment(server, size)
        }
      }
      return []
    }
    const median = async (isBusy: boolean): Promise<number> => {
      const end = performance.now() + millisecondsOfRound
      const writing = isBusy ? writeUntil(end) : undefined
      const times = await Promise.all(Array.from({ length: readers }, (_, reader) => readUntil(end, reader)))
      await writing
      return spreadOf(times.flat()).median
    }

    try {
      await median(true)
      const pairs: Pair[] = []
      for (let round = 0; round < bench.alternations; round += 1) {
        const yardstick = await median(false)
        pairs.push({ measured: await median(true), yardstick })
      }
      return [
        atMostTimes(3, {
          what: `a prognosis for one of ${readers} readers, while trains and locks are written`,
          unit: 'ms',
          yardstick: 'the same while nothing is written',
          pairs,
        }),
      ]
    } finally {
      await server.stop()
    }
  },
}
