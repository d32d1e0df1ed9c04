import { setTimeout as sleep } from 'node:timers/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { hasGitHttpBackend } from '../support/git-http-server.ts'
import type { ServerProcess } from '../support/server-process.ts'
import { startServer } from '../support/server-process.ts'
import { startFaultyProxy } from './faulty-proxy.ts'
import { findRewrites, readHistory } from './history.ts'
import type { Write } from './judge-writes.ts'
import { judgeWrites } from './judge-writes.ts'
import { Random, readCount, readSeed } from './random.ts'
import { createHttpTarget } from './soak-target.ts'
import type { PlannedWrite } from './write-mix.ts'
import { WriteMix } from './write-mix.ts'
import { send } from './writers.ts'

const clients = 8
const replicas = 2

/** How often a caller repeats what it has no verdict on: for longer than the server is away. */
const tries = 200

/** For how long the server is away, in milliseconds: longer than a replica looks for the answer to a push. */
const outage = 25_000

/** The kinds of writes that take an `Idempotency-Key`. */
const keyed = new Set(['create-lock', 'delete-lock', 'create-release', 'deploy', 'release-train'])

/**
 * Two replicas write through a network that delays, cuts and drops the answers to pushes that the server has accepted. Callers repeat
 * what has no answer, or one that leaves it open (503, 504), at any replica, with the same `Idempotency-Key`. However often that was:
 * what was acknowledged is in history exactly once, what was refused throughout is not, anything else at most once. In the middle of
 * it the server is lost together with the answer to a push, for so long that callers are told that nobody knows.
 */
it.runIf(hasGitHttpBackend)('a network that breaks everything loses and doubles nothing', async () => {
  const seed = readSeed()
  const count = readCount('SOAK_FAULT_WRITES', 400)
  process.stdout.write(`SOAK_SEED=${seed}: ${count} writes through a network with faults\n`)
  const random = new Random(seed)
  const target = await createHttpTarget()
  const proxy = await startFaultyProxy(Number(new URL(target.url).port), random.fork())
  const servers: ServerProcess[] = []
  try {
    for (let index = 0; index < replicas; index += 1) {
      const environment = {
        ...target.environment,
        SIGNALBOX_REPOSITORY: `${proxy.url}/manifests.git`,
        SIGNALBOX_CLONE_PATH: join(target.folder, `clone-${index}`),
        SIGNALBOX_FETCH_INTERVAL: '2s',
      }
      servers.push(await startServer({ folder: target.folder, environment }))
    }
    // They were cloned through a network that works.
    proxy.begin()
    const results: Result[] = []
    let isServerBack = false
    const isOver = () => results.length >= count && isServerBack
    const loseServer = async () => {
      while (results.length < count / 2) await sleep(50)
      await proxy.loseServer('accepted')
      await sleep(outage)
      proxy.findServer()
      isServerBack = true
    }
    let ids = 0
    const nextId = () => `fault-${(ids += 1)}`
    await Promise.all([
      loseServer(),
      ...Array.from({ length: clients }, async (_, index) => {
        const own = random.fork()
        const mix = new WriteMix(`${index}`, own.fork())
        while (!isOver()) results.push(await repeat(servers, own, mix.next(), nextId))
      }),
    ])
    proxy.heal()
    const history = readHistory(target.repository)
    // The trailer of a repeat's commit has the id of the attempt that made it.
    const writeOf = new Map(results.flatMap(({ write, attempts }) => attempts.map((id) => [id, write.requestId])))
    const done = history.map(({ writeId }) => writeOf.get(writeId) ?? writeId)
    const writes = results.map(({ write }) => write)
    expect(judgeWrites(writes, done)).toEqual([])
    expect(findRewrites(target.repository, history)).toEqual([])
    await target.assertSound()
    process.stdout.write(toText(results, proxy.counts))
    expect(proxy.counts.answersDropped).toBeGreaterThan(0)
    expect(proxy.counts.cut).toBeGreaterThan(0)
    expect(results.flatMap(({ statuses }) => statuses)).toContain(504)
    // Nobody has to start them again.
    for (const server of servers) {
      await fetch(`${server.url}/api/locks`, { headers: { 'cache-control': 'no-cache' } })
      expect(await (await fetch(`${server.url}/readyz`)).json()).toMatchObject({ commit: history[0]?.id })
      expect(await server.stop('SIGTERM')).toBe(0)
    }
  } finally {
    for (const server of servers) await server.stop('SIGKILL')
    await proxy.close()
    await target.remove()
  }
})

interface Result {
  readonly write: Write
  /** The ids of its requests. */
  readonly attempts: readonly string[]
  readonly statuses: readonly (number | undefined)[]
}

async function repeat(
  servers: readonly ServerProcess[],
  random: Random,
  planned: PlannedWrite,
  nextId: () => string,
): Promise<Result> {
  const attempts: string[] = []
  const statuses: (number | undefined)[] = []
  const { learn, ...wish } = planned
  const headers = keyed.has(wish.kind) ? { ...wish.headers, 'idempotency-key': `key-${nextId()}` } : wish.headers
  let isOpen = false
  for (;;) {
    const id = nextId()
    attempts.push(id)
    const { answer, kind } = await send(random.pick(servers).url, id, { ...wish, headers })
    statuses.push(answer?.status)
    const mayRepeat = headers !== wish.headers && attempts.length < tries
    if (answer === undefined || answer.status === 504) isOpen = true
    if (answer === undefined || answer.status === 503 || answer.status === 504) {
      await sleep(random.below(answer?.status === 503 ? 1000 : 200))
      if (mayRepeat) continue
    }
    // A later refusal says nothing of an earlier attempt that was left open.
    const known = isOpen && answer?.hasCommitted !== true ? undefined : answer
    learn?.(known === undefined ? undefined : known.status < 300)
    return { write: { requestId: attempts[0] ?? '', kind, answer: known }, attempts, statuses }
  }
}

function toText(results: readonly Result[], counts: object): string {
  const count = (test: (result: Result) => boolean) => results.filter(test).length
  return [
    `writes ${results.length}, acknowledged with a commit ${count(({ write }) => write.answer?.hasCommitted === true)}, ` +
      `repeated ${count(({ attempts }) => attempts.length > 1)}, ` +
      `left open at least once ${count(({ statuses }) => statuses.some((status) => status === undefined || status === 504))}, ` +
      `of these with 504 ${count(({ statuses }) => statuses.includes(504))}, ` +
      `still open ${count(({ write }) => write.answer === undefined)}`,
    `faults: ${JSON.stringify(counts)}`,
    'lost 0, doubled 0, done although refused 0\n',
  ].join('\n')
}
