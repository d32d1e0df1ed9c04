import fs from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import * as elsewhere from 'node:fs/promises'
import { isMainThread } from 'node:worker_threads'

/** What is done with a file while it is open. */
export type OpenFile = Pick<FileHandle, 'writeFile' | 'sync' | 'stat' | 'utimes' | 'close'>

/** The part of `node:fs/promises` that a write needs. */
export type Disk = Pick<
  typeof elsewhere,
  'appendFile' | 'link' | 'lstat' | 'mkdir' | 'readFile' | 'readdir' | 'rename' | 'rm' | 'rmdir' | 'stat' | 'writeFile'
> & { readonly open: (path: string, flags: string, mode?: number) => Promise<OpenFile> }

/** Makes each call at once, in the thread that asks, which does nothing else until the disk has answered. */
export const diskHere = {
  appendFile: atOnce(fs.appendFileSync),
  link: atOnce(fs.linkSync),
  lstat: atOnce(fs.lstatSync),
  mkdir: atOnce(fs.mkdirSync),
  open: atOnce(openHere),
  readFile: atOnce(fs.readFileSync),
  readdir: atOnce(fs.readdirSync),
  rename: atOnce(fs.renameSync),
  rm: atOnce(fs.rmSync),
  rmdir: atOnce(fs.rmdirSync),
  stat: atOnce(fs.statSync),
  writeFile: atOnce(fs.writeFileSync),
} as unknown as Disk

/**
 * Calls to the file system. The main thread has Node make each of them in another thread, because a disk can take its time: but
 * most calls are over long before that thread is awake and has told so. A write is forty of them, so it has a thread that
 * need not wait for others.
 */
export const { appendFile, link, lstat, mkdir, open, readFile, readdir, rename, rm, rmdir, stat, writeFile }: Disk =
  isMainThread ? elsewhere : diskHere

function atOnce<Input extends unknown[], Output>(call: (...input: Input) => Output) {
  // Not a promise alone: what the call throws is a rejection, too.
  return async (...input: Input): Promise<Output> => call(...input)
}

function openHere(path: string, flags: string, mode?: number): OpenFile {
  const file = fs.openSync(path, flags, mode)
  return {
    writeFile: atOnce((content: string | Uint8Array) => fs.writeFileSync(file, content)),
    sync: atOnce(() => fs.fsyncSync(file)),
    stat: atOnce((options: fs.BigIntOptions) => fs.fstatSync(file, options)),
    utimes: atOnce((accessed: fs.TimeLike, modified: fs.TimeLike) => fs.futimesSync(file, accessed, modified)),
    close: atOnce(() => fs.closeSync(file)),
  } as unknown as OpenFile
}
