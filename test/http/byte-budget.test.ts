import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ByteBudget } from '../../src/http/byte-budget.ts'

const never = new AbortController().signal
const minute = 60_000

describe('a budget of bytes', () => {
  it('is given to the oldest first, also when a younger one asks for little', async () => {
    const budget = new ByteBudget(10)
    const [holder, older, younger] = [budget.open(), budget.open(), budget.open()]
    const order: string[] = []
    await budget.take(holder, 6, minute, never)
    const small = budget.take(younger, 5, minute, never).then(() => order.push('younger'))
    const large = budget.take(older, 5, minute, never).then(() => order.push('older'))
    await Promise.resolve()
    expect(order).toEqual([])
    budget.close(holder)
    await Promise.all([small, large])
    expect(order).toEqual(['older', 'younger'])
  })

  it('goes on to the next when one gives up: who left, or waited for too long', async () => {
    const budget = new ByteBudget(10)
    const caller = new AbortController()
    const shares = [budget.open(), budget.open(), budget.open(), budget.open()] as const
    await budget.take(shares[0], 6, minute, never)
    const leaving = budget.take(shares[1], 8, minute, caller.signal)
    const waiting = budget.take(shares[2], 9, 20, never)
    const small = budget.take(shares[3], 4, minute, never)
    caller.abort()
    expect(await Promise.all([leaving, waiting])).toEqual(['abandoned', 'refused'])
    for (const given of [shares[1], shares[2]]) budget.close(given)
    expect(await small).toBe('taken')
    expect(await budget.take(budget.open(), 1, minute, caller.signal)).toBe('abandoned')
  })

  it('takes back what was taken once', async () => {
    const budget = new ByteBudget(10)
    const share = budget.open()
    await budget.take(share, 2, minute, never)
    await budget.take(share, 3, minute, never)
    budget.close(share)
    budget.close(share)
    await budget.take(budget.open(), 10, minute, never)
    expect(await budget.take(budget.open(), 1, 0, never)).toBe('refused')
  })

  it('refuses the newest at once where all who hold some wait for more', async () => {
    const budget = new ByteBudget(10)
    const [oldest, middle, newest, empty] = [budget.open(), budget.open(), budget.open(), budget.open()]
    for (const share of [oldest, middle, newest]) await budget.take(share, 3, minute, never)
    const waiting = budget.take(empty, 2, minute, never)
    const [one, two] = [budget.take(oldest, 3, minute, never), budget.take(middle, 3, minute, never)]
    expect(await budget.take(newest, 3, minute, never)).toBe('refused')
    expect(await one).toBe('taken')
    budget.close(oldest)
    expect(await Promise.all([two, waiting])).toEqual(['taken', 'taken'])
  })

  it('brings everybody to an end without waiting, whatever they take, and always the oldest to a good one', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 }), { minLength: 1 }),
        async (takers) => {
          const budget = new ByteBudget(20)
          const take = async (steps: readonly number[]) => {
            const share = budget.open()
            const { signal } = new AbortController()
            for (const bytes of steps) {
              if ((await budget.take(share, bytes, minute, signal)) !== 'taken') return 'refused'
            }
            budget.close(share)
            return 'done'
          }
          const ends = await Promise.all(takers.map(take))
          expect(ends[0]).toBe('done')
          expect(await budget.take(budget.open(), 20, 0, never)).toBe('taken')
        },
      ),
    )
  })
})
