import { expect, it } from 'vitest'
import { createObject } from '../../../src/manifest-store/git/git-object.ts'
import { ObjectCache } from '../../../src/manifest-store/git/object-cache.ts'
import { serializeTree } from '../../../src/manifest-store/git/tree.ts'

const blob = createObject('blob', Buffer.from('a file'))
const inner = createObject('tree', serializeTree([{ mode: '100644', name: 'file', id: blob.id }]))
const outer = createObject('tree', serializeTree([{ mode: '40000', name: 'inner', id: inner.id }]))
const root = createObject('tree', serializeTree([{ mode: '40000', name: 'outer', id: outer.id }]))

it('what was removed is forgotten with all below it, what was replaced alone; either is read again by whoever wants it', async () => {
  const reads: string[] = []
  const objects = new Map([blob, inner, outer, root].map((object) => [object.id, object]))
  const cache = new ObjectCache({
    read: async (id) => {
      reads.push(id)
      return objects.get(id) ?? blob
    },
  })
  const readAll = async () => {
    reads.length = 0
    for (const { id } of [root, outer, inner]) await cache.readTree(id)
    return [...reads]
  }
  expect(await readAll()).toEqual([root.id, outer.id, inner.id])
  expect(await readAll()).toEqual([])
  cache.forgetTrees([root.id])
  expect(await readAll()).toEqual([root.id])
  cache.forgetRemoved([outer.id])
  expect(await readAll()).toEqual([outer.id, inner.id])
})
