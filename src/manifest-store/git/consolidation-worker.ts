import os from 'node:os'
import { parentPort } from 'node:worker_threads'
import type { Consolidation } from './consolidate-packs.ts'
import { consolidatePacks } from './consolidate-packs.ts'

export type ConsolidationAnswer = { readonly done: Consolidation | undefined } | { readonly error: unknown }

// Requests and writes come first. Elsewhere than on Linux a priority is the whole process's.
if (process.platform === 'linux') os.setPriority(os.constants.priority.PRIORITY_BELOW_NORMAL)

/** The thread in which packs are combined: the path of a repository, one answer. */
parentPort?.on('message', (gitDirectory: string) => {
  void answer(gitDirectory).then((message) => parentPort?.postMessage(message, []))
})

async function answer(gitDirectory: string): Promise<ConsolidationAnswer> {
  try {
    return { done: await consolidatePacks(gitDirectory) }
  } catch (error) {
    return { error }
  }
}
