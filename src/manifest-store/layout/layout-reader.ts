import type { ObjectId } from '../../core/object-id.ts'
import type { Readable } from '../../core/readable.ts'
import { readable, unreadable } from '../../core/readable.ts'
import { MalformedObjectError, ObjectMissingError } from '../git/git-errors.ts'
import type { ObjectCache } from '../git/object-cache.ts'
import type { KnownPieces } from './known-pieces.ts'
import { nothingKnown } from './known-pieces.ts'
import { startTimeSlice } from '../git/time-slice.ts'
import type { TreeEntry } from '../git/tree.ts'
import { isFile, isLink, isTree } from '../git/tree.ts'

/** A piece of the repository is not what the layout says it must be. The message is the reason, for people. */
class LayoutError extends Error {
  override readonly name = 'LayoutError'
}

/** Waits for all; of several errors the first in order is thrown, so that what is said does not depend on the disk. */
export async function inOrder<T>(pieces: readonly Promise<T>[]): Promise<readonly T[]> {
  await Promise.allSettled(pieces)
  const values: T[] = []
  for (const piece of pieces) values.push(await piece)
  return values
}

/** A directory's entries by name. */
export type Directory = ReadonlyMap<string, TreeEntry>

/**
 * Reads pieces of the layout, and says what is wrong with a piece in the words of the layout. What is absent reads as
 * undefined or empty, as for Kuberpult; what has the wrong kind is an error (spec 1.1).
 */
export class LayoutReader {
  readonly #objects: ObjectCache
  /** Objects that could not be read so far: their pieces may be readable at the next attempt. */
  failures = 0
  /** Pieces that need not be read from their objects. */
  known: KnownPieces = nothingKnown
  /** How many had to be. */
  piecesRead = 0
  /** All that is read in one go shares it: most of it comes from memory, and waits for nobody by itself. */
  slice = startTimeSlice()

  constructor(objects: ObjectCache) {
    this.#objects = objects
  }

  /**
   * Runs `read` for the piece at `path`; what is wrong there becomes the reason of an unreadable piece. Anything that
   * is not about the repository's content (the disk, a bug) is thrown.
   */
  async attempt<T>(path: string, read: () => Promise<T>): Promise<Readable<T>> {
    try {
      return readable(await read())
    } catch (error) {
      if (error instanceof LayoutError) return unreadable(error.message)
      if (error instanceof ObjectMissingError || error instanceof MalformedObjectError) {
        this.failures += 1
        return unreadable(`${path}: ${error.message}`)
      }
      throw error
    }
  }

  fail(path: string, what: string): never {
    throw new LayoutError(`${path} ${what}`)
  }

  /** The entries of the tree that `entry` names; none when it is absent. */
  async directory(path: string, entry: TreeEntry | undefined): Promise<Directory> {
    return toDirectory(await this.entries(path, entry))
  }

  /** The same in their order, where nobody looks for one by its name. */
  async entries(path: string, entry: TreeEntry | undefined): Promise<readonly TreeEntry[]> {
    if (entry === undefined) return []
    if (!isTree(entry)) this.fail(path, 'must be a directory')
    return this.#readTree(entry.id)
  }

  async tree(id: ObjectId): Promise<Directory> {
    return toDirectory(await this.#readTree(id))
  }

  /** Without `.gitkeep` files: people put them where git would drop an empty directory. */
  async #readTree(id: ObjectId): Promise<readonly TreeEntry[]> {
    if (this.slice.isOver()) await this.slice.next()
    const entries = await this.#objects.readTree(id)
    return entries.filter((entry) => entry.name !== '.gitkeep' || isTree(entry))
  }

  /** The text of a file; undefined when it is absent. */
  async text(path: string, entry: TreeEntry | undefined): Promise<string | undefined> {
    if (entry === undefined) return undefined
    if (!isFile(entry)) this.fail(path, 'must be a file')
    return this.#decode(path, entry)
  }

  /** The target of a symbolic link; undefined when it is absent. */
  async link(path: string, entry: TreeEntry | undefined): Promise<string | undefined> {
    if (entry === undefined) return undefined
    if (!isLink(entry)) this.fail(path, 'must be a symbolic link')
    return this.#decode(path, entry)
  }

  async #decode(path: string, entry: TreeEntry): Promise<string> {
    const bytes = await this.#objects.readBlob(entry.id)
    if (bytes.length > maximumTextBytes) this.fail(path, `is larger than ${maximumTextBytes} bytes`)
    return decoder.decode(bytes)
  }

  /** A moment in RFC 3339; undefined when the file is absent. */
  async moment(path: string, entry: TreeEntry | undefined): Promise<Date | undefined> {
    const text = (await this.text(path, entry))?.trim()
    if (text === undefined) return undefined
    const moment = rfc3339.test(text) ? new Date(text.toUpperCase()) : undefined
    if (moment === undefined || Number.isNaN(moment.getTime())) this.fail(path, `is not a time in RFC 3339: '${text}'`)
    return moment
  }
}

function toDirectory(entries: readonly TreeEntry[]): Directory {
  return new Map(entries.map((entry) => [entry.name, entry]))
}

/** Names, messages and configs are far smaller; a larger text would only fill the memory. */
const maximumTextBytes = 1024 * 1024

/** Verbatim, as Kuberpult reads: a byte order mark is part of the text. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
const rfc3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/
