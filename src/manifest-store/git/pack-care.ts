import type { StoreLog } from '../git-manifest-store.ts'
import type { Consolidation } from './consolidate-packs.ts'
import { consolidatePacks, removeLeftovers } from './consolidate-packs.ts'
import { listPacks, measurePack } from './pack-folder.ts'
import type { PackFigures } from '../store-observer.ts'

/** Consolidates once; undefined when there was nothing to do. Gives up, with an error, when the signal says so. */
export type Consolidate = (gitDirectory: string, signal: AbortSignal) => Promise<Consolidation | undefined>

export interface PackCareOptions {
  readonly gitDirectory: string
  readonly log: StoreLog
  /** In this thread unless given. */
  readonly consolidate?: Consolidate | undefined
  /** Is told when there are other packs than before. */
  readonly onConsolidated?: () => void
  /** In milliseconds; for tests. */
  readonly longestWait?: number
}

/** How many packs must have come until it is worth a look. */
const packsBetween = 16

/** With more packs than this a write waits while some are being combined. With what one write adds, and what they become, there are 50. */
const manyPacks = 48

/** How many may come in any case, beside those that were left when all had been looked at, until a write waits. */
const roomForPacks = packsBetween

/** How many milliseconds a write waits at most. One that combines takes a second or two; one that hangs must not stop writes. */
const longestWait = 10_000

/**
 * Keeps packs from piling up: each batch writes one, and after every few of them the small ones are combined, in the
 * background and one consolidation at a time. One that fails is tried again when a few more have come. Where packs come faster than
 * they are combined, writes wait for it, so that the next batch is larger; reads never do.
 */
export class PackCare {
  readonly #gitDirectory: string
  readonly #log: StoreLog
  readonly #consolidate: Consolidate
  readonly #onConsolidated: () => void
  readonly #longestWait: number
  readonly #closing = new AbortController()
  #added = 0
  #running: Promise<void> | undefined
  #consolidations = 0
  /** How many packs there are, as far as we know: others may add and remove some, too. */
  #count = 0
  /** With more a write waits. Grows with those that cannot be combined: waiting for them would be in vain. */
  #limit = manyPacks
  /** How many could not be combined when the log last said so. */
  #advisedAt = 0
  #waited = 0
  /** Who waits for room is told that there may be some. */
  #onRoom: () => void = () => undefined

  constructor({
    gitDirectory,
    log,
    consolidate,
    onConsolidated = () => undefined,
    longestWait: longest = longestWait,
  }: PackCareOptions) {
    this.#gitDirectory = gitDirectory
    this.#log = log
    this.#consolidate = consolidate ?? ((directory, signal) => consolidatePacks(directory, { signal }))
    this.#onConsolidated = onConsolidated
    this.#longestWait = longest
  }

  /** To be called at start with what there is. Returns at once, and never fails. */
  packsFound(count: number): void {
    // Whatever they are, they are not the fault of the next write.
    this.#limit = Math.max(manyPacks, count + roomForPacks)
    this.packsAdded(count)
  }

  /** To be called whenever a pack has been added. Returns at once, and never fails. */
  packsAdded(count: number): void {
    this.#count += count
    this.#added += count
    if (this.#added < packsBetween || this.#running !== undefined || this.#closing.signal.aborted) return
    this.#added = 0
    this.#running = this.#run().finally(() => {
      this.#running = undefined
      this.#onRoom()
      this.packsAdded(0)
    })
  }

  /**
   * To be called before a pack is written, by one at a time. Waits while there are many packs and some are being combined, until the
   * signal says that there is no time; never longer than a few seconds, and never fails.
   */
  async makeRoom(signal: AbortSignal): Promise<void> {
    if (!this.#isCrowded || signal.aborted) return
    const start = performance.now()
    let timer: NodeJS.Timeout | undefined
    let stop: () => void = () => undefined
    await new Promise<void>((resolve) => {
      this.#onRoom = () => {
        if (!this.#isCrowded) resolve()
      }
      stop = resolve
      signal.addEventListener('abort', stop)
      timer = setTimeout(() => {
        const advice = 'writes go on nevertheless. Are there enough processors, and is the disk fast enough?'
        this.#log.warn({ packs: this.#count }, `packs come faster than they are combined: ${advice}`)
        resolve()
      }, this.#longestWait)
    })
    clearTimeout(timer)
    signal.removeEventListener('abort', stop)
    this.#onRoom = () => undefined
    this.#waited += performance.now() - start
  }

  get #isCrowded(): boolean {
    return this.#count > this.#limit && this.#running !== undefined && !this.#closing.signal.aborted
  }

  /** For metrics: what there is at this moment, and how often packs were combined since the start. */
  async measure(): Promise<PackFigures> {
    const names = [...(await listPacks(this.#gitDirectory)).keys()]
    const sizes = await Promise.all(names.map((name) => measurePack(this.#gitDirectory, name)))
    const bytes = sizes.reduce((sum, size) => sum + (size?.bytes ?? 0), 0)
    return { packs: names.length, bytes, consolidations: this.#consolidations, waited: this.#waited }
  }

  /**
   * Gives up what is being done, and starts nothing more. The repository is complete at any moment. To be called when
   * nobody writes packs any more.
   */
  async close(): Promise<void> {
    this.#closing.abort()
    this.#onRoom()
    if (this.#running === undefined) return
    await this.#running
    // A thread that was stopped leaves what a crash leaves.
    await removeLeftovers(this.#gitDirectory).catch(() => undefined)
  }

  async #run(): Promise<void> {
    try {
      for (;;) {
        const start = performance.now()
        const done = await this.#consolidate(this.#gitDirectory, this.#closing.signal)
        if (done === undefined) break
        this.#consolidations += 1
        this.#count -= done.packs - 1
        this.#onRoom()
        this.#onConsolidated()
        const { packs, objects, bytesBefore, bytesAfter, damaged } = done
        const milliseconds = Math.round(performance.now() - start)
        this.#log.info({ packs, objects, bytesBefore, bytesAfter, milliseconds }, `combined ${packs} packs into one`)
        if (damaged.length > 0) this.#log.warn({ damaged }, 'packs are damaged, and were left as they are')
      }
      await this.#countAgain()
      this.#adviseIfMany()
    } catch (error) {
      if (this.#closing.signal.aborted) return
      this.#log.warn({ err: error }, 'packs could not be combined: tried again when there are more of them')
      // Whatever is wrong with the folder, whoever writes will say.
      await this.#countAgain().catch(() => undefined)
    }
  }

  /** Others add and remove packs, too. What is left although all were looked at cannot be combined. */
  async #countAgain(): Promise<void> {
    this.#count = (await listPacks(this.#gitDirectory)).size
    this.#limit = Math.max(manyPacks, this.#count - this.#added + roomForPacks)
  }

  #adviseIfMany(): void {
    const left = this.#count - this.#added
    if (left <= manyPacks || left < this.#advisedAt + packsBetween) return
    this.#advisedAt = left
    const reason = 'they are very large, damaged, or somebody else has put files beside them'
    this.#log.warn({ packs: left }, `${left} packs cannot be combined: ${reason}. git gc may do it, at any moment`)
  }
}
