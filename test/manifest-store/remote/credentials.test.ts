import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { SystemGitRemote, SystemGitRemoteOptions } from '../../../src/manifest-store/remote/system-git-remote.ts'
import { startRecordingServer } from '../../cli/recording-server.ts'
import { createServedRepository, hasGitHttpBackend, startTestGitHttpServer } from '../../support/git-http-server.ts'
import { openTestRemote } from '../../support/git-remotes.ts'
import { commitFiles, createCommitPack, headOf } from '../../support/push-to.ts'
import { createTemporaryFolder, gitEnvironment } from '../../support/real-git.ts'
import { selfSigned } from '../../support/self-signed.ts'

const main = 'refs/heads/main'
const secret = 'T0p-s3cr3t'

describe.runIf(hasGitHttpBackend)('who we are to a server', () => {
  it('is told with a token, for all that is asked', async () => {
    const { repository, open, server } = await serve()
    const head = commitFiles(repository, { config: '{}', manifest: 'x'.repeat(5000) })
    const { remote, clone } = open({ credentials: { username: undefined, token: { value: secret } } })
    await remote.clone(clone, 'main')
    expect(await remote.fetch('main')).toBe(head)
    expect([...(await remote.listRefs(['refs/'])).keys()]).toEqual([main])
    const { commit, pack } = await createCommitPack(head)
    expect(await remote.push([{ ref: main, from: head, to: commit }], pack)).toEqual({ kind: 'accepted' })
    await remote.fetchObjects([head])
    expect(headOf(repository)).toBe(commit)
    expect(new Set(server.served.map(({ authorization }) => authorization))).toEqual(
      new Set([`Basic ${Buffer.from(`x-access-token:${secret}`).toString('base64')}`]),
    )
  })

  it('is told with a name beside the token', async () => {
    const { open } = await serve({ isAllowed: (username, password) => username === 'deploy' && password === secret })
    const right = open({ credentials: { username: 'deploy', token: { value: secret } } }).remote
    await right.listRefs(['refs/'])
    await expectDenied(open({ credentials: { username: 'else', token: { value: secret } } }).remote)
  })

  it('is told with a token in a file that may change', async () => {
    const { open, allow } = await serve()
    const file = join(createTemporaryFolder(), 'token')
    const { remote } = open({ credentials: { username: undefined, token: { file } } })
    await expectDenied(remote, /SIGNALBOX_GIT_TOKEN_FILE cannot be read \(ENOENT\)/)
    for (const bad of ['', 'two words', 'two\nlines', '\u001b[31m', 'x'.repeat(100_000)]) {
      writeFileSync(file, bad)
      await expectDenied(remote, /SIGNALBOX_GIT_TOKEN_FILE must hold a token and nothing else/)
    }
    writeFileSync(file, `${secret}\n`)
    const first = await createCommitPack(undefined)
    expect(await remote.push([{ ref: main, from: undefined, to: first.commit }], first.pack)).toEqual({
      kind: 'accepted',
    })
    allow('another')
    const second = await createCommitPack(first.commit, 'more\n')
    const update = [{ ref: main, from: first.commit, to: second.commit }]
    await expect(remote.push(update, second.pack)).rejects.toMatchObject({ code: 'REMOTE_DENIED' })
    writeFileSync(file, 'another')
    expect(await remote.push(update, second.pack)).toEqual({ kind: 'accepted' })
    expect((await remote.listRefs(['refs/'])).get(main)?.id).toBe(second.commit)
  })

  it('must be told, and must be right', async () => {
    const { open } = await serve()
    await expectDenied(open().remote, /Check the credentials: .*SIGNALBOX_GIT_TOKEN_FILE/)
    await expectDenied(
      open({ credentials: { username: undefined, token: { value: 'wrong' } } }).remote,
      /Check the cred/,
    )
  })

  it('is known by the credential helpers of git', async () => {
    const { repository, open, url, allow } = await serve()
    const head = commitFiles(repository, { config: '{}' })
    const home = createTemporaryFolder()
    const store = join(home, 'store')
    const config = join(home, 'config')
    writeFileSync(store, url.replace('://', `://me:${secret}@`))
    writeFileSync(config, `[credential]\n\thelper = store --file ${store}\n`)
    const { remote, clone } = open({ environment: { ...gitEnvironment(), GIT_CONFIG_GLOBAL: config } })
    await remote.clone(clone, 'main')
    const next = await createCommitPack(head)
    expect(await remote.push([{ ref: main, from: head, to: next.commit }], next.pack)).toEqual({ kind: 'accepted' })
    expect(readFileSync(store, 'utf8')).toContain(secret)
    // What no longer helps is given back, and the helper forgets it.
    allow('another')
    const last = await createCommitPack(next.commit, 'more\n')
    const update = [{ ref: main, from: next.commit, to: last.commit }]
    await expect(remote.push(update, last.pack)).rejects.toMatchObject({ code: 'REMOTE_DENIED' })
    expect(readFileSync(store, 'utf8')).not.toContain(secret)
    writeFileSync(store, url.replace('://', '://me:another@'))
    expect(await remote.push(update, last.pack)).toEqual({ kind: 'accepted' })
  })

  it('is told to no other server', async () => {
    const { url, open } = await serve()
    const other = await startRecordingServer({ status: 401, headers: { 'WWW-Authenticate': 'Basic realm="x"' } })
    const { port } = new URL(url)
    const redirecting = await startRecordingServer((request, response) => {
      const target = request.url.startsWith('/away') ? other.url : `http://127.0.0.1:${port}`
      response.writeHead(302, { Location: `${target}${request.url.replace(/^\/(away|here)/u, '')}` }).end()
    })
    const token = { credentials: { username: undefined, token: { value: secret } } }
    const away = openTestRemote(`${redirecting.url}/away/manifests.git`, token)
    await expectDenied(away.remote)
    expect(other.requests.length).toBeGreaterThan(1)
    expect(other.requests.map(({ headers }) => headers.authorization)).toEqual(other.requests.map(() => undefined))
    // Another port is another server.
    await expectDenied(openTestRemote(`${redirecting.url}/here/manifests.git`, token).remote)
    await open(token).remote.listRefs([''])
  })

  it('is told on when a server says that the repository has moved within it', async () => {
    const { repository, url } = await serve({
      intercept: (request, response) => {
        if (request.url?.startsWith('/old.git/info/refs') !== true) return false
        response.writeHead(301, { Location: request.url.replace('/old.git', '/manifests.git') }).end()
        return true
      },
    })
    const { remote } = openTestRemote(url.replace('/manifests.git', '/old.git'), {
      credentials: { username: undefined, token: { value: secret } },
    })
    const { commit, pack } = await createCommitPack(undefined)
    expect(await remote.push([{ ref: main, from: undefined, to: commit }], pack)).toEqual({ kind: 'accepted' })
    expect(headOf(repository)).toBe(commit)
    expect((await remote.listRefs(['refs/'])).get(main)?.id).toBe(commit)
  })
})

