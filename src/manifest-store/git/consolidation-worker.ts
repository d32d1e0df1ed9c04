import { parentPort } from 'node:worker_threads'
import type { Consolidation } from './consolidate-packs.ts'
import { consolidatePacks } from './consolidate-packs.ts'

export type ConsolidationAnswer = { readonly done: Consolidation | undefined } | { readonly error: unknown }

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
