import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { endOf, spawnCli } from '../cli/run-cli.ts'
import { Random } from '../soak/random.ts'
import { startFaultyProxy } from '../soak/faulty-proxy.ts'
import { createHttpTarget } from '../soak/soak-target.ts'
import { hasGitHttpBackend } from '../support/git-http-server.ts'
import { git } from '../support/real-git.ts'
import { subjectsOn } from '../support/served-store.ts'
import { startServer } from '../support/server-process.ts'

interface Answer {
  readonly status: number
  readonly mediaType: string | null
  readonly isReplayed: boolean
  readonly body: { readonly code?: string; readonly detail?: string; readonly commit?: string }
}

/** A process with a git server that it can reach through a network that breaks when it is told to. */
async function openWorld() {
  const target = await createHttpTarget()
  const proxy = await startFaultyProxy(Number(new URL(target.url).port), new Random(1))
  const environment = {
    ...target.environment,
    SIGNALBOX_REPOSITORY: `${proxy.url}/manifests.git`,
    SIGNALBOX_FETCH_INTERVAL: '1h',
  }
  const server = await startServer({ folder: target.folder, environment })
  const ask = (path: string, init: RequestInit = {}) => fetch(server.url + path, init)
  return {
    ...target,
    ask,
    server,
    proxy,
    runTrain: async (headers: Readonly<Record<string, string>>): Promise<Answer> => {
      const response = await ask('/api/environments/staging/releasetrain', { method: 'PUT', headers })
      return {
        status: response.status,
        mediaType: response.headers.get('content-type'),
        isReplayed: response.headers.get('idempotency-replayed') === 'true',
        body: (await response.json()) as Answer['body'],
      }
    },
    problems: async () => {
      const { reasons = [] } = (await (await ask('/readyz')).json()) as { readonly reasons?: readonly string[] }
      return reasons.join()
    },
    committed: () =>
      server
        .output()
        .stdout.split('\n')
        .filter((line) => line.includes('"msg":"committed '))
        .map((line) => JSON.parse(line) as { readonly commit: string; readonly reqId: string }),
    head: () => git(['-C', target.repository, 'rev-parse', 'main']).trim(),
    commits: () => subjectsOn(target.repository).length,
    remove: async () => {
      await server.stop('SIGKILL')
      await proxy.close()
      await target.remove()
    },
  }
}

type World = Awaited<ReturnType<typeof openWorld>>

const openVerdict = {
  status: 504,
  mediaType: 'application/problem+json; charset=utf-8',
  isReplayed: false,
  body: {
    code: 'OUTCOME_UNKNOWN',
    detail: expect.stringMatching(
      /^commit [0-9a-f]{40} was sent to http\S*, but its answer was lost \(.+\)\. It may have been done, or may still be\. To repeat the request with the same Idempotency-Key is safe; without one, look at what is there first$/u,
    ) as string,
  },
}

