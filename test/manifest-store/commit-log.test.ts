import { expect, it, onTestFinished } from 'vitest'
import type { CommandRequest } from '../../src/manifest-store/manifest-store.ts'
import type { BatchReport, CommandEnd } from '../../src/manifest-store/store-observer.ts'
import { QueueFullError } from '../../src/manifest-store/store-errors.ts'
import { environmentLock, toMake } from '../support/changes.ts'
import { aPrincipal } from '../support/test-server.ts'
import { createShopRepository, createTestStore } from '../support/test-store.ts'
import { WatchedRepository } from '../support/watched-repository.ts'

async function setUp(maximumQueueSize = 1000) {
  const lines: Record<string, unknown>[] = []
  const ends: CommandEnd[] = []
  const batches: BatchReport[] = []
  const repository = new WatchedRepository(await createShopRepository())
  const store = createTestStore(repository, undefined, {
    maximumQueueSize,
    log: { info: (details) => lines.push({ ...details }), warn: () => {}, error: () => {} },
    observer: {
      commandEnded: (end) => ends.push(end),
      batchEnded: (batch) => batches.push(batch),
      arrivedLate: () => {},
    },
  })
  onTestFinished(() => store.close())
  let open: () => void = () => {}
  /** Holds the first publication up, and answers when it waits. */
  const hold = () =>
    new Promise<void>((resolve) => {
      repository.beforePublish = () => {
        repository.beforePublish = () => {}
        resolve()
        return new Promise<void>((opened) => (open = opened))
      }
    })
  const lock = (id: string, more: Partial<CommandRequest> = {}) =>
    store.submit(toMake(environmentLock('staging', id)), {
      principal: aPrincipal({}),
      requestId: `request-${id}`,
      ...more,
    })
  return { lines, ends, batches, repository, lock, hold, open: () => open() }
}

it('each commit has a line with the request that stands in its trailer, and where its time went', async () => {
  const { lines, batches, lock, hold, open } = await setUp()
  const held = hold()
  const first = lock('one', { trace: { traceId: 'f'.repeat(32) } })
  await held
  const others = [lock('two'), lock('three')]
  open()
  const commits = (await Promise.all([first, ...others])).map(({ commit }) => commit)
  const number = expect.any(Number) as number
  const milliseconds = { waited: number, decide: number, 'edit-tree': number }
  expect(lines).toEqual([
    expect.objectContaining({
      commit: commits[0],
      reqId: 'request-one',
      traceId: 'f'.repeat(32),
      batch: 1,
      attempts: 1,
      milliseconds,
    }),
    expect.objectContaining({ commit: commits[1], reqId: 'request-two', batch: 2, attempts: 1, milliseconds }),
    expect.objectContaining({ commit: commits[2], reqId: 'request-three', batch: 2, attempts: 1, milliseconds }),
  ])
  expect(lines[1]).not.toHaveProperty('traceId')
  expect(batches.map(({ waited, outcome }) => [waited.length, outcome])).toEqual([
    [1, 'published'],
    [2, 'published'],
  ])
})

it('what made no commit has no line', async () => {
  const { lines, ends, batches, lock } = await setUp()
  await lock('one')
  await lock('one')
  expect(lines).toHaveLength(1)
  expect(ends).toEqual(['committed', 'unchanged'])
  expect(batches.map(({ outcome, commits }) => [outcome, commits.length])).toEqual([
    ['published', 1],
    ['idle', 0],
  ])
})

it('no more commands wait than may, and the others are written', async () => {
  const { ends, repository, lock, hold, open } = await setUp(2)
  const held = hold()
  const first = lock('one')
  await held
  const waiting = [lock('two'), lock('three')]
  const refused = await Promise.allSettled([lock('four'), lock('five')])
  for (const one of refused)
    expect(one).toMatchObject({ status: 'rejected', reason: expect.any(QueueFullError) as Error })
  open()
  await Promise.all([first, ...waiting])
  await lock('six')
  expect(ends).toEqual(['queue-full', 'queue-full', 'committed', 'committed', 'committed', 'committed'])
  expect(repository.updates).toHaveLength(3)
})

it('a command whose caller leaves while it waits is dropped, and makes room', async () => {
  const { ends, lock, hold, open } = await setUp(1)
  const held = hold()
  const first = lock('one')
  await held
  const caller = new AbortController()
  const abandoned = lock('two', { signal: caller.signal })
  caller.abort()
  open()
  await expect(abandoned).rejects.toThrow('the caller left before its turn')
  await first
  await lock('three')
  expect(ends.toSorted()).toEqual(['abandoned', 'committed', 'committed'])
})
