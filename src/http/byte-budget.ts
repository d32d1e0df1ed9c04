interface Waiting {
  readonly bytes: number
  readonly start: () => void
}

/** Bytes of memory that several may use together. Who asks for more than is left waits for its turn. */
export class ByteBudget {
  #left: number
  readonly #waiting: Waiting[] = []

  constructor(bytes: number) {
    this.#left = bytes
  }

  /**
   * Takes `bytes`, at most the whole budget, and answers how to give them back; undefined when there was not enough for that many
   * milliseconds, or until the caller left.
   */
  async take(bytes: number, milliseconds: number, signal: AbortSignal): Promise<(() => void) | undefined> {
    if (!(await this.#mayStart(bytes, milliseconds, signal))) return undefined
    let isTaken = true
    return () => {
      if (!isTaken) return
      isTaken = false
      this.#left += bytes
      this.#startNext()
    }
  }

  #mayStart(bytes: number, milliseconds: number, signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (mayStart: boolean) => {
        clearTimeout(timer)
        signal.removeEventListener('abort', giveUp)
        resolve(mayStart)
      }
      const waiting = { bytes, start: () => settle(true) }
      const giveUp = () => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1)
        settle(false)
        this.#startNext()
      }
      const timer = setTimeout(giveUp, milliseconds)
      signal.addEventListener('abort', giveUp)
      this.#waiting.push(waiting)
      if (signal.aborted) giveUp()
      else this.#startNext()
    })
  }

  /** In the order of their coming, so that a large one is not overtaken for ever. */
  #startNext(): void {
    for (let [first] = this.#waiting; first !== undefined && first.bytes <= this.#left; [first] = this.#waiting) {
      this.#waiting.shift()
      this.#left -= first.bytes
      first.start()
    }
  }
}