describe.runIf(hasGitHttpBackend)('a secret', () => {
  it('is in no argument, no file of the clone, no message and no log', async () => {
    const { repository, open } = await serve()
    const head = commitFiles(repository, { config: '{}', manifest: 'x'.repeat(5000) })
    const { folder, calls } = recordGit()
    const environment = { ...gitEnvironment(), PATH: `${folder}:${process.env['PATH'] ?? ''}` }
    const credentials = { username: undefined, token: { value: secret } }
    const { remote, clone, log } = open({ credentials, environment })
    await remote.clone(clone, 'main')
    await remote.fetch('main')
    await remote.fetchObjects([head])
    await remote.listRefs(['refs/'])
    const { commit, pack } = await createCommitPack(head)
    await remote.push([{ ref: main, from: head, to: commit }], pack)
    expect(calls()).toMatch(/clone[^]*fetch[^]*ls-remote/)
    expect(calls()).not.toContain(secret)
    expect(calls()).not.toContain(Buffer.from(secret).toString('base64').slice(0, 10))
    expect(filesIn(clone).filter((file) => readFileSync(file).includes(secret))).toEqual([])
    expect(JSON.stringify(log)).not.toContain(secret)
  })

  it.each(['as it is', 'in base64'])('is in no message when the server repeats it %s', async (form) => {
    const basic = Buffer.from(`x-access-token:${secret}`).toString('base64')
    const echo = form === 'as it is' ? secret : basic
    const server = await startRecordingServer({
      status: 403,
      headers: { 'Content-Type': 'text/plain' },
      body: `who is ${echo}?`,
    })
    const { remote } = openTestRemote(`${server.url}/x.git`, {
      credentials: { username: undefined, token: { value: secret } },
    })
    const messages = await failuresOf(remote)
    expect(messages.join('\n')).toContain('who is ***?')
    expect(messages.join('\n')).not.toContain(echo)
  })

  it('is not asked for: neither a terminal nor a program that shows a window', async () => {
    const { open } = await serve()
    const folder = createTemporaryFolder()
    const asked = join(folder, 'asked')
    const program = join(folder, 'ask')
    writeFileSync(program, `#!/bin/sh\ntouch ${asked}\necho x\n`)
    chmodSync(program, 0o755)
    const config = join(folder, 'config')
    writeFileSync(config, `[core]\n\taskPass = ${program}\n`)
    const asking = {
      GIT_ASKPASS: program,
      SSH_ASKPASS: program,
      SSH_ASKPASS_REQUIRE: 'force',
      DISPLAY: ':0',
      GIT_TERMINAL_PROMPT: '1',
      GIT_CONFIG_GLOBAL: config,
    }
    await expectDenied(open({ environment: { ...gitEnvironment(), ...asking } }).remote)
    expect(existsSync(asked)).toBe(false)
  })
})

