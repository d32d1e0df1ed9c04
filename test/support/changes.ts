import type { Change } from '../../src/core/change.ts'
import type { Command } from '../../src/core/command.ts'
import type { CommitText } from '../../src/core/commit-text.ts'
import { trailerKeys } from '../../src/core/commit-text.ts'
import type { ObjectId } from '../../src/core/object-id.ts'
import { parseCommit, serializeCommit } from '../../src/manifest-store/git/commit.ts'
import { editTree } from '../../src/manifest-store/git/edit-tree.ts'
import type { GitObject } from '../../src/manifest-store/git/git-object.ts'
import { createObject } from '../../src/manifest-store/git/git-object.ts'
import { ObjectCache } from '../../src/manifest-store/git/object-cache.ts'
import type { Repository } from '../../src/manifest-store/repository/repository.ts'
import { testTime } from './test-store.ts'

export function file(path: string, text: string): Change {
  return { path, content: { kind: 'text', text } }
}

export function link(path: string, target: string): Change {
  return { path, content: { kind: 'link', target } }
}

export function absent(path: string): Change {
  return { path, content: { kind: 'absent' } }
}

/** The `version` link of an application in an environment. */
export function deployment(environment: string, application: string, version: number | bigint): Change {
  return link(
    `environments/${environment}/applications/${application}/version`,
    `../../../../applications/${application}/releases/${version}`,
  )
}

/** A lock on an environment, as Kuberpult writes it. */
export function environmentLock(environment: string, id: string, message = `${id} holds`): Change[] {
  const directory = `environments/${environment}/locks/${id}`
  return [
    file(`${directory}/message`, message),
    file(`${directory}/created_by_email`, 'keeper@example.com'),
    file(`${directory}/created_by_name`, 'Keeper'),
    file(`${directory}/created_at`, '2026-05-01T08:00:00Z'),
  ]
}

/** A command that makes these changes whatever the state is, and answers its subject. */
export function toMake(changes: readonly Change[], subject = 'Change some files'): Command<string> {
  return {
    reads: () => [],
    decide: () => ({ changes, text: textOf(subject), result: subject }),
  }
}

export function textOf(subject: string): CommitText {
  return { subject, sections: [], trailers: [{ key: trailerKeys.command, value: 'test' }] }
}

/** Makes these changes as somebody else would: past every store. Answers the commit. */
export async function commitBeside(repository: Repository, changes: readonly Change[]): Promise<ObjectId> {
  const objects = new ObjectCache(repository)
  const head = await repository.head()
  const root = head === undefined ? undefined : parseCommit(await objects.readCommit(head)).tree
  const edited = await editTree({ root, changes, readTree: (id) => objects.readTree(id) })
  return commitTreeBeside(repository, edited.root, edited.objects)
}

/** The same with a tree that is there, or comes with its objects. */
export async function commitTreeBeside(
  repository: Repository,
  tree: ObjectId,
  objects: readonly GitObject[] = [],
): Promise<ObjectId> {
  const head = await repository.head()
  const commit = createObject(
    'commit',
    serializeCommit({
      tree,
      parents: head === undefined ? [] : [head],
      author: { name: 'Committer', email: 'committer@example.com' },
      authoredAt: testTime,
      committer: { name: 'Committer', email: 'committer@example.com' },
      committedAt: testTime,
      message: 'By somebody else\n',
    }),
  )
  const outcome = await repository.publish({ from: head, to: commit.id, objects: [...objects, commit] })
  if (outcome === 'moved') throw new Error('somebody else was faster than somebody else')
  return commit.id
}
