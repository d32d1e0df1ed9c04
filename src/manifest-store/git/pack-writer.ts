import type { Hash } from 'node:crypto'
import { createHash, randomBytes } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { packHeader } from './pack-file.ts'
import { ownTemporaryFile } from './pack-folder.ts'

const bufferLength = 256 * 1024

/** Writes a pack of any size piece by piece into a temporary file. */
export class PackWriter {
  readonly path: string
  readonly #file: FileHandle
  readonly #hash: Hash = createHash('sha1')
  readonly #buffer = Buffer.allocUnsafe(bufferLength)
  #buffered = 0
  #written = 0
  /** CRC-32 of what was written since `startEntry`. */
  crc = 0

  private constructor(path: string, file: FileHandle) {
    this.path = path
    this.#file = file
  }

  /** `count` objects must follow. */
  static async create(folder: string, count: number): Promise<PackWriter> {
    const path = join(folder, `tmp_pack_${ownTemporaryFile}${randomBytes(6).toString('hex')}`)
    const writer = new PackWriter(path, await open(path, 'wx', 0o444))
    await writer.write(packHeader(count))
    return writer
  }

  /** Where the next byte will stand. */
  get position(): number {
    return this.#written + this.#buffered
  }

  startEntry(): number {
    this.crc = 0
    return this.position
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.crc = crc32(bytes, this.crc)
    for (let from = 0; from < bytes.length;) {
      if (this.#buffered === bufferLength) await this.#flush()
      const piece = bytes.subarray(from, from + bufferLength - this.#buffered)
      this.#buffer.set(piece, this.#buffered)
      this.#buffered += piece.length
      from += piece.length
    }
  }

  async #flush(): Promise<void> {
    this.#hash.update(this.#buffer.subarray(0, this.#buffered))
    await this.#append(this.#buffer.subarray(0, this.#buffered))
    this.#buffered = 0
  }

  async #append(bytes: Uint8Array): Promise<void> {
    await this.#file.writeFile(bytes)
    this.#written += bytes.length
  }

  /** Ends the pack and waits until the disk has it. Answers its checksum. */
  async finish(modified: Date): Promise<Buffer> {
    await this.#flush()
    const checksum = this.#hash.digest()
    await this.#append(checksum)
    await this.#file.utimes(modified, modified)
    await this.#file.sync()
    await this.#file.close()
    return checksum
  }

  /** Removes the file, whatever became of it. */
  async discard(): Promise<void> {
    await this.#file.close().catch(() => undefined)
    await rm(this.path, { force: true })
  }
}
