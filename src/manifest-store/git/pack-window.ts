import { closeSync, fstatSync, openSync } from 'node:fs'
import { MalformedObjectError } from './git-errors.ts'
import { read } from './pack-index.ts'

const windowLength = 256 * 1024
const checksumLength = 20

/** The bytes of a pack, read from its beginning to its end. */
export class PackWindow {
  /** Where its last object ends. */
  readonly end: number
  readonly #file: number
  readonly #size: number
  #window: Buffer = Buffer.alloc(0)
  #start = 0

  /** Throws what the file system throws. */
  constructor(path: string) {
    this.#file = openSync(path, 'r')
    this.#size = fstatSync(this.#file).size
    this.end = this.#size - checksumLength
  }

  /** Valid until the next call. Throws MalformedObjectError when the pack ends before. */
  read(from: number, to: number): Buffer {
    if (from < this.#start || to > this.#start + this.#window.length) {
      const length = Math.max(to - from, Math.min(windowLength, this.#size - from))
      if (to < from || from + length > this.#size)
        throw new MalformedObjectError('a pack is shorter than its index says')
      this.#window = read(this.#file, from, length)
      this.#start = from
    }
    return this.#window.subarray(from - this.#start, to - this.#start)
  }

  close(): void {
    closeSync(this.#file)
  }
}
