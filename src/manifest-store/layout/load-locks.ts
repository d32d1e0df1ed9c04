import type { Lock, Locks } from '../../core/lock.ts'
import { noLocks } from '../../core/lock.ts'
import { compareNames } from '../../core/names.ts'
import type { LayoutReader } from './layout-reader.ts'
import { inOrder } from './layout-reader.ts'
import type { TreeEntry } from '../git/tree.ts'

/** The locks in a `locks` directory, in the order of their ids (spec 1.5). */
export async function loadLocks(reader: LayoutReader, path: string, entry: TreeEntry | undefined): Promise<Locks> {
  if (entry === undefined) return noLocks
  const entries = [...(await reader.directory(path, entry)).values()]
  const locks = await inOrder(entries.map((lock) => loadLock(reader, `${path}/${lock.name}`, lock)))
  return new Map(locks.toSorted((a, b) => compareNames(a.id, b.id)).map((lock) => [lock.id, lock]))
}

async function loadLock(reader: LayoutReader, path: string, entry: TreeEntry): Promise<Lock> {
  const files = await reader.directory(path, entry)
  const text = (name: string) => reader.text(`${path}/${name}`, files.get(name))
  const moment = (name: string) => reader.moment(`${path}/${name}`, files.get(name))
  return {
    id: entry.name,
    message: (await text('message')) ?? '',
    createdBy: { name: (await text('created_by_name')) ?? '', email: (await text('created_by_email')) ?? '' },
    createdAt: await moment('created_at'),
    ciLink: await text('ci_link'),
    suggestedLifetime: await text('suggested_lifetime'),
    expiresAt: await moment('expires_at'),
  }
}
