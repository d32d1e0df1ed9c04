import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { git } from '../git.ts'
import { hasGitHttpBackend, startGitHttpServer } from '../git-http-server.ts'
import type { Line } from '../line.ts'
import { applicationName, targetEnvironments, upstreamEnvironment } from '../manifest-repository.ts'
import type { Pair } from '../result.ts'
import { atMostAbove, atMostTimes } from '../result.ts'
import { startServer } from '../server.ts'

const clients = 64
const millisecondsOfRound = 3000

/** Locks that are pushed to a git server over HTTP, beside what the server itself takes for the pushes. */
export const remote: Line = {
  name: 'remote',
  isQuick: false,
  measure: async (bench) => {
    if (!hasGitHttpBackend()) {
      process.stderr.write('skipped: there is no git http-backend on this machine\n')
      return []
    }
    const { size } = bench
    const folder = await bench.repositories.temporaryFolder()
    const served = join(folder, 'manifests.git')
    await cp(await bench.repositories.pristine(size), served, { recursive: true })
    for (const key of ['http.receivepack', 'uploadpack.allowFilter', 'uploadpack.allowAnySHA1InWant']) {
      git(served, ['config', key, 'true'])
    }
    const host = await startGitHttpServer(folder)
    const server = await startServer({
      repository: `${host.url}/manifests.git`,
      environment: { SIGNALBOX_CLONE_PATH: join(folder, 'clone') },
      profileFolder: bench.profileFolder,
    })
    const environments = targetEnvironments(size)
    let number = 0
    const lock = async (): Promise<number> => {
      number += 1
      const environment = environments[number % environments.length] ?? upstreamEnvironment
      const application = applicationName((number * 31) % size.applications)
      const path = `/environments/${environment}/applications/${application}/locks/remote-${number}`
      return (await server.send('PUT', path, { message: 'Load test until Thursday' })).completeAfter
    }
    try {
      const single: Pair[] = []
      const bytes: Pair[] = []
      for (let index = -5; index < bench.alternations * 2; index += 1) {
        host.served.length = 0
        const measured = await lock()
        const pushes = host.served.filter(({ isPush }) => isPush)
        if (index < 0) continue
        single.push({ measured, yardstick: sum(pushes.map(({ milliseconds }) => milliseconds)) })
        bytes.push({
          measured: sum(pushes.map(({ bytesIn }) => bytesIn)) / 1024,
          yardstick: changedTreeBytes(served) / 1024,
        })
      }
      const many: Pair[] = []
      for (let round = 0; round < bench.alternations; round += 1) {
        host.served.length = 0
        const begin = performance.now()
        const lockOnAndOn = async () => {
          while (performance.now() < begin + millisecondsOfRound) await lock()
        }
        await Promise.all(Array.from({ length: clients }, lockOnAndOn))
        const took = performance.now() - begin
        const pushes = host.served.filter(({ isPush }) => isPush)
        const count = pushes.filter(({ isPack }) => isPack).length
        many.push({
          measured: took / count,
          yardstick: sum(pushes.map(({ milliseconds }) => milliseconds)) / count,
        })
      }
      const yardstick = "the server's own time"
      return [
        atMostTimes(1.3, { what: 'one lock, pushed', unit: 'ms', yardstick, pairs: single }),
        atMostTimes(1.3, { what: `a push while ${clients} clients write`, unit: 'ms', yardstick, pairs: many }),
        atMostAbove(4, {
          what: 'bytes pushed for one lock',
          unit: 'KB',
          yardstick: 'the trees that it changed',
          pairs: bytes,
        }),
      ]
    } finally {
      await server.stop()
      await host.close()
    }
  },
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

/** The trees that the last commit made, as they are before git packs them. */
function changedTreeBytes(repository: string): number {
  const objects = git(repository, ['rev-list', '--objects', '--no-object-names', 'main^!'])
  return git(repository, ['cat-file', '--batch-check=%(objecttype) %(objectsize)'], objects)
    .split('\n')
    .reduce((bytes, line) => bytes + (line.startsWith('tree ') ? Number(line.slice(5)) : 0), 0)
}
