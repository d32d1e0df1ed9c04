import type { BigIntStats, MakeDirectoryOptions, PathLike, RmOptions, Stats } from 'node:fs'
import * as fileSystem from 'node:fs'
import { promisify } from 'node:util'

/*
 * The calls of `node:fs/promises` that every write makes, with the same names and errors, but made in this thread: a short call that
 * does not wait for the disk takes a hundredth of the time that it takes to wait for another thread. Only what waits for the
 * disk, or moves many bytes, leaves it to another thread.
 */

const writeInThread = promisify(fileSystem.writeFile)
const syncInThread = promisify(fileSystem.fsync)

/** Up to so many bytes are copied into the system's memory in no time. */
const shortContent = 256 * 1024

/** An open file. Whoever has it closes it. */
export class OpenFile {
  readonly #descriptor: number

  constructor(descriptor: number) {
    this.#descriptor = descriptor
  }

  async writeFile(content: string | Uint8Array): Promise<void> {
    if (content.length <= shortContent) fileSystem.writeFileSync(this.#descriptor, content)
    else await writeInThread(this.#descriptor, content)
  }

  /** Waits until the disk has what was written. */
  async sync(): Promise<void> {
    await syncInThread(this.#descriptor)
  }

  async stat(): Promise<BigIntStats> {
    return fileSystem.fstatSync(this.#descriptor, { bigint: true })
  }

  async utimes(accessed: Date, modified: Date): Promise<void> {
    fileSystem.futimesSync(this.#descriptor, accessed, modified)
  }

  async close(): Promise<void> {
    fileSystem.closeSync(this.#descriptor)
  }
}

export async function open(path: PathLike, flags: string, mode?: number): Promise<OpenFile> {
  return new OpenFile(fileSystem.openSync(path, flags, mode))
}

export async function writeFile(path: PathLike, text: string, options: { flag: string; mode: number }): Promise<void> {
  fileSystem.writeFileSync(path, text, options)
}

export async function appendFile(path: PathLike, text: string, options: { flag: number }): Promise<void> {
  // The type wants a string; Node takes the numbers of open(2), too.
  fileSystem.appendFileSync(path, text, options as object)
}

/** For names that are free: replacing a file can wait for the disk. */
export async function rename(from: PathLike, to: PathLike): Promise<void> {
  fileSystem.renameSync(from, to)
}

export async function link(existing: PathLike, path: PathLike): Promise<void> {
  fileSystem.linkSync(existing, path)
}

export async function rm(path: PathLike, options?: RmOptions): Promise<void> {
  fileSystem.rmSync(path, options)
}

export async function mkdir(path: PathLike, options?: MakeDirectoryOptions): Promise<void> {
  fileSystem.mkdirSync(path, options)
}

export async function stat(path: PathLike): Promise<Stats> {
  return fileSystem.statSync(path)
}

export async function lstat(path: PathLike): Promise<BigIntStats> {
  return fileSystem.lstatSync(path, { bigint: true })
}
