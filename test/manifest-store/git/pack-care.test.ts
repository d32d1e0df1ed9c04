import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import type { Consolidation } from '../../../src/manifest-store/git/consolidate-packs.ts'
import { consolidatePacks } from '../../../src/manifest-store/git/consolidate-packs.ts'
import { ConsolidationThread } from '../../../src/manifest-store/git/consolidation-thread.ts'
import type { Consolidate } from '../../../src/manifest-store/git/pack-care.ts'
import { PackCare } from '../../../src/manifest-store/git/pack-care.ts'
import { deployment, GrowingRepository, manyApplications } from '../../support/growing-repository.ts'

const builtThread = new URL('../../../dist/manifest-store/git/consolidation-worker.js', import.meta.url)
const done: Consolidation = { packs: 16, objects: 100, bytesBefore: 9, bytesAfter: 1, damaged: [] }

interface Line {
  readonly level: string
  readonly details: object
  readonly message: string
}

function aLog() {
  const lines: Line[] = []
  const write = (level: string) => (details: object, message: string) => void lines.push({ level, details, message })
  return { lines, info: write('info'), warn: write('warn'), error: write('error') }
}

/** What each consolidation is to answer, and how often one was begun. */
function scripted(...answers: readonly (Consolidation | undefined | Error)[]) {
  const script = [...answers]
  const calls = { count: 0, atOnce: 0, mostAtOnce: 0 }
  const consolidate: Consolidate = async () => {
    calls.count += 1
    calls.atOnce += 1
    calls.mostAtOnce = Math.max(calls.mostAtOnce, calls.atOnce)
    await new Promise(setImmediate)
    calls.atOnce -= 1
    const answer = script.shift()
    if (answer instanceof Error) throw answer
    return answer
  }
  return { calls, consolidate }
}

const nowhere = join('nowhere', 'repository.git')

async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate)
}

describe('packs that come one by one', () => {
  it('are looked after every sixteenth, until there is nothing left to combine', async () => {
    const { calls, consolidate } = scripted(done, done, undefined)
    let told = 0
    const care = new PackCare({ gitDirectory: nowhere, log: aLog(), consolidate, onConsolidated: () => (told += 1) })
    for (let pack = 0; pack < 15; pack += 1) care.packsAdded(1)
    await turns()
    expect(calls.count).toBe(0)
    care.packsAdded(1)
    await turns()
    expect([calls.count, told, (await care.measure()).consolidations]).toEqual([3, 2, 2])
    await care.close()
  })

  it('never start a second consolidation beside the first, and are not forgotten meanwhile', async () => {
    const { calls, consolidate } = scripted()
    const care = new PackCare({ gitDirectory: nowhere, log: aLog(), consolidate })
    care.packsAdded(16)
    care.packsAdded(16)
    await vi.waitFor(() => expect(calls.count).toBe(2))
    await turns()
    expect(calls).toMatchObject({ count: 2, mostAtOnce: 1 })
    await care.close()
  })

  it('are tried again later when combining them fails, and the log says both', async () => {
    const log = aLog()
    const { calls, consolidate } = scripted(new Error('no space left'), { ...done, damaged: ['pack-1: cut short'] })
    const care = new PackCare({ gitDirectory: nowhere, log, consolidate })
    care.packsAdded(16)
    await turns()
    expect(calls.count).toBe(1)
    expect(log.lines).toMatchObject([{ level: 'warn', details: { err: new Error('no space left') } }])
    care.packsAdded(16)
    await vi.waitFor(() => expect(log.lines).toHaveLength(3))
    expect(log.lines.slice(1)).toMatchObject([
      { level: 'info', details: { packs: 16, bytesBefore: 9, bytesAfter: 1 }, message: 'combined 16 packs into one' },
      { level: 'warn', details: { damaged: ['pack-1: cut short'] } },
    ])
    await care.close()
  })

  it('are left alone after the end, and the one that runs is given up', async () => {
    const log = aLog()
    let isAborted = false
    const consolidate: Consolidate = (_, signal) =>
      new Promise((__, reject) => {
        signal.addEventListener('abort', () => {
          isAborted = true
          reject(signal.reason as Error)
        })
      })
    const care = new PackCare({ gitDirectory: nowhere, log, consolidate })
    care.packsAdded(16)
    await care.close()
    care.packsAdded(100)
    expect([isAborted, log.lines]).toEqual([true, []])
  })
})

