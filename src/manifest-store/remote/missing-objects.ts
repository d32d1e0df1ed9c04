import { setTimeout as sleep } from 'node:timers/promises'
import { LRUCache } from 'lru-cache'
import type { ObjectId } from '../../core/object-id.ts'
import { RemoteError } from './git-remote.ts'

/** How long ids are gathered, in milliseconds: those who read at the same time ask for one after the other within it. */
const gatheringTime = 3

/** How long an object counts as unknown to the server, in milliseconds, before it is asked for again. */
const refusalLifetime = 30_000

interface Gathering {
  readonly ids: Set<ObjectId>
  readonly done: Promise<void>
}

/**
 * Fetches objects that the clone lacks. All that are asked for while others are being fetched go with the next fetch: each is a
 * process and a connection.
 */
export class MissingObjects {
  readonly #fetch: (ids: readonly ObjectId[]) => Promise<void>
  #gathering: Gathering | undefined
  #running: Promise<void> = Promise.resolve()
  readonly #refusals = new LRUCache<ObjectId, RemoteError>({ max: 10_000, ttl: refusalLifetime })

  constructor(fetch: (ids: readonly ObjectId[]) => Promise<void>) {
    this.#fetch = fetch
  }

  /** Throws RemoteError when the object cannot be had. */
  async get(id: ObjectId): Promise<void> {
    await this.getAll([id])
    const refusal = this.#refusals.get(id)
    if (refusal !== undefined) throw refusal
  }

  /** Those that the server does not have, or does not give, stay missing. Throws RemoteError when it cannot be asked. */
  async getAll(ids: readonly ObjectId[]): Promise<void> {
    const wanted = ids.filter((id) => !this.#refusals.has(id))
    if (wanted.length === 0) return
    this.#gathering ??= this.#gather()
    for (const id of wanted) this.#gathering.ids.add(id)
    await this.#gathering.done
  }

  #gather(): Gathering {
    const ids = new Set<ObjectId>()
    const begin = async () => {
      await sleep(gatheringTime)
      this.#gathering = undefined
      await this.#fetchAll([...ids])
    }
    const done = this.#running.then(begin, begin)
    this.#running = done
    return { ids, done }
  }

  /** A server refuses all for one that it lacks: which one is found by halves. */
  async #fetchAll(ids: readonly ObjectId[]): Promise<void> {
    try {
      await this.#fetch(ids)
    } catch (error) {
      if (!(error instanceof RemoteError) || error.code !== 'REMOTE_REFUSED') throw error
      const [only] = ids
      if (only !== undefined && ids.length === 1) {
        this.#refusals.set(only, error)
        return
      }
      const middle = Math.ceil(ids.length / 2)
      await this.#fetchAll(ids.slice(0, middle))
      await this.#fetchAll(ids.slice(middle))
    }
  }
}
