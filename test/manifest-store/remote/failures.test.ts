import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createServer as createSocketServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { buildPack } from '../../../src/manifest-store/git/pack-file.ts'
import { toSshArguments } from '../../../src/manifest-store/remote/ssh-command.ts'
import { createServedRepository, hasGitHttpBackend, startTestGitHttpServer } from '../../support/git-http-server.ts'
import { openTestRemote, transports } from '../../support/git-remotes.ts'
import { commitFiles, createCommitPack, headOf } from '../../support/push-to.ts'
import { createTemporaryFolder, gitEnvironment, hasGit } from '../../support/real-git.ts'
import { hasSshServer, startSshServer } from '../../support/ssh-server.ts'

const main = 'refs/heads/main'

describe.each(transports)('a remote over $name', ({ isHere, serve }) => {
  it.runIf(isHere)('refuses what a hook declines, in the words of the hook, and takes the next push', async () => {
    const { repository, open } = await serve()
    const { remote } = open()
    const head = commitFiles(repository, { config: '{}' })
    const { commit, pack } = await createCommitPack(head)
    const update = [{ ref: main, from: head, to: commit }]
    for (const name of ['pre-receive', 'update']) {
      writeHook(repository, name, 'echo "not on a Friday" >&2; exit 1')
      const outcome = await remote.push(update, pack)
      expect(outcome).toEqual({
        kind: 'refused',
        reason: expect.stringMatching(/hook declined: not on a Friday$/) as string,
      })
      writeHook(repository, name, 'exit 0')
    }
    expect(headOf(repository)).toBe(head)
    expect(await remote.push(update, pack)).toEqual({ kind: 'accepted' })
  })

  it.runIf(isHere)('says when the pack lacks something', async () => {
    const { repository, open } = await serve()
    const { objects, commit } = await createCommitPack(undefined)
    const { pack } = await buildPack(objects.slice(1))
    const outcome = await open().remote.push([{ ref: main, from: undefined, to: commit }], pack)
    expect(outcome).toMatchObject({ kind: 'refused' })
    expect(headOf(repository)).toBeUndefined()
  })

  it.runIf(isHere)('says when the pack is none', async () => {
    const { repository, open } = await serve()
    const { commit, pack } = await createCommitPack(undefined)
    const broken = Buffer.from(pack)
    broken[broken.length - 1] = (broken.at(-1) ?? 0) ^ 1
    const outcome = await open().remote.push([{ ref: main, from: undefined, to: commit }], broken)
    expect(outcome).toMatchObject({
      kind: 'failed',
      reason: expect.stringContaining('the pack could not be read') as string,
    })
    expect(headOf(repository)).toBeUndefined()
  })

  it.runIf(isHere)('gives up when the server takes too long', async () => {
    const { repository, open } = await serve()
    const { remote } = open({ networkTimeout: 2000 })
    const head = commitFiles(repository, { config: '{}' })
    writeHook(repository, 'pre-receive', 'exec sleep 6')
    const { commit, pack } = await createCommitPack(head)
    const outcome = await remote.push([{ ref: main, from: head, to: commit }], pack)
    expect(outcome).toMatchObject({ kind: 'unknown', cause: { code: 'REMOTE_UNREACHABLE' } })
    expect(headOf(repository)).toBe(head)
  })

  it.runIf(isHere)('needs git, and says so', async () => {
    const { repository, open } = await serve()
    commitFiles(repository, { config: '{}' })
    const { remote, clone } = open({ environment: { ...gitEnvironment(), PATH: createTemporaryFolder() } })
    const message = expect.stringMatching(/there is no program (git|ssh) on this machine/) as string
    const error = { code: 'REMOTE_UNREACHABLE', message }
    await expect(remote.clone(clone, 'main')).rejects.toMatchObject(error)
    await expect(remote.listRefs(['refs/'])).rejects.toMatchObject(error)
  })

  it.runIf(isHere)('does nothing of what the environment would have git do', async () => {
    const { repository, open } = await serve()
    const head = commitFiles(repository, { config: '{}' })
    const folder = createTemporaryFolder()
    const trace = join(folder, 'ran')
    const hooks = join(folder, 'hooks')
    mkdirSync(hooks)
    for (const name of ['post-checkout', 'reference-transaction', 'post-rewrite']) {
      writeFileSync(join(hooks, name), `#!/bin/sh\ntouch '${trace}'\n`)
      chmodSync(join(hooks, name), 0o755)
    }
    writeFileSync(join(folder, 'config'), `[core]\n\thooksPath = ${hooks}\n\tsshCommand = touch ${trace}; ssh\n`)
    const { remote, clone } = open({
      environment: {
        ...gitEnvironment(),
        GIT_CONFIG_GLOBAL: join(folder, 'config'),
        GIT_SSH_COMMAND: `touch ${trace}; ssh`,
        GIT_SSH: trace,
        GIT_PROXY_COMMAND: trace,
        GIT_TEMPLATE_DIR: hooks,
        GIT_DIR: folder,
        GIT_TRACE: trace,
        GIT_EXTERNAL_DIFF: trace,
      },
    })
    await remote.clone(clone, 'main')
    expect(await remote.fetch('main')).toBe(head)
    expect(existsSync(trace)).toBe(false)
  })

  it.runIf(isHere)('is fetched from after a git was killed that left its lock file, once that is old', async () => {
    const { repository, open } = await serve()
    commitFiles(repository, { config: '1' })
    const { remote, clone, log } = open({ cloneDepth: 1 })
    await remote.clone(clone, 'main')
    const lock = join(clone, 'shallow.lock')
    writeFileSync(lock, '')
    const tag = commitFiles(repository, { config: '2' })
    await expect(remote.fetchObjects([tag])).rejects.toMatchObject({
      name: 'StoreUnavailableError',
      message: expect.stringContaining('shallow.lock') as string,
    })
    const hourAgo = Date.now() / 1000 - 3600
    utimesSync(lock, hourAgo, hourAgo)
    await remote.fetchObjects([tag])
    expect(existsSync(lock)).toBe(false)
    expect(log.map(({ message }) => message)).toEqual([expect.stringContaining('removed a lock file') as string])
  })

  it.runIf(isHere)('does nothing any more once it is closed', async () => {
    const { repository, open } = await serve()
    const head = commitFiles(repository, { config: '{}' })
    const { remote, clone } = open()
    await remote.clone(clone, 'main')
    const { commit, pack } = await createCommitPack(head)
    const update = [{ ref: main, from: head, to: commit }]
    const begun = join(repository, 'begun')
    writeHook(repository, 'pre-receive', `touch '${begun}'; exec sleep 2`)
    const pushed = remote.push(update, pack)
    await vi.waitUntil(() => existsSync(begun), { timeout: 20_000 })
    const fetched = remote.fetch('main').catch((error: unknown) => error)
    await remote.close()
    expect(await pushed).toMatchObject({ kind: 'unknown', cause: { message: expect.stringMatching(ends) as string } })
    const error = { code: 'REMOTE_UNREACHABLE', message: expect.stringMatching(ends) as string }
    expect(await fetched).toMatchObject(error)
    await expect(remote.listRefs(['refs/'])).rejects.toMatchObject(error)
    await expect(remote.push(update, pack)).rejects.toMatchObject(error)
  })
})

