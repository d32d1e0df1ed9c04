import { Worker } from 'node:worker_threads'
import type { BranchMove, BranchWriter, WriteLog, WrittenBranch } from './branch-writer.ts'
import { RefNotDurableError } from './git-errors.ts'
import type { GitObject } from './git-object.ts'
import { toBatch } from './object-batch.ts'
import { fromPortable } from './portable-error.ts'
import { readRef, removeStaleRefLock } from './ref-file.ts'
import type { WriteAnswer, WriteCall, WriteMessage } from './write-worker.ts'

/**
 * Writes a branch in a thread of its own: requests are served while bytes are compressed and the disk is waited for, and the
 * thread waits for nobody else. It starts with the first write, and keeps the process alive only during one.
 */
export class WriteThread implements BranchWriter {
  readonly #branch: WrittenBranch
  readonly #log: WriteLog
  readonly #workerFile: URL
  #worker: Worker | undefined
  #answer: ((answer: WriteAnswer) => void) | undefined
  /** A thread has ended by itself, perhaps while it held the lock of the branch. */
  #hasFailed = false

  /** `workerFile` is for tests, which do not run from where the built thread is. */
  constructor(branch: WrittenBranch, log: WriteLog, workerFile = new URL('./write-worker.js', import.meta.url)) {
    this.#branch = branch
    this.#log = log
    this.#workerFile = workerFile
  }

  async writePack(objects: readonly GitObject[]): Promise<void> {
    const batch = toBatch(objects)
    await this.#call({ objects: batch }, [batch.data.buffer])
  }

  async moveBranch(move: BranchMove): Promise<'published' | 'moved'> {
    try {
      return (await this.#call({ move })) ?? 'moved'
    } catch (error) {
      // Nobody can say how far it came, but the branch can.
      if (error instanceof ThreadEndedError && (await this.#head()) === move.to) {
        throw new RefNotDurableError(this.#branch.ref, error)
      }
      throw error
    }
  }

  async close(): Promise<void> {
    const worker = this.#worker
    this.#worker = undefined
    await worker?.terminate()
  }

  #head() {
    return readRef(this.#branch.gitDirectory, this.#branch.ref)
  }

  async #call(call: WriteCall, transferred: readonly ArrayBuffer[] = []) {
    const worker = (this.#worker ??= await this.#start())
    worker.ref()
    try {
      const answer = await new Promise<WriteAnswer>((resolve) => {
        this.#answer = resolve
        worker.postMessage(call, transferred)
      })
      if ('error' in answer) throw fromPortable(answer.error)
      return answer.done
    } finally {
      this.#answer = undefined
      worker.unref()
    }
  }

  async #start(): Promise<Worker> {
    const { gitDirectory, ref } = this.#branch
    if (this.#hasFailed) await removeStaleRefLock(gitDirectory, ref)
    this.#hasFailed = false
    // Not the arguments of the process, which need not make sense for a thread.
    const worker = new Worker(this.#workerFile, { execArgv: [], workerData: this.#branch })
    let problem: unknown
    worker.on('message', (message: WriteMessage) => this.#hear(message))
    worker.on('error', (error) => (problem = error))
    worker.on('exit', () => {
      if (this.#worker !== worker) return
      this.#worker = undefined
      this.#hasFailed = true
      this.#answer?.({ error: { error: new ThreadEndedError(problem), fields: {}, cause: undefined } })
    })
    return worker
  }

  #hear(message: WriteMessage): void {
    if ('answer' in message) return this.#answer?.(message.answer)
    this.#log[message.level]({ err: fromPortable(message.err), ...message.details }, message.message)
  }
}

class ThreadEndedError extends Error {
  constructor(cause: unknown) {
    super('the thread that writes has ended. The next write starts another one', { cause })
  }
}
