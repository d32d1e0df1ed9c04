import type { ObjectId } from '../../core/object-id.ts'
import type { RemoteObserver } from '../store-observer.ts'
import type { GitRemote, PushOutcome, RefUpdate, RemoteRef } from './git-remote.ts'

/** A remote in front of another one, of whose talks an observer is told. */
export class ObservedGitRemote implements GitRemote {
  readonly url: string
  readonly #inner: GitRemote
  readonly #observer: RemoteObserver

  constructor(inner: GitRemote, observer: RemoteObserver) {
    this.url = inner.url
    this.#inner = inner
    this.#observer = observer
  }

  clone(gitDirectory: string, branch: string | undefined): Promise<void> {
    return this.#fetched(() => this.#inner.clone(gitDirectory, branch))
  }

  fetch(branch: string): Promise<ObjectId | undefined> {
    return this.#fetched(() => this.#inner.fetch(branch))
  }

  fetchObjects(ids: readonly ObjectId[]): Promise<void> {
    return this.#fetched(() => this.#inner.fetchObjects(ids))
  }

  listRefs(prefixes: readonly string[]): Promise<ReadonlyMap<string, RemoteRef>> {
    return this.#inner.listRefs(prefixes)
  }

  async push(updates: readonly RefUpdate[], pack: Uint8Array): Promise<PushOutcome> {
    const start = performance.now()
    let kind: PushOutcome['kind'] | 'failed' = 'failed'
    try {
      const outcome = await this.#inner.push(updates, pack)
      kind = outcome.kind
      return outcome
    } finally {
      this.#observer.pushEnded(kind, performance.now() - start)
    }
  }

  close(): Promise<void> {
    return this.#inner.close()
  }

  async #fetched<T>(fetch: () => Promise<T>): Promise<T> {
    const start = performance.now()
    let outcome: 'succeeded' | 'failed' = 'failed'
    try {
      const fetched = await fetch()
      outcome = 'succeeded'
      return fetched
    } finally {
      this.#observer.fetchEnded(outcome, performance.now() - start)
    }
  }
}
