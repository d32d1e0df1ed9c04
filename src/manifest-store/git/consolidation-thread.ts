import { Worker } from 'node:worker_threads'
import type { Consolidation } from './consolidate-packs.ts'
import type { ConsolidationAnswer } from './consolidation-worker.ts'

/**
 * Its garbage is collected before there is much of it. Packs with several times 100,000 objects, the largest that are
 * combined, fit in there; beyond, the thread ends with an error and the next one tries again.
 */
const resourceLimits = { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 8 }

/**
 * Consolidates packs in a thread of its own, so that no request waits for it. The thread starts with the first consolidation,
 * does one at a time, and never keeps the process alive.
 */
export class ConsolidationThread {
  readonly #workerFile: URL
  #worker: Worker | undefined
  #answer: (answer: ConsolidationAnswer) => void = () => {}
  #reject: (error: Error) => void = () => {}

  /** `workerFile` is for tests, which do not run from where the built thread is. */
  constructor(workerFile = new URL('./consolidation-worker.js', import.meta.url)) {
    this.#workerFile = workerFile
  }

  /** A thread that is told to stop ends at once, wherever it is: what it leaves is what a crash leaves. */
  readonly consolidate = async (gitDirectory: string, signal: AbortSignal): Promise<Consolidation | undefined> => {
    signal.throwIfAborted()
    const worker = (this.#worker ??= this.#start())
    const settled = new AbortController()
    try {
      return await new Promise<Consolidation | undefined>((resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error), { signal: settled.signal })
        this.#reject = reject
        this.#answer = (answer) => ('error' in answer ? reject(answer.error) : resolve(answer.done))
        worker.postMessage(gitDirectory, [])
      })
    } catch (error) {
      await this.close()
      throw error
    } finally {
      settled.abort()
    }
  }

  async close(): Promise<void> {
    const worker = this.#worker
    this.#worker = undefined
    await worker?.terminate()
  }

  #start(): Worker {
    // Not the arguments of the process, which need not make sense for a thread.
    const worker = new Worker(this.#workerFile, { execArgv: [], resourceLimits })
    worker.on('message', (answer: ConsolidationAnswer) => this.#answer(answer))
    worker.on('error', (error) => this.#reject(error))
    worker.on('exit', () => {
      if (this.#worker === worker) this.#worker = undefined
      this.#reject(new Error('the thread that combines packs has ended'))
    })
    // After the listeners: adding one makes it count again.
    worker.unref()
    return worker
  }
}