describe.runIf(hasGitHttpBackend)('a server over HTTP', () => {
  it('that is not there is unreachable', async () => {
    const { remote, clone } = openTestRemote(`http://127.0.0.1:${await closedPort()}/manifests.git`)
    const { commit, pack } = await createCommitPack(undefined)
    const error = { code: 'REMOTE_UNREACHABLE', message: expect.stringMatching(/Check that the server runs/) as string }
    await expect(remote.clone(clone, 'main')).rejects.toMatchObject(error)
    await expect(remote.listRefs(['refs/'])).rejects.toMatchObject(error)
    await expect(remote.push([{ ref: main, from: undefined, to: commit }], pack)).rejects.toMatchObject(error)
  })

  it('that nobody knows is unreachable', async () => {
    const { remote } = openTestRemote('http://git.signalbox.invalid/manifests.git')
    const { commit, pack } = await createCommitPack(undefined)
    const error = { code: 'REMOTE_UNREACHABLE', message: expect.stringMatching(/Nobody knows the host/) as string }
    await expect(remote.listRefs(['refs/'])).rejects.toMatchObject(error)
    await expect(remote.push([{ ref: main, from: undefined, to: commit }], pack)).rejects.toMatchObject(error)
  })

  it('that dies before it has all of a push has not got it', async () => {
    const { repository, url } = await serveHttp((incoming, response) => {
      if (incoming.method !== 'POST') return false
      incoming.once('data', () => response.destroy())
      return true
    })
    // More than fits into the buffers on the way.
    const { commit, pack } = await createCommitPack(undefined, randomBytes(30_000_000))
    const { remote } = openTestRemote(url)
    await expect(remote.push([{ ref: main, from: undefined, to: commit }], pack)).rejects.toMatchObject({
      code: 'REMOTE_UNREACHABLE',
    })
    expect(headOf(repository)).toBeUndefined()
  })

  it('whose answer is lost may have got the push: the remote tells', async () => {
    let isLossy = false
    const { repository, url } = await serveHttp((incoming, response) => {
      if (isLossy && incoming.method === 'POST') loseAnswer(response)
      return false
    })
    const { remote } = openTestRemote(url)
    const first = await createCommitPack(undefined)
    expect(await remote.push([{ ref: main, from: undefined, to: first.commit }], first.pack)).toEqual({
      kind: 'accepted',
    })
    isLossy = true
    const second = await createCommitPack(first.commit, 'more\n')
    const outcome = await remote.push([{ ref: main, from: first.commit, to: second.commit }], second.pack)
    expect(outcome).toMatchObject({ kind: 'unknown', cause: { code: 'REMOTE_UNREACHABLE' } })
    isLossy = false
    expect((await remote.listRefs([main])).get(main)?.id).toBe(second.commit)
    expect(headOf(repository)).toBe(second.commit)
  })

  it('that never answers is given up, whatever is asked', async () => {
    let isSilent = false
    const { repository, url, server } = await serveHttp(() => isSilent)
    commitFiles(repository, { config: '{}' })
    const { remote, clone } = openTestRemote(url, { networkTimeout: 1000 })
    await remote.clone(clone, 'main')
    isSilent = true
    const error = {
      code: 'REMOTE_UNREACHABLE',
      message: expect.stringMatching(/SIGNALBOX_GIT_NETWORK_TIMEOUT/) as string,
    }
    await expect(remote.fetch('main')).rejects.toMatchObject(error)
    await expect(remote.fetchObjects(['c'.repeat(40)])).rejects.toMatchObject(error)
    await expect(remote.listRefs(['refs/'])).rejects.toMatchObject(error)
    // Nobody of us is connected any more.
    await vi.waitUntil(async () => (await server.connections()) === 0, { timeout: 20_000 })
  })

  it('is asked for refs by nobody as long as pushes succeed', async () => {
    const { url, server } = await serveHttp()
    const { remote } = openTestRemote(url)
    let head: string | undefined
    for (let at = 0; at < 3; at += 1) {
      const { commit, pack } = await createCommitPack(head, `${at}`)
      expect(await remote.push([{ ref: main, from: head, to: commit }], pack)).toEqual({ kind: 'accepted' })
      head = commit
    }
    expect(server.served.map(({ method }) => method)).toEqual(['GET', 'POST', 'POST', 'POST'])
  })

  it('is reached through the proxy of the environment, by git and by us', async () => {
    const { repository, server } = await serveHttp()
    const proxy = await startForwardProxy(server.port)
    const config = join(createTemporaryFolder(), 'config')
    writeFileSync(config, `[http]\n\tproxy = http://127.0.0.1:${await closedPort()}\n`)
    const environment = {
      ...gitEnvironment(),
      HTTP_PROXY: `http://me:hidden@127.0.0.1:${proxy.port}`,
      GIT_CONFIG_GLOBAL: config,
    }
    const url = 'http://git.signalbox.invalid/manifests.git'
    const { remote, clone } = openTestRemote(url, { environment })
    const { commit, pack } = await createCommitPack(undefined)
    expect(await remote.push([{ ref: main, from: undefined, to: commit }], pack)).toEqual({ kind: 'accepted' })
    await remote.clone(clone, 'main')
    expect(await remote.fetch('main')).toBe(headOf(repository))
    expect(new Set(proxy.asked)).toEqual(
      new Set([`git.signalbox.invalid Basic ${Buffer.from('me:hidden').toString('base64')}`]),
    )
    const { repository: other, url: otherUrl } = await serveHttp()
    const head = commitFiles(other, { config: '{}' })
    const withoutProxy = openTestRemote(otherUrl, { environment: { ...gitEnvironment(), GIT_CONFIG_GLOBAL: config } })
    expect((await withoutProxy.remote.listRefs([main])).get(main)?.id).toBe(head)
    const direct = openTestRemote(url, { environment: { ...environment, NO_PROXY: '.invalid' } })
    await expect(direct.remote.listRefs(['refs/'])).rejects.toThrow(/Nobody knows the host/)
    await expect(direct.remote.push([{ ref: main, from: commit, to: commit }], pack)).rejects.toThrow(/Nobody knows/)
    expect(() => openTestRemote(url, { environment: { ...environment, HTTP_PROXY: 'x://hidden' } })).toThrow(
      /^HTTP_PROXY must be the address of an HTTP proxy, such as /,
    )
  })
})

