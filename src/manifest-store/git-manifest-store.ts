import { setTimeout as sleep } from 'node:timers/promises'
import type { Change } from '../core/change.ts'
import type { Command, Decision, LoadedEntry } from '../core/command.ts'
import { removeEndedLocks } from '../core/ended-locks.ts'
import { DomainError } from '../core/errors.ts'
import type { KnownTags, TagNames } from '../core/git-tag.ts'
import type { DeploymentHistory } from '../core/deployment-history.ts'
import type { ApplicationName } from '../core/names.ts'
import type { ObjectId } from '../core/object-id.ts'
import type { CommitText } from '../core/commit-text.ts'
import { trailerKeys } from '../core/commit-text.ts'
import type { Principal } from '../core/principal.ts'
import type { ReleaseDetails } from '../core/release-details.ts'
import type { Snapshot } from '../core/snapshot.ts'
import { BatchWatch } from './batch-watch.ts'
import { tellEnd } from './command-end.ts'
import type { CheckpointFile } from './checkpoint.ts'
import type { CommitAuthor } from './commit-message.ts'
import { toCommitMessage } from './commit-message.ts'
import { parseCommit, serializeCommit } from './git/commit.ts'
import type { EditedTree } from './git/edit-tree.ts'
import { editTree } from './git/edit-tree.ts'
import { InvalidPathError, MalformedObjectError, ObjectMissingError, PathConflictError } from './git/git-errors.ts'
import type { GitObject } from './git/git-object.ts'
import { createObject } from './git/git-object.ts'
import { IdempotencyIndex } from './idempotency-index.ts'
import { readKeyedCommit, withKey } from './keyed-commit.ts'
import { nothingKnown } from './layout/known-pieces.ts'
import { LayoutReader } from './layout/layout-reader.ts'
import type {
  CommandRequest,
  HistoryRequest,
  ManifestStore,
  ReleaseName,
  StoreHealth,
  Submitted,
  Wanted,
} from './manifest-store.ts'
import { pathsForArgoCd } from './layout/paths-for-argo-cd.ts'
import { ObjectCache } from './git/object-cache.ts'
import { findEntry, readPath } from './git/read-path.ts'
import { startTimeSlice } from './git/time-slice.ts'
import { isFile, isLink } from './git/tree.ts'
import { readDeploymentHistory } from './layout/read-deployment-history.ts'
import { readOneRelease, readReleaseDetails } from './layout/read-release-details.ts'
import type { BranchUpdate, NewTag, Repository } from './repository/repository.ts'
import { SnapshotLoader } from './layout/snapshot-loader.ts'
import { SourceCommitIndex } from './layout/source-commit-index.ts'
import {
  AlreadyDoneError,
  BranchRewrittenError,
  KeyReusedError,
  OutcomeUnknownError,
  PathNotWritableError,
  PushRefusedError,
  StoreConflictError,
  StoreUnavailableError,
} from './store-errors.ts'
import type { StoreObserver, StoreTracer } from './store-observer.ts'
import { TagReader } from './tag-reader.ts'
import type { WaitingCommand } from './write-queue.ts'
import { WriteQueue } from './write-queue.ts'

export interface StoreOptions {
  readonly repository: Repository
  readonly committer: CommitAuthor
  readonly clock: () => Date
  readonly log: StoreLog
  /** Is told what has been published, before the callers are answered; it must not take long. */
  readonly onPublished?: (update: PublishedUpdate) => void
  /** Where what was read is kept for the next start. */
  readonly checkpoint?: CheckpointFile
  readonly observer?: StoreObserver
  readonly tracer?: StoreTracer
  /** How many commits of the history a copy of a remote is made with: keys count for as many, and for the last 10,000 in any case. */
  readonly cloneDepth?: number
  /** How many commands may wait; 1000 unless given. */
  readonly maximumQueueSize?: number
}

