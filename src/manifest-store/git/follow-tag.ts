import type { TagState } from '../../core/git-tag.ts'
import type { ObjectId } from '../../core/object-id.ts'
import type { StoredObject } from '../repository/repository.ts'
import { MalformedObjectError } from './git-errors.ts'
import { isObjectId } from './git-object.ts'

/** A tag may name a tag; nobody makes chains that are longer. */
const maximumDepth = 10

/** The commit that a tag leads to from the object that its ref names. Throws what `read` throws, and MalformedObjectError. */
export async function followTag(
  id: ObjectId,
  read: (id: ObjectId) => Promise<StoredObject>,
): Promise<Extract<TagState, { kind: 'commit' | 'unusable' }>> {
  let object = id
  for (let depth = 0; depth <= maximumDepth; depth += 1) {
    const { type, data } = await read(object)
    if (type === 'commit') return { kind: 'commit', commit: object }
    if (type !== 'tag') return { kind: 'unusable', reason: `names a ${type}, not a commit` }
    const target = /^object ([0-9a-f]+)\n/.exec(Buffer.from(data).toString('latin1', 0, 100))?.[1]
    if (target === undefined || !isObjectId(target)) throw new MalformedObjectError(`tag ${object} names no object`)
    object = target
  }
  return { kind: 'unusable', reason: `leads through more than ${maximumDepth} tags` }
}
