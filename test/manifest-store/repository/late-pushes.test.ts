import { chmodSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createLock } from '../../../src/core/lock-commands.ts'
import { createUnrestrictedPrincipal } from '../../../src/core/principal.ts'
import { createReleaseTrain } from '../../../src/core/release-train.ts'
import { OutcomeUnknownError, StoreUnavailableError } from '../../../src/manifest-store/store-errors.ts'
import { commitBeside, environmentLock, toMake } from '../../support/changes.ts'
import type { GitHttpServerOptions } from '../../support/git-http-server.ts'
import { createServedRepository, hasGitHttpBackend, startTestGitHttpServer } from '../../support/git-http-server.ts'
import { createTemporaryFolder, git } from '../../support/real-git.ts'
import { openServedStore, seedServed, subjectsOn } from '../../support/served-store.ts'
import { writeSettings } from '../../support/write-settings.ts'

const principal = createUnrestrictedPrincipal({ name: 'Deployer', email: 'deployer@example.com' })
const request = { principal, requestId: 'request-1' }
const begin = 'Begin the manifest repository'
const lock = (id: string) => toMake(environmentLock('staging', id), `Lock ${id}`)

/** A push that left Signalbox, and has not arrived. */
interface HeldPush {
  /** Lets it through, and answers what git said to whoever would listen. */
  release(): Promise<string>
}

const isPush = ({ method, url }: IncomingMessage) => method === 'POST' && url?.endsWith('/git-receive-pack') === true

// docs/decisions/0008-a-lost-answer.md says what has to be true of them.
describe.runIf(hasGitHttpBackend)('a push that is held up on its way', () => {
  /** A proxy and a git server in one: the first push is held, and what else comes is up to `otherwise`. */
  async function openHolding(doubtTimeout = 60_000) {
    const held: HeldPush[] = []
    const state: {
      isHolding: boolean
      /** Before the sender learns that something is wrong. */
      whileHeld: () => Promise<unknown>
      otherwise: NonNullable<GitHttpServerOptions['intercept']>
    } = { isHolding: true, whileHeld: () => Promise.resolve(), otherwise: () => false }
    const folder = createTemporaryFolder()
    const server = await startTestGitHttpServer({
      folder,
      intercept: (message, response) => {
        if (message.headers['x-released'] !== undefined) return false
        if (!isPush(message) || !state.isHolding) return state.otherwise(message, response)
        state.isHolding = false
        const parts: Buffer[] = []
        message.on('data', (part: Buffer) => parts.push(part))
        message.on('end', () => {
          held.push({ release: () => release(message, Buffer.concat(parts)) })
          void state.whileHeld().finally(() => message.socket.destroy())
        })
        return true
      },
    })
    const release = async ({ url = '', headers }: IncomingMessage, body: Buffer) => {
      const { 'content-type': type = '' } = headers
      const answer = await fetch(server.url + url, {
        method: 'POST',
        headers: { 'content-type': type, 'x-released': 'yes' },
        body: new Uint8Array(body),
      })
      return answer.text()
    }
    const path = createServedRepository(folder)
    await seedServed(path)
    const url = `${server.url}/manifests.git`
    const opened = await openServedStore(url, { repository: { doubtTimeout } })
    const releaseHeld = async () => {
      expect(held).toHaveLength(1)
      return held[0]?.release()
    }
    return { ...opened, state, path, url, releaseHeld }
  }

  it('is found not to be there, sent again, and changes nothing when it arrives', async () => {
    const { store, path, releaseHeld } = await openHolding()
    const { commit } = await store.submit(lock('a'), request)
    expect(await releaseHeld()).toContain('ng refs/heads/main')
    expect(git(['-C', path, 'rev-parse', 'main']).trim()).toBe(commit)
    await store.submit(lock('b'), request)
    expect(subjectsOn(path)).toEqual([begin, 'Lock a', 'Lock b'])
    git(['-C', path, 'fsck', '--strict'])
  })

  it('cannot surface after its command was decided again, and came to nothing', async () => {
    const { store, state, path, url, releaseHeld } = await openHolding()
    const stranger = await openServedStore(url)
    state.whileHeld = () => commitBeside(stranger.repository, environmentLock('staging', 'foreign'))
    const train = createReleaseTrain({
      request: { target: 'staging', lookup: 'environment-first', team: undefined },
      ciLink: undefined,
      accepts: () => true,
      settings: writeSettings(),
    })
    const { commit, result } = await store.submit(train, request)
    expect(commit).toBeUndefined()
    expect(result.environments).toMatchObject([{ outcome: { kind: 'skipped', cause: 'ENV_IS_LOCKED' } }])
    const before = git(['-C', path, 'rev-parse', 'main'])
    expect(await releaseHeld()).toContain('ng refs/heads/main')
    expect(git(['-C', path, 'rev-parse', 'main'])).toBe(before)
  })

  it('and whose repetition is refused is answered as open, and may arrive', async () => {
    const { store, path, releaseHeld } = await openHolding()
    const hook = join(path, 'hooks/pre-receive')
    writeFileSync(hook, '#!/bin/sh\necho not now; exit 1\n')
    chmodSync(hook, 0o755)
    await expect(store.submit(lock('a'), request)).rejects.toThrow(OutcomeUnknownError)
    expect(store.health().problems.join()).toContain('it is not known whether the push of')
    rmSync(hook)
    expect(await releaseHeld()).toContain('ok refs/heads/main')
    await store.submit(lock('b'), request)
    expect(subjectsOn(path)).toEqual([begin, 'Lock a', 'Lock b'])
    expect(store.health().problems).toEqual([])
  })

  it('and that nobody can ask for is answered as open; others are refused, and never appear', async () => {
    const { store, state, path, releaseHeld } = await openHolding(1000)
    state.otherwise = (message) => {
      if (state.isHolding) return false
      message.socket.destroy()
      return true
    }
    const key = { key: 'key-1', request: 'lock' }
    const command = createLock({ kind: 'environment', environment: 'staging' }, 'freeze', {
      message: 'x',
      ciLink: undefined,
      suggestedLifetime: undefined,
      end: undefined,
    })
    await expect(store.submit(command, { ...request, idempotency: key })).rejects.toThrow(OutcomeUnknownError)
    await expect(store.submit(lock('b'), request)).rejects.toThrow(StoreUnavailableError)
    expect(subjectsOn(path)).toEqual([begin])
    expect(await releaseHeld()).toContain('ok refs/heads/main')
    const commit = git(['-C', path, 'rev-parse', 'main']).trim()
    state.otherwise = () => false
    // The caller repeats it with its key, and gets what the first one would have got.
    const again = await store.submit(command, { ...request, idempotency: key })
    expect(again).toMatchObject({ commit, isRepeated: true })
    await store.submit(lock('c'), request)
    expect(subjectsOn(path)).toEqual([begin, expect.any(String), 'Lock c'])
    expect(subjectsOn(path).join()).not.toContain('Lock b')
  })
})
