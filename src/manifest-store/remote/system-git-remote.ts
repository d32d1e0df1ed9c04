import { readdir, readFile, rm, stat } from 'node:fs/promises'
import { resolve, sep } from 'node:path'
import type { ObjectId } from '../../core/object-id.ts'
import { ProxyAddressError, proxyFor } from '../../network/proxy.ts'
import { hasCode } from '../git/durable-file.ts'
import { readRef } from '../git/ref-file.ts'
import type { StoreLog } from '../git-manifest-store.ts'
import { RepositoryRefusedError } from '../store-errors.ts'
import { bareEnvironment, gitEnvironment } from './child-environment.ts'
import type { FixedCredentials } from './credentials.ts'
import { readFixedCredentials, secretsOf } from './credentials.ts'
import { GitCredentialHelpers } from './git-credential.ts'
import type { GitRemote, PushOutcome, RefUpdate, RemoteRef } from './git-remote.ts'
import { RemoteError } from './git-remote.ts'
import { HttpAuthorization } from './http-authorization.ts'
import { pushOverChild } from './push-over-child.ts'
import { HttpPush } from './push-over-http.ts'
import type { RemoteConfig } from './remote-config.ts'
import { toEndError, toGitError } from './remote-failure.ts'
import type { ChildEnd } from './run-child.ts'
import { runChild } from './run-child.ts'
import type { SshOptions } from './ssh-command.ts'
import { toRemoteCommand, toSshArguments } from './ssh-command.ts'

export interface SystemGitRemoteOptions extends RemoteConfig {
  /** The clone that `fetch` and `fetchObjects` work in. */
  readonly gitDirectory: string
  /** Of this process: programs get what they need of it. */
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly log: StoreLog
}

/** Refs are a line each: as much as half a million take. */
const maximumOutput = 64 * 1024 * 1024

/** How many times the network timeout a clone may take, as long as something comes. */
const cloneTimeouts = 60

/**
 * A remote that is read with the system's git, and written by our own push: git would send copied manifests again, and would
 * have to download them before.
 */
export class SystemGitRemote implements GitRemote {
  readonly url: string
  readonly #options: SystemGitRemoteOptions
  readonly #ssh: SshOptions
  readonly #proxy: URL | undefined
  readonly #httpPush: HttpPush | undefined
  readonly #closing = new AbortController()
  /** What fetches into the clone, one after the other: git locks some of its files, and does not wait for them. */
  #fetching: Promise<unknown> = Promise.resolve()
  #hasNamedRemote = false

  /** Speaks with nobody yet. Throws RepositoryRefusedError when the environment names no proper proxy. */
  constructor(options: SystemGitRemoteOptions) {
    const { address, networkTimeout } = options
    this.url = address.url
    this.#options = options
    this.#ssh = { ...options.ssh, connectTimeout: Math.max(1, Math.min(30, Math.floor(networkTimeout / 1000))) }
    this.#proxy = address.kind === 'http' ? this.#findProxy(new URL(address.url)) : undefined
    this.#httpPush = address.kind === 'http' ? this.#createHttpPush(address.url) : undefined
  }

