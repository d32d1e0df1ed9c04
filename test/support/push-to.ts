import type { ObjectId } from '../../src/core/object-id.ts'
import type { GitObject } from '../../src/manifest-store/git/git-object.ts'
import { createObject } from '../../src/manifest-store/git/git-object.ts'
import { buildPack } from '../../src/manifest-store/git/pack-file.ts'
import { fileMode, serializeTree } from '../../src/manifest-store/git/tree.ts'
import { git } from './real-git.ts'

/** Commits these files, all there are then, on a branch of a bare repository, as somebody else would. */
export function commitFiles(
  repository: string,
  files: Readonly<Record<string, string>>,
  { branch = 'main', message = 'Change' }: { readonly branch?: string; readonly message?: string } = {},
): ObjectId {
  const ref = `refs/heads/${branch}`
  const entries = Object.entries(files).map(([path, content]) => {
    const id = git(['-C', repository, 'hash-object', '-w', '--stdin'], { input: content }).trim()
    return `100644 blob ${id}\t${path}`
  })
  const index = { GIT_INDEX_FILE: `${repository}/test-index-${Math.random()}` }
  git(['-C', repository, 'update-index', '--add', '--index-info'], { input: `${entries.join('\n')}\n`, env: index })
  const tree = git(['-C', repository, 'write-tree'], { env: index }).trim()
  const parent = headOf(repository, ref)
  const parents = parent === undefined ? [] : ['-p', parent]
  const commit = git(['-C', repository, 'commit-tree', tree, '-m', message, ...parents]).trim()
  git(['-C', repository, 'update-ref', ref, commit])
  return commit
}

/** Where a ref is; undefined when it is not there. */
export function headOf(repository: string, ref = 'refs/heads/main'): ObjectId | undefined {
  const line = git(['-C', repository, 'for-each-ref', '--format=%(objectname) %(refname)', ref])
    .split('\n')
    .find((text) => text.endsWith(` ${ref}`))
  return line?.split(' ')[0]
}

/** A commit of one file, and the pack of all that it takes, as Signalbox would push it. */
export async function createCommitPack(
  parent: ObjectId | undefined,
  content: string | Uint8Array = 'something new\n',
): Promise<{ readonly commit: ObjectId; readonly pack: Uint8Array; readonly objects: readonly GitObject[] }> {
  const blob = createObject('blob', Buffer.from(content))
  const tree = createObject('tree', serializeTree([{ name: 'file', mode: fileMode, id: blob.id }]))
  const person = 'Test Author <author@example.com> 1700000000 +0000'
  const lines = [
    `tree ${tree.id}`,
    ...(parent === undefined ? [] : [`parent ${parent}`]),
    `author ${person}`,
    `committer ${person}`,
    '',
    'A push\n',
  ]
  const commit = createObject('commit', Buffer.from(lines.join('\n')))
  const objects = [blob, tree, commit]
  return { commit: commit.id, pack: (await buildPack(objects)).pack, objects }
}
