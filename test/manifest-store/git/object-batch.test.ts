import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { GitObject, ObjectType } from '../../../src/manifest-store/git/git-object.ts'
import { createObject } from '../../../src/manifest-store/git/git-object.ts'
import { fromBatch, toBatch } from '../../../src/manifest-store/git/object-batch.ts'

const types: readonly ObjectType[] = ['blob', 'tree', 'commit', 'tag']

const objects: fc.Arbitrary<readonly GitObject[]> = fc.array(
  fc
    .tuple(fc.constantFrom(...types), fc.uint8Array({ maxLength: 300 }), fc.option(fc.uint8Array(), { nil: undefined }))
    .map(([type, data, before]) => ({
      ...createObject(type, data),
      predecessor: before === undefined ? undefined : createObject('blob', before).id,
    })),
)

it('objects arrive in another thread as they are', () => {
  fc.assert(
    fc.property(objects, (sent) => {
      expect(fromBatch(structuredClone(toBatch(sent)))).toEqual(sent)
    }),
  )
})
