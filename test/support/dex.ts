import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { onTestFinished } from 'vitest'
import type { IssuerFixture } from './issuer-fixture.ts'
import { clients, people, redirectUri } from './issuer-fixture.ts'
import { createTemporaryFolder } from './real-git.ts'

/** The program to test with: no path is looked for, because a `dex` may be anything. */
export const dexProgram = process.env['DEX_BIN']

/** A real Dex on a free port of this machine, stopped after the test. Inside of a test only. */
export async function startDex(): Promise<IssuerFixture> {
  const port = await findFreePort()
  const issuer = `http://127.0.0.1:${port}/dex`
  const file = join(createTemporaryFolder(), 'dex.json')
  writeFileSync(file, JSON.stringify(toConfig(issuer, port)))
  let dex = await launch(file, issuer)
  onTestFinished(() => stop(dex))
  return {
    issuer,
    // Takes whatever it is given.
    exchange: { connector: 'mock', subjectToken: 'a token of the connector' },
    rotateKeys: async () => {
      // Its keys are in its memory.
      await stop(dex)
      dex = await launch(file, issuer)
    },
    close: () => stop(dex),
  }
}

/** JSON is YAML, which Dex reads. */
function toConfig(issuer: string, port: number): object {
  const aPublicClient = (id: string, redirects: readonly string[]) => ({
    id,
    name: id,
    public: true,
    // Or a page would ask which.
    allowedConnectors: ['local'],
    redirectURIs: redirects,
  })
  return {
    issuer,
    storage: { type: 'memory' },
    web: { http: `127.0.0.1:${port}` },
    expiry: { idTokens: '10m', refreshTokens: { reuseInterval: '0s' } },
    oauth2: { skipApprovalScreen: false },
    connectors: [{ type: 'mockCallback', id: 'mock', name: 'Mock' }],
    enablePasswordDB: true,
    staticPasswords: Object.values(people).map(({ id, email, name, groups }) => ({
      userID: id,
      email,
      username: name,
      name,
      groups,
      // Of the password of all of them.
      hash: '$2a$10$CXGRyIy8AydYhRx1vdITTO5LDZZmCQ3avjy/quMUblwAVGjkgNmqq',
    })),
    staticClients: [
      { id: clients.server.id, name: 'Signalbox', secret: clients.server.secret, redirectURIs: [redirectUri] },
      aPublicClient(clients.browser, [redirectUri]),
      // Below the path of the issuer in newer ones.
      aPublicClient(clients.cli, ['/device/callback', '/dex/device/callback']),
      aPublicClient(clients.stranger, [redirectUri]),
    ],
  }
}

async function launch(file: string, issuer: string): Promise<ChildProcess> {
  const dex = spawn(dexProgram ?? '', ['serve', file], {
    // Without sessions, a Dex of 2026 that keeps its state in memory or SQLite waits for itself when it renews a token.
    env: { ...process.env, DEX_SESSIONS_ENABLED: 'true' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [dex.stdout, dex.stderr]) stream?.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const ended = once(dex, 'exit').then(() => true)
  for (;;) {
    const answer = await fetch(`${issuer}/.well-known/openid-configuration`).catch(() => undefined)
    if (answer?.ok === true) return dex
    if (await Promise.race([ended, sleep(50, false)])) throw new Error(`Dex ended before it served:\n${output}`)
  }
}

async function stop(dex: ChildProcess): Promise<void> {
  if (dex.exitCode !== null || dex.signalCode !== null) return
  const ended = once(dex, 'exit')
  // It has nothing to save, and would wait for connections.
  dex.kill('SIGKILL')
  await ended
}

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
