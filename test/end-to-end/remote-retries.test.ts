import { describe, expect, it, onTestFinished } from 'vitest'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { GitHttpServerOptions } from '../support/git-http-server.ts'
import { createServedRepository, hasGitHttpBackend, startTestGitHttpServer } from '../support/git-http-server.ts'
import { createTemporaryFolder, git } from '../support/real-git.ts'
import { seedServed, subjectsOn } from '../support/served-store.ts'
import { startServer } from '../support/server-process.ts'

const isPush = ({ method, url }: IncomingMessage) => method === 'POST' && url?.endsWith('/git-receive-pack') === true

describe.runIf(hasGitHttpBackend)(
  'a request that is repeated with its key, to processes that share a git server',
  () => {
    async function serve() {
      const folder = createTemporaryFolder()
      const state: { intercept: NonNullable<GitHttpServerOptions['intercept']> } = { intercept: () => false }
      const server = await startTestGitHttpServer({ folder, intercept: (...both) => state.intercept(...both) })
      const path = createServedRepository(folder)
      await seedServed(path)
      return { path, state, url: `${server.url}/manifests.git` }
    }

    async function start(url: string, { folder = createTemporaryFolder(), variables = {} } = {}) {
      const environment = { SIGNALBOX_REPOSITORY: url, SIGNALBOX_FETCH_INTERVAL: '1h', ...variables }
      const process = await startServer({ folder, environment })
      onTestFinished(async () => void (await process.stop('SIGKILL')))
      const runTrain = async (key: string, target = 'staging') => {
        const response = await fetch(`${process.url}/api/environments/${target}/releasetrain`, {
          method: 'PUT',
          headers: { 'idempotency-key': key },
        })
        const isReplayed = response.headers.get('idempotency-replayed') === 'true'
        return { status: response.status, isReplayed, body: (await response.json()) as { readonly code?: string } }
      }
      return { process, folder, runTrain }
    }

    it('is carried out once, by one of them, and both tell the same', async () => {
      const { path, url } = await serve()
      const [one, two] = await Promise.all([start(url), start(url)])
      const answers = await Promise.all([one.runTrain('same'), two.runTrain('same')])
      expect(answers.map(({ status }) => status)).toEqual([200, 200])
      expect(answers.filter(({ isReplayed }) => isReplayed)).toHaveLength(1)
      expect(answers[0]?.body).toEqual(answers[1]?.body)
      expect(subjectsOn(path)).toHaveLength(2)

      // Neither of them has heard of what the other one did since.
      const first = await one.runTrain('next', 'production-de')
      const again = await two.runTrain('next', 'production-de')
      expect(first).toMatchObject({ status: 200, isReplayed: false })
      expect(again).toEqual({ ...first, isReplayed: true })
      expect(subjectsOn(path)).toHaveLength(3)
      expect(await two.runTrain('next')).toMatchObject({ status: 422, body: { code: 'IDEMPOTENCY_KEY_REUSED' } })

      // Where the copy ends with that commit, it is only known that it was done.
      const shallow = await start(url, { variables: { SIGNALBOX_CLONE_DEPTH: '1' } })
      expect(await shallow.runTrain('next', 'production-de')).toMatchObject({
        status: 409,
        body: { code: 'ALREADY_DONE' },
      })
      expect(subjectsOn(path)).toHaveLength(3)
    })

    it('is not carried out again after a kill between push and answer', async () => {
      const { path, state, url } = await serve()
      const victim = await start(url)
      const arrived = new Promise<void>((resolve) => {
        state.intercept = (message, response) => {
          if (isPush(message)) holdAnswer(response, resolve)
          return false
        }
      })
      const lost = victim.runTrain('same').catch(() => 'no answer')
      await arrived
      await victim.process.stop('SIGKILL')
      expect(await lost).toBe('no answer')
      state.intercept = () => false
      const head = git(['-C', path, 'rev-parse', 'main'])
      expect(subjectsOn(path)).toHaveLength(2)

      const restarted = await start(url, { folder: victim.folder })
      const other = await start(url)
      const answers = [await restarted.runTrain('same'), await other.runTrain('same')]
      expect(answers[0]).toMatchObject({ status: 200, isReplayed: true, body: { commit: head.trim() } })
      expect(answers[1]).toEqual(answers[0])
      expect(git(['-C', path, 'rev-parse', 'main'])).toBe(head)
    })
  },
)

/** Lets git do it, and keeps what it says. */
function holdAnswer(response: ServerResponse, onArrived: () => void): void {
  response.writeHead = () => response
  response.write = () => true
  response.end = () => {
    onArrived()
    return response
  }
}
