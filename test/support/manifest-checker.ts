import { onTestFinished } from 'vitest'
import type { WorkerManifestCheckerOptions } from '../../src/manifest-check/worker-manifest-checker.ts'
import { WorkerManifestChecker } from '../../src/manifest-check/worker-manifest-checker.ts'

/** A checker with the thread that is shipped: threads do not run TypeScript. Closed after the test. Inside of a test only. */
export function createTestChecker(options: WorkerManifestCheckerOptions = {}): WorkerManifestChecker {
  const workerFile = new URL('../../dist/manifest-check/manifest-worker.js', import.meta.url)
  const checker = new WorkerManifestChecker({ workerFile, ...options })
  onTestFinished(() => checker.close())
  return checker
}
