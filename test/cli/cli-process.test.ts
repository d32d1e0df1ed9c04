import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { commands } from '../../src/cli/commands.ts'
import { globalFlags } from '../../src/cli/global-flags.ts'
import { createFolder, removeFolder } from '../support/real-git.ts'
import { selfSigned } from '../support/self-signed.ts'
import type { ServerProcess } from '../support/server-process.ts'
import { startServer } from '../support/server-process.ts'
import { startRecordingServer } from './recording-server.ts'
import { endOf, runCli, spawnCli } from './run-cli.ts'

const train = ['release-train', '--target-environment', 'staging']

describe('the shipped program', () => {
  it('begins as a program of Node, and knows its version', async () => {
    const first = readFileSync(new URL('../../dist/cli-main.js', import.meta.url), 'utf8').split('\n')[0]
    expect(first).toBe('#!/usr/bin/env node')
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
      version: string
    }
    for (const args of [['version'], ['--version'], ['-version']]) {
      expect(await endOf(spawnCli(args))).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' })
    }
  })

  it.each<[args: string[], code: number]>([
    [['help'], 0],
    [['-h'], 2],
    [[], 2],
    [['locks'], 2],
    [['--url', 'http://127.0.0.1:1', 'locks'], 1],
  ])('%j ends with %d', async (args, code) => {
    const ended = await endOf(spawnCli(args))
    expect(ended.code).toBe(code)
    expect(ended.stdout === '').toBe(code !== 0)
  })

  it('tries again against a server that fails twice and closes its connections', async () => {
    const failing = { status: 500, headers: { Connection: 'close' }, body: 'no' }
    const server = await startRecordingServer(failing, failing, { body: '{"target":"staging"}' })
    const begin = Date.now()
    const ended = await endOf(spawnCli(['--url', server.url, ...train, '--ci_link', 'https://ci.example.com']))
    expect(ended).toMatchObject({ code: 0, stdout: '{"target":"staging"}\n' })
    expect(ended.stderr.split('\n')).toHaveLength(3)
    expect(server.requests.map(({ body }) => body.toString())).toEqual(
      Array.from({ length: 3 }, () => '{"ciLink":"https://ci.example.com"}'),
    )
    // One second, then two; a timer may be early by a moment.
    expect(Date.now() - begin).toBeGreaterThan(2900)
  })

  it('ends at once when it is interrupted, while it waits for an answer or for the next try', async () => {
    for (const answers of [() => undefined, { status: 500 }]) {
      const server = await startRecordingServer(answers)
      const child = spawnCli(['--url', server.url, '--retries', '50', ...train])
      const ended = endOf(child)
      while (server.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 10))
      await new Promise((resolve) => setTimeout(resolve, 100))
      child.kill('SIGINT')
      const { code, stderr } = await ended
      expect(code).toBe(130)
      expect(stderr).toMatch(
        /(^|\n)interrupted: what was asked for may have been done; --idempotency-key [0-9a-f-]{36} asks for the same again\n$/u,
      )
      expect(server.requests).toHaveLength(1)
    }
  })

  it('knows whether a release may have been created over TLS', async () => {
    const folder = createFolder()
    const certificate = join(folder, 'certificate.pem')
    writeFileSync(certificate, selfSigned.cert)
    let requests = 0
    const server = createServer(selfSigned, (_, response) => {
      requests += 1
      response.destroy()
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => {
      server.close()
      removeFolder(folder)
    })
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
    const args = ['release', '--application', 'cart', '--environment', 'dev', '--manifest', 'package.json']
    const globals = ['--url', url, '--retries', '1', '--output', 'json']
    const distrusted = await endOf(spawnCli([...globals, ...args]))
    expect(distrusted).toMatchObject({ code: 1, stdout: expect.stringContaining('"UNREACHABLE"') as string })
    expect(distrusted.stderr).toContain('trying again')
    expect(distrusted.stderr).not.toContain('may have been done')
    expect(requests).toBe(0)
    const lost = await endOf(spawnCli([...globals, ...args], { NODE_EXTRA_CA_CERTS: certificate }))
    expect(lost).toMatchObject({ code: 1, stdout: expect.stringContaining('"ANSWER_LOST"') as string })
    expect(lost.stderr).toContain('An earlier try got no answer: what it asked for may have been done.')
    expect(requests).toBe(2)
  })

  it('says so in a line when its output cannot be written', async ({ skip }) => {
    if (!existsSync('/dev/full')) {
      process.stdout.write('There is no /dev/full: a full disk is not tested.\n')
      skip('there is no /dev/full')
    }
    const full = openSync('/dev/full', 'w')
    const child = spawnCli(['help'], {}, full)
    closeSync(full)
    const { code, stderr } = await endOf(child)
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: 'standard output cannot be written: ENOSPC: no space left on device, write\n',
    })
  })

  it('does what was asked for, quietly, when nobody reads its output any more', async () => {
    const body = JSON.stringify('x'.repeat(10_000_000))
    const server = await startRecordingServer({ body })
    const child = spawnCli(['--url', server.url, ...train])
    let stderr = ''
    child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    child.stdout?.once('data', () => child.stdout?.destroy())
    const code = await new Promise((resolve) => child.once('exit', resolve))
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  })

  it('writes all of a large answer into a pipe', async () => {
    const body = JSON.stringify('x'.repeat(10_000_000))
    const server = await startRecordingServer({ body })
    const { code, stdout } = await endOf(spawnCli(['--url', server.url, ...train, '--output', 'json']))
    expect({ code, isWhole: stdout === `${body}\n` }).toEqual({ code: 0, isWhole: true })
  })
})

