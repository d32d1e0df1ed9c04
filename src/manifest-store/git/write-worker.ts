import { parentPort, workerData } from 'node:worker_threads'
import type { BranchMove, WrittenBranch } from './branch-writer.ts'
import { DiskBranchWriter } from './branch-writer.ts'
import type { ObjectBatch } from './object-batch.ts'
import { fromBatch } from './object-batch.ts'
import type { PortableError } from './portable-error.ts'
import { toPortable } from './portable-error.ts'

export type WriteCall = { readonly objects: ObjectBatch } | { readonly move: BranchMove }

export type WriteAnswer = { readonly done: 'published' | 'moved' | undefined } | { readonly error: PortableError }

/** What the thread says: one answer to each call, and before it what is to be logged. */
export type WriteMessage =
  | { readonly answer: WriteAnswer }
  | {
      readonly level: 'warn' | 'error'
      readonly err: PortableError
      readonly details: object
      readonly message: string
    }

const writer = new DiskBranchWriter(workerData as WrittenBranch, {
  warn: (details, message) => log('warn', details, message),
  error: (details, message) => log('error', details, message),
})

/** The thread in which a branch is written: its calls to the file system need not wait for other threads. */
parentPort?.on('message', (call: WriteCall) => {
  void answer(call).then((message) => tell({ answer: message }))
})

async function answer(call: WriteCall): Promise<WriteAnswer> {
  try {
    return { done: 'move' in call ? await writer.moveBranch(call.move) : await writePack(call.objects) }
  } catch (error) {
    return { error: toPortable(error) }
  }
}

async function writePack(objects: ObjectBatch): Promise<undefined> {
  await writer.writePack(fromBatch(objects))
}

function log(level: 'warn' | 'error', { err, ...details }: { readonly err?: unknown }, message: string): void {
  tell({ level, err: toPortable(err), details, message })
}

function tell(message: WriteMessage): void {
  parentPort?.postMessage(message, [])
}
