import { DomainError } from '../core/errors.ts'
import type { Submitted } from './manifest-store.ts'
import {
  AbandonedError,
  AlreadyDoneError,
  KeyReusedError,
  PathNotWritableError,
  PushRefusedError,
  QueueFullError,
} from './store-errors.ts'
import type { CommandEnd, StoreObserver } from './store-observer.ts'

/** Tells the observer how a command ends, and answers what its caller is answered. */
export async function tellEnd<Result>(
  submission: Promise<Submitted<Result>>,
  observer: StoreObserver | undefined,
): Promise<Submitted<Result>> {
  try {
    const submitted = await submission
    observer?.commandEnded(toSuccess(submitted))
    return submitted
  } catch (error) {
    observer?.commandEnded(toEnd(error))
    throw error
  }
}

function toSuccess({ commit, isRepeated }: Submitted<unknown>): CommandEnd {
  if (isRepeated === true) return 'repeated'
  return commit === undefined ? 'unchanged' : 'committed'
}

function toEnd(error: unknown): CommandEnd {
  if (error instanceof DomainError || error instanceof PathNotWritableError || error instanceof PushRefusedError) {
    return 'refused'
  }
  if (error instanceof KeyReusedError || error instanceof AlreadyDoneError) return 'refused'
  if (error instanceof AbandonedError) return 'abandoned'
  return error instanceof QueueFullError ? 'queue-full' : 'failed'
}
