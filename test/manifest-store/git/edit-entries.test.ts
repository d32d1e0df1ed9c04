import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { editEntries } from '../../../src/manifest-store/git/edit-entries.ts'
import type { TreeEntry } from '../../../src/manifest-store/git/tree.ts'
import {
  fileMode,
  findIndex,
  linkMode,
  parseTree,
  serializeTree,
  treeMode,
} from '../../../src/manifest-store/git/tree.ts'

const ids = fc.constantFrom(...['0', '4', 'a', 'f'].map((digit) => digit.repeat(40)))
/** Among them such as make a directory and a file change places in git's order. */
const names = fc.oneof(
  fc.integer({ min: 1, max: 60 }).map((number) => `application-${number}`),
  fc.constantFrom('a', 'a-b', 'a.b', 'a0', 'é', '漢', '\u{1F600}', '\uFF5E'),
)
const entry = fc.record({ name: names, mode: fc.constantFrom(treeMode, treeMode, fileMode, linkMode), id: ids })
const manyEntries = fc
  .array(entry, { maxLength: 10 })
  .map((some) => [...aHundred(), ...some].map((one) => [one.name, one] as const))
  .map((pairs) => [...new Map(pairs).values()])
const edits = fc
  .array(fc.tuple(names, fc.option(entry, { nil: undefined, freq: 8 })), { maxLength: 6 })
  .map((pairs) => new Map(pairs.map(([name, one]) => [name, one && { ...one, name }])))

function aHundred(): TreeEntry[] {
  return Array.from({ length: 100 }, (_, index) => ({
    name: `application-${index}`,
    mode: treeMode,
    id: String(index % 10).repeat(40),
  }))
}

function inThisOrder(entries: readonly TreeEntry[]): Uint8Array {
  return Buffer.concat(entries.map((one) => serializeTree([one])))
}

/** What somebody would do who begins anew. */
function plainly(before: readonly TreeEntry[], edited: ReadonlyMap<string, TreeEntry | undefined>): Uint8Array {
  const all = new Map<string, TreeEntry | undefined>(before.map((one) => [one.name, one]))
  for (const [name, one] of edited) all.set(name, one)
  return serializeTree([...all.values()].filter((one) => one !== undefined))
}

describe('edited entries', () => {
  it('are the tree that comes of writing all of them anew, one edit after the other', () => {
    fc.assert(
      fc.property(manyEntries, fc.array(edits, { minLength: 1, maxLength: 5 }), (start, all) => {
        let before: readonly TreeEntry[] = parseTree(serializeTree(start))
        for (const edited of all) {
          const { entries, data } = editEntries(before, edited)
          expect(Buffer.from(data)).toEqual(Buffer.from(plainly(before, edited)))
          expect(entries).toEqual(parseTree(data))
          before = entries
        }
      }),
    )
  })

  it('are so also where the tree before is none that git would have written', () => {
    fc.assert(
      fc.property(manyEntries, fc.array(edits, { minLength: 2, maxLength: 3 }), (start, all) => {
        let before: readonly TreeEntry[] = parseTree(inThisOrder(start.toReversed()))
        for (const edited of all) {
          const { entries, data } = editEntries(before, edited)
          expect(Buffer.from(data)).toEqual(Buffer.from(plainly(before, edited)))
          expect(entries).toEqual(parseTree(data))
          before = entries
        }
      }),
    )
  })

  it('keep the bytes around ids that change, even where an id looks like the head of an entry', () => {
    const head = Buffer.from('40000 application-7\0').toString('hex')
    const trap = { name: 'application-6', mode: treeMode, id: head.padEnd(40, '0') }
    const { entries: first } = editEntries(parseTree(serializeTree(aHundred())), new Map([[trap.name, trap]]))
    const { entries: second } = editEntries(first, new Map([['application-8', { ...trap, name: 'application-8' }]]))
    const seven = { name: 'application-7', mode: treeMode, id: 'e'.repeat(40) }
    const { data } = editEntries(second, new Map([['application-7', seven]]))
    expect(Buffer.from(data)).toEqual(Buffer.from(plainly(second, new Map([['application-7', seven]]))))
  })

  it('are found by name, also in a tree that git would not have written so', () => {
    fc.assert(
      fc.property(manyEntries, names, fc.boolean(), (some, name, isOrdered) => {
        const entries = isOrdered ? parseTree(serializeTree(some)) : parseTree(inThisOrder(some))
        expect(findIndex(entries, name)).toBe(entries.findIndex((one) => one.name === name))
      }),
    )
  })
})
