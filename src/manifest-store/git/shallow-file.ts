import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ObjectId } from '../../core/object-id.ts'
import { hasCode } from './durable-file.ts'
import { isObjectId } from './git-object.ts'

/** The commits whose parents the repository need not have (gitrepository-layout, shallow). None where there is no such file. */
export async function readShallowFile(gitDirectory: string): Promise<ReadonlySet<ObjectId>> {
  try {
    const text = await readFile(join(gitDirectory, 'shallow'), 'latin1')
    return new Set(text.split('\n').filter(isObjectId))
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return new Set()
    throw error
  }
}
