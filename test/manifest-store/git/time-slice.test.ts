import { beforeEach, describe, expect, it, vi } from 'vitest'
import { startTimeSlice } from '../../../src/manifest-store/git/time-slice.ts'

let time = 0

beforeEach(() => {
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => time)
  return () => clock.mockRestore()
})

function work(milliseconds: number): void {
  time += milliseconds
}

describe('a time slice', () => {
  it('is over after a millisecond of work, and begins anew after a turn of others', async () => {
    const slice = startTimeSlice()
    work(0.75)
    expect(slice.isOver()).toBe(false)
    work(0.25)
    expect(slice.isOver()).toBe(true)
    let hadTurn = false
    setImmediate(() => (hadTurn = true))
    await slice.next()
    expect(hadTurn).toBe(true)
    expect(slice.isOver()).toBe(false)
    work(1)
    expect(slice.isOver()).toBe(true)
  })

  it('is one slice for all who share it, not one each in a row', async () => {
    const slice = startTimeSlice()
    const turns: number[] = []
    let turn = 0
    let isDone = false
    const countTurns = (): void => {
      turn += 1
      if (!isDone) setImmediate(countTurns)
    }
    setImmediate(countTurns)
    const share = async (): Promise<void> => {
      for (let step = 0; step < 20; step += 1) {
        if (slice.isOver()) await slice.next()
        work(0.25)
        turns.push(turn)
      }
    }
    await Promise.all(Array.from({ length: 8 }, share))
    isDone = true
    // One works through the slice; the seven others who were let go with it do the step that they had stopped before.
    const longestRun = Math.max(...turns.map((each) => turns.filter((other) => other === each).length))
    expect(longestRun).toBe(11)
  })
})
