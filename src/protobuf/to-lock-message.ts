import type { Lock } from '../core/lock.ts'
import type { TimestampMessage } from './to-timestamp-message.ts'
import { toTimestampMessage } from './to-timestamp-message.ts'

/** api.v1.Lock */
export interface LockMessage {
  readonly message?: string | undefined
  readonly lockId?: string | undefined
  readonly createdAt?: TimestampMessage | undefined
  readonly createdBy?: { readonly name?: string | undefined; readonly email?: string | undefined } | undefined
  readonly ciLink?: string | undefined
  readonly suggestedLifetime?: string | undefined
  readonly expiresAt?: TimestampMessage | undefined
}

/** Locks by id. */
export type LocksMessage = Readonly<Record<string, LockMessage>>

export function toLockMessage(lock: Lock): LockMessage {
  return {
    message: lock.message,
    lockId: lock.id,
    createdAt: toTimestampMessage(lock.createdAt),
    createdBy: { name: lock.createdBy.name, email: lock.createdBy.email },
    ciLink: lock.ciLink,
    suggestedLifetime: lock.suggestedLifetime,
    expiresAt: toTimestampMessage(lock.expiresAt),
  }
}

/** The locks by id, as every map of locks has them. */
export function toLocksMessage(locks: Iterable<Lock>): LocksMessage {
  return Object.fromEntries(Array.from(locks, (lock) => [lock.id, toLockMessage(lock)]))
}
