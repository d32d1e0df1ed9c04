import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { hasGitHttpBackend } from '../support/git-http-server.ts'
import { hasGit } from '../support/real-git.ts'
import type { ServerProcess } from '../support/server-process.ts'
import { startServer } from '../support/server-process.ts'
import type { Write } from './judge-writes.ts'
import { judgeWrites } from './judge-writes.ts'
import { Random, readCount, readSeed } from './random.ts'
import type { SoakTarget } from './soak-target.ts'
import { createHttpTarget, createLocalTarget } from './soak-target.ts'
import { WriteMix } from './write-mix.ts'
import { Writers } from './writers.ts'

/** How many kills a repository sees before another one takes its place: git fsck reads all of it each time. */
const killsOfRepository = 20
const clients = 8

/** Two of them use both cores. */
const lanes = 2

interface Figures {
  kills: number
  killsBeforeServing: number
  acknowledged: number
  refused: number
  unanswered: number
  unansweredButDone: number
  readonly kinds: Map<string, number>
}

/**
 * The shipped process writes for many clients and is killed at random moments. After each kill: git fsck --strict is clean, every write
 * that was acknowledged is in history exactly once, no write that was answered with an error is, and one that was not answered is
 * at most once.
 */
describe.each([
  {
    place: "this machine's disk",
    isHere: hasGit,
    kills: readCount('SOAK_KILLS', 200),
    longestLife: 1200,
    create: createLocalTarget,
  },
  {
    place: 'a git server over HTTP',
    isHere: hasGitHttpBackend,
    kills: readCount('SOAK_REMOTE_KILLS', 40),
    longestLife: 5000,
    create: createHttpTarget,
  },
])('a repository on $place', ({ place, isHere, kills, longestLife, create }) => {
  it.runIf(isHere)('loses nothing that was acknowledged when the process is killed', async () => {
    const seed = readSeed()
    process.stdout.write(`SOAK_SEED=${seed}: ${kills} kills, with the repository on ${place}\n`)
    const figures = await run(new Random(seed), { kills, longestLife, create })
    process.stdout.write(`${toText(figures)}\n`)
    // A run in which nothing was underway when the process died proves nothing.
    expect(figures.acknowledged).toBeGreaterThan(kills)
    expect(figures.unanswered).toBeGreaterThan(0)
  })
})

interface Run {
  readonly kills: number
  /** How long a process writes at most before it is killed, in milliseconds. */
  readonly longestLife: number
  readonly create: () => Promise<SoakTarget>
}

async function run(random: Random, { kills, longestLife, create }: Run): Promise<Figures> {
  const figures: Figures = {
    kills: 0,
    killsBeforeServing: 0,
    acknowledged: 0,
    refused: 0,
    unanswered: 0,
    unansweredButDone: 0,
    kinds: new Map(),
  }
  const runLane = async (lane: Random) => {
    while (figures.kills < kills) {
      const target = await create()
      try {
        const share = Math.min(killsOfRepository, Math.ceil((kills - figures.kills) / lanes))
        await soak(target, lane, { kills: share, longestLife }, figures)
      } finally {
        await target.remove()
      }
    }
  }
  await Promise.all(Array.from({ length: lanes }, () => runLane(random.fork())))
  return figures
}

async function soak(
  target: SoakTarget,
  random: Random,
  { kills, longestLife }: Omit<Run, 'create'>,
  figures: Figures,
): Promise<void> {
  const writes: Write[] = []
  let count = 0
  const nextId = () => `soak-${(count += 1)}`
  const mixes = Array.from({ length: clients }, (_, index) => new WriteMix(`${index}`, random.fork()))
  for (let kill = 0; kill < kills; kill += 1) {
    if (random.below(10) === 0) {
      await killWhileStarting(target, random)
      figures.killsBeforeServing += 1
    } else {
      const server = await startServer(target)
      try {
        const writers = new Writers(() => server.url, mixes, writes, nextId)
        await sleep(random.below(longestLife))
        await server.stop('SIGKILL')
        await writers.stop()
      } finally {
        await server.stop('SIGKILL')
      }
    }
    figures.kills += 1
    if (figures.kills % 50 === 0) process.stdout.write(`${figures.kills} kills\n`)
    await target.assertSound()
    expect(judgeWrites(writes, target.requestIds())).toEqual([])
  }
  await assertServed(target, mixes)
  await target.assertSound()
  tally(figures, writes, new Set(target.requestIds()))
}

/** The demo's start is about half a second: some of it is spent in taking the repository over from the one that was killed. */
async function killWhileStarting(target: SoakTarget, random: Random): Promise<void> {
  const moment = random.below(600)
  const started = startServer({ ...target, onLaunch: (child) => void sleep(moment).then(() => child.kill('SIGKILL')) })
  // It may have come to serve.
  await started.then((server) => server.stop('SIGKILL')).catch(() => undefined)
}

/** What the last process serves is what clients know, and it ends as it should. */
async function assertServed(target: SoakTarget, mixes: readonly WriteMix[]): Promise<void> {
  const server: ServerProcess = await startServer(target)
  try {
    const { locks } = (await (await fetch(`${server.url}/api/locks`)).json()) as {
      locks: { lock: { lockId: string } }[]
    }
    const served = new Set(locks.map(({ lock }) => lock.lockId))
    const missing = mixes.flatMap((mix) => mix.locks).filter((path) => !served.has(path.split('/').at(-1) ?? ''))
    expect(missing).toEqual([])
    expect(await (await fetch(`${server.url}/readyz`)).json()).toMatchObject({ status: 'ok' })
    expect(await server.stop('SIGTERM')).toBe(0)
  } finally {
    await server.stop('SIGKILL')
  }
}

function tally(figures: Figures, writes: readonly Write[], done: ReadonlySet<string>): void {
  for (const { requestId, kind, answer } of writes) {
    if (answer === undefined) {
      figures.unanswered += 1
      if (done.has(requestId)) figures.unansweredButDone += 1
    } else if (answer.hasCommitted) {
      figures.acknowledged += 1
      figures.kinds.set(kind, (figures.kinds.get(kind) ?? 0) + 1)
    } else if (answer.status >= 300) figures.refused += 1
  }
}

function toText(figures: Figures): string {
  const kinds = [...figures.kinds].toSorted(([a], [b]) => a.localeCompare(b)).map(([kind, count]) => `${kind} ${count}`)
  return [
    `kills ${figures.kills}, of these ${figures.killsBeforeServing} while it started`,
    `writes that were acknowledged with a commit ${figures.acknowledged}: ${kinds.join(', ')}`,
    `writes that were refused ${figures.refused}`,
    `writes that were underway ${figures.unanswered}, of these ${figures.unansweredButDone} done`,
    'lost 0, doubled 0, done although refused 0',
  ].join('\n')
}
