import type { Command } from '../core/command.ts'
import { AbandonedError, StoreUnavailableError } from './store-errors.ts'
import type { CommandRequest, Submitted } from './manifest-store.ts'

/** A command that waits for its turn, and how to answer its caller. */
export interface WaitingCommand {
  readonly command: Command<unknown>
  readonly request: CommandRequest
  readonly resolve: (submitted: Submitted<unknown>) => void
  readonly reject: (error: unknown) => void
}

/**
 * Hands the commands of a repository, in order and in batches, to the one worker that may write it. What came while a
 * batch was being written makes up the next one: the batch grows instead of the queue.
 */
export class WriteQueue {
  readonly #work: (batch: readonly WaitingCommand[]) => Promise<void>
  #waiting: WaitingCommand[] = []
  #running: Promise<void> | undefined
  #isClosed = false

  /** `work` answers every command that it is given; it never rejects. */
  constructor(work: (batch: readonly WaitingCommand[]) => Promise<void>) {
    this.#work = work
  }

  submit<Result>(command: Command<Result>, request: CommandRequest): Promise<Submitted<Result>> {
    if (this.#isClosed) return Promise.reject(new StoreUnavailableError('Signalbox is shutting down'))
    return new Promise((resolve, reject) => {
      this.#waiting.push({ command, request, resolve: resolve as WaitingCommand['resolve'], reject })
      this.#running ??= this.#run()
    })
  }

  /** Resolves when everything that was submitted has been answered. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#running
  }

  async #run(): Promise<void> {
    // Commands that arrive in the same turn of the event loop share a batch.
    await new Promise(setImmediate)
    while (this.#waiting.length > 0) {
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