describe.runIf(hasSshServer)('a server over ssh', () => {
  it.each([
    [
      'no key that it knows',
      { keyFile: 'strange_key' },
      'REMOTE_DENIED',
      /Permission denied \(publickey\).*SIGNALBOX_GIT_SSH_KEY/,
    ],
    ['no key at all', { keyFile: 'none' }, 'REMOTE_DENIED', /SIGNALBOX_GIT_SSH_KEY cannot be read \(ENOENT\)/],
    ['something else for a key', { keyFile: 'sshd_config' }, 'REMOTE_DENIED', /SIGNALBOX_GIT_SSH_KEY/],
    [
      'another host key',
      { knownHostsFile: 'wrong_known_hosts' },
      'REMOTE_DENIED',
      /Host key verification failed.*SIGNALBOX_GIT_SSH_KNOWN_HOSTS/,
    ],
    [
      'no host key',
      { knownHostsFile: 'authorized_keys' },
      'REMOTE_DENIED',
      /Host key verification failed.*SIGNALBOX_GIT_SSH_KNOWN_HOSTS/,
    ],
    [
      'no file with host keys',
      { knownHostsFile: 'none' },
      'REMOTE_DENIED',
      /SIGNALBOX_GIT_SSH_KNOWN_HOSTS cannot be read/,
    ],
  ])('lets nobody in with %s', async (_, files, code, message) => {
    const { repository, url, keys } = await serveSsh()
    commitFiles(repository, { config: '{}' })
    const ssh = { keyFile: 'key', knownHostsFile: 'known_hosts', ...files }
    const { remote, clone } = openTestRemote(url, {
      ssh: { keyFile: join(keys, ssh.keyFile), knownHostsFile: join(keys, ssh.knownHostsFile) },
    })
    const { commit, pack } = await createCommitPack(undefined)
    const error = { code, message: expect.stringMatching(message) as string }
    await expect(remote.clone(clone, 'main')).rejects.toMatchObject(error)
    await expect(remote.push([{ ref: main, from: undefined, to: commit }], pack)).rejects.toMatchObject(error)
    expect(existsSync(clone)).toBe(false)
  })

  it('is believed as we say, whatever the configuration of the user says', () => {
    const config = join(createTemporaryFolder(), 'config')
    writeFileSync(
      config,
      ['StrictHostKeyChecking no', 'BatchMode no', 'UserKnownHostsFile /dev/null', 'ForwardAgent yes', ''].join('\n'),
    )
    const args = toSshArguments({ keyFile: '/a/key', knownHostsFile: '/a/known hosts', connectTimeout: 7 })
    const { stdout } = spawnSync('ssh', ['-F', config, ...args, '-G', 'git.example.com'], { encoding: 'utf8' })
    expect(stdout.split('\n')).toEqual(
      expect.arrayContaining([
        'stricthostkeychecking true',
        'batchmode yes',
        'userknownhostsfile /a/known hosts',
        'globalknownhostsfile /dev/null',
        'identityfile /a/key',
        'identitiesonly yes',
        'forwardagent no',
        'connecttimeout 7',
      ]),
    )
  })

  it('has repositories whose names would mean something to a shell', async () => {
    const { port, user, folder, options } = await serveSsh()
    const repository = createServedRepository(folder, `it's $(touch x) a "test".git`)
    const head = commitFiles(repository, { config: '{}' })
    const { remote, clone } = openTestRemote(`ssh://${user}@127.0.0.1:${port}${encodeURI(repository)}`, options)
    await remote.clone(clone, 'main')
    const { commit, pack } = await createCommitPack(head)
    expect(await remote.push([{ ref: main, from: head, to: commit }], pack)).toEqual({ kind: 'accepted' })
  })

  it('is reached with files in folders whose names would mean something to ssh', async () => {
    const { repository, url, options } = await serveSsh()
    const head = commitFiles(repository, { config: '{}' })
    const odd = join(createTemporaryFolder(), `it's 100%h "odd"`)
    mkdirSync(odd)
    const ssh = { keyFile: join(odd, 'a key'), knownHostsFile: join(odd, 'known hosts') }
    writeFileSync(ssh.keyFile, readFileSync(options.ssh.keyFile), { mode: 0o600 })
    writeFileSync(ssh.knownHostsFile, readFileSync(options.ssh.knownHostsFile))
    const { remote } = openTestRemote(url, { ssh })
    expect((await remote.listRefs(['refs/'])).get(main)?.id).toBe(head)
    const { commit, pack } = await createCommitPack(head)
    expect(await remote.push([{ ref: main, from: head, to: commit }], pack)).toEqual({ kind: 'accepted' })
  })

  it('that is not there is unreachable, and a repository that is not there is not found', async () => {
    const { url, port, options, repository } = await serveSsh()
    const { commit, pack } = await createCommitPack(undefined)
    const update = [{ ref: main, from: undefined, to: commit }]
    const away = openTestRemote(url.replace(String(port), String(await closedPort())), options).remote
    await expect(away.push(update, pack)).rejects.toMatchObject({ code: 'REMOTE_UNREACHABLE' })
    await expect(away.listRefs(['refs/'])).rejects.toMatchObject({ code: 'REMOTE_UNREACHABLE' })
    const none = openTestRemote(url.replace(repository, `${repository}-none`), options).remote
    await expect(none.push(update, pack)).rejects.toMatchObject({ code: 'REMOTE_NOT_FOUND' })
  })

  it('that breaks off before a push is unreachable, and after it has left it open', async () => {
    const { url, repository, options, server } = await serveSsh()
    const { remote } = openTestRemote(url, options)
    const head = commitFiles(repository, { config: '{}' })
    const { commit, pack } = await createCommitPack(head)
    const begun = join(repository, 'begun')
    writeHook(repository, 'pre-receive', `touch '${begun}'; exec sleep 2`)
    const pushed = remote.push([{ ref: main, from: head, to: commit }], pack)
    await vi.waitUntil(() => existsSync(begun), { timeout: 20_000 })
    server.breakConnections()
    expect(await pushed).toMatchObject({ kind: 'unknown', cause: { code: 'REMOTE_UNREACHABLE' } })
  })
})

