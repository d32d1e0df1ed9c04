import type { LoadedEntry } from '../../core/command.ts'
import type { ObjectId } from '../../core/object-id.ts'
import type { ObjectCache } from './object-cache.ts'
import type { TreeEntry } from './tree.ts'
import { isFile, isLink, isTree } from './tree.ts'

/** The entry at `path` in a tree; undefined when there is none. */
export async function findEntry(
  objects: ObjectCache,
  root: ObjectId | undefined,
  path: string,
): Promise<TreeEntry | undefined> {
  let tree = root
  let entry: TreeEntry | undefined
  for (const segment of path.split('/')) {
    entry = tree === undefined ? undefined : (await objects.readTree(tree)).find(({ name }) => name === segment)
    tree = entry !== undefined && isTree(entry) ? entry.id : undefined
  }
  return entry
}

/** What stands at `path` in a tree. */
export async function readPath(objects: ObjectCache, root: ObjectId | undefined, path: string): Promise<LoadedEntry> {
  const entry = await findEntry(objects, root, path)
  if (entry === undefined) return undefined
  if (isTree(entry)) {
    const entries = await objects.readTree(entry.id)
    return { kind: 'directory', entries: new Map(entries.map(({ name, id }) => [name, id])) }
  }
  if (isFile(entry)) return { kind: 'file', bytes: await objects.readBlob(entry.id) }
  if (isLink(entry)) return { kind: 'link', target: new TextDecoder().decode(await objects.readBlob(entry.id)) }
  return undefined
}
