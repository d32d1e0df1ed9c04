import { createHmac } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { runCli } from '../cli/run-cli.ts'
import { deployment, environmentLock } from '../support/changes.ts'
import type { GitHttpServerOptions } from '../support/git-http-server.ts'
import { createServedRepository, hasGitHttpBackend, startTestGitHttpServer } from '../support/git-http-server.ts'
import { commitBeside } from '../support/changes.ts'
import { createTemporaryFolder, git } from '../support/real-git.ts'
import { openServedStore, seedServed, subjectsOn } from '../support/served-store.ts'
import type { ServerProcess } from '../support/server-process.ts'
import { runServer, startServer } from '../support/server-process.ts'

const hookSecret = '0123456789abcdef'

describe.runIf(hasGitHttpBackend)('the process with a repository on a git server', () => {
  async function serve() {
    const folder = createTemporaryFolder()
    const state: { intercept: NonNullable<GitHttpServerOptions['intercept']> } = { intercept: () => false }
    const server = await startTestGitHttpServer({ folder, intercept: (...both) => state.intercept(...both) })
    const path = createServedRepository(folder)
    await seedServed(path)
    const url = `${server.url}/manifests.git`
    const goAway = () => {
      state.intercept = (message) => {
        message.socket.destroy()
        return true
      }
    }
    return { path, url, goAway, comeBack: () => (state.intercept = () => false) }
  }

  async function start(url: string, folder = createTemporaryFolder(), variables = {}) {
    const environment = {
      SIGNALBOX_REPOSITORY: url,
      SIGNALBOX_FETCH_INTERVAL: '1h',
      SIGNALBOX_HOOK_SECRET: hookSecret,
      SIGNALBOX_RETRY_AFTER_SECONDS: '7',
      ...variables,
    }
    const process = await startServer({ folder, environment })
    onTestFinished(async () => void (await process.stop('SIGKILL')))
    return { process, folder, ask: (path: string, init?: RequestInit) => fetch(`${process.url}${path}`, init) }
  }

  const locksOf = async (ask: (path: string, init?: RequestInit) => Promise<Response>, init?: RequestInit) =>
    (await ask('/api/locks?kind=environment', init)).text()

  const linesOf = (process: ServerProcess) =>
    process
      .output()
      .stdout.split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as { readonly msg: string })

  it('clones, serves, pushes what it is asked for, and ends', async () => {
    const { path, url } = await serve()
    const { process, folder, ask } = await start(url)
    expect(existsSync(join(folder, 'data/clone/clone.git/HEAD'))).toBe(true)
    const train = await ask('/api/environments/staging/releasetrain', { method: 'PUT' })
    expect(train.status).toBe(200)
    expect(subjectsOn(path).at(-1)).toMatch(/^Release train to staging: \d+ deployed/)
    const read = await ask('/api/environments/staging')
    expect(Number(read.headers.get('signalbox-state-age'))).toBeGreaterThanOrEqual(0)
    // What Argo CD is told to apply is what is on the server.
    expect(git(['-C', path, 'show', 'main:argocd/v1alpha1/staging.yaml'])).toContain(`repoURL: ${url}`)
    expect(await process.stop()).toBe(0)
    git(['-C', path, 'fsck', '--strict'])
  })

  it('sees what others push when it is told of it, or asked for news', async () => {
    const { url } = await serve()
    const { ask } = await start(url)
    const other = await openServedStore(url)
    await commitBeside(other.repository, environmentLock('staging', 'first'))
    expect(await locksOf(ask)).not.toContain('first')
    expect(await locksOf(ask, { headers: { 'cache-control': 'no-cache' } })).toContain('first')

    await commitBeside(other.repository, environmentLock('staging', 'second'))
    const body = JSON.stringify({ ref: 'refs/heads/main' })
    const signature = `sha256=${createHmac('sha256', hookSecret).update(body).digest('hex')}`
    const told = await ask('/hooks/git', { method: 'POST', body, headers: { 'x-hub-signature-256': signature } })
    expect(told.status).toBe(202)
    await expect.poll(() => locksOf(ask), { timeout: 20_000 }).toContain('second')
  })

  it('goes on with reads while the server is away, over a restart too, and with writes when it is back', async () => {
    const { path, url, goAway, comeBack } = await serve()
    const first = await start(url)
    goAway()
    const refused = await first.ask('/api/environments/staging/releasetrain', { method: 'PUT' })
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '7'])
    expect((await first.ask('/api/environments/staging')).status).toBe(200)
    expect(await (await first.ask('/readyz')).json()).toMatchObject({ status: 'degraded' })
    await first.process.stop('SIGKILL')

    const second = await start(url, first.folder)
    expect((await second.ask('/api/environments/staging')).status).toBe(200)
    expect(await (await second.ask('/readyz')).json()).toMatchObject({ status: 'degraded' })
    comeBack()
    expect((await second.ask('/api/environments/staging/releasetrain', { method: 'PUT' })).status).toBe(200)
    expect(await (await second.ask('/readyz')).json()).toMatchObject({ status: 'ok' })
    expect(subjectsOn(path)).toHaveLength(2)
    expect(linesOf(second.process).filter(({ msg }) => msg.startsWith('cloning'))).toEqual([])
  })

  it('pages through the history until the copy ends, and says so, as the client does', async () => {
    const { url } = await serve()
    const other = await openServedStore(url)
    for (const version of [4, 5, 4, 5]) {
      await commitBeside(other.repository, [deployment('staging', 'cart', version)])
    }
    const { process, ask } = await start(url, createTemporaryFolder(), { SIGNALBOX_CLONE_DEPTH: '3' })
    const history = '/api/environments/staging/applications/cart/history'
    const pages: {
      readonly events?: readonly unknown[]
      readonly nextPageToken?: string
      readonly truncated?: boolean
    }[] = []
    let query = '?pageSize=1'
    for (;;) {
      const page = (await (await ask(history + query)).json()) as (typeof pages)[number]
      pages.push(page)
      if (!page.nextPageToken || pages.length > 10) break
      expect(page.truncated ?? false).toBe(false)
      query = `?pageSize=1&pageToken=${page.nextPageToken}`
    }
    expect(pages.flatMap(({ events = [] }) => events)).toMatchObject([{ version: '5' }, { version: '4' }])
    expect(pages.at(-1)).toMatchObject({ truncated: true })
    const told = await runCli(['--url', process.url, 'history', '--environment', 'staging', '--application', 'cart'])
    expect(told.stdout).toContain('warning: the repository goes no further back')
  })

  it('cannot start the first time without the server, and says what to look at', async () => {
    const { url, goAway } = await serve()
    goAway()
    const { code, stderr } = await runServer({
      folder: createTemporaryFolder(),
      environment: { SIGNALBOX_REPOSITORY: url },
    })
    expect(code).toBe(1)
    expect(stderr).toMatch(/^Signalbox cannot start:\n {2}git ls-remote failed/)
  })

  it('tells a wrong name of the branch from a server that is away', async () => {
    const { url } = await serve()
    const { code, stderr } = await runServer({
      folder: createTemporaryFolder(),
      environment: { SIGNALBOX_REPOSITORY: url, SIGNALBOX_BRANCH: 'prod' },
    })
    expect([code, stderr]).toEqual([78, expect.stringContaining("has no branch 'prod'; it has: main")])
  })

  it('told to end while a push hangs answers at the deadline that nobody knows', async () => {
    const { path, url } = await serve()
    const { process, ask } = await start(url, createTemporaryFolder(), { SIGNALBOX_SHUTDOWN_SECONDS: '1' })
    const begun = join(path, 'begun')
    writeFileSync(join(path, 'hooks/pre-receive'), `#!/bin/sh\ntouch '${begun}'\nexec sleep 20\n`, { mode: 0o755 })
    const asked = ask('/api/environments/staging/releasetrain', { method: 'PUT' })
    await expect.poll(() => existsSync(begun), { timeout: 20_000 }).toBe(true)
    const ended = process.stop('SIGTERM')
    const answer = await asked
    expect([answer.status, await answer.json()]).toEqual([504, expect.objectContaining({ code: 'OUTCOME_UNKNOWN' })])
    expect(await ended).toBe(1)
    expect(linesOf(process)).toContainEqual(expect.objectContaining({ cut: 0, isBrokenOff: true }))
  })

  it('has no secret in its clone', async () => {
    const { url } = await serve()
    const { folder } = await start(url)
    expect(readFileSync(join(folder, 'data/clone/clone.git/config'), 'utf8')).not.toContain('@')
  })
})