/** Consolidations that last until they are told to end. */
function heldUp() {
  const ends: (() => void)[] = []
  const consolidate: Consolidate = (_, signal) =>
    new Promise((resolve, reject) => {
      ends.push(() => resolve(undefined))
      signal.addEventListener('abort', () => reject(signal.reason as Error))
    })
  return { consolidate, endNext: () => ends.shift()?.() }
}

/** Whether it has been resolved after a few turns of the event loop. */
async function isOver(promise: Promise<unknown>): Promise<boolean> {
  let over = false
  void promise.finally(() => (over = true))
  await turns()
  return over
}

describe('a write while there are many packs', () => {
  const never = new AbortController().signal

  it('waits until some have been combined, and for nothing where there are few', async () => {
    const { consolidate, endNext } = heldUp()
    const care = new PackCare({ gitDirectory: nowhere, log: aLog(), consolidate })
    care.packsFound(0)
    care.packsAdded(48)
    expect(await isOver(care.makeRoom(never))).toBe(true)
    care.packsAdded(1)
    const waiting = care.makeRoom(never)
    expect(await isOver(waiting)).toBe(false)
    endNext()
    await waiting
    expect((await care.measure()).waited).toBeGreaterThan(0)
    await care.close()
  })

  it('goes on between two consolidations as soon as there is room', async () => {
    const steps: ((done: Consolidation | undefined) => void)[] = []
    const consolidate: Consolidate = () => new Promise((resolve) => steps.push(resolve))
    const care = new PackCare({ gitDirectory: nowhere, log: aLog(), consolidate })
    care.packsAdded(60)
    const waiting = care.makeRoom(never)
    steps.shift()?.({ ...done, packs: 12 })
    expect(await isOver(waiting)).toBe(false)
    steps.shift()?.({ ...done, packs: 2 })
    expect(await isOver(waiting)).toBe(true)
    await turns()
    expect(steps).toHaveLength(1)
    steps.shift()?.(undefined)
    await care.close()
  })

  it.each([
    ['for packs that were there before, or that cannot be combined', 60, 16],
    ['with fewer than 48, also where some were left that are not worth combining', 30, 18],
  ])('does not wait %s', async (_, found, room) => {
    const repository = await repositoryOfPacks(found)
    const { consolidate, endNext } = heldUp()
    const care = new PackCare({ gitDirectory: repository.gitDirectory, log: aLog(), consolidate })
    care.packsFound(found)
    expect(await isOver(care.makeRoom(never))).toBe(true)
    endNext()
    await vi.waitFor(async () => expect((await care.measure()).packs).toBe(found))
    await turns()
    care.packsAdded(room)
    expect(await isOver(care.makeRoom(never))).toBe(true)
    care.packsAdded(1)
    const waiting = care.makeRoom(never)
    expect(await isOver(waiting)).toBe(false)
    endNext()
    await waiting
    await care.close()
  })

  it('has the log say so where many cannot be combined, once until there are more of them', async () => {
    const repository = await repositoryOfPacks(60)
    const log = aLog()
    const { calls, consolidate } = scripted()
    const care = new PackCare({ gitDirectory: repository.gitDirectory, log, consolidate })
    for (let look = 1; look <= 3; look += 1) {
      care.packsAdded(16)
      await vi.waitFor(() => expect(calls.count).toBe(look))
      await vi.waitFor(() => expect(log.lines).toHaveLength(1))
    }
    expect(log.lines).toMatchObject([{ level: 'warn', details: { packs: 60 } }])
    expect(log.lines[0]?.message).toContain('60 packs cannot be combined')
    await care.close()
  })

  it.each([
    ['combining them fails', new Error('ENOSPC: no space left on device')],
    ['there is nothing to combine', undefined],
  ])('is not held up where %s', async (_, answer) => {
    const { calls, consolidate } = scripted(...Array.from({ length: 50 }, () => answer))
    const care = new PackCare({ gitDirectory: nowhere, log: aLog(), consolidate })
    while (calls.count < 20) {
      care.packsAdded(1)
      await care.makeRoom(never)
    }
    expect((await care.measure()).packs).toBe(0)
    await care.close()
  })

  it('waits no longer than it may where one hangs, and the log says so', async () => {
    const log = aLog()
    const { consolidate } = heldUp()
    const care = new PackCare({ gitDirectory: nowhere, log, consolidate, longestWait: 20 })
    care.packsAdded(60)
    await care.makeRoom(never)
    expect(log.lines).toMatchObject([{ level: 'warn', details: { packs: 60 } }])
    expect(log.lines[0]?.message).toContain('packs come faster than they are combined')
    await care.close()
  })

  it('stops waiting when everything ends', async () => {
    for (const end of [
      (care: PackCare) => care.close(),
      async (_: PackCare, ending: AbortController) => ending.abort(),
    ]) {
      const { consolidate } = heldUp()
      const care = new PackCare({ gitDirectory: nowhere, log: aLog(), consolidate })
      const ending = new AbortController()
      care.packsAdded(60)
      const waiting = care.makeRoom(ending.signal)
      expect(await isOver(waiting)).toBe(false)
      await end(care, ending)
      expect(await isOver(waiting)).toBe(true)
      await care.makeRoom(ending.signal)
      await care.close()
    }
  })
})

