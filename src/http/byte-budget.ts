/** What one of those who use a budget has of it. */
export interface ByteShare {
  readonly held: number
}

/** What came of asking for bytes; `refused` when there were none for too long, or never would have been. */
export type Taken = 'taken' | 'refused' | 'abandoned'

interface Share {
  held: number
  /** Undefined unless it waits. */
  waiting: { readonly bytes: number; readonly settle: (taken: Taken) => void } | undefined
}

/**
 * Bytes of memory that several may use together. Each opens a share and takes bytes as it needs them; when none are left, it waits. The
 * oldest share goes first. Where all who hold bytes wait for more, nobody would ever give any back: the newest of them is then refused,
 * so that the oldest, for which the whole budget is enough, always comes to its end.
 */
export class ByteBudget {
  #left: number
  /** Oldest first. */
  readonly #shares = new Set<Share>()

  constructor(bytes: number) {
    this.#left = bytes
  }

  open(): ByteShare {
    const share: Share = { held: 0, waiting: undefined }
    this.#shares.add(share)
    return share
  }

  /** Takes that many more, one call after the other; waits for so many milliseconds at most, or until the signal is aborted. */
  take(opened: ByteShare, bytes: number, milliseconds: number, signal: AbortSignal): Promise<Taken> {
    const share = opened as Share
    return new Promise((resolve) => {
      const settle = (taken: Taken) => {
        clearTimeout(timer)
        signal.removeEventListener('abort', leave)
        share.waiting = undefined
        resolve(taken)
      }
      const leave = () => settle('abandoned')
      const timer = setTimeout(() => settle('refused'), milliseconds)
      signal.addEventListener('abort', leave)
      share.waiting = { bytes, settle }
      if (signal.aborted) leave()
      else this.#serve()
    })
  }

  /** Gives back all that the share has. */
  close(opened: ByteShare): void {
    const share = opened as Share
    if (!this.#shares.delete(share)) return
    this.#left += share.held
    this.#serve()
  }

  #serve(): void {
    for (const share of this.#shares) {
      const { waiting } = share
      if (waiting === undefined) continue
      while (waiting.bytes > this.#left) {
        const newest = this.#newestOfDeadlock()
        if (newest === undefined || newest === share) return
        this.#shares.delete(newest)
        this.#left += newest.held
        newest.waiting?.settle('refused')
      }
      this.#left -= waiting.bytes
      share.held += waiting.bytes
      waiting.settle('taken')
    }
  }

  /** Undefined while somebody who holds bytes does not wait, and so will give them back. */
  #newestOfDeadlock(): Share | undefined {
    const holders = [...this.#shares].filter(({ held }) => held > 0)
    return holders.every(({ waiting }) => waiting !== undefined) ? holders.at(-1) : undefined
  }
}
