import fs from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import git from 'isomorphic-git'
import { RepositoryRefusedError } from './store-errors.ts'

/** Repository extensions that do not change how objects and refs are read. */
const harmlessExtensions = new Set(['noop', 'preciousobjects', 'partialclone', 'worktreeconfig', 'relativeworktrees'])

/**
 * Throws RepositoryRefusedError, saying what to do, when the folder is no bare git repository whose objects and refs
 * Signalbox can read.
 */
export async function assertServable(gitDirectory: string): Promise<void> {
  if (!(await isDirectory(gitDirectory))) {
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
  const config: ReadConfig = (path) => git.getConfig({ fs, gitdir: gitDirectory, path }) as ReturnType<ReadConfig>
  await assertFormat(gitDirectory, config)
  if ((await config('core.bare')) === false) {
    throw new RepositoryRefusedError(
      `${gitDirectory} belongs to a working tree, which would not follow what Signalbox commits. ` +
        'Serve a bare clone of it (git clone --bare), or set core.bare to true if there is no working tree',
    )
  }
  const alternates = await readFile(join(gitDirectory, 'objects/info/alternates'), 'utf8').catch(() => '')
  if (alternates.trim() !== '') {
    throw new RepositoryRefusedError(
      `${gitDirectory} borrows objects from another repository. Make it complete: ` +
        `git -C ${gitDirectory} repack -a -d && rm ${gitDirectory}/objects/info/alternates`,
    )
  }
}

/** One value of the repository's config: text, or what isomorphic-git makes of a boolean or number. */
type ReadConfig = (path: string) => Promise<string | boolean | number | undefined>

async function assertFormat(gitDirectory: string, config: ReadConfig): Promise<void> {
  const objectFormat = await config('extensions.objectformat')
  if (objectFormat !== undefined && objectFormat !== 'sha1') {
    throw new RepositoryRefusedError(
      `${gitDirectory} has ${String(objectFormat).toUpperCase().replace('SHA256', 'SHA-256')} objects; Signalbox reads SHA-1 only. ` +
        'Export it to a new one: git init --bare --object-format=sha1 new.git, then ' +
        'git fast-export --all | git -C new.git fast-import',
    )
  }
  const refStorage = await config('extensions.refstorage')
  if (refStorage !== undefined && refStorage !== 'files') {
    throw new RepositoryRefusedError(
      `${gitDirectory} keeps its refs as ${String(refStorage)}; Signalbox reads ref files only. ` +
        'Convert it: git refs migrate --ref-format=files',
    )
  }
  const version = Number((await config('core.repositoryformatversion')) ?? 0)
  const text = await readFile(join(gitDirectory, 'config'), 'utf8').catch(() => '')
  const unknown = extensionNames(text).filter(
    (name) => !harmlessExtensions.has(name) && name !== 'objectformat' && name !== 'refstorage',
  )
  if (version > 1 || (version === 1 && unknown.length > 0)) {
    throw new RepositoryRefusedError(
      `${gitDirectory} has a repository format that Signalbox does not know (version ${version}` +
        `${unknown.length > 0 ? `, extensions ${unknown.join(', ')}` : ''}). Serve a plain bare clone of it: git clone --bare`,
    )
  }
}

function extensionNames(config: string): readonly string[] {
  const section = /^\s*\[extensions\]([^[]*)/imu.exec(config)?.[1] ?? ''
  return [...section.matchAll(/^\s*([a-z][a-z0-9-]*)\s*(?:=|$)/gimu)].map(([, name = '']) => name.toLowerCase())
}

async function isDirectory(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined
}
