import { readdir, stat } from 'node:fs/promises'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { timeGit } from '../git.ts'
import type { Line } from '../line.ts'
import { atMost, atMostTimes } from '../result.ts'
import { startServer } from '../server.ts'
import { changeOneDeployment } from './prognosis.ts'

const deployments = 10_000

/** What the disk holds after many single deployments, beside what git would make of it. */
export const manyDeployments: Line = {
  name: 'many-deployments',
  isQuick: false,
  measure: async (bench) => {
    const repository = await bench.repositories.copy(bench.size)
    const server = await startServer({ repository, profileFolder: bench.profileFolder })
    let mostPacks = 0
    try {
      for (let number = 0; number < deployments; number += 1) {
        await changeOneDeployment(server, bench.size)
        mostPacks = Math.max(mostPacks, await countPacks(repository))
      }
    } finally {
      await server.stop()
    }
    const repacked = join(await bench.repositories.temporaryFolder(), 'repository.git')
    await cp(repository, repacked, { recursive: true })
    await timeGit(repacked, ['repack', '-a', '-d', '-q'], '', { isNice: true })
    return [
      atMostTimes(2, {
        what: `disk after ${deployments} deployments one by one`,
        unit: 'MB',
        yardstick: 'after git repack -a -d',
        pairs: [{ measured: await megabytesOf(repository), yardstick: await megabytesOf(repacked) }],
      }),
      atMost(50, { what: 'most packs at any time', unit: '', values: [mostPacks] }),
      atMost(50, { what: 'packs after them', unit: '', values: [await countPacks(repository)] }),
    ]
  },
}

async function countPacks(gitDirectory: string): Promise<number> {
  return (await readdir(join(gitDirectory, 'objects', 'pack'))).filter((name) => name.endsWith('.pack')).length
}

/** What the repository's objects take on the disk. */
async function megabytesOf(gitDirectory: string): Promise<number> {
  let bytes = 0
  for (const name of await readdir(join(gitDirectory, 'objects'), { recursive: true })) {
    const { blocks, isFile } = await statOf(join(gitDirectory, 'objects', name))
    if (isFile) bytes += blocks * 512
  }
  return bytes / 1024 / 1024
}

async function statOf(path: string): Promise<{ readonly blocks: number; readonly isFile: boolean }> {
  const stats = await stat(path)
  return { blocks: stats.blocks, isFile: stats.isFile() }
}