  async clone(gitDirectory: string, branch: string | undefined): Promise<void> {
    await assertEmpty(gitDirectory)
    const source = await this.#findBranch(branch)
    const { cloneFilter } = this.#options
    try {
      await this.#cloneBranch(gitDirectory, source, cloneFilter).catch(async (error: unknown) => {
        if (cloneFilter === undefined || !(error instanceof RemoteError) || !/filter/iu.test(error.message)) throw error
        this.#warnOfFilter(error.message)
        await rm(gitDirectory, { recursive: true, force: true })
        await this.#cloneBranch(gitDirectory, source, undefined)
      })
      if (source.commit === undefined && branch !== undefined) {
        await this.#git('git symbolic-ref', ['--git-dir', gitDirectory, 'symbolic-ref', 'HEAD', `refs/heads/${branch}`])
      }
    } catch (error) {
      await rm(gitDirectory, { recursive: true, force: true }).catch(() => undefined)
      throw error
    }
  }

  fetch(branch: string): Promise<ObjectId | undefined> {
    const { gitDirectory } = this.#options
    const tracking = `refs/remotes/origin/${branch}`
    return this.#afterOtherFetches(async () => {
      const refspec = `+refs/heads/${branch}:${tracking}`
      const end = await this.#runFetch([...this.#fetchArguments(), 'origin', refspec])
      if (end.code === 0) return readRef(gitDirectory, tracking)
      if (!/couldn't find remote ref/iu.test(end.errors)) throw toGitError('git fetch', end.errors, end.secrets)
      await this.#git('git update-ref', ['--git-dir', gitDirectory, 'update-ref', '-d', tracking])
      return undefined
    })
  }

  async fetchObjects(ids: readonly ObjectId[]): Promise<void> {
    if (ids.length === 0) return
    const { cloneFilter } = this.#options
    const filter = cloneFilter === undefined ? [] : [`--filter=${cloneFilter}`]
    await this.#afterOtherFetches(async () => {
      // Of a commit not its history. What we have is no help to the server, and takes long to tell.
      const args = ['-c', 'fetch.negotiationAlgorithm=noop', ...this.#fetchArguments(), '--depth=1', ...filter]
      const end = await this.#runFetch([...args, '--stdin', 'origin'], `${ids.join('\n')}\n`)
      if (end.code !== 0) throw toGitError('git fetch', end.errors, end.secrets)
    })
  }

  async listRefs(prefixes: readonly string[]): Promise<ReadonlyMap<string, RemoteRef>> {
    const refs = new Map<string, RemoteRef>()
    const flags = { 'refs/heads/': '--heads', 'refs/tags/': '--tags' }
    const kinds = Object.keys(flags).filter((kind) => prefixes.some((prefix) => prefix.startsWith(kind)))
    const isNarrow = prefixes.every((prefix) => kinds.some((kind) => prefix.startsWith(kind)))
    // Servers have many more refs than these, for reviews for example.
    const narrowing = Object.entries(flags).flatMap(([kind, flag]) => (kinds.includes(kind) ? [flag] : []))
    const { lines } = await this.#listRemote(isNarrow ? narrowing : [])
    for (const { id, name } of lines) {
      if (!prefixes.some((prefix) => name.startsWith(prefix))) continue
      const tag = name.endsWith('^{}') ? name.slice(0, -3) : undefined
      const known = tag === undefined ? undefined : refs.get(tag)
      if (tag === undefined) refs.set(name, { id })
      else if (known !== undefined) refs.set(tag, { ...known, peeled: id })
    }
    return refs
  }

  async push(updates: readonly RefUpdate[], pack: Uint8Array): Promise<PushOutcome> {
    if (this.#httpPush !== undefined) return this.#httpPush.push(updates, pack)
    const { address, environment, networkTimeout: timeout } = this.#options
    const common = { environment: bareEnvironment(environment), timeout, signal: this.#closing.signal }
    if (address.kind === 'ssh') {
      await this.#assertSshFiles()
      const args = [...toSshArguments(this.#ssh), ...toRemoteCommand(address, 'git-receive-pack')]
      return pushOverChild({ ...common, command: 'ssh', args }, updates, pack)
    }
    const path = address.kind === 'file' ? address.path : address.url
    return pushOverChild({ ...common, command: 'git', args: ['receive-pack', path] }, updates, pack)
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#fetching
  }

  /** Which branch a clone is to have. Throws RepositoryRefusedError when it is none that the remote has. */
  async #findBranch(branch: string | undefined): Promise<{ name: string | undefined; commit: string | undefined }> {
    const { lines, head } = await this.#listRemote(['--symref'])
    const branches = new Map(
      lines.flatMap(({ id, name }) => (name.startsWith('refs/heads/') ? [[name.slice(11), id] as const] : [])),
    )
    const name = branch ?? head
    const commit = name === undefined ? undefined : branches.get(name)
    if (commit !== undefined || branches.size === 0) return { name, commit }
    const names = [...branches.keys()].toSorted().slice(0, 20).join(', ')
    throw new RepositoryRefusedError(
      name === undefined
        ? `the HEAD of ${this.url} names no branch. Name the one to serve in SIGNALBOX_BRANCH; it has: ${names}`
        : `${this.url} has no branch '${name}'; it has: ${names}. Name one of them in SIGNALBOX_BRANCH`,
    )
  }

  async #cloneBranch(
    gitDirectory: string,
    { name, commit }: { name: string | undefined; commit: string | undefined },
    filter: string | undefined,
  ): Promise<void> {
    const { cloneDepth } = this.#options
    const args = [
      'clone',
      '--bare',
      '--progress',
      '--no-tags',
      '--single-branch',
      '--template=',
      // A remote without commits has nothing to choose from.
      ...(commit === undefined || name === undefined ? [] : ['--branch', name]),
      ...(cloneDepth === undefined ? [] : [`--depth=${cloneDepth}`]),
      ...(filter === undefined ? [] : [`--filter=${filter}`]),
      '--',
      this.url,
      gitDirectory,
    ]
    const { errors } = await this.#git('git clone', args, { isLong: true })
    if (/filtering not recognized/iu.test(errors)) this.#warnOfFilter('the server does not know filters')
  }

  #warnOfFilter(reason: string): void {
    this.#options.log.warn(
      { repository: this.url, filter: this.#options.cloneFilter, reason },
      'the server does not filter: the clone has all files, manifests too. Allow it there with git config uploadpack.allowFilter true',
    )
  }

  async #listRemote(flags: readonly string[]) {
    const { output } = await this.#git('git ls-remote', ['ls-remote', '--quiet', ...flags, '--', this.url])
    const lines: { readonly id: string; readonly name: string }[] = []
    let head: string | undefined
    for (const line of output.split('\n')) {
      const [, symbolic] = /^ref: refs\/heads\/(\S+)\tHEAD$/u.exec(line) ?? []
      head ??= symbolic
      const [, id, name] = /^([0-9a-f]{40})\t(\S+)$/u.exec(line) ?? []
      if (id !== undefined && name !== undefined) lines.push({ id, name })
    }
    return { lines, head }
  }

  /** A git that was killed leaves its lock file behind, and none of ours runs in this clone at this moment. */
  async #runFetch(args: readonly string[], input?: string): Promise<Ended> {
    const options = { isLong: true, ...(input !== undefined && { input }) }
    const end = await this.#run('git fetch', args, options)
    const [, lock] = end.code === 0 ? [] : (/Unable to create '([^']+\.lock)': File exists/u.exec(end.errors) ?? [])
    if (lock === undefined || !(await this.#removeStaleLock(lock))) return end
    return this.#run('git fetch', args, options)
  }

  async #removeStaleLock(lock: string): Promise<boolean> {
    const { gitDirectory, networkTimeout, log } = this.#options
    const path = resolve(lock)
    const age = Date.now() - ((await stat(path).catch(() => undefined))?.mtimeMs ?? Infinity)
    // A git of somebody else, such as a `git gc`, holds it for a moment.
    if (!path.startsWith(`${resolve(gitDirectory)}${sep}`) || age < Math.max(60_000, 2 * networkTimeout)) return false
    await rm(path, { force: true })
    log.warn({ path }, 'removed a lock file that a git which was killed left in the clone')
    return true
  }

  #fetchArguments(): string[] {
    return [
      '--git-dir',
      this.#options.gitDirectory,
      'fetch',
      '--progress',
      '--no-tags',
      '--no-write-fetch-head',
      '--no-auto-maintenance',
      '--refmap=',
    ]
  }

  async #afterOtherFetches<Result>(act: () => Promise<Result>): Promise<Result> {
    const mine = this.#fetching.then(async () => {
      await this.#nameRemote()
      return act()
    })
    this.#fetching = mine.catch(() => undefined)
    return mine
  }

  /** The address may have changed since the clone was made. */
  async #nameRemote(): Promise<void> {
    if (this.#hasNamedRemote) return
    const { gitDirectory } = this.#options
    await this.#git('git config', ['--git-dir', gitDirectory, 'config', 'remote.origin.url', this.url])
    this.#hasNamedRemote = true
  }

  /** Runs git, and throws what it says when it fails. */
  async #git(what: string, args: readonly string[], options: RunOptions = {}) {
    const end = await this.#run(what, args, options)
    if (end.code !== 0) throw toGitError(what, end.errors, end.secrets)
    return { output: end.output.toString('utf8'), errors: end.errors }
  }

  async #run(what: string, args: readonly string[], { input, isLong = false }: RunOptions = {}): Promise<Ended> {
    await this.#assertSshFiles()
    const { networkTimeout, address, environment, certificateAuthorityFile } = this.#options
    const credentials = await this.#readCredentials()
    const secrets = [...secretsOf(credentials), ...passwordOf(this.#proxy)]
    const end = await runChild({
      command: 'git',
      args,
      environment: gitEnvironment({
        address,
        environment,
        ssh: this.#ssh,
        proxy: this.#proxy,
        certificateAuthorityFile,
        credentials,
      }),
      ...(input !== undefined && { input }),
      timeout: isLong ? networkTimeout * cloneTimeouts : networkTimeout,
      ...(isLong && { silenceTimeout: networkTimeout }),
      maximumOutput,
      signal: this.#closing.signal,
    })
    if (end.kind !== 'ended') throw toEndError(what, end, secrets)
    return { ...end, secrets }
  }

  async #readCredentials(): Promise<FixedCredentials | undefined> {
    const { address, credentials } = this.#options
    return address.kind === 'http' ? readFixedCredentials(credentials) : undefined
  }

  /** ssh tells in many ways that it cannot read a file, and goes on without it. */
  async #assertSshFiles(): Promise<void> {
    const { address, ssh } = this.#options
    if (address.kind !== 'ssh') return
    await assertReadable(ssh.keyFile, 'SIGNALBOX_GIT_SSH_KEY')
    await assertReadable(ssh.knownHostsFile, 'SIGNALBOX_GIT_SSH_KNOWN_HOSTS')
  }

  #createHttpPush(url: string): HttpPush {
    const { networkTimeout, certificateAuthorityFile, credentials } = this.#options
    const own = new URL(url)
    return new HttpPush({
      url,
      authorize: (base) =>
        new HttpAuthorization(
          () => (base.origin === own.origin ? this.#readCredentials() : Promise.resolve(undefined)),
          new GitCredentialHelpers(
            async (verb, input) => (await this.#git(`git credential ${verb}`, ['credential', verb], { input })).output,
            base,
            credentials.username,
          ),
        ),
      findProxy: (to) => this.#findProxy(to),
      readCertificateAuthorities: async () =>
        certificateAuthorityFile === undefined
          ? undefined
          : (await assertReadable(certificateAuthorityFile, 'SIGNALBOX_GIT_CA_FILE')).toString('utf8'),
      timeoutSeconds: networkTimeout / 1000,
      signal: this.#closing.signal,
    })
  }

  #findProxy(url: URL): URL | undefined {
    try {
      return proxyFor(url, this.#options.environment)
    } catch (error) {
      if (error instanceof ProxyAddressError) throw new RepositoryRefusedError(error.message, { cause: error })
      throw error
    }
  }
}

interface RunOptions {
  readonly input?: string
  /** Whether it may go on as long as something comes. */
  readonly isLong?: boolean
}

type Ended = Extract<ChildEnd, { kind: 'ended' }> & { readonly secrets: readonly string[] }

async function assertEmpty(folder: string): Promise<void> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return []
    throw error
  })
  if (names.length > 0) throw new RepositoryRefusedError(`${folder} is not empty: a clone is made into a new folder`)
}

/** In both forms in which it may be repeated. */
function passwordOf(url: URL | undefined): readonly string[] {
  return url === undefined ? [] : [url.password, decodeURIComponent(url.password)]
}

/** Answers its content. */
async function assertReadable(path: string | undefined, variable: string): Promise<Buffer> {
  if (path === undefined) return Buffer.alloc(0)
  return readFile(path).catch((cause: unknown) => {
    const { code = 'unreadable' } = cause as NodeJS.ErrnoException
    throw new RemoteError(
      'REMOTE_DENIED',
      `the file ${path} in ${variable} cannot be read (${code}). It must exist, and be readable for this user`,
      { cause },
    )
  })
}
