import { mkdirSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Change } from '../../src/core/change.ts'
import type { ObjectId } from '../../src/core/object-id.ts'
import { parseCommit, serializeCommit } from '../../src/manifest-store/git/commit.ts'
import { editTree } from '../../src/manifest-store/git/edit-tree.ts'
import type { GitObject } from '../../src/manifest-store/git/git-object.ts'
import { createObject } from '../../src/manifest-store/git/git-object.ts'
import { ObjectReader } from '../../src/manifest-store/git/object-reader.ts'
import { buildPack } from '../../src/manifest-store/git/pack-file.ts'
import { moveRef, readRef } from '../../src/manifest-store/git/ref-file.ts'
import { parseTree } from '../../src/manifest-store/git/tree.ts'
import { writePack } from '../../src/manifest-store/git/write-pack.ts'
import { createTemporaryFolder, git } from './real-git.ts'

const person = { name: 'Deployer', email: 'deployer@example.com' }
const ref = 'refs/heads/main'

/** A repository that gets a pack with each commit, as the store writes them. Needs no git program. */
export class GrowingRepository {
  readonly gitDirectory: string
  readonly folder: string
  #commits = 0

  constructor(gitDirectory = join(createTemporaryFolder(), 'repository.git')) {
    this.gitDirectory = gitDirectory
    this.folder = join(gitDirectory, 'objects', 'pack')
    mkdirSync(this.folder, { recursive: true })
    mkdirSync(join(gitDirectory, 'refs', 'heads'), { recursive: true })
  }

  /** Publishes the changes; further versions of the same batch follow in the same pack. */
  async commit(...batch: readonly (readonly Change[])[]): Promise<ObjectId> {
    const { head, objects, from } = await this.make(batch)
    const pack = await writePack(this.gitDirectory, await buildPack(objects))
    await moveRef({ gitDirectory: this.gitDirectory, ref, from, to: head })
    await pack.release()
    return head
  }

  /** The objects of commits that follow what the branch is now, without publishing them. */
  async make(batch: readonly (readonly Change[])[]) {
    const reader = new ObjectReader(this.gitDirectory)
    const objects: GitObject[] = []
    const made = new Map<ObjectId, GitObject>()
    const read = async (id: ObjectId) => made.get(id) ?? (await reader.read(id))
    const from = await readRef(this.gitDirectory, ref)
    let head = from
    for (const changes of batch) {
      const root = head === undefined ? undefined : parseCommit((await read(head)).data).tree
      const edited = await editTree({ root, changes, readTree: async (id) => parseTree((await read(id)).data) })
      const at = new Date(1_700_000_000_000 + this.#commits++ * 1000)
      const commit = createObject(
        'commit',
        serializeCommit({
          tree: edited.root,
          parents: head === undefined ? [] : [head],
          author: person,
          authoredAt: at,
          committer: person,
          committedAt: at,
          message: `Change ${changes.map(({ path }) => path).join(', ')}`,
        }),
      )
      for (const object of [...edited.objects, commit]) {
        objects.push(object)
        made.set(object.id, object)
      }
      head = commit.id
    }
    reader.close()
    if (head === undefined) throw new Error('nothing to commit')
    return { head, from, objects }
  }

  /** The files of packs, by ending. */
  files(ending = ''): string[] {
    return readdirSync(this.folder)
      .filter((name) => name.endsWith(ending))
      .toSorted()
  }

  packCount(): number {
    return this.files('.pack').length
  }

  bytes(): number {
    return this.files('.pack').reduce((sum, name) => sum + statSync(join(this.folder, name)).size, 0)
  }

  /** Every object, by id, type and size. That each has the content that its id says is what `complaints` looks at. */
  contents(): string {
    return git(['cat-file', '--batch-all-objects', '--batch-check'], { cwd: this.gitDirectory })
  }

  /** What `git fsck --strict` objects to. It looks at every pack, and recomputes the id of every object. */
  complaints(): string {
    return git(['fsck', '--strict', '--full', '--no-dangling'], { cwd: this.gitDirectory })
  }

  /** How long the longest chain of deltas is. */
  deepestChain(): number {
    const depths = this.files('.idx').flatMap((name) =>
      git(['verify-pack', '-v', join(this.folder, name)], { cwd: this.gitDirectory })
        .split('\n')
        .flatMap((line) => / (\d+) [0-9a-f]{40}$/.exec(line)?.[1] ?? []),
    )
    return Math.max(0, ...depths.map(Number))
  }
}

/** As many applications in one environment, each at version 1. */
export function manyApplications(count: number): Change[] {
  return Array.from({ length: count }, (_, index) => deployment(index, 1))
}

export function deployment(application: number, version: number): Change {
  const name = `application-${String(application).padStart(4, '0')}`
  return {
    path: `environments/staging/applications/${name}/version`,
    content: { kind: 'link', target: `../../../../applications/${name}/releases/${version}` },
  }
}
