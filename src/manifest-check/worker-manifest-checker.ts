import type { CheckedManifest, DiffNames, ManifestChecker, SubmittedManifest } from './manifest-checker.ts'
import type { ManifestThreadOptions } from './manifest-thread.ts'
import { ManifestThread } from './manifest-thread.ts'

export interface WorkerManifestCheckerOptions {
  /** Of each thread, in MB. */
  readonly maximumMemory?: number
  /** For one manifest, or one pair of them. */
  readonly maximumSeconds?: number
  /** The built thread; for tests, which do not run from where it is. */
  readonly workerFile?: URL
}

/** All manifests of one call together, in bytes: what is larger waits among its own kind. */
const maximumSmall = 256 * 1024

/** Looks into manifests in two threads, one for what is small and one for what is large. */
export class WorkerManifestChecker implements ManifestChecker {
  readonly #small: ManifestThread
  readonly #large: ManifestThread

  constructor(options: WorkerManifestCheckerOptions = {}) {
    const threadOptions: ManifestThreadOptions = {
      maximumMemory: options.maximumMemory ?? 768,
      maximumSeconds: options.maximumSeconds ?? 30,
      workerFile: options.workerFile ?? new URL('./manifest-worker.js', import.meta.url),
    }
    this.#small = new ManifestThread(threadOptions)
    this.#large = new ManifestThread(threadOptions)
  }

  async check(manifests: readonly SubmittedManifest[], signal?: AbortSignal): Promise<readonly CheckedManifest[]> {
    const thread = this.#threadFor(...manifests.map(({ bytes }) => bytes))
    const checked: CheckedManifest[] = []
    // One at a time, so that callers take turns, and nothing follows one that fails.
    for (const { environment, bytes, existing } of manifests) {
      const { id, problem } = await thread.run({ kind: 'check', bytes, existing }, { environment, signal })
      checked.push({ environment, id, ...(problem && { problem }) })
    }
    return checked
  }

  async isSame(existing: Uint8Array, submitted: Uint8Array, signal?: AbortSignal): Promise<boolean> {
    if (Buffer.compare(existing, submitted) === 0) return true
    return this.#threadFor(existing, submitted).run({ kind: 'is-same', existing, submitted }, { signal })
  }

  async diff(
    existing: Uint8Array | string,
    submitted: Uint8Array | string,
    names: DiffNames,
    signal?: AbortSignal,
  ): Promise<string> {
    const [from, to] = [toBytes(existing), toBytes(submitted)]
    return this.#threadFor(from, to).run({ kind: 'diff', existing: from, submitted: to, names }, { signal })
  }

  /** Fails all jobs and ends the threads. */
  async close(): Promise<void> {
    await Promise.all([this.#small.close(), this.#large.close()])
  }

  #threadFor(...manifests: readonly Uint8Array[]): ManifestThread {
    const bytes = manifests.reduce((sum, { length }) => sum + length, 0)
    return bytes > maximumSmall ? this.#large : this.#small
  }
}

function toBytes(content: Uint8Array | string): Uint8Array {
  return typeof content === 'string' ? Buffer.from(content) : content
}
