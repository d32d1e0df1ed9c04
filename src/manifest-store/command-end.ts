import { DomainError } from '../core/errors.ts'
import type { Submitted } from './manifest-store.ts'
import { AbandonedError, PathNotWritableError, PushRefusedError, QueueFullError } from './store-errors.ts'
import type { CommandEnd, StoreObserver } from './store-observer.ts'

/** Tells the observer how a command ends, and answers what its caller is answered. */
export async function tellEnd<Result>(
  submission: Promise<Submitted<Result>>,
  observer: StoreObserver | undefined,
): Promise<Submitted<Result>> {
  try {
    const submitted = await submission
    observer?.commandEnded(submitted.commit === undefined ? 'unchanged' : 'committed')
    return submitted
  } catch (error) {
    observer?.commandEnded(toEnd(error))
    throw error
  }
}

function toEnd(error: unknown): CommandEnd {
  if (error instanceof DomainError || error instanceof PathNotWritableError || error instanceof PushRefusedError) {
    return 'refused'
  }
  if (error instanceof AbandonedError) return 'abandoned'
  return error instanceof QueueFullError ? 'queue-full' : 'failed'
}