describe.runIf(hasGitHttpBackend)('a server with TLS', () => {
  it('is believed when its certificate is, by git and by us', async () => {
    const folder = createTemporaryFolder()
    const repository = createServedRepository(folder)
    const { url } = await startTestGitHttpServer({ folder, isTls: true })
    const certificateAuthorityFile = join(folder, 'ca.pem')
    writeFileSync(certificateAuthorityFile, selfSigned.cert)
    const { remote, clone } = openTestRemote(`${url}/manifests.git`, { certificateAuthorityFile })
    const { commit, pack } = await createCommitPack(undefined)
    expect(await remote.push([{ ref: main, from: undefined, to: commit }], pack)).toEqual({ kind: 'accepted' })
    await remote.clone(clone, 'main')
    expect(headOf(clone)).toBe(headOf(repository))
    await expectDenied(openTestRemote(`${url}/manifests.git`).remote, /SIGNALBOX_GIT_CA_FILE/)
    const missing = openTestRemote(`${url}/manifests.git`, { certificateAuthorityFile: join(folder, 'none') })
    await expect(missing.remote.push([], pack)).rejects.toThrow(/SIGNALBOX_GIT_CA_FILE cannot be read \(ENOENT\)/)
  })
})

/** A served repository whose only key is the secret, until another is allowed. */
async function serve(options: Partial<Parameters<typeof startTestGitHttpServer>[0]> = {}) {
  const folder = createTemporaryFolder()
  let allowed = secret
  const server = await startTestGitHttpServer({
    folder,
    isAllowed: (_, password) => password === allowed,
    ...options,
  })
  const url = `${server.url}/manifests.git`
  return {
    repository: createServedRepository(folder),
    url,
    server,
    open: (own?: Partial<SystemGitRemoteOptions>) => openTestRemote(url, own),
    allow: (password: string) => void (allowed = password),
  }
}

/** What all that can be asked fails with. */
async function failuresOf(remote: SystemGitRemote): Promise<readonly string[]> {
  const { commit, pack } = await createCommitPack(undefined)
  const clone = join(createTemporaryFolder(), 'clone.git')
  const all = [
    () => remote.listRefs(['refs/']),
    () => remote.clone(clone, 'main'),
    () => remote.push([{ ref: main, from: undefined, to: commit }], pack),
  ]
  const messages: string[] = []
  for (const ask of all) {
    await ask().then(
      (value) => expect.unreachable(JSON.stringify(value)),
      (error: unknown) => {
        expect(error).toMatchObject({ name: 'RemoteError', code: 'REMOTE_DENIED' })
        messages.push((error as Error).message)
      },
    )
  }
  expect(existsSync(clone)).toBe(false)
  return messages
}

async function expectDenied(remote: SystemGitRemote, message = /./): Promise<void> {
  for (const text of await failuresOf(remote)) expect(text).toMatch(message)
}

/** A git that writes down with which arguments it is called, and then does as it should. */
function recordGit(): { folder: string; calls: () => string } {
  const folder = join(createTemporaryFolder(), 'bin')
  mkdirSync(folder)
  const log = join(folder, 'calls')
  const real = (process.env['PATH'] ?? '').split(':').find((path) => existsSync(join(path, 'git'))) ?? ''
  writeFileSync(join(folder, 'git'), `#!/bin/sh\necho "$@" >> '${log}'\nexec '${real}/git' "$@"\n`)
  chmodSync(join(folder, 'git'), 0o755)
  return { folder, calls: () => readFileSync(log, 'utf8') }
}

function filesIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}
