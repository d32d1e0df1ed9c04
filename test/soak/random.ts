/** Numbers that look random and are the same for the same seed. */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** At least 0, less than 1 (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  /** A whole number from 0 on, less than `end`. */
  below(end: number): number {
    return Math.floor(this.next() * end)
  }

  pick<T>(list: readonly T[]): T {
    const one = list[this.below(list.length)]
    if (one === undefined) throw new Error('there is nothing to pick from')
    return one
  }

  /** Another one, for somebody who draws at a time of their own. */
  fork(): Random {
    return new Random(this.below(2 ** 32))
  }
}

/** The seed of this run: `SOAK_SEED`, to see again what happened, or one of its own. */
export function readSeed(): number {
  const { SOAK_SEED: given } = process.env
  return given === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(given)
}

/** A whole number from the environment, for shorter and longer runs. */
export function readCount(name: string, otherwise: number): number {
  return Number(process.env[name] ?? otherwise)
}
