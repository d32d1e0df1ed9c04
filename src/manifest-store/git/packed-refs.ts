import { join } from 'node:path'
import type { ObjectId } from '../../core/object-id.ts'
import { readFile } from './disk.ts'
import { hasCode } from './durable-file.ts'
import { MalformedRefError } from './git-errors.ts'
import { isObjectId } from './git-object.ts'

/** The text of the file in which git keeps refs that it has packed; empty when there is none. */
export async function readPackedRefs(gitDirectory: string): Promise<string> {
  try {
    return `${await readFile(join(gitDirectory, 'packed-refs'), 'utf8')}\n`
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return ''
    throw error
  }
}

/** What a ref is in that text; undefined when it is not there. Throws MalformedRefError when its line is not git's. */
export function findPackedRef(packedRefs: string, ref: string): ObjectId | undefined {
  // There may be very many lines, and only one is wanted. Names hold no spaces, so this finds no other.
  const idEnd = packedRefs.indexOf(` ${ref}\n`)
  if (idEnd < 0) return undefined
  const id = packedRefs.slice(packedRefs.lastIndexOf('\n', idEnd) + 1, idEnd)
  if (!isObjectId(id)) throw new MalformedRefError(ref, 'its line in packed-refs does not begin with an object id')
  return id
}

/** The names of all refs in that text. */
export function packedRefNames(packedRefs: string): string[] {
  // A line that begins with # is about the file; one with ^, about the tag in the line before, has one word only.
  return packedRefs.split('\n').flatMap((line) => (line.startsWith('#') ? [] : (line.split(' ')[1] ?? [])))
}
