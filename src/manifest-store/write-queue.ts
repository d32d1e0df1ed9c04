import type { Command } from '../core/command.ts'
import { AbandonedError, QueueFullError, StoreUnavailableError } from './store-errors.ts'
import type { CommandRequest, Submitted } from './manifest-store.ts'

/** A command that waits for its turn, and how to answer its caller. */
export interface WaitingCommand {
  readonly command: Command<unknown>
  readonly request: CommandRequest
  /** By `performance.now()`. */
  readonly submittedAt: number
  readonly resolve: (submitted: Submitted<unknown>) => void
  readonly reject: (error: unknown) => void
}

/**
 * Hands the commands of a repository, in order and in batches, to the one worker that may write it. What came while a
 * batch was being written makes up the next one: the batch grows instead of the queue.
 */
export class WriteQueue {
  readonly #work: (batch: readonly WaitingCommand[]) => Promise<void>
  readonly #capacity: number
  readonly #makeRoom: (signal: AbortSignal) => Promise<void>
  readonly #closing = new AbortController()
  #waiting: WaitingCommand[] = []
  #running: Promise<void> | undefined

  /**
   * `work` answers every command that it is given; it never rejects. No more than `capacity` commands may wait for it. `makeRoom` may
   * take a while before each batch, but not beyond its signal; it never rejects either.
   */
  constructor(
    work: (batch: readonly WaitingCommand[]) => Promise<void>,
    capacity: number,
    makeRoom: (signal: AbortSignal) => Promise<void> = async () => undefined,
  ) {
    this.#work = work
    this.#capacity = capacity
    this.#makeRoom = makeRoom
  }

  /** How many commands wait for their turn. */
  get length(): number {
    return this.#waiting.length
  }

  /** Whether commands are being written. */
  get isWorking(): boolean {
    return this.#running !== undefined
  }

  submit<Result>(command: Command<Result>, request: CommandRequest): Promise<Submitted<Result>> {
    if (this.#closing.signal.aborted) return Promise.reject(new StoreUnavailableError('Signalbox is shutting down'))
    if (this.#waiting.length >= this.#capacity) return Promise.reject(new QueueFullError(this.#capacity))
    return new Promise((resolve, reject) => {
      const submittedAt = performance.now()
      this.#waiting.push({ command, request, submittedAt, resolve: resolve as WaitingCommand['resolve'], reject })
      this.#running ??= this.#run()
    })
  }

  /** Takes no more commands, and refuses those that wait for their turn: answers how many. */
  refuseWaiting(): number {
    this.#closing.abort()
    const refused = this.#waiting
    this.#waiting = []
    const error = new StoreUnavailableError('Signalbox is shutting down, before its turn came: nothing was changed')
    for (const { reject } of refused) reject(error)
    return refused.length
  }

  /** Resolves when everything that was submitted has been answered. */
  async close(): Promise<void> {
    this.#closing.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    // Commands that arrive in the same turn of the event loop share a batch.
    await new Promise(setImmediate)
    while (this.#waiting.length > 0) {
      // What comes meanwhile belongs to the batch.
      await this.#makeRoom(this.#closing.signal)
      const batch = this.#waiting
      this.#waiting = []
      const wanted = batch.filter(({ request, reject }) => {
        if (request.signal?.aborted !== true) return true
        reject(new AbandonedError('the caller left before its turn'))
        return false
      })
      if (wanted.length > 0) await this.#work(wanted)
    }
    this.#running = undefined
  }
}
