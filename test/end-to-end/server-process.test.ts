import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { createServer, get } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createBareRepository, createTemporaryFolder, git, hasGit } from '../support/real-git.ts'
import type { ServerProcess } from '../support/server-process.ts'
import { runServer, startServer } from '../support/server-process.ts'

/** A server that is stopped after the test. */
async function serve(folder: string, environment: Record<string, string> = {}): Promise<ServerProcess> {
  const server = await startServer({ folder, environment })
  onTestFinished(async () => void (await server.stop()))
  return server
}

const trainToStaging = '/api/environments/staging/releasetrain'

describe('the process', () => {
  it('names every problem of its configuration at once, and exits with 78', async () => {
    const environment = { SIGNALBOX_PORT: 'eighty', SIGNALBOX_HOST: '0.0.0.0', SIGNALBOX_LOG_LEVEL: 'loud' }
    const { code, stdout, stderr } = await runServer({ folder: createTemporaryFolder(), environment })
    expect(code).toBe(78)
    expect(stdout).toBe('')
    for (const name of Object.keys(environment)) expect(stderr).toContain(name)
  })

  it('says which variable to set when its port is in use', async () => {
    const { url } = await serve(createTemporaryFolder())
    const environment = { SIGNALBOX_PORT: new URL(url).port }
    const { code, stderr } = await runServer({ folder: createTemporaryFolder(), environment })
    expect(code).toBe(1)
    expect(stderr).toContain('is in use. Set SIGNALBOX_PORT to another one')
  })

  it('refuses a folder that is no repository with a sentence and 78', async () => {
    const folder = createTemporaryFolder()
    mkdirSync(join(folder, 'manifests'))
    const { code, stderr } = await runServer({ folder, environment: { SIGNALBOX_REPOSITORY: 'manifests' } })
    expect(code).toBe(78)
    expect(stderr).toContain('is no git repository. For a new one: git init --bare')
  })

  it('refuses a repository that another one serves, and takes it over when that one was killed', async () => {
    const folder = createTemporaryFolder()
    const first = await serve(folder)
    const second = await runServer({ folder })
    expect(second.code).toBe(1)
    expect(second.stderr).toContain('in use by another Signalbox')

    await first.stop('SIGKILL')
    const third = await serve(folder)
    expect((await fetch(`${third.url}/readyz`)).status).toBe(200)
  })

  it('answers what it did before it was killed to whoever asks again with the same key', async () => {
    const folder = createTemporaryFolder()
    const first = await serve(folder)
    const ask = async (url: string) => {
      const answer = await fetch(`${url}${trainToStaging}?gitTag=v1`, {
        method: 'PUT',
        headers: { 'Idempotency-Key': 'k1' },
      })
      return { text: await answer.text(), replayed: answer.headers.get('idempotency-replayed') }
    }
    const done = await ask(first.url)
    expect(JSON.parse(done.text)).toMatchObject({ gitTag: 'v1' })
    await first.stop('SIGKILL')
    const second = await serve(folder)
    expect(await ask(second.url)).toEqual({ text: done.text, replayed: 'true' })
  })

  it('answers what was begun before it ends', async () => {
    const server = await serve(createTemporaryFolder())
    const trains = Array.from({ length: 10 }, () => fetch(server.url + trainToStaging, { method: 'PUT' }))
    const answered = Promise.all(trains.map(async (train) => (await train).status))
    await Promise.race(trains)
    expect(await server.stop('SIGTERM')).toBe(0)
    expect(await answered).toEqual(Array.from({ length: 10 }, () => 200))
  })

  it.each([
    [{}, 421],
    [{ SIGNALBOX_PUBLIC_URL: 'https://page.example.com' }, 200],
    // A page can let its name point here, whoever is kept out otherwise.
    [{ SIGNALBOX_ALLOW_ANONYMOUS: 'true' }, 421],
    [{ SIGNALBOX_ALLOWED_HOSTS: 'other.example.com, page.example.com' }, 200],
    [{ SIGNALBOX_ALLOWED_HOSTS: '*' }, 200],
  ])('answers under the name of a web page only when told to: %o', async (environment, status) => {
    const { url } = await serve(createTemporaryFolder(), environment)
    const asked = get(`${url}/api/locks`, { headers: { host: 'page.example.com' } })
    const [answer] = (await once(asked, 'response')) as [IncomingMessage]
    answer.resume()
    expect(answer.statusCode).toBe(status)
    expect((await fetch(`${url}/api/locks`)).status).toBe(200)
  })

  it('serves metrics on a port of their own when told to, and only there', async () => {
    const environment = { SIGNALBOX_METRICS_PORT: '0' }
    const server = await serve(createTemporaryFolder(), environment)
    const line = server
      .output()
      .stdout.split('\n')
      .find((text) => text.includes('Signalbox serves metrics'))
    const { url } = JSON.parse(line ?? '{}') as { url: string }
    await fetch(server.url + trainToStaging, { method: 'PUT' })
    const text = await (await fetch(url)).text()
    expect(text).toContain('signalbox_release_trains_total{outcome="deployed"} 1\n')
    expect(text).toMatch(/^signalbox_write_step_duration_seconds_count\{step="write-pack"\} 1$/m)
    expect(text).toMatch(/^signalbox_write_step_duration_seconds_count\{step="move-branch"\} 1$/m)
    expect(text).toMatch(/^process_resident_memory_bytes \d+$/m)
    expect((await fetch(`${server.url}/metrics`)).status).toBe(404)
    const { port } = new URL(url)
    const second = await runServer({ folder: createTemporaryFolder(), environment: { SIGNALBOX_METRICS_PORT: port } })
    expect(second.code).toBe(1)
    expect(second.stderr).toContain(`port ${port} of 127.0.0.1 is in use. Set SIGNALBOX_METRICS_PORT to another one`)
    expect(await server.stop()).toBe(0)
  })

  it('warns about a variable that is misspelt', async () => {
    const server = await serve(createTemporaryFolder(), { SIGNALBOX_REPOSITRY: 'x' })
    expect(server.output().stdout).toContain('SIGNALBOX_REPOSITRY means nothing to Signalbox')
  })
})

