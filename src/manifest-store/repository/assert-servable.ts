import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { GitConfig } from '../git/git-config.ts'
import { isTrue, readGitConfig } from '../git/git-config.ts'
import { RepositoryRefusedError } from '../store-errors.ts'

/** Repository extensions that do not change how objects and refs are read, or whose value is judged by itself. */
const harmlessExtensions = new Set(
  ['noop', 'preciousobjects', 'partialclone', 'worktreeconfig', 'relativeworktrees', 'objectformat', 'refstorage'].map(
    (name) => `extensions.${name}`,
  ),
)

/**
 * Throws RepositoryRefusedError, saying what to do, when the folder is no bare git repository whose objects and refs
 * Signalbox can read.
 */
export async function assertServable(gitDirectory: string): Promise<void> {
  if (!(await exists(gitDirectory))) {
    throw new RepositoryRefusedError(
      `${gitDirectory} does not exist. For a new repository: git init --bare ${gitDirectory}`,
    )
  }
  if (!(await isDirectory(join(gitDirectory, 'objects'))) || !(await exists(join(gitDirectory, 'HEAD')))) {
    throw new RepositoryRefusedError(
      (await exists(join(gitDirectory, '.git')))
        ? `${gitDirectory} has a working tree, which would not follow what Signalbox commits. ` +
            `Serve a bare clone of it: git clone --bare ${gitDirectory} ${gitDirectory}.git`
        : `${gitDirectory} is no git repository. For a new one: git init --bare ${gitDirectory}`,
    )
  }
  const config = await readGitConfig(gitDirectory)
  assertFormat(gitDirectory, config)
  if (!isTrue(config.get('core.bare') ?? 'true')) {
    throw new RepositoryRefusedError(
      `${gitDirectory} belongs to a working tree, which would not follow what Signalbox commits. ` +
        'Serve a bare clone of it (git clone --bare), or set core.bare to true if there is no working tree',
    )
  }
}

function assertFormat(gitDirectory: string, config: GitConfig): void {
  const objectFormat = config.get('extensions.objectformat') ?? 'sha1'
  if (objectFormat !== 'sha1') {
    throw new RepositoryRefusedError(
      `${gitDirectory} has ${objectFormat.toUpperCase().replace('SHA256', 'SHA-256')} objects; Signalbox reads SHA-1 only. ` +
        'Export it to a new one: git init --bare --object-format=sha1 new.git, then ' +
        'git fast-export --all | git -C new.git fast-import',
    )
  }
  const refStorage = config.get('extensions.refstorage') ?? 'files'
  if (refStorage !== 'files') {
    throw new RepositoryRefusedError(
      `${gitDirectory} keeps its refs as ${refStorage}; Signalbox reads ref files only. ` +
        'Convert it: git refs migrate --ref-format=files',
    )
  }
  const version = Number(config.get('core.repositoryformatversion') ?? 0)
  const unknown = [...config.keys()]
    .filter((name) => name.startsWith('extensions.') && !harmlessExtensions.has(name))
    .map((name) => name.slice('extensions.'.length))
  if (version > 1 || (version === 1 && unknown.length > 0)) {
    throw new RepositoryRefusedError(
      `${gitDirectory} has a repository format that Signalbox does not know (version ${version}` +
        `${unknown.length > 0 ? `, extensions ${unknown.join(', ')}` : ''}). Serve a plain bare clone of it: git clone --bare`,
    )
  }
}

async function isDirectory(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined
}
