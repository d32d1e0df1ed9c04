import { byteLengthOf, isDirectoryName } from './names.ts'

/** Stops trains and automatic deployments for an environment, one application in it, or one team in it. */
export interface Lock {
  readonly id: string
  readonly message: string
  readonly createdBy: { readonly name: string; readonly email: string }
  readonly createdAt: Date | undefined
  readonly ciLink: string | undefined
  /** How long its author meant it to stay, such as `2d`. Informs people; a lock never ends because of it. */
  readonly suggestedLifetime: string | undefined
  /** From this moment on the lock no longer holds. */
  readonly expiresAt: Date | undefined
}

/** Locks by id, in the order of their ids. */
export type Locks = ReadonlyMap<string, Lock>

export const noLocks: Locks = new Map()

/** What `isValidLockId` asks for, for people. */
export const lockIdRule =
  "2 to 99 bytes of text without slashes and control characters, and not one of git's own names, such as .git"

/** Whether a lock may have this id: 2 to 99 bytes that can be a directory's name (spec 6.4). */
export function isValidLockId(id: string): boolean {
  const length = byteLengthOf(id)
  return length >= 2 && length <= 99 && isDirectoryName(id) && !/\p{Cc}/u.test(id)
}

/** Whether the lock holds at `now`: one without an end always does. */
export function isHolding(lock: Lock, now: Date): boolean {
  return lock.expiresAt === undefined || now < lock.expiresAt
}

/** The locks that hold at `now`, in the order of their ids. */
export function locksHolding(locks: Locks, now: Date): readonly Lock[] {
  return locks.size === 0 ? [] : [...locks.values()].filter((lock) => isHolding(lock, now))
}