async function repositoryOfPacks(count: number): Promise<GrowingRepository> {
  const repository = new GrowingRepository()
  for (let at = 0; at < count; at += 1) await repository.commit([deployment(at, 1)])
  return repository
}

async function sixteenPacks(): Promise<GrowingRepository> {
  const repository = new GrowingRepository()
  await repository.commit(manyApplications(50))
  for (let at = 0; at < 19; at += 1) await repository.commit([deployment(at, at + 2)])
  return repository
}

describe('in a thread of its own', () => {
  it('packs are combined into the same bytes as in this one', async () => {
    const [here, there] = [await sixteenPacks(), await sixteenPacks()]
    const thread = new ConsolidationThread(builtThread)
    const signal = new AbortController().signal
    expect(await thread.consolidate(there.gitDirectory, signal)).toEqual(await consolidatePacks(here.gitDirectory))
    expect(there.files()).toEqual(here.files())
    expect(await thread.consolidate(there.gitDirectory, signal)).toBeUndefined()
    await thread.close()
  })

  it('what fails there fails here, and the next one succeeds', async () => {
    const repository = await sixteenPacks()
    const thread = new ConsolidationThread(builtThread)
    const signal = new AbortController().signal
    await expect(thread.consolidate(join(repository.folder, `${repository.files('.idx')[0]}`), signal)).rejects.toThrow(
      'ENOTDIR',
    )
    expect(await thread.consolidate(repository.gitDirectory, signal)).toMatchObject({ packs: 20 })
    await thread.close()
  })

  it('one that is given up at any moment leaves nothing behind', async () => {
    for (let after = 0; after < 8; after += 1) {
      const repository = await sixteenPacks()
      const thread = new ConsolidationThread(builtThread)
      const log = aLog()
      const care = new PackCare({ gitDirectory: repository.gitDirectory, log, consolidate: thread.consolidate })
      care.packsAdded(16)
      await new Promise((resolve) => setTimeout(resolve, after * 15))
      await care.close()
      expect(repository.files().filter((name) => name.startsWith('tmp_'))).toEqual([])
      expect(repository.files('.pack').length).toBe(repository.files('.idx').length)
      expect(log.lines.filter(({ level }) => level !== 'info')).toEqual([])
      const folder = join(repository.gitDirectory, 'signalbox')
      expect(readdirSync(repository.gitDirectory).includes('signalbox') ? readdirSync(folder) : []).toEqual([])
      await thread.close()
    }
  })
})
