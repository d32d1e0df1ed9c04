import { setImmediate } from 'node:timers/promises'

/**
 * Long computations work in slices of this many milliseconds, so that requests are served in between. A read takes several turns of the
 * event loop, and waits for a slice in each, so slices are short; a turn costs far less.
 */
const sliceLength = 1

export interface TimeSlice {
  /** Whether it is time to let others run. Cheap enough to ask for every item of a loop. */
  isOver(): boolean
  /** Lets everything run that waits for the event loop, then begins the next slice. */
  next(): Promise<void>
}

/** Begins a slice: `if (slice.isOver()) await slice.next()` inside a long loop. */
export function startTimeSlice(): TimeSlice {
  let end = performance.now() + sliceLength
  let turn: Promise<void> | undefined
  async function takeTurn(): Promise<void> {
    await setImmediate()
    turn = undefined
    end = performance.now() + sliceLength
  }
  return {
    isOver: () => performance.now() >= end,
    // One for all who share the slice: with one each they would have their slices one after the other, and nobody else
    // a turn in between.
    next: () => (turn ??= takeTurn()),
  }
}