describe('Argo CD', () => {
  it('is told of a train, and that does not keep the process from ending', async () => {
    const events: (string | string[] | undefined)[] = []
    let body = ''
    const argoCd = createServer((incoming, response) => {
      events.push(incoming.url, incoming.headers['x-github-event'])
      incoming.on('data', (chunk: Buffer) => (body += chunk.toString())).on('end', () => response.end())
    })
    argoCd.listen(0, '127.0.0.1')
    await once(argoCd, 'listening')
    onTestFinished(() => void argoCd.close())
    const server = await serve(createTemporaryFolder(), {
      SIGNALBOX_ARGO_CD_SERVER: `http://127.0.0.1:${(argoCd.address() as AddressInfo).port}`,
      SIGNALBOX_GIT_WEB_URL: 'https://git.example.com/shop/manifests',
    })
    const train = await fetch(server.url + trainToStaging, { method: 'PUT' })
    const { commit } = (await train.json()) as { commit: string }
    expect(await server.stop('SIGTERM')).toBe(0)
    expect(events).toEqual(['/api/webhook', 'push'])
    expect(JSON.parse(body)).toMatchObject({
      ref: 'refs/heads/main',
      after: commit,
      repository: { html_url: 'https://git.example.com/shop/manifests' },
      commits: [
        {
          modified: expect.arrayContaining([
            'environments/staging/applications/cart/manifests/manifests.yaml',
          ]) as string[],
        },
      ],
    })
  })
})

describe.runIf(hasGit)('a repository of its user', () => {
  it('may be empty', async () => {
    const server = await serve(createTemporaryFolder(), { SIGNALBOX_REPOSITORY: createBareRepository() })
    expect(await (await fetch(`${server.url}/api/environment-groups`)).json()).toEqual({})
    expect(await (await fetch(`${server.url}/readyz`)).json()).toEqual({ status: 'ok' })
    expect((await fetch(server.url + trainToStaging, { method: 'PUT' })).status).toBe(400)
  })

  it('has the id of a request in its commit, in the line of the request, and in the line of the commit', async () => {
    const folder = createTemporaryFolder()
    const server = await serve(folder)
    const headers = { 'x-request-id': 'pipeline-4711' }
    const train = await fetch(server.url + trainToStaging, { method: 'PUT', headers })
    const { commit } = (await train.json()) as { commit: string }
    expect(await server.stop()).toBe(0)
    const trailer = '--format=%(trailers:key=Signalbox-Request,valueonly)'
    expect(git(['log', '-1', trailer, commit], { cwd: join(folder, 'data/manifests.git') }).trim()).toBe(
      'pipeline-4711',
    )
    const lines = server
      .output()
      .stdout.split('\n')
      .filter((line) => line.includes('"reqId":"pipeline-4711"'))
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    const [committed, ...others] = lines.filter((line) => line['command'] !== undefined)
    const number = expect.any(Number) as number
    expect(others).toEqual([])
    expect(committed).toMatchObject({
      commit,
      command: 'release-train',
      batch: 1,
      attempts: 1,
      milliseconds: {
        waited: number,
        decide: number,
        'edit-tree': number,
        'write-pack': number,
        'move-branch': number,
      },
    })
    const [answered, ...more] = lines.filter((line) => line['status'] !== undefined)
    expect(more).toEqual([])
    expect(answered).toMatchObject({
      method: 'PUT',
      url: trainToStaging,
      route: '/api/environments/:environment/releasetrain',
      status: 200,
      milliseconds: number,
    })
  })

  it('is served beside git: commits by others are seen, and its own are sound', async () => {
    const folder = createTemporaryFolder()
    const seeded = await startServer({ folder })
    await seeded.stop()
    const repository = join(folder, 'data/manifests.git')
    const server = await serve(createTemporaryFolder(), { SIGNALBOX_REPOSITORY: repository })

    const checkout = createTemporaryFolder()
    git(['clone', '--quiet', repository, checkout])
    git(['-c', 'core.symlinks=false', 'rm', '--quiet', '-r', 'environments/staging/teams'], { cwd: checkout })
    git(['commit', '--quiet', '-m', 'Unlock payments in staging'], { cwd: checkout })
    git(['push', '--quiet', 'origin', 'HEAD:main'], { cwd: checkout })

    const train = await fetch(server.url + trainToStaging, { method: 'PUT', headers: { accept: 'text/plain' } })
    expect(await train.text()).toMatch(/checkout +payments +3 {2}4/)
    git(['gc', '--quiet', '--prune=now'], { cwd: repository })
    expect((await fetch(`${server.url}/api/applications/cart`)).status).toBe(200)
    git(['fsck', '--strict'], { cwd: repository })
    expect(git(['log', '--format=%s', '-1', 'main'], { cwd: repository })).toBe(
      'Release train to staging: 4 deployed, 4 skipped\n',
    )
  })
})