describe('the shipped program with the shipped server', () => {
  let folder: string
  let server: ServerProcess
  const ask = (...args: readonly string[]) => endOf(spawnCli(args, { SIGNALBOX_URL: server.url }))

  beforeAll(async () => {
    folder = createFolder()
    server = await startServer({ folder })
  })
  afterAll(async () => {
    await server.stop()
    removeFolder(folder)
  })

  it('shows what the server itself would show', async () => {
    const path = '/api/environment-groups/production/releasetrain/prognosis'
    const theirs = await fetch(`${server.url}${path}`, { headers: { Accept: 'text/plain' } })
    const { stdout } = await ask('prognosis', '--target-environment', 'production', '--use_env_group_target')
    expect(stdout).toBe(await theirs.text())
    const asJson = await fetch(`${server.url}${path}`)
    const json = await ask('prognosis', '--target-environment=production', '-use_env_group_target', '-output=json')
    expect(JSON.parse(json.stdout)).toEqual(await asJson.json())
  })

  it('runs exactly what was prognosed, or shows what has changed', async () => {
    const prognosis = await ask('prognosis', '--target-environment', 'staging', '--output', 'json')
    const { fingerprint } = JSON.parse(prognosis.stdout) as { fingerprint: string }
    const ran = await ask(...train, '--if-prognosed')
    expect(ran).toMatchObject({ code: 0, stderr: '' })
    expect(ran.stdout).toContain('3 travel, 5 stay\n\nstaging  from development')
    expect(ran.stdout).toContain('3 deployed, 5 stayed\n')

    const refused = await ask(...train, '--if-match', fingerprint)
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(refused.stderr).toContain('(PROGNOSIS_CHANGED)')
    expect(refused.stderr).toContain('nothing travels, 8 stay')
  })

  it('locks and unlocks, and shows it', async () => {
    const lock = ['--environment', 'staging', '--application', 'cart', '--lockID', 'client-test']
    expect(await ask('create-app-lock', ...lock, '--message', 'why')).toMatchObject({ code: 0, stderr: '' })
    expect((await ask('locks', '--kind', 'application')).stdout).toMatch(/application cart +client-test/u)
    expect((await ask('status', '--application', 'cart')).stdout).toMatch(/^cart .* 5!$/mu)
    expect(await ask('delete-app-lock', ...lock)).toMatchObject({ code: 0, stderr: '' })
    expect((await ask('locks', '--kind', 'application')).stdout).not.toContain('client-test')
  })

  it('creates a release, deploys it, goes back, and shows the history', async () => {
    const manifest = join(folder, 'manifest.yaml')
    const version = '18446744073709551614'
    writeFileSync(manifest, 'kind: First\n')
    const place = ['--environment', 'staging', '--application', 'client-test']
    const release = ['release', '--application', 'client-test', '--environment', 'staging', '--manifest', manifest]

    expect((await ask(...release, '--dry-run')).stdout).toContain('staging: new\n')
    const first = await ask(...release, '--version', '7', '--source_message', 'one\ntwo')
    expect(first.stdout).toMatch(/^created client-test version 7, commit [0-9a-f]{40}\ndeployed nowhere yet\n$/u)
    expect((await ask(...release, '--version', '7', '--source_message', 'other')).code).toBe(1)
    expect((await ask(...release, '--version', '7', '--source_message', 'one\ntwo')).stdout).toBe(
      'client-test version 7 exists already, with the same content: nothing was done\n',
    )
    writeFileSync(manifest, 'kind: Second\n')
    expect((await ask(...release, '--dry-run')).stdout).toContain('-kind: First\n+kind: Second\n')
    expect((await ask(...release, '--version', '7')).stderr).toContain('  this version exists already, and differs in ')
    expect(await ask(...release, '--version', version, '--deploy-to-downstream', 'staging')).toMatchObject({ code: 0 })

    expect((await ask('deploy', ...place, '--version', '7')).stdout).toContain(`in staging, after version ${version}`)
    const history = (await ask('history', ...place, '--output', 'json')).stdout
    expect(JSON.parse(history)).toMatchObject({
      events: [
        { version: '7', fromVersion: version, command: 'deploy' },
        { version, command: 'create-release' },
      ],
    })
    const prognosis = await ask('prognosis', '--target-environment', 'production-de', '--diff')
    expect(prognosis.stdout).toContain('\n@@ ')
  })

  it('refuses to pass a lock when told so', async () => {
    const place = ['--environment', 'staging', '--application', 'web']
    const { code, stderr } = await ask('deploy', ...place, '--version', '2', '--lock-behavior', 'fail')
    expect(code).toBe(1)
    expect(stderr).toContain('application lock visual-regression: ')
  })

  it('tells what is wrong with a name', async () => {
    const { code, stderr } = await ask('release-train', '--target-environment', 'nowhere')
    expect(code).toBe(1)
    expect(stderr).toContain("could not find environment group or environment configs for 'nowhere' (UNKNOWN_TARGET)")
  })
})

describe('the page about the client', () => {
  const page = readFileSync(new URL('../../docs/client.md', import.meta.url), 'utf8')

  it('has every command and every global flag', () => {
    for (const { name } of commands) expect(page).toContain(`\`${name}\``)
    for (const { name } of globalFlags) expect(page).toContain(`\`--${name}\``)
  })

  it('shows commands that are good usage', async () => {
    const shown = [...page.replaceAll('\\\n', '').matchAll(/^signalbox (.*)$/gmu)].map(([, args = '']) => args)
    expect(shown.length).toBeGreaterThan(3)
    for (const args of shown) {
      const { code, stderr } = await runCli(args.split(/ +/u), { environment: { SIGNALBOX_URL: 'http://127.0.0.1:1' } })
      // Nobody answers there, and the files are not there; the flags are right.
      if (code === 2) expect(stderr).toMatch(/^signalbox release: there is no file development.yaml$/mu)
    }
  })
})
