import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { manifest, multipartType, toMultipart, value } from '../support/multipart.ts'
import { hasGit } from '../support/real-git.ts'
import type { ServerProcess } from '../support/server-process.ts'
import { startServer } from '../support/server-process.ts'
import type { Write } from './judge-writes.ts'
import { judgeWrites } from './judge-writes.ts'
import { readCount } from './random.ts'
import { createLocalTarget } from './soak-target.ts'
import type { PlannedWrite } from './write-mix.ts'
import { send } from './writers.ts'

/** Five a second for an hour: more than a thousand developers and their pipelines send. */
const writesOfAnHour = 18_000
const clients = 16
const samples = 48

const reporter = fileURLToPath(new URL('report-memory.mjs', import.meta.url))
const json = { 'content-type': 'application/json' }
const environments = ['development', 'staging', 'production-de', 'production-fr', 'production-jp']

/**
 * By how many bytes for each write the line through the last half of the samples may rise. Some 20 come of the indexes of large packs: 24 bytes for
 * each object near one that was looked for in them, until these take 24 MB. The slope itself is uncertain by 15, because there are more or
 * fewer small packs at the moment of a sample; four times that is allowed. The least that can be left over of each write, an object with
 * a few fields, takes about 100.
 */
const maximumBytesPerWrite = 80

/** What the whole process may take, in MB. */
const maximumResident = 500

/**
 * An hour's worth of writes after which the repository's present is as large as before: locks come and go, releases are carried
 * everywhere by trains, and old ones go. What lives on the heap after a garbage collection, compiled code excepted, is measured again and
 * again. The first half is for caches to fill. Through the samples of the second half a straight line is laid, and its slope must stay below
 * `maximumBytesPerWrite`: it does not mind what is underway in one of the samples, and a slow leak does not escape it. What
 * is resident must stay below `maximumResident` in every sample.
 */
it.runIf(hasGit)('memory does not grow with the number of writes', async () => {
  // Even, so that each lock that is put is deleted before the sample.
  const share = 2 * Math.ceil(readCount('SOAK_WRITES', writesOfAnHour) / samples / clients / 2)
  const target = await createLocalTarget()
  const server = await startServer({
    ...target,
    environment: { ...target.environment, SIGNALBOX_RELEASE_VERSIONS_LIMIT: '5' },
    nodeArguments: ['--expose-gc', '--import', reporter],
    hasChannel: true,
  })
  try {
    await deleteLocks(server)
    await deleteSandbox(server)
    const releases: number[] = []
    const memory: Memory[] = []
    const writes: Write[] = []
    const begun = performance.now()
    for (let sample = 0; sample < samples; sample += 1) {
      await Promise.all(
        Array.from({ length: clients }, (_, client) => write(server.url, client, sample, share, writes)),
      )
      memory.push(await readMemory(server))
      releases.push(await countReleases(server))
    }
    const seconds = (performance.now() - begun) / 1000
    expect(await server.stop('SIGTERM')).toBe(0)
    expect(
      judgeWrites(
        writes,
        target.requestIds().filter((id) => id.startsWith('soak-')),
      ),
    ).toEqual([])
    await target.assertSound()

    const live = memory.map(({ heapUsed, external, code }) => (heapUsed + external - code) / 2 ** 20)
    const resident = memory.map(({ rss }) => rss / 2 ** 20)
    const slope = (slopeOf(live.slice(samples / 2)) * 2 ** 20) / (writes.length / samples)
    const committed = writes.filter(({ answer }) => answer?.hasCommitted === true).length
    process.stdout.write(
      [
        `writes ${writes.length}, of these ${committed} with a commit, in ${seconds.toFixed(0)} s`,
        `live after collection, MB: ${live.map((megabytes) => megabytes.toFixed(1)).join(' ')}`,
        `resident, MB: ${resident.map((megabytes) => megabytes.toFixed(0)).join(' ')}`,
        `compiled code, MB: ${memory.map(({ code }) => (code / 2 ** 20).toFixed(1)).join(' ')}`,
        `releases of the application: ${releases.join(' ')}`,
        `in the second half ${slope.toFixed(0)} bytes more for each write`,
        '',
      ].join('\n'),
    )
    expect(committed).toBeGreaterThan(writes.length / 2)
    // Else what is measured would be the repository's growth.
    expect(Math.max(...releases)).toBeLessThan(10)
    expect(slope).toBeLessThan(maximumBytesPerWrite)
    expect(Math.max(...resident)).toBeLessThan(maximumResident)
  } finally {
    await server.stop('SIGKILL')
    await target.remove()
  }
})

