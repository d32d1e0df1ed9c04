import { describe, expect, it } from 'vitest'
import { ByteBudget } from '../../src/http/byte-budget.ts'

const never = new AbortController().signal

describe('a budget of bytes', () => {
  it('is given in the order of asking, also to those who ask for little', async () => {
    const budget = new ByteBudget(10)
    const order: string[] = []
    const take = async (name: string, bytes: number) => {
      const giveBack = await budget.take(bytes, 60_000, never)
      order.push(name)
      return giveBack
    }
    const first = await take('first', 6)
    const [large, small] = [take('large', 8), take('small', 2)]
    await Promise.resolve()
    expect(order).toEqual(['first'])
    first?.()
    await Promise.all([large, small])
    expect(order).toEqual(['first', 'large', 'small'])
  })

  it('goes on to the next when one gives up: who left, or waited for too long', async () => {
    const budget = new ByteBudget(10)
    const caller = new AbortController()
    const first = await budget.take(6, 60_000, never)
    const leaving = budget.take(8, 60_000, caller.signal)
    const waiting = budget.take(9, 20, never)
    const small = budget.take(4, 60_000, never)
    caller.abort()
    expect(await Promise.all([leaving, waiting])).toEqual([undefined, undefined])
    expect(await small).toBeTypeOf('function')
    expect(await budget.take(1, 60_000, caller.signal)).toBeUndefined()
    first?.()
    expect(await budget.take(6, 60_000, never)).toBeTypeOf('function')
  })

  it('takes back what was taken once', async () => {
    const budget = new ByteBudget(10)
    const giveBack = await budget.take(5, 60_000, never)
    giveBack?.()
    giveBack?.()
    await budget.take(10, 60_000, never)
    expect(await budget.take(1, 0, never)).toBeUndefined()
  })
})