describe.runIf(hasGit)('a repository on this machine', () => {
  it('is no less there because the clone is gone', async () => {
    const repository = createServedRepository(createTemporaryFolder())
    commitFiles(repository, { config: '{}' })
    const { remote, clone } = openTestRemote(`file://${repository}`)
    const error = { name: 'StoreUnavailableError', message: expect.stringMatching(/on this machine/) as string }
    await expect(remote.fetch('main')).rejects.toMatchObject(error)
    await remote.clone(clone, 'main')
    await remote.fetch('main')
    rmSync(clone, { recursive: true })
    await expect(remote.fetch('main')).rejects.toMatchObject(error)
    await expect(remote.fetchObjects(['c'.repeat(40)])).rejects.toMatchObject(error)
  })

  it('leaves nothing of a clone behind that git left', async () => {
    const repository = createServedRepository(createTemporaryFolder())
    commitFiles(repository, { config: '{}' })
    const folder = createTemporaryFolder()
    const real = (process.env['PATH'] ?? '').split(':').find((path) => existsSync(join(path, 'git'))) ?? ''
    const script = `#!/bin/sh\nif [ "$1" = clone ]; then eval "mkdir -p \\"\\\${$#}/objects\\""; exit 1; fi\nexec '${real}/git' "$@"\n`
    writeFileSync(join(folder, 'git'), script, { mode: 0o755 })
    const environment = { ...gitEnvironment(), PATH: `${folder}:${process.env['PATH'] ?? ''}` }
    const { remote, clone } = openTestRemote(`file://${repository}`, { environment })
    await expect(remote.clone(clone, 'main')).rejects.toThrow(/git clone failed: it said nothing/)
    expect(existsSync(clone)).toBe(false)
    // What was there before is nobody's to remove.
    mkdirSync(clone)
    writeFileSync(join(clone, 'mine'), '')
    await expect(remote.clone(clone, 'main')).rejects.toThrow(/is not empty/)
    expect(existsSync(join(clone, 'mine'))).toBe(true)
  })

  it.runIf(process.getuid?.() === 0)('that belongs to somebody else is denied, with advice', async () => {
    const repository = createServedRepository(createTemporaryFolder())
    commitFiles(repository, { config: '{}' })
    chownSync(repository, 65_534, 65_534)
    const { remote } = openTestRemote(`file://${repository}`)
    const { commit, pack } = await createCommitPack(undefined)
    const error = { code: 'REMOTE_DENIED', message: expect.stringMatching(/safe\.directory/) as string }
    await expect(remote.listRefs(['refs/'])).rejects.toMatchObject(error)
    await expect(remote.push([{ ref: main, from: undefined, to: commit }], pack)).rejects.toMatchObject(error)
  })
})

