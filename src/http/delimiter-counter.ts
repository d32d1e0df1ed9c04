/**
 * Counts the parts of a multipart body while it flows by. The parser drops parts that it cannot make sense of without a word, and takes
 * an empty body for an empty form; a count of our own tells.
 */
export class DelimiterCounter {
  /** How many parts have begun. */
  parts = 0
  /** Whether the closing delimiter has been seen. */
  isClosed = false
  readonly #delimiter: Buffer
  /** What may be the beginning of a delimiter. The first one may begin the body. */
  #rest: Buffer = Buffer.from('\r\n')

  constructor(boundary: string) {
    this.#delimiter = Buffer.from(`\r\n--${boundary}`)
  }

  add(chunk: Uint8Array): void {
    if (this.isClosed) return
    const { length } = this.#delimiter
    const bytes = Buffer.concat([this.#rest, chunk])
    let from = 0
    for (let at = bytes.indexOf(this.#delimiter); at !== -1; at = bytes.indexOf(this.#delimiter, from)) {
      const dashes = bytes.toString('latin1', at + length, at + length + 2)
      if (dashes === '' || dashes === '-') {
        // What comes next decides what this is.
        this.#rest = Buffer.from(bytes.subarray(at))
        return
      }
      if (dashes === '--') {
        this.isClosed = true
        return
      }
      this.parts += 1
      from = at + length
    }
    this.#rest = Buffer.from(bytes.subarray(Math.max(from, bytes.length - length + 1)))
  }
}
