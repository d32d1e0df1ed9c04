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

const manifest = '/manifests/manifests.yaml'
const removed = /^environments\/[^/]+\/applications\/[^/]+(?=(\/manifests)?$)/u

/** A train asks this of ten thousands of paths. */
function pathForArgoCd(path: string): string | undefined {
  if (path.startsWith('argocd/')) return path
  if (path.endsWith(manifest) && path.startsWith('environments/')) return path
  const directory = removed.exec(path)?.[0]
  return directory === undefined ? undefined : directory + manifest
}
