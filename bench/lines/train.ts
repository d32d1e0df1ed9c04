import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { git, gitBytes, initRepository, timeGit } from '../git.ts'
import type { Bench, Line } from '../line.ts'
import { targetEnvironments, trainPath } from '../manifest-repository.ts'
import { percentile } from '../statistics.ts'
import type { Pair } from '../result.ts'
import { atMost, atMostTimes } from '../result.ts'
import type { Server } from '../server.ts'
import { startServer } from '../server.ts'

/** A train that deploys everything, beside `git fast-import` making the same commit, and what others feel of it. */
export const train: Line = {
  name: 'train',
  isQuick: true,
  measure: async (bench) => {
    const repository = await bench.repositories.copy(bench.size)
    const server = await startServer({ repository, profileFolder: bench.profileFolder })
    try {
      const { pairs, delays } = await measureTrains(server, repository, bench)
      const deployments = bench.size.applications * targetEnvironments(bench.size).length
      return [
        atMostTimes(0.8, {
          what: `train of ${deployments} deployments, durable`,
          unit: 'ms',
          yardstick: 'git fast-import of the same commit',
          pairs,
        }),
        atMost(50, {
          what: 'what others wait meanwhile, p99',
          unit: 'ms',
          values: delays,
          value: percentile(
            delays.toSorted((a, b) => a - b),
            0.99,
          ),
        }),
      ]
    } finally {
      await server.stop()
    }
  },
}

export async function measureTrains(
  server: Server,
  repository: string,
  { size, alternations, repositories }: Pick<Bench, 'size' | 'alternations' | 'repositories'>,
): Promise<{ readonly pairs: readonly Pair[]; readonly delays: readonly number[] }> {
  const pristine = await repositories.pristine(size)
  const path = trainPath(size)
  const pairs: Pair[] = []
  const delays: number[] = []
  const base = git(repository, ['rev-parse', 'main']).trim()
  for (let index = -1; index < alternations; index += 1) {
    git(repository, ['update-ref', 'refs/heads/main', base])
    await server.send('GET', `${path}/prognosis`)
    const probe = probeDelays(server)
    const answer = await server.send('PUT', path)
    const felt = await probe.stop()
    const stream = toFastImport(repository, pristine, base)
    const yardstick = await timeFastImport(await repositories.temporaryFolder(), pristine, base, stream)
    // The first one compiles the code.
    if (index < 0) continue
    pairs.push({ measured: answer.completeAfter, yardstick })
    delays.push(...felt)
  }
  return { pairs, delays }
}

/** Milliseconds between two requests of somebody who waits for nothing but the event loop. */
const probeInterval = 5

/**
 * Asks for something that takes no time, again and again at its time whether or not the last one was answered: what each waited
 * is how long the event loop did not come to it.
 */
function probeDelays(server: Server): { readonly stop: () => Promise<readonly number[]> } {
  const sent: Promise<number>[] = []
  const timer = setInterval(() => {
    sent.push(server.send('GET', '/healthz').then(({ completeAfter }) => completeAfter))
  }, probeInterval)
  return {
    stop: () => {
      clearInterval(timer)
      return Promise.all(sent)
    },
  }
}

/** What makes the same commit of the same trees: blobs that there were are named, others are sent. */
function toFastImport(repository: string, pristine: string, base: string): string {
  const changes = git(repository, ['diff-tree', '-r', '-z', '--no-renames', base, 'main']).split('\0')
  const lines: string[] = []
  const entries: { readonly mode: string; readonly id: string; readonly path: string }[] = []
  for (let at = 0; at + 1 < changes.length; at += 2) {
    const [, mode = '', , id = ''] = (changes[at] ?? '').split(' ')
    entries.push({ mode, id, path: changes[at + 1] ?? '' })
  }
  const ids = [...new Set(entries.map(({ id }) => id).filter((id) => !/^0+$/.test(id)))]
  const marks = new Map<string, string>()
  const known = git(pristine, ['cat-file', '--batch-check'], ids.map((id) => `${id}\n`).join(''))
  for (const line of known.split('\n')) {
    const [id = '', state] = line.split(' ')
    if (state !== 'missing') continue
    const bytes = gitBytes(repository, ['cat-file', 'blob', id])
    const mark = `:${marks.size + 1}`
    marks.set(id, mark)
    lines.push(`blob\nmark ${mark}\ndata ${bytes.length}\n${bytes.toString('latin1')}\n`)
  }
  const message = git(repository, ['log', '-1', '--format=%B', 'main'])
  lines.push(
    'commit refs/heads/main\ncommitter Signalbox bench <bench@example.com> 1767700000 +0000\n' +
      `data ${Buffer.byteLength(message)}\n${message}\nfrom ${base}\n`,
  )
  for (const { mode, id, path } of entries) {
    lines.push(/^0+$/.test(id) ? `D ${path}\n` : `M ${mode} ${marks.get(id) ?? id} ${path}\n`)
  }
  return `${lines.join('')}done\n`
}

async function timeFastImport(folder: string, pristine: string, base: string, stream: string): Promise<number> {
  const repository = join(folder, 'repository.git')
  initRepository(repository)
  await mkdir(join(repository, 'objects', 'info'), { recursive: true })
  await writeFile(join(repository, 'objects', 'info', 'alternates'), `${join(pristine, 'objects')}\n`)
  git(repository, ['update-ref', 'refs/heads/main', base])
  return timeGit(repository, ['-c', 'fastimport.unpackLimit=0', 'fast-import', '--quiet', '--done'], stream)
}
