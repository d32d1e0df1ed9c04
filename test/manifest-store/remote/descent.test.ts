import { describe, expect, it } from 'vitest'
import type { ObjectId } from '../../../src/core/object-id.ts'
import { serializeCommit } from '../../../src/manifest-store/git/commit.ts'
import { ObjectMissingError } from '../../../src/manifest-store/git/git-errors.ts'
import { createObject, emptyTreeId } from '../../../src/manifest-store/git/git-object.ts'
import { isInHistory } from '../../../src/manifest-store/remote/descent.ts'
import { signalbox, testTime } from '../../support/test-store.ts'

/** Commits by name, such as `a`, or `b a` with its parents; those whose name is missing at the end are not in the clone. */
function historyOf(lines: readonly string[], missing: readonly string[] = []) {
  const ids = new Map<string, ObjectId>()
  const objects = new Map<ObjectId, ReturnType<typeof createObject>>()
  for (const line of lines) {
    const [name = '', ...parents] = line.split(' ')
    const commit = createObject(
      'commit',
      serializeCommit({
        tree: emptyTreeId,
        parents: parents.map((parent) => ids.get(parent) ?? ''),
        author: signalbox,
        authoredAt: testTime,
        committer: signalbox,
        committedAt: testTime,
        message: `${name}\n`,
      }),
    )
    ids.set(name, commit.id)
    if (!missing.includes(name)) objects.set(commit.id, commit)
  }
  const read = async (id: ObjectId) => {
    const object = objects.get(id)
    if (object === undefined) throw new ObjectMissingError(id)
    return object
  }
  return (ancestor: string, descendant: string) => isInHistory(read, ids.get(ancestor) ?? '', ids.get(descendant) ?? '')
}

describe('whether a commit is in the history of another', () => {
  const merged = ['a', 'b a', 'c b', 'x a', 'd c x', 'other']

  it.each([
    ['a', 'a', 'yes'],
    ['a', 'd', 'yes'],
    ['x', 'd', 'yes'],
    ['c', 'b', 'no'],
    ['x', 'c', 'no'],
    ['a', 'other', 'no'],
  ])('%s in that of %s: %s', async (ancestor, descendant, answer) => {
    expect(await historyOf(merged)(ancestor, descendant)).toBe(answer)
  })

  it.each([
    // Further than the copy goes.
    ['c', 'f', ['d'], 'unknown'],
    // Taken back: what lies before an ancestor cannot come after it.
    ['e', 'b', ['a'], 'no'],
    // Rewritten on a commit that both have.
    ['c', 'y', ['a'], 'no'],
    ['e', 'f', ['a'], 'yes'],
    // The commit itself is nowhere.
    ['c', 'f', ['f'], 'unknown'],
  ])('%s in that of %s, in a clone without %s: %s', async (ancestor, descendant, missing, answer) => {
    const history = ['a', 'b a', 'c b', 'd c', 'e d', 'f e', 'y b']
    expect(await historyOf(history, missing)(ancestor, descendant)).toBe(answer)
  })
})
