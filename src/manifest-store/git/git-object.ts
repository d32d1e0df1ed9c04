import { createHash, hash } from 'node:crypto'
import type { ObjectId } from '../../core/object-id.ts'
import type { TreeEntry } from './tree.ts'

export type ObjectType = 'blob' | 'tree' | 'commit' | 'tag'

/** An object as git knows it: its id follows from its type and data. */
export interface GitObject {
  readonly id: ObjectId
  readonly type: ObjectType
  readonly data: Uint8Array
  /** What stood in its place before, where that is known: probably much the same, so that a pack needs only the difference. */
  readonly predecessor?: ObjectId | undefined
  /** What `parseTree` makes of a tree, where that is known: the next command of a batch begins with what this one made. */
  readonly entries?: readonly TreeEntry[]
}

/** The tree without entries, which git knows even where nobody wrote it. */
export const emptyTreeId: ObjectId = '4b825dc642cb6eb9a060e54bf8d69288fbee4904'

/** Takes the content of an object and answers it with its id. The data is not copied: it must not change afterwards. */
export function createObject(type: ObjectType, data: Uint8Array): GitObject {
  const header = Buffer.from(`${type} ${data.length}\0`, 'latin1')
  return {
    id: data.length > smallObject ? hashInPieces(header, data) : hash('sha1', Buffer.concat([header, data])),
    type,
    data,
  }
}

/** Up to this size it is faster to copy the data behind its header than to keep a hash between the two. */
const smallObject = 4096

function hashInPieces(header: Uint8Array, data: Uint8Array): ObjectId {
  return createHash('sha1').update(header).update(data).digest('hex')
}

/** Whether this text has the form of an id: 40 lower-case hex digits. */
export function isObjectId(text: string): boolean {
  return /^[0-9a-f]{40}$/.test(text)
}