/** A move of the branch that we made. */
export interface PublishedUpdate {
  readonly branch: string
  /** Undefined when it was the first commit. */
  readonly before: ObjectId | undefined
  readonly after: ObjectId
  /** See `pathsForArgoCd`; of all commits together. */
  readonly changedPaths: readonly string[]
}

/** The part of a pino logger that the store needs. */
export interface StoreLog {
  info(details: object, message: string): void
  warn(details: object, message: string): void
  error(details: object, message: string): void
}

/** One commit, its tree and what stands in it. */
interface State {
  readonly commit: ObjectId | undefined
  readonly tree: ObjectId | undefined
  readonly snapshot: Snapshot
  /** When to load it again, because an object was missing or broken. */
  readonly retryAt: Date | undefined
}

/** What a command is decided from. */
interface Situation {
  readonly state: State
  readonly now: Date
  readonly tags: KnownTags | undefined
}

/** What became of a command: told to its caller once the batch is durable. */
type Outcome =
  /** `kind` is the command's, as its commit says it. */
  { readonly submitted: Submitted<unknown>; readonly kind: string } | { readonly error: unknown }

/** How many milliseconds pieces that could not be read are left alone: a look for a missing object can be expensive. */
const retryInterval = 5000

/** How long `health` tells of a write that failed, in milliseconds: what was wrong may be over, and nobody writes. */
const writeProblemLifetime = 3_600_000

/** How many odd pieces one command clears away; a repository with more of them is none of ours. */
const maximumObstacles = 50

/** How many commits one page of a history looks at: about a second's work. */
const maximumCommitsOfPage = 10_000

/** How many commands may wait unless the options say otherwise: far more than a batch takes, and little memory. */
const defaultQueueSize = 1000

/** Of how many commits the keys count at least, the newest of the branch. */
const fewestKeyedCommits = 10_000

/** How many pieces are read from their objects in no time: after so few, a checkpoint is not written. */
const fewPieces = 200

/**
 * How often a batch is decided because others move the branch meanwhile. Each time somebody gets on, so long pauses would only make
 * what was decided on old.
 */
const maximumAttempts = 30

/** The longest pause between two attempts, in milliseconds. */
const longestPause = 200

/** The manifest store over git objects: snapshots in memory, commands decided one after the other, written in batches. */
export class GitManifestStore implements ManifestStore {
  readonly #repository: Repository
  readonly #committer: CommitAuthor
  readonly #clock: () => Date
  readonly #log: StoreLog
  readonly #onPublished: StoreOptions['onPublished']
  readonly #objects: ObjectCache
  readonly #loader: SnapshotLoader
  readonly #checkpoint: CheckpointFile | undefined
  /** How many pieces had been read when the checkpoint was written. */
  #piecesInCheckpoint = 0
  readonly #sourceCommits: SourceCommitIndex
  readonly #tags: TagReader
  readonly #keys: IdempotencyIndex
  readonly #queue: WriteQueue
  readonly #observer: StoreObserver | undefined
  readonly #tracer: StoreTracer | undefined
  readonly #trees = new WeakMap<Snapshot, ObjectId>()
  #current: State | undefined
  #readProblem: string | undefined
  #writeProblem: { readonly text: string; readonly since: Date } | undefined