/** What holds the shop's versions back would keep all later releases. */
async function deleteLocks({ url }: ServerProcess): Promise<void> {
  const { locks } = (await (await fetch(`${url}/api/locks`)).json()) as {
    locks: { kind: string; environment: string; application?: string; team?: string; lock: { lockId: string } }[]
  }
  for (const { environment, application, team, lock } of locks) {
    const path =
      team !== undefined && application === undefined
        ? `/api/environments/${environment}/lock/team/${team}`
        : `/environments/${environment}${application === undefined ? '' : `/applications/${application}`}/locks`
    const { status } = await fetch(`${url}${path}/${lock.lockId}`, { method: 'DELETE', headers: json })
    expect([path, status]).toEqual([path, 200])
  }
}

/** No train goes there: what runs there would keep all later releases, too. */
async function deleteSandbox({ url }: ServerProcess): Promise<void> {
  const { status } = await fetch(`${url}/api/environments/sandbox`, { method: 'DELETE', headers: json })
  expect(status).toBe(200)
}

/** Of the application that is released all the time. */
async function countReleases({ url }: ServerProcess): Promise<number> {
  const { releases } = (await (await fetch(`${url}/api/applications/cart`)).json()) as { releases: unknown[] }
  return releases.length
}

/** One client's share of the writes between two samples. */
async function write(url: string, client: number, sample: number, count: number, writes: Write[]): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    const id = `${sample}-${client}-${index}`
    const done = await send(url, `soak-${id}`, plan(client, index, `${sample}-${client}-${index - (index % 2)}`))
    expect(done.answer).toMatchObject({ status: 200 + (done.kind === 'create-release' ? 1 : 0) })
    writes.push(done)
  }
}

/** Locks come and go; the first client releases and runs trains now and then. */
function plan(client: number, index: number, pair: string): PlannedWrite {
  if (client === 0 && index % 10 === 8) return aRelease(pair)
  if (client === 0 && index % 10 === 9) return aTrain('environments/staging')
  if (client === 1 && index % 10 === 9) return aTrain('environment-groups/production')
  if (client === 1 && index % 10 === 8) return aTrain('environments/staging')
  // On none that is released: behind a lock no train would carry it, and its releases would stay.
  const path = `environments/${client % 2 === 0 ? 'development/applications/catalog' : 'staging/applications/web'}/locks`
  const isFirst = index % 2 === 0
  return {
    kind: isFirst ? 'create-lock' : 'delete-lock',
    request: `${isFirst ? 'PUT' : 'DELETE'} /${path}/lock-${pair}`,
    headers: json,
    body: isFirst ? '{"message":"Load test"}' : undefined,
    alwaysCommits: true,
  }
}

function aRelease(name: string): PlannedWrite {
  const parts = environments.map((environment) => manifest(environment, `name: ${name}\nnamespace: ${environment}\n`))
  const body = toMultipart([value('application', 'cart'), ...parts])
  return {
    kind: 'create-release',
    request: 'POST /api/release',
    headers: { 'content-type': multipartType },
    body,
    alwaysCommits: true,
  }
}

function aTrain(target: string): PlannedWrite {
  const request = `PUT /api/${target}/releasetrain`
  return { kind: 'release-train', request, headers: {}, body: undefined, alwaysCommits: false }
}

interface Memory extends NodeJS.MemoryUsage {
  /** What the engine has compiled: more where something runs often, and no data. */
  readonly code: number
}

async function readMemory({ child }: ServerProcess): Promise<Memory> {
  const answered = once(child, 'message')
  child.send('memory')
  const [memory] = (await answered) as [Memory]
  return memory
}

/** By how much the line through these values rises from one to the next: the median of the slopes between any two of them. */
function slopeOf(values: readonly number[]): number {
  const slopes = values.flatMap((later, at) =>
    values.slice(0, at).map((before, earlier) => (later - before) / (at - earlier)),
  )
  return slopes.toSorted((a, b) => a - b)[Math.floor(slopes.length / 2)] ?? 0
}
