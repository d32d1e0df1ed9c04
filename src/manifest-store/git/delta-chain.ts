import { createDelta } from './create-delta.ts'

/** An object in a pack on which deltas may be based. */
export interface DeltaBase<Base extends DeltaBase<Base>> {
  /** How many deltas must be applied to read it. */
  readonly depth: number
  /** What it is a delta of. */
  readonly base: Base | undefined
}

/** No chain of ours is longer; it is git's limit too. */
export const maximumDepth = 50

/** One version after the other is a delta of the one before it up to this depth. */
const longestRun = 16

/** Beyond, and where two packs meet, the next one begins near the beginning of the chain, so that chains stay short. */
const nearBeginning = 2

/**
 * The object to make the next version a delta of: the version before it or, where that is deep already, one that it is
 * made of. `height` is how many deltas hang below the next version already. Undefined when the chain would become too long.
 *
 * Where packs of equal size are combined again and again, each time adds at most three to the depth, and the deltas that
 * join two packs span a quarter of one of them: together a few bytes for each version.
 */
export function chooseBase<Base extends DeltaBase<Base>>(before: Base | undefined, height = 0): Base | undefined {
  if (before === undefined || (height === 0 && before.depth < longestRun)) return before
  let base: Base | undefined = before
  while (base !== undefined && base.depth > nearBeginning) base = base.base
  return base === undefined || base.depth + 1 + height > maximumDepth ? undefined : base
}

/** Beyond this size looking for what two objects have in common takes too long. */
export const largestDelta = 1024 * 1024

/** A delta that makes `target` of `base`; undefined when it would not save much, or the two are large. */
export function createDeltaIfSmall(base: Uint8Array, target: Uint8Array): Uint8Array | undefined {
  if (base.length > largestDelta || target.length > largestDelta) return undefined
  const delta = createDelta(base, target)
  return delta.length < target.length * 0.7 ? delta : undefined
}
