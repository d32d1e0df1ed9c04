import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { git, timeGit } from '../git.ts'
import type { Line } from '../line.ts'
import type { Result } from '../result.ts'
import { alternate, atMost, atMostTimes, beside } from '../result.ts'
import { startServer } from '../server.ts'

/** How soon the process serves, beside a git that reads the same objects and a Node that does nothing. */
export const start: Line = {
  name: 'start',
  isQuick: true,
  measure: async (bench) => {
    const repository = await bench.repositories.copy(bench.size)
    const ids = objectsOfState(repository)
    const resident: number[] = []
    const startOnce = async () => {
      const server = await startServer({ repository, profileFolder: bench.profileFolder })
      resident.push(server.mostResidentMegabytes() ?? Number.NaN)
      await server.stop()
      return server.readyAfter
    }
    const yardstick = async () =>
      (await timeGit(repository, ['cat-file', '--batch', '--buffer'], ids)) + (await timeBareNode())
    const comparison = {
      unit: 'ms',
      yardstick: `git cat-file of ${ids.split('\n').length - 1} objects, and a bare Node`,
    }

    // The first start after a copy: nothing that an earlier one left behind is believed. It is slow and has no target.
    const checkpoint = join(repository, 'signalbox', 'checkpoint')
    const forTheFirstTime = await alternate(
      Math.ceil(bench.alternations / 3),
      async () => {
        await rm(checkpoint, { force: true })
        return startOnce()
      },
      yardstick,
    )
    const residentAtFirst = resident.splice(0)
    const again = await alternate(bench.alternations, startOnce, yardstick)
    return [
      // A small repository is read in no time: what is left is a comparison of Node with itself.
      bench.size.applications < 1000
        ? beside({ ...comparison, what: 'ready after start', pairs: again })
        : atMostTimes(2, { ...comparison, what: 'ready after start', pairs: again }),
      beside({ ...comparison, what: 'ready after start, without a checkpoint', pairs: forTheFirstTime }),
      atMost(500, { what: 'most memory resident until then', unit: 'MB', values: resident }),
      atMost(500, { what: 'the same without a checkpoint', unit: 'MB', values: residentAtFirst }),
    ] satisfies readonly Result[]
  },
}

async function timeBareNode(): Promise<number> {
  const begin = performance.now()
  await once(spawn(process.execPath, ['--eval', '0'], { stdio: 'ignore' }), 'close')
  return performance.now() - begin
}

/**
 * What has to be known at start, as input for `git cat-file`: everything of the environments but their manifests and who
 * deployed them, and of the applications their teams, their newest release, and those that are deployed.
 */
function objectsOfState(repository: string): string {
  const deployed = new Set<string>()
  const entries = git(repository, ['ls-tree', '-r', '-t', '-z', 'main'])
    .split('\0')
    .slice(0, -1)
    .map((line) => {
      const [head = '', path = ''] = line.split('\t')
      return { path, id: head.split(' ')[2] ?? '' }
    })
  const links = entries.filter(({ path }) => /^environments\/[^/]+\/applications\/[^/]+\/version$/.test(path))
  const targets = git(repository, ['cat-file', '--batch'], links.map(({ id }) => `${id}\n`).join(''))
  for (const [, release = ''] of targets.matchAll(/^\.\.\/\.\.\/\.\.\/\.\.\/(.+)$/gm)) deployed.add(release)
  const newest = new Map<string, number>()
  for (const { path } of entries) {
    const [, application = '', version] = /^applications\/([^/]+)\/releases\/(\d+)$/.exec(path) ?? []
    if (version !== undefined) newest.set(application, Math.max(newest.get(application) ?? 0, Number(version)))
  }
  for (const [application, version] of newest) deployed.add(`applications/${application}/releases/${version}`)

  const ids = new Set([git(repository, ['rev-parse', 'main']).trim(), git(repository, ['rev-parse', 'main:']).trim()])
  for (const { path, id } of entries) {
    const [, release, below] = /^(applications\/[^/]+\/releases\/\d+)(\/.*)?$/.exec(path) ?? []
    const isNeeded =
      release === undefined
        ? /^environments(\/[^/]+(\/config\.json|\/applications(\/[^/]+(\/version)?)?)?)?$/.test(path) ||
          /^applications(\/[^/]+(\/team|\/sourceRepoUrl|\/releases)?)?$/.test(path)
        : deployed.has(release) && /^(\/environments(\/[^/]+)?)?$/.test(below ?? '')
    if (isNeeded) ids.add(id)
  }
  return [...ids].map((id) => `${id}\n`).join('')
}
