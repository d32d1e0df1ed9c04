import { join } from 'node:path'
import { expect, it } from 'vitest'
import { gitDirectoryIn } from '../../src/manifest-store/remote/local-clone.ts'
import { hasGitHttpBackend } from '../support/git-http-server.ts'
import { git } from '../support/real-git.ts'
import type { ServerProcess } from '../support/server-process.ts'
import { startServer } from '../support/server-process.ts'
import { ForeignPusher } from './foreign-pusher.ts'
import { findRewrites, HandReader, judgeTrains, readHistory } from './history.ts'
import type { Write } from './judge-writes.ts'
import { judgeWrites } from './judge-writes.ts'
import { Random, readCount, readSeed } from './random.ts'
import type { HttpTarget } from './soak-target.ts'
import { assertClean, createHttpTarget } from './soak-target.ts'
import { WriteMix } from './write-mix.ts'
import { Writers } from './writers.ts'

const replicas = 3
const clients = 12

/**
 * Three replicas that know nothing of each other, and somebody with plain git, write to one branch of one git server. The invariant:
 *
 * 1. Each write that was acknowledged with a commit is in the remote's history exactly once, by its id in the commit.
 * 2. No write that was answered otherwise is there, with one exception: OUTCOME_UNKNOWN (504), which may be there once.
 * 3. Nothing is there that nobody sent, and the branch only ever grew at its end, one parent each.
 * 4. No application that was locked in the commit before a train's got a version by that train: whoever set the lock, and however
 *    shortly before.
 * 5. The server's repository and all clones are sound, and after a fetch all replicas know what the server has.
 */
it.runIf(hasGitHttpBackend)(
  'three replicas and a stranger on one branch lose nothing and honour every lock',
  async () => {
    const seed = readSeed()
    const count = readCount('SOAK_RACE_WRITES', 1000)
    process.stdout.write(`SOAK_SEED=${seed}: ${count} writes by ${replicas} replicas and a stranger\n`)
    const random = new Random(seed)
    const target = await createHttpTarget()
    const servers: ServerProcess[] = []
    try {
      git(['config', 'core.logAllRefUpdates', 'always'], { cwd: target.repository })
      const clones = Array.from({ length: replicas }, (_, index) => join(target.folder, `clone-${index}`))
      for (const clone of clones) {
        const environment = { ...target.environment, SIGNALBOX_CLONE_PATH: clone }
        servers.push(await startServer({ folder: target.folder, environment }))
      }
      const { writes, rejected } = await race(target, servers, random, count)
      const history = readHistory(target.repository)

      expect(
        judgeWrites(
          writes,
          history.map(({ writeId }) => writeId),
        ),
      ).toEqual([])
      expect(findRewrites(target.repository, history)).toEqual([])
      const { problems, ...trains } = judgeTrains(target.repository, history)
      expect(problems).toEqual([])
      await assertAgreed(target.repository, servers)
      for (const server of servers) expect(await server.stop('SIGTERM')).toBe(0)
      for (const repository of [target.repository, ...clones.map(gitDirectoryIn)]) await assertClean(repository)

      process.stdout.write(`${toText(writes)}\npushes by hand that came too late ${rejected}\n`)
      const again = servers.map((server) => server.output().stdout.split('deciding them again').length - 1)
      process.stdout.write(`batches that were decided again, by replica: ${again.join(', ')}\n`)
      process.stdout.write(
        `trains with a commit ${trains.trains}, versions that they brought ${trains.versions}, beside locks ${trains.trainsBesideLocks}\n` +
          'lost 0, doubled 0, done although refused 0, locks not honoured 0\n',
      )
      // A race in which nobody was in anybody's way proves nothing.
      expect(trains.trainsBesideLocks).toBeGreaterThan(0)
      expect(writes.filter(({ kind }) => kind.endsWith('by-hand')).length).toBeGreaterThan(0)
    } finally {
      for (const server of servers) await server.stop('SIGKILL')
      await target.remove()
    }
  },
)

async function race(target: HttpTarget, servers: readonly ServerProcess[], random: Random, count: number) {
  const writes: Write[] = []
  let ids = 0
  const mixes = Array.from({ length: clients }, (_, index) => new WriteMix(`${index}`, random.fork()))
  const places = random.fork()
  const stranger = await ForeignPusher.clone(target.url, target.folder, random.fork())
  // Each write goes to any replica: a lock is deleted where nobody has heard of it yet.
  const writers = new Writers(
    () => places.pick(servers).url,
    mixes,
    writes,
    () => `race-${(ids += 1)}`,
  )
  try {
    while (writes.length < count) writes.push(await stranger.write())
  } finally {
    await writers.stop()
  }
  return { writes, rejected: stranger.rejected }
}

/** Whoever asks for what is new gets what the server has. */
async function assertAgreed(repository: string, servers: readonly ServerProcess[]): Promise<void> {
  const head = git(['rev-parse', 'main'], { cwd: repository }).trim()
  const locks = new HandReader(repository, head).locks.map((path) => path.split('/').at(-1) ?? '')
  const prognoses = new Set<string>()
  for (const { url } of servers) {
    const answer = await fetch(`${url}/api/locks`, { headers: { 'cache-control': 'no-cache' } })
    const body = (await answer.json()) as { locks: { lock: { lockId: string } }[] }
    expect(body.locks.map(({ lock }) => lock.lockId).toSorted()).toEqual(locks.toSorted())
    expect(await (await fetch(`${url}/readyz`)).json()).toMatchObject({ status: 'ok', commit: head })
    prognoses.add(await (await fetch(`${url}/api/environment-groups/production/releasetrain/prognosis`)).text())
  }
  expect(prognoses.size).toBe(1)
}

function toText(writes: readonly Write[]): string {
  const byKind = new Map<string, number>()
  const refusals = new Map<string, number>()
  const add = (map: Map<string, number>, name: string) => void map.set(name, (map.get(name) ?? 0) + 1)
  for (const { kind, answer } of writes) {
    if (answer?.hasCommitted === true) add(byKind, kind)
    else if (answer === undefined) add(refusals, 'no answer')
    else add(refusals, answer.status < 300 ? 'nothing to change' : `${answer.status} ${codeOf(answer.text)}`)
  }
  const list = (map: Map<string, number>) =>
    [...map]
      .toSorted(([a], [b]) => a.localeCompare(b))
      .map(([name, number]) => `${name} ${number}`)
      .join(', ')
  const total = [...byKind.values()].reduce((sum, number) => sum + number, 0)
  return `writes ${writes.length}, acknowledged with a commit ${total}: ${list(byKind)}\nnot: ${list(refusals)}`
}

function codeOf(problem = ''): string {
  return /"code":"([A-Z_]+)"/.exec(problem)?.[1] ?? problem
}
