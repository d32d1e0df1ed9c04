import type { ListedLock, LockList } from '../core/list-locks.ts'
import type { ObjectId } from '../core/object-id.ts'
import { messageType } from './messages.ts'
import type { LockMessage } from './to-lock-message.ts'
import { toLockMessage } from './to-lock-message.ts'

/** signalbox.v1.ListLocksResponse */
export interface LockListMessage {
  readonly locks: readonly ListedLockMessage[]
  readonly warnings: readonly string[]
  readonly commit?: string | undefined
}

/** signalbox.v1.ListedLock */
export interface ListedLockMessage {
  readonly kind?: string | undefined
  readonly environment?: string | undefined
  readonly application?: string | undefined
  readonly team?: string | undefined
  readonly lock?: LockMessage | undefined
  readonly ended?: boolean | undefined
}

export const lockListMessageType = messageType<LockListMessage>('signalbox.v1.ListLocksResponse')

/** The locks that were asked for. */
export function toLockListMessage({ locks, warnings }: LockList, commit: ObjectId | undefined): LockListMessage {
  return { locks: locks.map(toListedLockMessage), warnings, commit }
}

export function toListedLockMessage({ kind, environment, name, lock, hasEnded }: ListedLock): ListedLockMessage {
  return {
    kind,
    environment,
    application: kind === 'application' ? name : undefined,
    team: kind === 'team' ? name : undefined,
    lock: toLockMessage(lock),
    ended: hasEnded,
  }
}
