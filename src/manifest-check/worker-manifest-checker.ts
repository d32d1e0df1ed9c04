import { Worker } from 'node:worker_threads'
import type { CheckedManifest, DiffNames, ManifestChecker, SubmittedManifest } from './manifest-checker.ts'
import { ManifestTooComplexError } from './manifest-checker.ts'
import type { Task, TaskResult } from './task.ts'

export interface WorkerManifestCheckerOptions {
  /** Of the thread, in MB. */
  readonly maximumMemory?: number
  /** For one manifest, or one pair of them. */
  readonly maximumSeconds?: number
  /** The built thread; for tests, which do not run from where it is. */
  readonly workerFile?: URL
}

interface Job {
  readonly task: Task
  readonly environment: string | undefined
  readonly resolve: (result: never) => void
  readonly reject: (error: Error) => void
}

/**
 * Looks into manifests in one thread of its own, one after the other. The thread starts with the first job and never keeps the process
 * alive by itself. A job that takes too much memory or time ends together with its thread; those behind it get a new one.
 */
export class WorkerManifestChecker implements ManifestChecker {
  readonly #maximumMemory: number
  readonly #maximumSeconds: number
  readonly #workerFile: URL
  readonly #waiting: Job[] = []
  #running: { readonly job: Job; readonly deadline: NodeJS.Timeout } | undefined
  #worker: Worker | undefined
  #isClosed = false

  constructor(options: WorkerManifestCheckerOptions = {}) {
    this.#maximumMemory = options.maximumMemory ?? 256
    this.#maximumSeconds = options.maximumSeconds ?? 30
    this.#workerFile = options.workerFile ?? new URL('./manifest-worker.js', import.meta.url)
  }

  async check(manifests: readonly SubmittedManifest[]): Promise<readonly CheckedManifest[]> {
    const checked: CheckedManifest[] = []
    // One at a time, so that a large set does not stand in everybody's way, and nothing follows one that fails.
    for (const { environment, bytes } of manifests) {
      const { id, problem } = await this.#run({ kind: 'check', bytes }, environment)
      checked.push({ environment, id, ...(problem && { problem }) })
    }
    return checked
  }

  async isSame(existing: Uint8Array, submitted: Uint8Array): Promise<boolean> {
    return Buffer.compare(existing, submitted) === 0 || this.#run({ kind: 'is-same', existing, submitted })
  }

  async diff(existing: Uint8Array | string, submitted: Uint8Array | string, names: DiffNames): Promise<string> {
    return this.#run({ kind: 'diff', existing: toBytes(existing), submitted: toBytes(submitted), names })
  }

  /** Fails all jobs and ends the thread. */
  async close(): Promise<void> {
    this.#isClosed = true
    const error = new Error('the manifest checker is closed')
    for (const { reject } of this.#waiting.splice(0)) reject(error)
    await this.#endWorker(error)
  }

  #run<T extends Task>(task: T, environment?: string): Promise<TaskResult[T['kind']]> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) throw new Error('the manifest checker is closed')
      this.#waiting.push({ task, environment, resolve, reject })
      this.#startNext()
    })
  }

  #startNext(): void {
    if (this.#running !== undefined) return
    const job = this.#waiting.shift()
    if (job === undefined) return
    const deadline = setTimeout(() => void this.#endWorker(this.#tooSlow(job)), this.#maximumSeconds * 1000)
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
    const worker = new Worker(this.#workerFile, {
      resourceLimits: { maxOldGenerationSizeMb: this.#maximumMemory },
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
      `${subjectOf(environment)} takes more than ${this.#maximumMemory} MB of memory to look into: split it, or raise SIGNALBOX_MANIFEST_CHECK_MEMORY_MB`,
    )
  }

  #tooSlow({ environment }: Job): ManifestTooComplexError {
    return new ManifestTooComplexError(
      environment,
      `${subjectOf(environment)} takes longer than ${this.#maximumSeconds} s to look into: split it, or raise SIGNALBOX_MANIFEST_CHECK_SECONDS`,
    )
  }
}

function subjectOf(environment: string | undefined): string {
  return environment === undefined ? 'a manifest' : `the manifest for environment '${environment}'`
}

function toBytes(content: Uint8Array | string): Uint8Array {
  return typeof content === 'string' ? Buffer.from(content) : content
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
