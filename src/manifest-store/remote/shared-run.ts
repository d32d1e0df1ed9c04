/**
 * Runs something one at a time for all who want it. Whoever asks while it runs shares the next run with all others who do: what is
 * under way may have begun with what was known before they asked.
 */
export class SharedRun {
  readonly #work: () => Promise<void>
  #running: Promise<void> | undefined
  #next: Promise<void> | undefined

  constructor(work: () => Promise<void>) {
    this.#work = work
  }

  /** Resolves, or is rejected, with a run that begins after this call. */
  run(): Promise<void> {
    if (this.#running === undefined) return this.#start()
    const start = () => {
      this.#next = undefined
      return this.#start()
    }
    return (this.#next ??= this.#running.then(start, start))
  }

  /** Resolves when nothing runs any more, whatever came of it. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running.catch(() => undefined)
  }

  #start(): Promise<void> {
    const running = this.#work().finally(() => {
      if (this.#running === running) this.#running = undefined
    })
    this.#running = running
    return running
  }
}
