import { onTestFinished } from 'vitest'
import type { WriteLog, WrittenBranch } from '../../src/manifest-store/git/branch-writer.ts'
import { WriteThread } from '../../src/manifest-store/git/write-thread.ts'

/** The thread that is shipped. */
const builtWorker = new URL('../../dist/manifest-store/git/write-worker.js', import.meta.url)

/** Who writes a branch in the process that is shipped. Inside of a test only. */
export function createWriteThread(branch: WrittenBranch, log: WriteLog, worker = builtWorker): WriteThread {
  const writer = new WriteThread(branch, log, worker)
  onTestFinished(() => writer.close())
  return writer
}