// Each waits for as long as Signalbox looks for a lost answer, which is 20 seconds: all do so at the same time.
describe.runIf(hasGitHttpBackend)('a git server that is lost in the middle of a push, for long', () => {
  const worlds: World[] = []
  const key = { 'idempotency-key': 'train-of-today', 'x-request-id': 'request-first' }

  async function lose<T>(push: 'accepted' | 'swallowed', act: (world: World) => Promise<T>): Promise<[World, T]> {
    const world = await openWorld()
    worlds.push(world)
    const lost = world.proxy.loseServer(push)
    const [result] = await Promise.all([act(world), lost])
    return [world, result]
  }

  async function begin() {
    const [accepted, swallowed, withoutKey, byClient] = await Promise.all([
      lose('accepted', ({ runTrain }) => runTrain(key)),
      lose('swallowed', ({ runTrain }) => runTrain(key)),
      lose('accepted', ({ runTrain }) => runTrain({ 'x-request-id': 'request-first' })),
      lose('accepted', ({ server }) => endOf(spawnCli(clientTrain(server.url)))),
    ])
    return { accepted, swallowed, withoutKey, byClient }
  }

  const clientTrain = (url: string) =>
    ['--url', url, '--retries', '1', 'release-train', '--target-environment', 'staging'] as const

  let outages: Awaited<ReturnType<typeof begin>>
  beforeAll(async () => {
    outages = await begin()
  }, 120_000)
  afterAll(async () => {
    await Promise.all(worlds.map((world) => world.remove()))
  })

  it('leaves a caller without a verdict, who gets the first answer for the same key when it is back', async () => {
    const [world, answer] = outages.accepted
    expect(answer).toMatchObject(openVerdict)
    // It was done, but nobody here can know.
    expect(world.commits()).toBe(2)
    expect(await world.problems()).toContain(`it is not known whether the push of ${world.head()} arrived`)
    expect(await world.runTrain({ 'idempotency-key': 'another' })).toMatchObject({
      status: 503,
      body: { code: 'STORE_UNAVAILABLE' },
    })
    expect(await world.runTrain(key)).toMatchObject({ status: 503 })
    expect(world.committed()).toEqual([])

    world.proxy.findServer()
    const again = await world.runTrain(key)
    expect(again).toMatchObject({ status: 200, isReplayed: true, body: { commit: world.head() } })
    expect(await world.runTrain(key)).toEqual(again)
    expect(world.commits()).toBe(2)
    expect(await world.problems()).toBe('')
    expect(world.committed()).toMatchObject([{ commit: world.head(), reqId: 'request-first' }])
    await world.assertSound()
  })

  it('leaves a caller without a verdict whose push never arrived, and the same key acts once', async () => {
    const [world, answer] = outages.swallowed
    expect(answer).toMatchObject(openVerdict)
    expect(world.commits()).toBe(1)
    expect(await world.runTrain(key)).toMatchObject({ status: 503 })

    world.proxy.findServer()
    const done = await world.runTrain({ ...key, 'x-request-id': 'request-second' })
    expect(done).toMatchObject({ status: 200, isReplayed: false, body: { commit: world.head() } })
    expect(await world.runTrain(key)).toEqual({ ...done, isReplayed: true })
    expect(world.commits()).toBe(2)
    expect(await world.problems()).toBe('')
    expect(world.committed()).toMatchObject([{ commit: world.head(), reqId: 'request-second' }])
    await world.assertSound()
  })

  it('leaves a caller without a key to look for themselves', async () => {
    const [world, answer] = outages.withoutKey
    expect(answer).toMatchObject(openVerdict)
    world.proxy.findServer()
    const look = await world.ask('/api/environments/staging', { headers: { 'cache-control': 'no-cache' } })
    expect(((await look.json()) as { readonly commit?: string }).commit).toBe(world.head())
    expect(world.committed()).toMatchObject([{ commit: world.head(), reqId: 'request-first' }])
    // The same again is another train, which finds nothing left to do.
    const again = await world.runTrain({})
    expect(again).toMatchObject({ status: 200, isReplayed: false })
    expect(again.body.commit ?? '').toBe('')
    expect(world.commits()).toBe(2)
  })

  it('has the client name the key with which it can be called again', async () => {
    const [world, { code, stdout, stderr }] = outages.byClient
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain('releasetrain failed: 504 Gateway Timeout; trying again in 1 s (1 of 1)\n')
    expect(stderr).toContain('An earlier try got no answer: what it asked for may have been done.\n')
    const [, flag = ''] = / {2}Try: the same with --idempotency-key ([0-9a-f-]{36}): /u.exec(stderr) ?? []
    expect(flag).not.toBe('')

    world.proxy.findServer()
    const again = await endOf(spawnCli(['--idempotency-key', flag, ...clientTrain(world.server.url)]))
    expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining(world.head()) as string })
    expect(world.commits()).toBe(2)
  })
})
