import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ObjectCache } from '../../../src/manifest-store/git/object-cache.ts'
import { SourceCommitIndex } from '../../../src/manifest-store/layout/source-commit-index.ts'
import type { Files } from '../../support/object-shelf.ts'
import { ObjectShelf } from '../../support/object-shelf.ts'

const a = 'aaaaaaa1c0ffee00c0ffee00c0ffee00c0ffee00'
const b = 'aaaaaaa2c0ffee00c0ffee00c0ffee00c0ffee00'

function release(application: string, version: number | string, commit: string): Files {
  return { [`applications/${application}/releases/${version}/source_commit_id`]: commit }
}

function openIndex() {
  const shelf = new ObjectShelf()
  const index = new SourceCommitIndex(new ObjectCache(shelf))
  return {
    shelf,
    find: async (files: Files, commit: string): Promise<Readonly<Record<string, readonly string[]>>> => {
      const found = await index.find(shelf.place(files).get(''), commit)
      return Object.fromEntries(
        [...found].map(([name, releases]) => [
          name,
          releases.map(({ application, version }) => `${application} ${version}`).toSorted(),
        ]),
      )
    },
  }
}

const shop = { ...release('cart', 1, a), ...release('cart', 2, b), ...release('web', 7, a), ...release('web', 8, a) }

describe('the releases of a source commit', () => {
  it.each([
    ['the whole id', a, { [a]: ['cart 1', 'web 7', 'web 8'] }],
    ['how it begins', 'aaaaaaa2', { [b]: ['cart 2'] }],
    ['how several begin', 'aaaaaaa', { [a]: ['cart 1', 'web 7', 'web 8'], [b]: ['cart 2'] }],
    ['what nothing was made from', 'b'.repeat(40), {}],
  ])('are found by %s', async (_what, commit, expected) => {
    expect(await openIndex().find(shop, commit)).toEqual(expected)
  })

  it.each([
    ['is written in capitals, with a newline', release('cart', 3, `${a.toUpperCase()}\n`), { [a]: ['cart 3'] }],
    ['is short itself', { ...release('cart', 3, a.slice(0, 8)), ...shop }, { [a.slice(0, 8)]: ['cart 3'] }],
    ['stands where no release can be', release('cart', 'x', a), {}],
    ['is empty', release('cart', 3, ''), {}],
    ['is a directory', { [`applications/cart/releases/3/source_commit_id/${a}`]: '' }, {}],
  ])('whose commit %s', async (_what, files, expected) => {
    expect(await openIndex().find(files, a.slice(0, 8))).toEqual(expected)
  })

  it('are read once, and later only where something changed', async () => {
    const { shelf, find } = openIndex()
    await find(shop, a)
    shelf.reads = []
    const c = 'c'.repeat(40)
    expect(await find({ ...shop, ...release('web', 9, c) }, c)).toEqual({ [c]: ['web 9'] })
    expect(shelf.reads).toEqual([
      '',
      'applications',
      'applications/web',
      'applications/web/releases',
      'applications/web/releases/9',
      'applications/web/releases/9/source_commit_id',
    ])
  })

  it('are missing while their object is, and found as soon as it is back', async () => {
    const { shelf, find } = openIndex()
    const id = shelf.place(shop).get('applications/cart/releases/2/source_commit_id') ?? ''
    shelf.remove(id)
    expect(await find(shop, b)).toEqual({})
    expect(await find(shop, a)).toEqual({ [a]: ['cart 1', 'web 7', 'web 8'] })
    shelf.putBack(id)
    expect(await find(shop, b)).toEqual({ [b]: ['cart 2'] })
  })

  it('are found after a look that failed in the middle', async () => {
    const { shelf, find } = openIndex()
    shelf.beforeRead = (path) => {
      if (path.startsWith('applications/web')) throw Object.assign(new Error('the disk is gone'), { syscall: 'read' })
    }
    await expect(find(shop, a)).rejects.toThrow('the disk is gone')
    shelf.beforeRead = () => {}
    expect(await find(shop, a)).toEqual({ [a]: ['cart 1', 'web 7', 'web 8'] })
  })

  it('are the same for an index that has seen other states', async () => {
    expect.hasAssertions()
    const files = fc
      .array(
        fc
          .tuple(fc.constantFrom('cart', 'web'), fc.nat(3), fc.constantFrom(a, b, ''))
          .map((facts) => release(...facts)),
        { maxLength: 6 },
      )
      .map((parts): Files => Object.assign({}, ...parts) as Files)
    await fc.assert(
      fc.asyncProperty(fc.array(files, { minLength: 2, maxLength: 5 }), async (states) => {
        const { find } = openIndex()
        // At once: they take turns.
        const found = await Promise.all(states.map((state) => find(state, 'aaaaaaa')))
        for (const [index, state] of states.entries()) {
          expect(sorted(found[index])).toEqual(sorted(await openIndex().find(state, 'aaaaaaa')))
        }
      }),
    )
  })
})

function sorted(found: object | undefined): unknown {
  return Object.entries(found ?? {}).toSorted(([x], [y]) => (x < y ? -1 : 1))
}
