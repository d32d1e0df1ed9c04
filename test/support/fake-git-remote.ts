import { createHash, randomUUID } from 'node:crypto'
import fs, { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import isomorphicGit from 'isomorphic-git'
import type { ObjectId } from '../../src/core/object-id.ts'
import { parseCommit } from '../../src/manifest-store/git/commit.ts'
import { ObjectMissingError, PathConflictError } from '../../src/manifest-store/git/git-errors.ts'
import type { GitObject } from '../../src/manifest-store/git/git-object.ts'
import { ObjectReader } from '../../src/manifest-store/git/object-reader.ts'
import { buildPack } from '../../src/manifest-store/git/pack-file.ts'
import { listRefFiles, moveRef, readRef } from '../../src/manifest-store/git/ref-file.ts'
import { isTree, parseTree } from '../../src/manifest-store/git/tree.ts'
import { writePack } from '../../src/manifest-store/git/write-pack.ts'
import type { GitRemote, PushOutcome, RefUpdate, RemoteRef } from '../../src/manifest-store/remote/git-remote.ts'
import { RemoteError } from '../../src/manifest-store/remote/git-remote.ts'
import { createTemporaryFolder } from './real-git.ts'

/** What becomes of one push instead of what should. */
export type PushFault =
  /** Done, but the answer is lost. */
  | 'lose-answer'
  /** Never arrives, and nobody knows. */
  | 'lose-request'
  /** Arrives when `deliver` is called, and nobody knows. */
  | 'delay'
  | 'unreachable'
  | 'denied'
  | PushOutcome

/** A git server on this disk, without git: a bare repository that fakes are clients of. */
export class FakeGitServer {
  readonly gitDirectory: string
  readonly #reader: ObjectReader
  /** Says why, where a commit is not taken; asked for each commit of a push. */
  refuses: (commit: ReturnType<typeof parseCommit>) => string | undefined = () => undefined

  private constructor(gitDirectory: string) {
    this.gitDirectory = gitDirectory
    this.#reader = new ObjectReader(gitDirectory)
  }

  /** Inside of a test only. */
  static async create(): Promise<FakeGitServer> {
    const gitDirectory = join(createTemporaryFolder(), 'server.git')
    await isomorphicGit.init({ fs, gitdir: gitDirectory, bare: true, defaultBranch: 'main' })
    return new FakeGitServer(gitDirectory)
  }

  head(branch = 'main'): Promise<ObjectId | undefined> {
    return readRef(this.gitDirectory, `refs/heads/${branch}`)
  }

  /** Moves a branch by force, or deletes it. */
  async setBranch(commit: ObjectId | undefined, branch = 'main'): Promise<void> {
    const ref = `refs/heads/${branch}`
    if (commit === undefined) rmSync(join(this.gitDirectory, ref))
    else await moveRef({ gitDirectory: this.gitDirectory, ref, from: await this.head(branch), to: commit })
  }

  async read(id: ObjectId): Promise<GitObject> {
    return { id, ...(await this.#reader.read(id)) }
  }

  async receive(updates: readonly RefUpdate[], pack: Uint8Array): Promise<PushOutcome> {
    const name = createHash('sha1').update(pack.subarray(0, -20)).digest('hex')
    const filepath = `objects/pack/pack-${name}.pack`
    mkdirSync(join(this.gitDirectory, 'objects/pack'), { recursive: true })
    writeFileSync(join(this.gitDirectory, filepath), pack)
    await isomorphicGit.indexPack({ fs, dir: this.gitDirectory, gitdir: this.gitDirectory, filepath })
    for (const { ref, from } of updates) {
      if ((await readRef(this.gitDirectory, ref)) !== from) return { kind: 'moved', reason: 'it is elsewhere' }
    }
    for (const { from, to } of updates) {
      for (let id: ObjectId | undefined = to; id !== undefined && id !== from;) {
        const commit: ReturnType<typeof parseCommit> = parseCommit((await this.read(id)).data)
        const reason = this.refuses(commit)
        if (reason !== undefined) return { kind: 'refused', reason }
        id = commit.parents[0]
      }
    }
    // The branch last: what is in the way of a tag is found before it has moved.
    for (const { ref, from, to } of updates.toReversed()) {
      const outcome = await moveRef({ gitDirectory: this.gitDirectory, ref, from, to }).catch((error: unknown) => {
        if (error instanceof PathConflictError) return 'moved'
        throw error
      })
      // Others push at the same time.
      if (outcome === 'moved') return { kind: 'moved', reason: 'it is elsewhere' }
    }
    return { kind: 'accepted' }
  }
}

interface FakeOptions {
  readonly server: FakeGitServer
  /** Of the clone that it is for. */
  readonly gitDirectory: string
  /** Blobs of more bytes are left out of the clone. */
  readonly blobLimit?: number
  /** How many commits the clone has. */
  readonly depth?: number
}

/** A client of the fake server that fails as it is told to. */
export class FakeGitRemote implements GitRemote {
  readonly url = 'https://git.example.com/manifests.git'
  readonly #options: FakeOptions
  /** What happens to the next pushes, the first first. */
  faults: PushFault[] = []
  isDown = false
  /** How often each method was called. */
  readonly calls = { clone: 0, fetch: 0, fetchObjects: 0, listRefs: 0, push: 0 }
  readonly pushes: RefUpdate[] = []
  /** Each runs before the call goes on; one that throws makes it fail. */
  afterClone: () => void = () => {}
  beforeFetch: () => void | Promise<void> = () => {}
  afterFetch: () => void | Promise<void> = () => {}
  beforePush: () => void | Promise<void> = () => {}
  afterPush: () => void | Promise<void> = () => {}
  #delayed: (() => Promise<PushOutcome>)[] = []

  constructor(options: FakeOptions) {
    this.#options = options
  }

  async clone(gitDirectory: string, branch: string | undefined): Promise<void> {
    this.#call('clone')
    const { server, depth } = this.#options
    const name = branch ?? 'main'
    await isomorphicGit.init({ fs, gitdir: gitDirectory, bare: true, defaultBranch: name })
    const head = await server.head(name)
    if (head === undefined) return
    await this.#transfer(gitDirectory, head, depth)
    await moveRef({ gitDirectory, ref: `refs/heads/${name}`, from: undefined, to: head })
    this.afterClone()
  }

  async fetch(branch: string): Promise<ObjectId | undefined> {
    this.#call('fetch')
    await this.beforeFetch()
    this.#assertUp()
    const { server, gitDirectory } = this.#options
    const head = await server.head(branch)
    const ref = `refs/remotes/origin/${branch}`
    if (head === undefined) rmSync(join(gitDirectory, ref), { force: true })
    else {
      await this.#transfer(gitDirectory, head, undefined)
      await moveRef({ gitDirectory, ref, from: await readRef(gitDirectory, ref), to: head })
    }
    await this.afterFetch()
    return head
  }

  async fetchObjects(ids: readonly ObjectId[]): Promise<void> {
    this.#call('fetchObjects')
    const { server, gitDirectory } = this.#options
    const objects = await Promise.all(ids.map((id) => server.read(id))).catch((error: unknown) => {
      throw error instanceof ObjectMissingError
        ? new RemoteError('REMOTE_REFUSED', `the server has no object ${error.id}`)
        : error
    })
    await this.#write(gitDirectory, objects)
  }

  async listRefs(prefixes: readonly string[]): Promise<ReadonlyMap<string, RemoteRef>> {
    this.#call('listRefs')
    const refs = new Map<string, RemoteRef>()
    const { gitDirectory } = this.#options.server
    for (const ref of [
      ...(await listRefFiles(gitDirectory, 'refs/heads')),
      ...(await listRefFiles(gitDirectory, 'refs/tags')),
    ]) {
      const id = await readRef(gitDirectory, ref)
      if (id !== undefined && prefixes.some((prefix) => ref.startsWith(prefix))) refs.set(ref, { id })
    }
    return refs
  }

  async push(updates: readonly RefUpdate[], pack: Uint8Array): Promise<PushOutcome> {
    this.#call('push')
    await this.beforePush()
    this.#assertUp()
    this.pushes.push(...updates)
    const { server } = this.#options
    const fault = this.faults.shift()
    if (fault === undefined) {
      const outcome = await server.receive(updates, pack)
      await this.afterPush()
      return outcome
    }
    if (typeof fault === 'object') return fault
    if (fault === 'unreachable') throw new RemoteError('REMOTE_UNREACHABLE', 'no answer: is the server running?')
    if (fault === 'denied') throw new RemoteError('REMOTE_DENIED', 'may not write: look at the key')
    if (fault === 'lose-answer') await server.receive(updates, pack)
    if (fault === 'delay') this.#delayed.push(() => server.receive(updates, pack))
    return { kind: 'unknown', cause: new Error(`the connection broke (${fault})`) }
  }

  /** Lets the pushes arrive that were delayed, or one of them. */
  async deliver(which?: number): Promise<readonly PushOutcome['kind'][]> {
    const delivered: PushOutcome['kind'][] = []
    const pushes = which === undefined ? this.#delayed.splice(0) : this.#delayed.splice(which, 1)
    for (const push of pushes) delivered.push((await push()).kind)
    return delivered
  }

  async close(): Promise<void> {
    // Nothing runs.
  }

  #call(method: keyof FakeGitRemote['calls']): void {
    this.calls[method] += 1
    this.#assertUp()
  }

  #assertUp(): void {
    if (this.isDown) throw new RemoteError('REMOTE_UNREACHABLE', 'no answer: is the server running?')
  }

  /** What can be reached from a commit and is not in the clone; of so many commits. */
  async #transfer(gitDirectory: string, head: ObjectId, depth: number | undefined): Promise<void> {
    const { server, blobLimit = Infinity } = this.#options
    const clone = new ObjectReader(gitDirectory)
    const objects = new Map<ObjectId, GitObject>()
    const lacks = async (id: ObjectId) => !objects.has(id) && (await clone.findMissing([id])).length > 0
    const addTree = async (id: ObjectId): Promise<void> => {
      if (!(await lacks(id))) return
      const tree = await server.read(id)
      objects.set(id, tree)
      for (const entry of parseTree(tree.data)) {
        if (isTree(entry)) await addTree(entry.id)
        else if (await lacks(entry.id)) {
          const blob = await server.read(entry.id)
          if (blob.data.length <= blobLimit) objects.set(entry.id, blob)
        }
      }
    }
    let level = [head]
    const boundary: ObjectId[] = []
    for (let commits = 1; level.length > 0; commits += 1) {
      const next: ObjectId[] = []
      for (const id of level) {
        if (!(await lacks(id))) continue
        const commit = await server.read(id)
        objects.set(id, commit)
        const { tree, parents } = parseCommit(commit.data)
        await addTree(tree)
        if (commits === depth) boundary.push(id)
        else next.push(...parents)
      }
      level = next
    }
    clone.close()
    if (boundary.length > 0) writeFileSync(join(gitDirectory, 'shallow'), boundary.map((id) => `${id}\n`).join(''))
    await this.#write(gitDirectory, [...objects.values()])
  }

  async #write(gitDirectory: string, objects: readonly GitObject[]): Promise<void> {
    if (objects.length === 0) return
    await (await writePack(gitDirectory, await buildPack(objects))).release()
  }
}

/** The folder for a clone that no other test uses. Inside of a test only. */
export function createCloneFolder(): string {
  return join(createTemporaryFolder(), `clone-${randomUUID()}`)
}
