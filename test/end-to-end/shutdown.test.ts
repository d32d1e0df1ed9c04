import { execFileSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Connection } from '../support/connection.ts'
import { open, request } from '../support/connection.ts'
import { createTemporaryFolder } from '../support/real-git.ts'
import type { ServerProcess } from '../support/server-process.ts'
import { startServer } from '../support/server-process.ts'

interface Held extends ServerProcess {
  readonly folder: string
  /** Asks for a lock, over a connection of its own. */
  readonly lock: (id: string) => Promise<Connection>
  /** Lets writes go on. */
  readonly letGo: () => void
  readonly connect: () => Promise<Connection>
}

/** A process that cannot finish a write until it is let go: the reflog is a pipe that nobody reads. */
async function serveHeld(environment: Readonly<Record<string, string>> = {}): Promise<Held> {
  const folder = createTemporaryFolder()
  const server = await startServer({ folder, environment })
  const logs = join(folder, 'data/manifests.git/logs/refs/heads')
  mkdirSync(logs, { recursive: true })
  execFileSync('mkfifo', [join(logs, 'main')])
  let reader: number | undefined
  const letGo = () => void (reader ??= openSync(join(logs, 'main'), 'r+'))
  onTestFinished(async () => {
    letGo()
    await server.stop('SIGKILL')
    if (reader !== undefined) closeSync(reader)
  })
  const connect = () => open({ port: Number(new URL(server.url).port) })
  const lock = async (id: string) => {
    const connection = await connect()
    connection.socket.write(lockRequest(id))
    return connection
  }
  return { ...server, folder, connect, lock, letGo }
}

function lockRequest(id: string): string {
  const body = '{"message":"x"}'
  const headers = ['Content-Type: application/json', `Content-Length: ${body.length}`]
  return request(`PUT /environments/staging/locks/${id}`, headers, body).replace('Host: signalbox', 'Host: localhost')
}

/** Resolves when a command is being written: its pack is there, and not like any other yet. */
async function untilWriting({ folder }: Held): Promise<void> {
  const packs = join(folder, 'data/manifests.git/objects/pack')
  await expect.poll(() => readdirSync(packs).some((name) => name.endsWith('.keep'))).toBe(true)
}

/** Resolves when so many commands wait behind the one that is being written. */
async function untilWaiting({ url }: ServerProcess, count: number): Promise<void> {
  await expect
    .poll(async () => (await fetch(`${url}/metrics`)).text())
    .toContain(`\nsignalbox_write_queue_length ${count}\n`)
}

function linesOf(server: ServerProcess): Record<string, unknown>[] {
  return server
    .output()
    .stdout.split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}

function lineOf(server: ServerProcess, message: string): Record<string, unknown> | undefined {
  return linesOf(server).find(({ msg }) => msg === message)
}

describe('a process that is told to end', () => {
  it('finishes what waits, refuses new writes, is not ready meanwhile, and ends with 0', async () => {
    const server = await serveHeld()
    const first = await server.lock('one')
    await untilWriting(server)
    const second = await server.lock('two')
    await untilWaiting(server, 1)
    // These have begun to ask when the end begins, so that their connections stay.
    const [write, ready, read] = await Promise.all([server.connect(), server.connect(), server.connect()])
    write.socket.write('PUT')
    ready.socket.write('GET')
    read.socket.write('GET')
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200)
    const ended = server.stop('SIGTERM')
    await expect
      .poll(() => lineOf(server, 'shutting down: finishing what was begun'))
      .toMatchObject({ waitingCommands: 1 })

    ready.socket.write(' /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n')
    expect(await ready.read()).toMatchObject({
      status: 503,
      headers: expect.objectContaining({ connection: 'close' }) as object,
      body: '{"status":"unavailable","reasons":["Signalbox is shutting down"]}',
    })
    read.socket.write(' /api/locks HTTP/1.1\r\nHost: localhost\r\n\r\n')
    expect((await read.read()).status).toBe(200)
    write.socket.write(lockRequest('three').slice('PUT'.length))
    const refused = await write.read()
    expect(refused).toMatchObject({ status: 503, headers: expect.objectContaining({ 'retry-after': '5' }) as object })
    expect(refused.body).toContain('Signalbox is shutting down: nothing was changed')
    server.letGo()

    expect([(await first.read()).status, (await second.read()).status]).toEqual([200, 200])
    await Promise.all([first.closed, second.closed])
    expect(await ended).toBe(0)
    expect(lineOf(server, 'everything that was begun is finished')).toMatchObject({ refused: 0, cut: 0 })
    expect(lineOf(server, 'closed')).toBeDefined()
  })

  it('refuses what has not had its turn in time, says so, and ends with 1', async () => {
    const server = await serveHeld({ SIGNALBOX_SHUTDOWN_SECONDS: '1' })
    const first = await server.lock('one')
    await untilWriting(server)
    const second = await server.lock('two')
    await untilWaiting(server, 1)
    const ended = server.stop('SIGTERM')
    const refused = await second.read()
    expect(refused).toMatchObject({ status: 503, headers: expect.objectContaining({ 'retry-after': '5' }) as object })
    expect(JSON.parse(refused.body)).toMatchObject({
      code: 'STORE_UNAVAILABLE',
      detail: 'Signalbox is shutting down, before its turn came: nothing was changed',
    })
    server.letGo()
    expect((await first.read()).status).toBe(200)
    expect(await ended).toBe(1)
    expect(linesOf(server).find(({ refused: count }) => count === 1)).toMatchObject({ cut: 0, level: 40 })
  })

  it('cuts who sends no more', async () => {
    const server = await serveHeld({ SIGNALBOX_SHUTDOWN_SECONDS: '1' })
    const slow = await server.connect()
    slow.socket.write(lockRequest('one').slice(0, -1))
    await expect.poll(async () => (await fetch(`${server.url}/healthz`)).status).toBe(200)
    expect(await server.stop('SIGTERM')).toBe(1)
    await slow.closed
  })

  it('ends at once when told a second time', async () => {
    const server = await serveHeld()
    const slow = await server.connect()
    slow.socket.write(lockRequest('one').slice(0, -1))
    await expect.poll(async () => (await fetch(`${server.url}/healthz`)).status).toBe(200)
    const ended = server.stop('SIGTERM')
    await expect.poll(() => lineOf(server, 'shutting down: finishing what was begun')).toBeDefined()
    server.child.kill('SIGTERM')
    expect(await ended).toBe(1)
    expect(lineOf(server, 'closed')).toBeUndefined()
  })
})