const ends = /because Signalbox ends/

function writeHook(repository: string, name: string, script: string): void {
  writeFileSync(join(repository, 'hooks', name), `#!/bin/sh\n${script}\n`)
  chmodSync(join(repository, 'hooks', name), 0o755)
}

async function serveHttp(intercept?: (incoming: IncomingMessage, response: ServerResponse) => boolean) {
  const folder = createTemporaryFolder()
  const server = await startTestGitHttpServer({ folder, ...(intercept !== undefined && { intercept }) })
  return { repository: createServedRepository(folder), url: `${server.url}/manifests.git`, server }
}

async function serveSsh() {
  const folder = createTemporaryFolder()
  const keys = join(folder, 'keys')
  mkdirSync(keys)
  const server = await startSshServer(keys)
  onTestFinished(() => server.close())
  const { port, user, keyFile, knownHostsFile } = server
  const repository = createServedRepository(folder)
  const url = `ssh://${user}@127.0.0.1:${port}${repository}`
  return { folder, keys, port, user, repository, url, server, options: { ssh: { keyFile, knownHostsFile } } }
}

/** The server does what it is asked; nobody hears of it. */
function loseAnswer(response: ServerResponse): void {
  response.writeHead = () => response
  response.write = () => true
  response.end = () => response.destroy()
}

async function closedPort(): Promise<number> {
  const server = createSocketServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Knows one host alone, whatever it is called, and writes down for which it was asked and by whom. */
async function startForwardProxy(target: number): Promise<{ port: number; asked: readonly string[] }> {
  const asked: string[] = []
  const proxy = createServer((incoming, response) => {
    if (incoming.headers['proxy-authorization'] === undefined) {
      incoming.resume()
      response.writeHead(407, { 'Proxy-Authenticate': 'Basic realm="proxy"' }).end()
      return
    }
    const { hostname, pathname, search } = new URL(incoming.url ?? '')
    asked.push(`${hostname} ${incoming.headers['proxy-authorization'] ?? ''}`)
    const { method, headers } = incoming
    const outgoing = request({ port: target, host: '127.0.0.1', path: `${pathname}${search}`, method, headers })
    outgoing.on('response', (answer) => answer.pipe(response.writeHead(answer.statusCode ?? 0, answer.headers)))
    incoming.pipe(outgoing)
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    proxy.closeAllConnections()
    proxy.close()
  })
  return { port: (proxy.address() as AddressInfo).port, asked }
}
