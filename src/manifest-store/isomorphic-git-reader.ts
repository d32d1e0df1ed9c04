import fs from 'node:fs'
import git from 'isomorphic-git'
import type { ObjectId } from '../core/object-id.ts'
import { MalformedObjectError, ObjectMissingError } from './git-errors.ts'
import type { StoredObject } from './repository.ts'

/**
 * Reads objects of a repository on disk through isomorphic-git: loose ones and packs, without a git program.
 * Packs may be replaced at any moment (`git gc`): an object that is not where it was is looked for once more.
 */
export class IsomorphicGitReader {
  readonly #gitDirectory: string
  #cache: object = {}

  constructor(gitDirectory: string) {
    this.#gitDirectory = gitDirectory
  }

  /** Throws ObjectMissingError or MalformedObjectError. */
  async read(id: ObjectId): Promise<StoredObject> {
    try {
      return await this.#attempt(id)
    } catch {
      this.#cache = {}
      try {
        return await this.#attempt(id)
      } catch (error) {
        if (error instanceof git.Errors.NotFoundError || (error as NodeJS.ErrnoException).code === 'ENOENT') {
          throw new ObjectMissingError(id, { cause: error })
        }
        throw new MalformedObjectError(`object ${id} cannot be read: ${(error as Error).message}`, { cause: error })
      }
    }
  }

  async #attempt(id: ObjectId): Promise<StoredObject> {
    const { type, object } = await git.readObject({
      fs,
      gitdir: this.#gitDirectory,
      oid: id,
      format: 'content',
      cache: this.#cache,
    })
    return { type: type as StoredObject['type'], data: object as Uint8Array }
  }
}
