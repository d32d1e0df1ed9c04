import type { ObjectId } from '../../src/core/object-id.ts'
import { parseCommit } from '../../src/manifest-store/git/commit.ts'
import { isLink, isTree, parseTree } from '../../src/manifest-store/git/tree.ts'
import type { Repository } from '../../src/manifest-store/repository/repository.ts'

/** All that stands in the tree of a commit, as text by path: mode and content. Empty trees are entries of their own. */
export async function readWholeTree(
  repository: Pick<Repository, 'read'>,
  commit: ObjectId | undefined,
): Promise<ReadonlyMap<string, string>> {
  const entries = new Map<string, string>()
  const visit = async (id: ObjectId, path: string): Promise<void> => {
    const children = parseTree((await repository.read(id)).data)
    if (children.length === 0) entries.set(path, 'empty tree')
    for (const child of children) {
      const childPath = path === '' ? child.name : `${path}/${child.name}`
      if (isTree(child)) await visit(child.id, childPath)
      else {
        const content = Buffer.from((await repository.read(child.id)).data).toString()
        entries.set(childPath, `${child.mode}${isLink(child) ? ` -> ${content}` : describeContent(content)}`)
      }
    }
  }
  if (commit !== undefined) await visit(parseCommit((await repository.read(commit)).data).tree, '')
  return entries
}

/** What is different in a tree, one entry a line; the lines of longer files below it. A directory that went as a whole is one line. */
export function describeChanges(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string {
  const left = new Set([...after.keys()].flatMap(directoriesOf))
  const paths = [...new Set([...before.keys(), ...after.keys()])].toSorted()
  const lines = paths
    .filter((path) => before.get(path) !== after.get(path))
    .map((path) => {
      const content = after.get(path)
      if (content !== undefined) return `${before.has(path) ? '~' : '+'} ${path} ${content}\n`
      const gone = directoriesOf(path).find((directory) => !left.has(directory))
      return gone === undefined ? `- ${path}\n` : `- ${gone}/\n`
    })
  return [...new Set(lines)].join('')
}

/** All directories that a path leads through, the outermost first. */
function directoriesOf(path: string): readonly string[] {
  const parts = path.split('/').slice(0, -1)
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'))
}

function describeContent(content: string): string {
  if (!content.includes('\n')) return ` ${JSON.stringify(content)}`
  const end = content.endsWith('\n') ? '' : '\n    (no newline at the end)'
  return content
    .replace(/\n$/u, '')
    .split('\n')
    .map((line) => `\n    |${line}`)
    .join('')
    .concat(end)
}
