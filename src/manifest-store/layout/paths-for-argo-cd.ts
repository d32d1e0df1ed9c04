import type { Change } from '../../core/change.ts'

/**
 * What Argo CD reads of all that a commit changes: deployed manifests, whether they were written or went with their
 * directory, and Argo CD files. Where it reads nothing of it, one path that was changed: without any path Argo CD would take
 * everything for changed, and without being told it would make everything anew because of the new commit.
 */
export function pathsForArgoCd(changes: readonly Change[]): readonly string[] {
  const paths = new Set<string>()
  for (const { path } of changes) {
    const read = pathForArgoCd(path)
    if (read !== undefined) paths.add(read)
  }
  const [first] = changes
  return paths.size === 0 && first !== undefined ? [first.path] : [...paths]
}

const inApplication = /^environments\/[^/]+\/applications\/[^/]+/u

function pathForArgoCd(path: string): string | undefined {
  if (path.startsWith('argocd/')) return path
  const directory = inApplication.exec(path)?.[0]
  if (directory === undefined) return undefined
  const rest = path.slice(directory.length)
  return rest === '' || rest.startsWith('/manifests') ? `${directory}/manifests/manifests.yaml` : undefined
}
