import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateRepository } from './generate-repository.ts'
import type { RepositorySize } from './manifest-repository.ts'
import { allEnvironments, applicationName, deployedVersion } from './manifest-repository.ts'
import { git, timeGit } from './git.ts'
import { startServer } from './server.ts'

/** Changes with the generator: what an older one made is not taken for what this one makes. */
const generation = 1

const folder = join(tmpdir(), 'signalbox-bench')

/** Repositories by their size, kept between runs, and copies of them to be written to. */
export class RepositoryCache {
  readonly #isRemade: boolean
  readonly #say: (sentence: string) => void
  readonly #made = new Map<string, Promise<string>>()
  #copies: string | undefined

  constructor(isRemade: boolean, say: (sentence: string) => void) {
    this.#isRemade = isRemade
    this.#say = say
  }

  /** The path of a repository of this size, which nobody may write to. */
  pristine(size: RepositorySize): Promise<string> {
    const key = `${generation}-${size.applications}-${size.environments}-${size.releases}-${size.commits}`
    let made = this.#made.get(key)
    if (made === undefined) this.#made.set(key, (made = this.#make(join(folder, key), size)))
    return made
  }

  /** A copy that may be written to, until `removeCopies`. */
  async copy(size: RepositorySize): Promise<string> {
    const pristine = await this.pristine(size)
    const copy = join(await this.temporaryFolder(), 'repository.git')
    await cp(pristine, copy, { recursive: true })
    return copy
  }

  /** An empty folder, until `removeCopies`. */
  async temporaryFolder(): Promise<string> {
    await mkdir(folder, { recursive: true })
    this.#copies ??= await mkdtemp(join(folder, 'run-'))
    return mkdtemp(join(this.#copies, 'part-'))
  }

  async removeCopies(): Promise<void> {
    if (this.#copies !== undefined) await rm(this.#copies, { recursive: true, force: true, maxRetries: 3 })
    this.#copies = undefined
  }

  async #make(path: string, size: RepositorySize): Promise<string> {
    if (this.#isRemade) await rm(path, { recursive: true, force: true })
    if (existsSync(path)) return path
    const { applications, environments, releases, commits } = size
    this.#say(
      `making a repository of ${applications} applications x ${environments} environments x ${releases} releases ` +
        `with ${commits} commits of history; it is kept in ${path}`,
    )
    const unfinished = join(await this.temporaryFolder(), 'repository.git')
    await generateRepository(unfinished, size)
    await writeArgoCdFiles(unfinished, size)
    await timeGit(unfinished, ['repack', '-a', '-d', '-q'], '', { isNice: true })
    git(unfinished, ['pack-refs', '--all'])
    await rename(unfinished, path)
    return path
  }
}

/** Signalbox itself writes them, with the first deployment to each environment: what is measured later finds them there. */
async function writeArgoCdFiles(gitDirectory: string, size: RepositorySize): Promise<void> {
  const server = await startServer({ repository: gitDirectory })
  try {
    for (const environment of allEnvironments(size)) {
      const version = deployedVersion(size, environment, 0)
      for (const each of [version - 1, version]) {
        await server.send('PUT', `/api/environments/${environment}/applications/${applicationName(0)}/deployment`, {
          version: each,
        })
      }
    }
  } finally {
    await server.stop()
  }
}
