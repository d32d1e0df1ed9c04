import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeSync, openSync, closeSync, fsyncSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { createTemporaryFolder } from './real-git.ts'

/** Whether tests may mount file systems here: `describe.runIf(canMount)`. Says so when they may not. */
export const canMount = tryToMount()

/** A file system of its own that holds so many megabytes. Inside of a test only. */
export function mountSmallDisk(megabytes: number): {
  readonly folder: string
  readonly fill: () => void
  readonly empty: () => void
} {
  const folder = createTemporaryFolder()
  mount(['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder])
  onTestFinished(() => unmount(folder))
  const filler = join(folder, 'filler')
  return { folder, fill: () => fill(filler), empty: () => rmSync(filler) }
}

/** Lays a read-only view of the folder over it. What is open already stays as it is. Answers how to take it away. */
export function makeReadOnly(folder: string): () => void {
  mount(['--bind', folder, folder])
  mount(['-o', 'remount,bind,ro', folder])
  let isMounted = true
  const takeAway = () => {
    if (isMounted) unmount(folder)
    isMounted = false
  }
  onTestFinished(takeAway)
  return takeAway
}

function fill(path: string): void {
  const file = openSync(path, 'w')
  try {
    for (const size of [64 * 1024, 4096]) writeUntilFull(file, Buffer.alloc(size, 1))
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

function writeUntilFull(file: number, bytes: Buffer): void {
  try {
    while (writeSync(file, bytes) === bytes.length);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
  }
}

function mount(args: readonly string[]): void {
  const { status, stderr } = spawnSync('mount', args)
  if (status !== 0) throw new Error(`mount ${args.join(' ')}: ${stderr.toString()}`)
}

function unmount(folder: string): void {
  // Lazily: a process that was killed a moment ago may still hold it.
  spawnSync('umount', ['-l', folder])
}

function tryToMount(): boolean {
  const folder = join('/tmp', `signalbox-mount-${process.pid}`)
  try {
    mkdirSync(folder)
    mount(['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder])
    unmount(folder)
    return true
  } catch {
    process.stdout.write('File systems cannot be mounted here: tests of a full and of a read-only disk are skipped.\n')
    return false
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
