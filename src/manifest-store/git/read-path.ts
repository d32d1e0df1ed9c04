import type { ObjectId } from '../../core/object-id.ts'
import type { ObjectCache } from './object-cache.ts'
import { isFile, isTree } from './tree.ts'

/** The bytes of the file at `path` in a tree; undefined when no file stands there. */
export async function readPath(
  objects: ObjectCache,
  root: ObjectId | undefined,
  path: string,
): Promise<Uint8Array | undefined> {
  const segments = path.split('/')
  const last = segments.pop()
  let tree = root
  for (const segment of segments) {
    const entry = tree === undefined ? undefined : (await objects.readTree(tree)).find(({ name }) => name === segment)
    if (entry === undefined || !isTree(entry)) return undefined
    tree = entry.id
  }
  const file = tree === undefined ? undefined : (await objects.readTree(tree)).find(({ name }) => name === last)
  return file !== undefined && isFile(file) ? objects.readBlob(file.id) : undefined
}