  constructor(options: StoreOptions) {
    this.#repository = options.repository
    this.#committer = options.committer
    this.#clock = options.clock
    this.#log = options.log
    this.#onPublished = options.onPublished
    this.#objects = new ObjectCache(options.repository)
    this.#checkpoint = options.checkpoint
    this.#loader = new SnapshotLoader(
      this.#objects,
      (path) => this.#log.warn({ path }, `${path} is ignored: only directories belong there`),
      () => options.checkpoint?.read() ?? Promise.resolve(nothingKnown),
    )
    this.#sourceCommits = new SourceCommitIndex(this.#objects)
    this.#tags = new TagReader(options.repository, async (commit) => {
      const { snapshot, retryAt } = await this.#loadCommit(commit)
      return { snapshot, isComplete: retryAt === undefined }
    })
    this.#keys = new IdempotencyIndex(
      this.#objects,
      options.repository,
      options.committer,
      Math.max(options.cloneDepth ?? 0, fewestKeyedCommits),
    )
    this.#observer = options.observer
    this.#tracer = options.tracer
    this.#queue = new WriteQueue(
      (batch) => this.#work(batch),
      options.maximumQueueSize ?? defaultQueueSize,
      async (signal) => this.#repository.makeRoom?.(signal),
    )
  }

  async snapshot(): Promise<Snapshot> {
    try {
      return (await this.#refresh()).snapshot
    } catch (error) {
      if (this.#current === undefined) throw error
      return this.#current.snapshot
    }
  }

  async refresh(): Promise<void> {
    await this.#repository.remote?.refresh()
  }

  async readReleases(snapshot: Snapshot, application: ApplicationName): Promise<readonly ReleaseDetails[]> {
    return this.#read(() => readReleaseDetails(new LayoutReader(this.#objects), this.#trees.get(snapshot), application))
  }

  async readRelease(
    snapshot: Snapshot,
    application: ApplicationName,
    version: bigint,
  ): Promise<ReleaseDetails | undefined> {
    const root = this.#trees.get(snapshot)
    return this.#read(() => readOneRelease(new LayoutReader(this.#objects), root, application, version))
  }

  async findReleasesOfCommit(snapshot: Snapshot, commit: string): Promise<ReadonlyMap<string, readonly ReleaseName[]>> {
    return this.#read(() => this.#sourceCommits.find(this.#trees.get(snapshot), commit))
  }

  async readHistory(snapshot: Snapshot, request: HistoryRequest): Promise<DeploymentHistory | undefined> {
    const { from, ...of } = request
    if (from !== undefined && !(await this.#isCommit(from))) return undefined
    const start = from ?? snapshot.commit
    if (start === undefined) return { events: [], next: undefined, isTruncated: false }
    const options = { ...of, committer: this.#committer, maximumCommits: maximumCommitsOfPage }
    return this.#read(() => readDeploymentHistory(this.#objects, start, options))
  }

  async #isCommit(id: ObjectId): Promise<boolean> {
    try {
      await this.#read(() => this.#objects.readCommit(id))
      return true
    } catch (error) {
      const { cause } = error as Error
      if (cause instanceof ObjectMissingError || cause instanceof MalformedObjectError) return false
      throw error
    }
  }

  async readTags(names: TagNames): Promise<KnownTags> {
    return this.#read(() => this.#tags.read(names))
  }

  async readAhead(snapshot: Snapshot, { paths = [], blobs = [] }: Wanted): Promise<void> {
    await this.#fetchAhead(this.#trees.get(snapshot), paths, blobs)
  }

  async #fetchAhead(
    root: ObjectId | undefined,
    paths: Iterable<string>,
    blobs: readonly ObjectId[] = [],
  ): Promise<void> {
    const { remote } = this.#repository
    if (remote === undefined) return
    const ids = [...blobs]
    for (const path of paths) {
      const entry = await findEntry(this.#objects, root, path).catch(() => undefined)
      if (entry !== undefined && (isFile(entry) || isLink(entry))) ids.push(entry.id)
    }
    await remote.fetchMissing(ids)
  }

  async readFile(snapshot: Snapshot, path: string): Promise<Uint8Array | undefined> {
    return this.#read(async () => {
      const entry = await readPath(this.#objects, this.#trees.get(snapshot), path)
      return entry?.kind === 'file' ? entry.bytes : undefined
    })
  }

  async readBlob(id: ObjectId): Promise<Uint8Array> {
    return this.#read(() => this.#objects.readBlob(id))
  }

  submit<Result>(command: Command<Result>, request: CommandRequest): Promise<Submitted<Result>> {
    return tellEnd(this.#queue.submit(command, request), this.#observer)
  }

  async #read<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read()
    } catch (error) {
      if (!isUnreadable(error)) throw error
      throw new StoreUnavailableError(`the repository cannot be read: ${error.message}`, { cause: error })
    }
  }

  health(): StoreHealth {
    const snapshot = this.#current?.snapshot
    const { remote } = this.#repository
    const writeProblem = this.#isRecent(this.#writeProblem?.since) ? this.#writeProblem?.text : undefined
    return {
      commit: snapshot?.commit,
      isReadable: snapshot !== undefined,
      problems: [this.#readProblem, writeProblem, ...(remote?.problems ?? []), ...(snapshot?.problems ?? [])].filter(
        (problem) => problem !== undefined,
      ),
      waitingCommands: this.#queue.length,
      stateAge: remote && Math.max(0, this.#clock().getTime() - remote.confirmedAt.getTime()),
    }
  }

  refuseWaiting(): number {
    return this.#queue.refuseWaiting()
  }

  breakOff(): boolean {
    const { remote } = this.#repository
    remote?.breakOff()
    return remote !== undefined && this.#queue.isWorking
  }

  /** Leaves what was read for the next start, where that would have much to read. Never throws. */
  async saveCheckpoint(): Promise<void> {
    const read = this.#loader.piecesRead
    if (this.#checkpoint === undefined || read < fewPieces || read === this.#piecesInCheckpoint) return
    try {
      await this.#checkpoint.write(this.#loader.pieces())
      this.#piecesInCheckpoint = read
    } catch (error) {
      this.#log.warn({ err: error }, 'the checkpoint could not be written: the next start will take longer')
    }
  }

  async close(): Promise<void> {
    await this.#queue.close()
    await this.saveCheckpoint()
    await this.#repository.close()
  }

  /** The state of the branch at this moment. Throws StoreUnavailableError and remembers why for `health`. */
  async #refresh(): Promise<State> {
    try {
      const head = await this.#repository.head()
      if (this.#current === undefined || this.#current.commit !== head || this.#mayKnowMore(this.#current)) {
        if (head === undefined && this.#current?.commit !== undefined) {
          throw new StoreUnavailableError(
            `branch ${this.#repository.branch} has disappeared; it was at ${this.#current.commit}. ` +
              'Restore it, or restart Signalbox to begin anew',
          )
        }
        this.#current = await this.#loadCommit(head)
      }
      this.#readProblem = undefined
      return this.#current
    } catch (error) {
      const problem = `the repository cannot be read: ${messageOf(error)}`
      if (this.#readProblem !== problem) this.#log.error({ err: error }, problem)
      this.#readProblem = problem
      throw new StoreUnavailableError(problem, { cause: error })
    }
  }

  async #loadCommit(commit: ObjectId | undefined): Promise<State> {
    const tree = commit === undefined ? undefined : parseCommit(await this.#objects.readCommit(commit)).tree
    return this.#loadState(commit, tree)
  }

  async #loadState(commit: ObjectId | undefined, tree: ObjectId | undefined): Promise<State> {
    const { snapshot, isComplete } = await this.#loader.load(commit, tree)
    if (tree !== undefined) this.#trees.set(snapshot, tree)
    const retryAt = isComplete ? undefined : new Date(this.#clock().getTime() + retryInterval)
    return { commit, tree, snapshot, retryAt }
  }

  /** Whether a piece that could not be read may be readable by now: somebody may have put the object back. */
  #mayKnowMore({ retryAt }: State): boolean {
    return retryAt !== undefined && this.#clock() >= retryAt
  }

  /** Decides and writes a batch until it is on the branch, then tells each caller what became of its command. */
  async #work(batch: readonly WaitingCommand[]): Promise<void> {
    const watch = new BatchWatch(batch, this.#tracer)
    try {
      const outcomes = await this.#write(batch, watch)
      for (const [index, { resolve, reject }] of batch.entries()) {
        const outcome = outcomes[index]
        if (outcome === undefined) reject(new Error('a command was lost'))
        else if ('error' in outcome) reject(outcome.error)
        else resolve(outcome.submitted)
      }
    } catch (error) {
      for (const { reject } of batch) reject(error)
    } finally {
      this.#observer?.batchEnded(watch.report())
    }
    await this.#repository.remote?.giveWay()
  }

  async #write(batch: readonly WaitingCommand[], watch: BatchWatch): Promise<readonly Outcome[]> {
    /** Whether the remote has been asked since the commands came. */
    let isCurrent = this.#repository.remote === undefined
    /** Tags are looked at after the branch: what made one may have moved the other in between. */
    const hasTags = batch.some(({ command }) => command.tags !== undefined)
    for (let attempt = 1; attempt <= maximumAttempts; attempt += 1) {
      watch.attempt()
      isCurrent = (await this.#assertWritable()) || isCurrent
      const base = await this.#refresh()
      try {
        const { outcomes, head, next, objects, changes, tags } = await this.#decide(batch, base, watch)
        if (head === base.commit && (!isCurrent || hasTags)) {
          // A push would find out that others were faster. Where there is nothing to push, somebody has to look.
          isCurrent = await this.#assertWritable('by looking')
          if ((await this.#repository.head()) !== base.commit) continue
        }
        if (head === undefined || head === base.commit) {
          if (!outcomes.some(isUnavailable)) watch.end('idle')
          if (!outcomes.some(isUnavailable)) this.#writeProblem = undefined
          return outcomes
        }
        const tell = () => {
          this.#logCommits(batch, outcomes, watch)
          this.#announce(base.commit, head, changes)
        }
        const tellLate = () => {
          tell()
          this.#observer?.arrivedLate(watch.report().commits)
        }
        const update = { from: base.commit, to: head, objects, tags }
        if ((await this.#publish(update, next, watch, tellLate)) === 'published') {
          watch.end('published')
          tell()
          return outcomes
        }
      } catch (error) {
        if (error instanceof PushRefusedError && batch.length > 1) {
          return await this.#writeOneByOne(batch, error, watch)
        }
        throw error
      } finally {
        this.#objects.clearAdded()
      }
      this.#log.info(
        { attempt, commands: batch.length },
        'the branch moved while commands were decided: deciding them again',
      )
      await sleep(Math.random() * Math.min(10 * attempt, longestPause))
    }
    throw new StoreConflictError('others moved the branch again and again; nothing was changed. Try again')
  }

  /** The server refused them together: what is wrong with one of them shall not be the others' fault. */
  async #writeOneByOne(
    batch: readonly WaitingCommand[],
    refusal: PushRefusedError,
    watch: BatchWatch,
  ): Promise<readonly Outcome[]> {
    this.#log.warn({ err: refusal, commands: batch.length }, 'the commands of a batch are tried one by one')
    const outcomes: Outcome[] = []
    for (const waiting of batch) {
      const ofOne = new BatchWatch([waiting], this.#tracer)
      outcomes.push(...(await this.#write([waiting], ofOne).catch((error: unknown) => [{ error }])))
      watch.add(ofOne.report())
    }
    return outcomes
  }

  /** Answers whether a remote has just been asked. */
  async #assertWritable(how?: 'by looking'): Promise<boolean> {
    try {
      return (await this.#repository.remote?.assertWritable(how)) ?? false
    } catch (error) {
      if (isVerdict(error)) throw error
      throw this.#toUnavailable(`the repository cannot be written: ${messageOf(error)}. Nothing was changed`, error)
    }
  }

  /**
   * Applies the commands one after the other, each to the state that the one before it left. `head` is the last commit, and `next`
   * what stands in it: nobody waits for that here, because it can be loaded while it is written.
   */
  async #decide(batch: readonly WaitingCommand[], base: State, watch: BatchWatch) {
    const outcomes: Outcome[] = []
    const objects: GitObject[] = []
    const committed: (readonly Change[])[] = []
    const tags: NewTag[] = []
    /** The commits of this batch by their keys. */
    const keyed = new Map<string, ObjectId>()
    const slice = startTimeSlice()
    let state = base
    let head = base.commit
    let next: Promise<State | undefined> = Promise.resolve(base)
    for (const [index, { command, request }] of batch.entries()) {
      try {
        const key = request.idempotency?.key
        const first = key === undefined ? undefined : (keyed.get(key) ?? (await this.#keys.find(base.commit, key)))
        if (first !== undefined) {
          outcomes.push(await this.#answerAgain(command, request, first, watch))
          continue
        }
        const tagged = command.tags === undefined ? undefined : await this.#tags.read(command.tags, tags)
        const situation = { state, now: this.#clock(), tags: tagged }
        const { changes, result, tag, kind, made } = await this.#make(command, request, situation, watch)
        if (made === undefined) {
          outcomes.push({ submitted: { result, commit: undefined }, kind })
          continue
        }
        if (slice.isOver()) await slice.next()
        const { commit, root } = made
        this.#objects.add(made.objects)
        this.#objects.forgetTrees(made.replaced)
        this.#objects.forgetRemoved(made.removed)
        const loading = this.#loadState(commit, root)
        if (index < batch.length - 1) state = await loading
        // What cannot be read then is read, or complained of, by whoever asks for it.
        next = loading.catch(() => undefined)
        head = commit
        for (const object of made.objects) objects.push(object)
        committed.push(changes)
        if (tag !== undefined) tags.push({ name: tag, id: commit })
        if (key !== undefined) keyed.set(key, commit)
        outcomes.push({ submitted: { result, commit }, kind })
      } catch (error) {
        outcomes.push({ error: this.#toStoreError(error) })
      }
    }
    return { outcomes, head, next, objects, changes: committed, tags }
  }

  /** What the command decides in this situation, and the commit that comes of it; `made` is undefined when nothing changes. */
  async #make<Result>(
    command: Command<Result>,
    request: CommandRequest,
    { state, now, tags }: Situation,
    watch: BatchWatch,
  ) {
    const { principal, requestId, idempotency } = request
    const { changes, text, result, tag } = await watch.runStepOf(request, 'decide', () =>
      this.#decideOne(command, state, principal, now, tags),
    )
    const decided = { changes, result, tag, kind: kindOf(text) }
    const { edited, ended } = await watch.runStepOf(request, 'edit-tree', () => this.#edit(state, changes, now))
    if (edited.root === state.tree || (state.tree === undefined && edited.objects.length === 0)) {
      return { ...decided, made: undefined }
    }
    const message = toCommitMessage(withKey(withEndedLocks(text, ended), idempotency, now), principal, requestId)
    const commit = this.#createCommit(edited.root, state.commit, message, request, now)
    return {
      ...decided,
      made: { ...edited, commit: commit.id, objects: [...edited.objects, commit] },
    }
  }

  /**
   * The answer to a command that was carried out before. It is decided again where and when it was decided then; that this is
   * what was answered is proven by the commit, which comes out the same, byte for byte.
   */
  async #answerAgain<Result>(
    command: Command<Result>,
    request: CommandRequest,
    first: ObjectId,
    watch: BatchWatch,
  ): Promise<Outcome> {
    const keyed = await readKeyedCommit(this.#objects, first, this.#committer)
    if (keyed.request !== request.idempotency?.request) {
      throw new KeyReusedError(
        `this idempotency key belongs to another request, which made commit ${first}: nothing was done. Take a new key`,
      )
    }
    try {
      const state = await this.#loadCommit(keyed.parent)
      const { sourceCommit, requestId, decidedAt } = keyed
      // Another replica may have carried it out, and fetched that commit.
      if (sourceCommit !== undefined) await this.#repository.remote?.fetchMissing([sourceCommit])
      const tags: KnownTags = {
        created: { kind: 'absent' },
        ...(sourceCommit !== undefined && { source: await this.#tags.readSourceCommit(sourceCommit) }),
      }
      const situation = { state, now: decidedAt, tags }
      const { result, kind, made } = await this.#make(command, { ...request, requestId }, situation, watch)
      if (made?.commit === first) return { submitted: { result, commit: first, isRepeated: true }, kind }
    } catch (error) {
      if (error instanceof DomainError || error instanceof ObjectMissingError) {
        throw new AlreadyDoneError(first, { cause: error })
      }
      throw error
    }
    throw new AlreadyDoneError(first)
  }

  /** Locks that have ended go with a commit that is made anyway, never by one of their own. */
  async #edit(
    state: State,
    changes: readonly Change[],
    now: Date,
  ): Promise<{ readonly edited: EditedTree; readonly ended: readonly Change[] }> {
    const edited = await this.#editOver(state.tree, changes)
    const ended = edited.root === state.tree ? [] : removeEndedLocks(state.snapshot, changes, now)
    return { edited: ended.length === 0 ? edited : await this.#editOver(state.tree, [...ended, ...changes]), ended }
  }

  /**
   * A directory that stands where a command writes a file gives way: the layout has a file there, and one odd directory must
   * not fail a whole train. History keeps what it was.
   */
  async #editOver(root: ObjectId | undefined, changes: readonly Change[]): Promise<EditedTree> {
    const removals: Change[] = []
    for (;;) {
      try {
        const all = [...removals, ...changes]
        return await editTree({ root, changes: all, readTree: (id) => this.#objects.readTree(id) })
      } catch (error) {
        const isInPlace = error instanceof PathConflictError && error.path === error.obstacle
        if (!isInPlace || removals.length === maximumObstacles) throw error
        removals.push({ path: error.path, content: { kind: 'absent' } })
      }
    }
  }

  /** Loads what the command asks for, until it asks for nothing new, and lets it decide. */
  async #decideOne<Result>(
    command: Command<Result>,
    { snapshot, tree }: State,
    principal: Principal,
    now: Date,
    tags: KnownTags | undefined,
  ): Promise<Decision<Result>> {
    const loaded = new Map<string, LoadedEntry>()
    const input = { snapshot, loaded, principal, now, ...(tags && { tags }) }
    const slice = startTimeSlice()
    for (;;) {
      const missing = new Set(command.reads(input).filter((path) => !loaded.has(path)))
      if (slice.isOver()) await slice.next()
      if (missing.size === 0) return command.decide(input)
      await this.#fetchAhead(tree, missing)
      for (const path of missing) loaded.set(path, await readPath(this.#objects, tree, path))
    }
  }

  #createCommit(
    tree: ObjectId,
    parent: ObjectId | undefined,
    message: string,
    { principal }: CommandRequest,
    now: Date,
  ): GitObject {
    return createObject(
      'commit',
      serializeCommit({
        tree,
        parents: parent === undefined ? [] : [parent],
        author: principal,
        authoredAt: now,
        committer: this.#committer,
        committedAt: now,
        message,
      }),
    )
  }

  #announce(before: ObjectId | undefined, after: ObjectId, changes: readonly (readonly Change[])[]): void {
    if (this.#onPublished === undefined) return
    try {
      this.#onPublished({
        branch: this.#repository.branch,
        before,
        after,
        changedPaths: changes.flatMap(pathsForArgoCd),
      })
    } catch (error) {
      this.#log.error({ err: error }, 'the commits are published, but telling so failed')
    }
  }

  #logCommits(batch: readonly WaitingCommand[], outcomes: readonly Outcome[], watch: BatchWatch): void {
    for (const [index, outcome] of outcomes.entries()) {
      if ('error' in outcome || outcome.submitted.commit === undefined) continue
      const { submitted, kind } = outcome
      if (submitted.isRepeated === true) continue
      const { requestId, trace } = batch[index]?.request ?? {}
      watch.committed(kind)
      this.#log.info(
        {
          commit: submitted.commit,
          reqId: requestId,
          ...(trace && { traceId: trace.traceId }),
          command: kind,
          ...watch.describe(index),
        },
        `committed ${submitted.commit} to ${this.#repository.branch}`,
      )
    }
  }

  async #publish(
    made: Omit<BranchUpdate, 'onArrived' | 'runStep'>,
    next: Promise<State | undefined>,
    { runStep }: BatchWatch,
    tellLate: () => void,
  ): Promise<'published' | 'moved'> {
    let hasArrived = false
    let onArrived = () => {
      hasArrived = true
    }
    try {
      const update = { ...made, onArrived: () => onArrived(), runStep }
      const outcome = await this.#repository.publish(update)
      const state = await next
      if (outcome === 'published' && state !== undefined) this.#current = state
      this.#writeProblem = undefined
      return outcome
    } catch (error) {
      if (error instanceof OutcomeUnknownError) {
        // Found out in the last moment.
        if (hasArrived) return 'published'
        onArrived = tellLate
        // A remote tells of it itself, for as long as it is so.
        if (this.#repository.remote === undefined) this.#toUnavailable(error.message, error)
      }
      if (isVerdict(error)) throw error
      throw this.#toUnavailable(`the repository could not be written: ${messageOf(error)}`, error)
    } finally {
      // It reads objects that are forgotten as soon as they are written.
      await next
    }
  }

  /** What the tree editor objects to, and what cannot be read, is a matter of the repository, not a fault of ours. */
  #toStoreError(error: unknown): unknown {
    if (error instanceof PathConflictError || error instanceof InvalidPathError) {
      return new PathNotWritableError(`${error.message}; nothing was changed`, { cause: error })
    }
    if (isUnreadable(error)) {
      return this.#toUnavailable(`the repository cannot be read: ${error.message}`, error)
    }
    return error
  }

  #isRecent(moment: Date | undefined): boolean {
    return moment !== undefined && this.#clock().getTime() - moment.getTime() < writeProblemLifetime
  }

  /** Remembered for `health` until a batch has no such problem, but not for ever where nobody writes. */
  #toUnavailable(problem: string, cause: unknown): StoreUnavailableError {
    this.#writeProblem = { text: problem, since: this.#clock() }
    this.#log.error({ err: cause }, problem)
    return new StoreUnavailableError(problem, { cause })
  }
}

/** Whoever reads the commit sees why locks are gone that it does not speak of. */
function withEndedLocks(text: CommitText, ended: readonly Change[]): CommitText {
  if (ended.length === 0) return text
  return {
    ...text,
    sections: [...text.sections, { heading: 'Locks that had ended', lines: ended.map(({ path }) => path) }],
  }
}

/** The repository says itself what became of the write. */
function isVerdict(error: unknown): boolean {
  return (
    error instanceof PushRefusedError || error instanceof OutcomeUnknownError || error instanceof BranchRewrittenError
  )
}

/** What the command is called in its commit. */
function kindOf({ trailers }: CommitText): string {
  return trailers.find(({ key }) => key === trailerKeys.command)?.value ?? 'other'
}

function isUnavailable(outcome: Outcome): boolean {
  return 'error' in outcome && outcome.error instanceof StoreUnavailableError
}

/** An object is missing or broken, or the disk fails. */
function isUnreadable(error: unknown): error is Error {
  if (error instanceof ObjectMissingError || error instanceof MalformedObjectError) return true
  return error instanceof Error && 'syscall' in error
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
