import fs from 'node:fs'
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import git from 'isomorphic-git'
import type { Change } from '../../core/change.ts'
import type { CommitAuthor } from '../commit-message.ts'
import { serializeCommit } from '../git/commit.ts'
import { editTree } from '../git/edit-tree.ts'
import type { ObjectId } from '../../core/object-id.ts'
import type { GitObject } from '../git/git-object.ts'
import { createObject } from '../git/git-object.ts'
import { buildPack } from '../git/pack-file.ts'
import { moveRef } from '../git/ref-file.ts'
import { writePack } from '../git/write-pack.ts'

/**
 * Makes a bare repository at `path` whose first commit holds the files of a folder. It appears at once and whole, or
 * not at all.
 */
export async function seedRepository(path: string, folder: string, author: CommitAuthor, now: Date): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const gitDirectory = `${path}.new-${process.pid}`
  // In a container every process has the same number: one that died here left its folder under this name.
  await rm(gitDirectory, { recursive: true, force: true })
  try {
    await git.init({ fs, gitdir: gitDirectory, bare: true, defaultBranch: 'main' })
    // isomorphic-git states what holds on the poorest file systems: worktrees of this repository may have links.
    for (const setting of ['core.filemode', 'core.symlinks', 'core.ignorecase']) {
      await git.setConfig({ fs, gitdir: gitDirectory, path: setting, value: undefined })
    }
    const { commit, objects } = await createFirstCommit(await readManifestFolder(folder), author, now)
    const pack = await writePack(gitDirectory, await buildPack(objects))
    await moveRef({ gitDirectory, ref: 'refs/heads/main', from: undefined, to: commit })
    await pack.release()
    await rename(gitDirectory, path)
  } finally {
    await rm(gitDirectory, { recursive: true, force: true })
  }
}

/** The first commit of a repository, and all objects that belong to it. */
export async function createFirstCommit(
  changes: readonly Change[],
  author: CommitAuthor,
  now: Date,
): Promise<{ readonly commit: ObjectId; readonly objects: readonly GitObject[] }> {
  const readTree = () => Promise.reject(new Error('a new repository has no trees'))
  const { root, objects } = await editTree({ root: undefined, changes, readTree })
  const commit = createObject(
    'commit',
    serializeCommit({
      tree: root,
      parents: [],
      author,
      authoredAt: now,
      committer: author,
      committedAt: now,
      message: 'Begin the manifest repository\n',
    }),
  )
  return { commit: commit.id, objects: [...objects, commit] }
}

/**
 * The files of a folder as changes. It keeps `version` and `queued_version` links as plain files with the link's text,
 * as git itself does where there are no symbolic links: npm packages cannot hold any.
 */
export async function readManifestFolder(folder: string): Promise<readonly Change[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  return Promise.all(
    files.map(async (entry): Promise<Change> => {
      const file = join(entry.parentPath, entry.name)
      const path = relative(folder, file).split(sep).join('/')
      const text = await readFile(file, 'utf8')
      return { path, content: isVersionLink(path) ? { kind: 'link', target: text } : { kind: 'text', text } }
    }),
  )
}

function isVersionLink(path: string): boolean {
  return /^environments\/[^/]+\/applications\/[^/]+\/(queued_)?version$/u.test(path)
}
