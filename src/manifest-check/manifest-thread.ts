import { Worker } from 'node:worker_threads'
import { ManifestTooComplexError } from './manifest-checker.ts'
import type { Task, TaskResult } from './task.ts'

export interface ManifestThreadOptions {
  /** In MB. */
  readonly maximumMemory: number
  /** For one task. */
  readonly maximumSeconds: number
  readonly workerFile: URL
}

/** On whose behalf a task is done. */
export interface TaskOrigin {
  /** Whose manifest it is; undefined where no environment is known. */
  readonly environment?: string
  /** Aborted when nobody waits for the result any more. */
  readonly signal?: AbortSignal | undefined
}

interface Job {
  readonly task: Task
  readonly environment: string | undefined
  readonly resolve: (result: never) => void
  readonly reject: (error: Error) => void
}

/**
 * Does tasks in one thread, one after the other. The thread starts with the first task and never keeps the process alive by itself.
 * A task that takes too much memory or time, or that is given up, ends together with its thread; those behind it get a new one.
 */
export class ManifestThread {
  readonly #options: ManifestThreadOptions
  readonly #waiting: Job[] = []
  #running: { readonly job: Job; readonly deadline: NodeJS.Timeout } | undefined
  #worker: Worker | undefined
  #isClosed = false

  constructor(options: ManifestThreadOptions) {
    this.#options = options
  }

  /** Throws ManifestTooComplexError, and the signal's reason. */
  async run<T extends Task>(task: T, { environment, signal }: TaskOrigin): Promise<TaskResult[T['kind']]> {
    signal?.throwIfAborted()
    if (this.#isClosed) throw new Error('the manifest checker is closed')
    let giveUp = () => {}
    const result = new Promise<TaskResult[T['kind']]>((resolve, reject) => {
      const job = { task, environment, resolve, reject }
      giveUp = () => this.#giveUp(job, signal?.reason as Error)
      signal?.addEventListener('abort', giveUp)
      this.#waiting.push(job)
      this.#startNext()
    })
    return result.finally(() => signal?.removeEventListener('abort', giveUp))
  }

  /** Fails all jobs and ends the thread. */
  async close(): Promise<void> {
    this.#isClosed = true
    const error = new Error('the manifest checker is closed')
    for (const { reject } of this.#waiting.splice(0)) reject(error)
    await this.#endWorker(error)
  }

  #giveUp(job: Job, reason: Error): void {
    if (this.#running?.job === job) return void this.#endWorker(reason)
    const index = this.#waiting.indexOf(job)
    if (index === -1) return
    this.#waiting.splice(index, 1)
    job.reject(reason)
  }

  #startNext(): void {
    if (this.#running !== undefined) return
    const job = this.#waiting.shift()
    if (job === undefined) return
    const deadline = setTimeout(() => void this.#endWorker(this.#tooSlow(job)), this.#options.maximumSeconds * 1000)
    this.#running = { job, deadline }
    try {
      this.#worker ??= this.#startWorker()
      this.#worker.ref()
      const copy = copyOf(job.task)
      this.#worker.postMessage(copy.task, copy.buffers)
    } catch (error) {
      void this.#endWorker(error as Error)
    }
  }

  #startWorker(): Worker {
    const worker = new Worker(this.#options.workerFile, {
      resourceLimits: { maxOldGenerationSizeMb: this.#options.maximumMemory },
      // Not those of the process, which need not make sense for a thread.
      execArgv: [],
    })
    worker.on('message', (result: unknown) => {
      if (this.#worker === worker) this.#finish((job) => job.resolve(result as never))
    })
    worker.on('error', (error: NodeJS.ErrnoException) => {
      if (this.#worker !== worker) return
      const job = this.#running?.job
      void this.#endWorker(job === undefined ? error : this.#toJobError(error, job))
    })
    worker.on('exit', () => {
      if (this.#worker === worker) void this.#endWorker(new Error('the thread that looks into manifests has ended'))
    })
    return worker
  }

  /** Ends the job that runs; the thread waits for the next without keeping the process alive. */
  #finish(settle: (job: Job) => void): void {
    const running = this.#running
    this.#running = undefined
    if (running !== undefined) {
      clearTimeout(running.deadline)
      settle(running.job)
    }
    this.#worker?.unref()
    this.#startNext()
  }

  async #endWorker(error: Error): Promise<void> {
    const worker = this.#worker
    this.#worker = undefined
    this.#finish((job) => job.reject(error))
    await worker?.terminate()
  }

  #toJobError(error: NodeJS.ErrnoException, { environment }: Job): Error {
    // The stack, or the length of a text.
    if (error instanceof RangeError) {
      return new ManifestTooComplexError(environment, `${subjectOf(environment)} is too complex to look into`)
    }
    if (error.code !== 'ERR_WORKER_OUT_OF_MEMORY') return error
    return new ManifestTooComplexError(
      environment,
      `${subjectOf(environment)} takes more than ${this.#options.maximumMemory} MB of memory to look into: split it, or raise SIGNALBOX_MANIFEST_CHECK_MEMORY_MB`,
    )
  }

  #tooSlow({ environment }: Job): ManifestTooComplexError {
    return new ManifestTooComplexError(
      environment,
      `${subjectOf(environment)} takes longer than ${this.#options.maximumSeconds} s to look into: split it, or raise SIGNALBOX_MANIFEST_CHECK_SECONDS`,
    )
  }
}

function subjectOf(environment: string | undefined): string {
  return environment === undefined ? 'a manifest' : `the manifest for environment '${environment}'`
}

/** The caller keeps its bytes. Only the bytes themselves are copied, not the larger buffer that they may be a part of. */
function copyOf(task: Task): { readonly task: Task; readonly buffers: readonly ArrayBuffer[] } {
  const buffers: ArrayBuffer[] = []
  const copy = (bytes: Uint8Array) => {
    const copied = new Uint8Array(bytes)
    buffers.push(copied.buffer)
    return copied
  }
  if (task.kind === 'check') return { task: { ...task, bytes: copy(task.bytes) }, buffers }
  return { task: { ...task, existing: copy(task.existing), submitted: copy(task.submitted) }, buffers }
}
