import fs from 'node:fs'
import git from 'isomorphic-git'
import type { ObjectId } from '../../src/core/object-id.ts'
import type { StoredObject } from '../../src/manifest-store/repository/repository.ts'

/** Reads objects through isomorphic-git: what our own reader is compared with. */
export class IsomorphicGitReader {
  readonly #gitDirectory: string
  readonly #cache: object = {}

  constructor(gitDirectory: string) {
    this.#gitDirectory = gitDirectory
  }

  async read(id: ObjectId): Promise<StoredObject> {
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
