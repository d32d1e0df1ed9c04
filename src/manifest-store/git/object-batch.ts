import type { GitObject, ObjectType } from './git-object.ts'

/** Objects in a form that costs little to give to another thread: one block of bytes, and a few texts. */
export interface ObjectBatch {
  readonly data: Uint8Array<ArrayBuffer>
  readonly lengths: Uint32Array
  /** 40 digits for each. */
  readonly ids: string
  /** 40 digits for each, or as many spaces. */
  readonly predecessors: string
  /** A digit for each: its place among the types. */
  readonly types: string
}

const idLength = 40
const none = ' '.repeat(idLength)
const types: readonly ObjectType[] = ['blob', 'tree', 'commit', 'tag']

/** Copies the objects, without the entries of trees. */
export function toBatch(objects: readonly GitObject[]): ObjectBatch {
  const lengths = Uint32Array.from(objects, ({ data }) => data.length)
  const data = new Uint8Array(lengths.reduce((sum, length) => sum + length, 0))
  let offset = 0
  for (const object of objects) {
    data.set(object.data, offset)
    offset += object.data.length
  }
  return {
    data,
    lengths,
    ids: objects.map(({ id }) => id).join(''),
    predecessors: objects.map(({ predecessor }) => predecessor ?? none).join(''),
    types: objects.map(({ type }) => types.indexOf(type)).join(''),
  }
}

/** The objects of a batch, over its bytes. */
export function fromBatch(batch: ObjectBatch): GitObject[] {
  let offset = 0
  return Array.from(batch.lengths, (length, index): GitObject => {
    const idAt = index * idLength
    const predecessor = batch.predecessors.slice(idAt, idAt + idLength)
    const object = {
      id: batch.ids.slice(idAt, idAt + idLength),
      type: types[Number(batch.types[index])] ?? 'blob',
      data: batch.data.subarray(offset, offset + length),
      predecessor: predecessor === none ? undefined : predecessor,
    }
    offset += length
    return object
  })
}
