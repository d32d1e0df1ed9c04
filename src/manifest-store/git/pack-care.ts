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
}

/** How many packs must have come until it is worth a look. */
const packsBetween = 16

/**
 * Keeps packs from piling up: each batch writes one, and after every few of them the small ones are combined, in the
 * background and one consolidation at a time. One that fails is tried again when a few more have come.
 */
export class PackCare {
  readonly #gitDirectory: string
  readonly #log: StoreLog
  readonly #consolidate: Consolidate
  readonly #onConsolidated: () => void
  readonly #closing = new AbortController()
  #added = 0
  #running: Promise<void> | undefined
  #consolidations = 0

  constructor({ gitDirectory, log, consolidate, onConsolidated = () => undefined }: PackCareOptions) {
    this.#gitDirectory = gitDirectory
    this.#log = log
    this.#consolidate = consolidate ?? ((directory, signal) => consolidatePacks(directory, { signal }))
    this.#onConsolidated = onConsolidated
  }

  /** To be called at start, and whenever a pack has been added. Returns at once, and never fails. */
  packsAdded(count: number): void {
    this.#added += count
    if (this.#added < packsBetween || this.#running !== undefined || this.#closing.signal.aborted) return
    this.#added = 0
    this.#running = this.#run().finally(() => {
      this.#running = undefined
      this.packsAdded(0)
    })
  }

  /** For metrics: what there is at this moment, and how often packs were combined since the start. */
  async measure(): Promise<PackFigures> {
    const names = [...(await listPacks(this.#gitDirectory)).keys()]
    const sizes = await Promise.all(names.map((name) => measurePack(this.#gitDirectory, name)))
    const bytes = sizes.reduce((sum, size) => sum + (size?.bytes ?? 0), 0)
    return { packs: names.length, bytes, consolidations: this.#consolidations }
  }

  /**
   * Gives up what is being done, and starts nothing more. The repository is complete at any moment. To be called when
   * nobody writes packs any more.
   */
  async close(): Promise<void> {
    this.#closing.abort()
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
        if (done === undefined) return
        this.#consolidations += 1
        this.#onConsolidated()
        const { packs, objects, bytesBefore, bytesAfter, damaged } = done
        const milliseconds = Math.round(performance.now() - start)
        this.#log.info({ packs, objects, bytesBefore, bytesAfter, milliseconds }, `combined ${packs} packs into one`)
        if (damaged.length > 0) this.#log.warn({ damaged }, 'packs are damaged, and were left as they are')
      }
    } catch (error) {
      if (this.#closing.signal.aborted) return
      this.#log.warn({ err: error }, 'packs could not be combined: tried again when there are more of them')
    }
  }
}
