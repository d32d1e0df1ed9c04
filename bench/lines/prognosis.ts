import type { Bench, Line } from '../line.ts'
import type { RepositorySize } from '../manifest-repository.ts'
import {
  applicationName,
  deployedVersion,
  targetEnvironments,
  trainPath,
  upstreamEnvironment,
} from '../manifest-repository.ts'
import type { Pair } from '../result.ts'
import { atMost, atMostTimes } from '../result.ts'
import type { Server } from '../server.ts'
import { startServer } from '../server.ts'

/** A prognosis of everything, just after a commit and once more, beside `JSON.stringify` of the same body. */
export const prognosis: Line = {
  name: 'prognosis',
  isQuick: true,
  measure: async (bench) => {
    const repository = await bench.repositories.copy(bench.size)
    const server = await startServer({ repository, profileFolder: bench.profileFolder })
    try {
      const measured = await measurePrognoses(server, bench)
      return [
        atMostTimes(2, {
          what: `prognosis of ${measured.decisions} decisions, after a deployment`,
          unit: 'ms',
          yardstick: 'JSON.stringify of the body',
          pairs: measured.first,
        }),
        atMost(1, { what: 'the same again: 304', unit: 'ms', values: measured.notModified }),
        atMost(1, { what: 'the same again: first byte of the body', unit: 'ms', values: measured.firstByte }),
      ]
    } finally {
      await server.stop()
    }
  },
}

/** How many are not counted: a process that has just begun has not compiled its code. */
const warmUps = 20

export async function measurePrognoses(server: Server, { size, alternations }: Pick<Bench, 'size' | 'alternations'>) {
  const path = `${trainPath(size)}/prognosis`
  const first: Pair[] = []
  const notModified: number[] = []
  const firstByte: number[] = []
  let decisions = 0
  const count = alternations * 4
  for (let index = -warmUps; index < count; index += 1) {
    await changeOneDeployment(server, size)
    const answer = await server.send('GET', path)
    const again = await server.send('GET', path)
    const unchanged = await server.client.send('GET', path, { headers: { 'if-none-match': answer.entityTag ?? '' } })
    if (unchanged.status !== 304) throw new Error(`an unchanged prognosis was answered ${unchanged.status}`)
    const body = JSON.parse(answer.text()) as PrognosisBody
    decisions = countDecisions(body)
    const begin = performance.now()
    const text = JSON.stringify(body)
    const yardstick = performance.now() - begin
    if (text.length === 0) throw new Error('the body is empty')
    if (index < 0) continue
    first.push({ measured: answer.completeAfter, yardstick })
    firstByte.push(again.firstByteAfter)
    notModified.push(unchanged.completeAfter)
  }
  return { decisions, first, notModified, firstByte }
}

/** How many deployments were changed through each server. */
const changed = new WeakMap<Server, number>()

/** Another application in another environment each time, one release on or back: never what is deployed already. */
export async function changeOneDeployment(server: Server, size: RepositorySize): Promise<number> {
  const index = changed.get(server) ?? 0
  changed.set(server, index + 1)
  const environments = [upstreamEnvironment, ...targetEnvironments(size)]
  const environment = environments[index % environments.length] ?? upstreamEnvironment
  const application = index % size.applications
  const turn = Math.floor(index / size.applications) + 1
  const version = deployedVersion(size, environment, application) - (turn % 2)
  const path = `/api/environments/${environment}/applications/${applicationName(application)}/deployment`
  return (await server.send('PUT', path, { version })).completeAfter
}

interface PrognosisBody {
  readonly envsPrognoses: Readonly<Record<string, { readonly appsPrognoses?: { readonly prognoses: object } }>>
}

function countDecisions({ envsPrognoses }: PrognosisBody): number {
  return Object.values(envsPrognoses).reduce(
    (sum, { appsPrognoses }) => sum + Object.keys(appsPrognoses?.prognoses ?? {}).length,
    0,
  )
}
