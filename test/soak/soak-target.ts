import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { seedRepository } from '../../src/manifest-store/repository/seed-repository.ts'
import { configureAsHosts, startGitHttpServer } from '../support/git-http-server.ts'
import { createFolder, git, removeFolder } from '../support/real-git.ts'
import { fixtureFolder, signalbox } from '../support/test-store.ts'

/** Where Signalbox keeps what it writes, as a soak sees it: on this machine's disk, or on a git server. */
export interface SoakTarget {
  /** The environment of a process that serves it. */
  readonly environment: Readonly<Record<string, string>>
  /** A folder for the process to run in. */
  readonly folder: string
  /** Throws with git's words when it finds something that is not sound, or history rewritten since `requestIds` was asked. */
  assertSound(): Promise<void>
  /** The request ids of all commits but the first, newest first. */
  requestIds(): readonly string[]
  remove(): Promise<void>
}

export interface HttpTarget extends SoakTarget {
  /** Where the server has it on its disk. */
  readonly repository: string
  readonly url: string
}

/** A bare repository with the shop of manifests-fixture. */
export async function createLocalTarget(): Promise<SoakTarget> {
  const folder = createFolder()
  const repository = join(folder, 'manifests.git')
  await seedRepository(repository, fixtureFolder, signalbox, new Date())
  return toTarget(folder, repository, { SIGNALBOX_REPOSITORY: repository })
}

/** The same, on a git server over HTTP. */
export async function createHttpTarget(): Promise<HttpTarget> {
  const folder = createFolder()
  const repository = join(folder, 'manifests.git')
  await seedRepository(repository, fixtureFolder, signalbox, new Date())
  configureAsHosts(repository)
  const server = await startGitHttpServer({ folder })
  const url = `${server.url}/manifests.git`
  const target = toTarget(folder, repository, {
    SIGNALBOX_REPOSITORY: url,
    SIGNALBOX_CLONE_PATH: join(folder, 'clone'),
  })
  return {
    ...target,
    repository,
    url,
    remove: async () => {
      await server.close()
      await target.remove()
    },
  }
}

/** A target whose truth is the bare repository at this path, however the process comes to it. */
export function toTarget(
  folder: string,
  repository: string,
  environment: Readonly<Record<string, string>>,
): SoakTarget {
  let last: string | undefined
  return {
    folder,
    environment,
    assertSound: async () => {
      await assertClean(repository)
      if (last !== undefined) git(['merge-base', '--is-ancestor', last, 'main'], { cwd: repository })
    },
    requestIds: () => {
      const format = '%H %(trailers:key=Signalbox-Request,valueonly,separator=%x2C)'
      const lines = git(['log', `--format=${format}`, 'main'], { cwd: repository })
        .trim()
        .split('\n')
      last = lines[0]?.split(' ', 1)[0]
      // The first commit is the shop's: nobody asked for it.
      return lines.slice(0, -1).map((line) => line.slice(line.indexOf(' ') + 1))
    },
    remove: async () => removeFolder(folder),
  }
}

/** How often git looks, and how many milliseconds it waits between. */
const looks = 4
const pause = 1500

/**
 * Throws with git's words when it finds something that is not sound. A server goes on with a push whose sender was killed, and
 * moves its objects into place one after the other: git may look in between. What is really not sound stays so.
 */
export async function assertClean(repository: string): Promise<void> {
  for (let look = 1; ; look += 1) {
    try {
      const output = git(['fsck', '--strict', '--no-dangling', '--no-progress'], { cwd: repository })
      if (/missing|corrupt|error/.test(output)) throw new Error(`git fsck: ${output}`)
      return
    } catch (error) {
      if (look === looks) throw error
      process.stdout.write(`git fsck looks again: ${(error as Error).message}\n`)
      await sleep(pause)
    }
  }
}
