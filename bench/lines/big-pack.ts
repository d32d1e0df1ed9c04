import { randomBytes } from 'node:crypto'
import { stat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { timeGit } from '../git.ts'
import type { Line } from '../line.ts'
import { trainPath } from '../manifest-repository.ts'
import { atMost } from '../result.ts'
import { startServer } from '../server.ts'
import { changeOneDeployment } from './prognosis.ts'

const gigabytes = 3
const blobLength = 64 * 1024 * 1024

/** A repository with so much in it that no memory holds it: somebody once committed binaries. */
export const bigPack: Line = {
  name: 'big-pack',
  isQuick: false,
  measure: async (bench) => {
    const repository = await bench.repositories.copy(bench.size)
    await timeGit(
      repository,
      ['-c', 'core.bigFileThreshold=1m', '-c', 'fastimport.unpackLimit=0', 'fast-import', '--quiet', '--done'],
      Readable.from(binaries(), { objectMode: false }),
      { isNice: true },
    )
    // One pack with everything; what does not shrink is only copied.
    await timeGit(
      repository,
      ['-c', 'core.bigFileThreshold=1m', '-c', 'pack.packSizeLimit=0', 'repack', '-a', '-d', '-q'],
      '',
      { isNice: true },
    )
    const length = await longestPack(repository)
    const server = await startServer({ repository, profileFolder: bench.profileFolder })
    try {
      for (let index = 0; index < 20; index += 1) {
        await changeOneDeployment(server, bench.size)
        await server.send('GET', `${trainPath(bench.size)}/prognosis`)
      }
      return [
        atMost(500, {
          what: `most memory resident with a pack of ${(length / 2 ** 30).toFixed(1)} GB, read and written to`,
          unit: 'MB',
          values: [server.mostResidentMegabytes() ?? Number.NaN],
        }),
      ]
    } finally {
      await server.stop()
    }
  },
}

function* binaries(): Generator<string | Uint8Array> {
  yield 'commit refs/heads/main\ncommitter Signalbox bench <bench@example.com> 1767700000 +0000\n'
  yield 'data 8\nBinaries\nfrom refs/heads/main^0\n'
  const count = (gigabytes * 2 ** 30) / blobLength
  for (let index = 0; index < count; index += 1) {
    yield `M 100644 inline binaries/${index}\ndata ${blobLength}\n`
    // Nothing makes random bytes smaller.
    for (let portion = 0; portion < 64; portion += 1) yield randomBytes(blobLength / 64)
    yield '\n'
  }
  yield 'done\n'
}

async function longestPack(gitDirectory: string): Promise<number> {
  const folder = join(gitDirectory, 'objects', 'pack')
  const lengths = await Promise.all((await readdir(folder)).map(async (name) => (await stat(join(folder, name))).size))
  return Math.max(...lengths)
}
