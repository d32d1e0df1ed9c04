import { setTimeout as sleep } from 'node:timers/promises'
import type { ObjectId } from '../../core/object-id.ts'
import { followTag } from '../git/follow-tag.ts'
import { MalformedObjectError, ObjectMissingError } from '../git/git-errors.ts'
import type { PackFile } from '../git/pack-file.ts'
import { buildPack } from '../git/pack-file.ts'
import { tagPrefix } from '../git/tag-refs.ts'
import type { WrittenPack } from '../git/write-pack.ts'
import { releaseQuietly } from '../git/write-pack.ts'
import type { StoreLog } from '../git-manifest-store.ts'
import { isInHistory } from '../remote/descent.ts'
import type { GitRemote, RefUpdate } from '../remote/git-remote.ts'
import { RemoteError } from '../remote/git-remote.ts'
import type { LocalCloneOptions } from '../remote/local-clone.ts'
import { LocalClone } from '../remote/local-clone.ts'
import { MissingObjects } from '../remote/missing-objects.ts'
import { SharedRun } from '../remote/shared-run.ts'
import {
  BranchRewrittenError,
  OutcomeUnknownError,
  PushRefusedError,
  StoreUnavailableError,
  UnknownBranchError,
} from '../store-errors.ts'
import type { PackFigures, RunStep } from '../store-observer.ts'
import type { BranchUpdate, RemoteSide, Repository, StoredObject } from './repository.ts'
import type { TagState } from '../../core/git-tag.ts'
import { runUnwatched } from './repository.ts'

export interface RemoteRepositoryOptions extends LocalCloneOptions {
  readonly clock: () => Date
  /** How often the remote is asked what is new, in milliseconds, give or take a fifth. */
  readonly fetchInterval: number
  /** How long to find out what became of a push whose answer was lost, in milliseconds. */
  readonly doubtTimeout?: number
  /** How long a write waits for a remote that was out of reach, in milliseconds. */
  readonly probeTimeout?: number
  /** Lets so many milliseconds pass while others are given way. */
  readonly pause?: (milliseconds: number) => Promise<unknown>
}

/** How long `problems` tells of a branch that was moved by force, in milliseconds: nobody else may have seen it. */
const rewriteLifetime = 60 * 60 * 1000

/** How long a copy that was made anew is given, in milliseconds, until it is made anew once more. */
const renewalInterval = 5 * 60 * 1000

/** How many fetches fail, although the server answers, until the copy is thought to be the reason. */
const failuresBeforeBlame = 3

/** How many pushes whose answers were lost are remembered: each holds what its callers were to be told. */
const maximumDoubts = 10

/** A push whose answer was lost. */
interface Doubt {
  readonly from: ObjectId | undefined
  readonly to: ObjectId
  /** See `BranchUpdate`. */
  readonly onArrived: (() => void) | undefined
}

/** The move of the branch, and with it all that is sent. */
interface Push extends Doubt {
  readonly refs: readonly RefUpdate[]
  readonly pack: PackFile
}

/**
 * A branch on a git server, with a copy here that follows it. The server is the arbiter: a push moves the branch only from the
 * commit that was decided on, so any number of instances, and anybody else, may write at the same time.
 *
 * docs/decisions/0008-a-lost-answer.md has the protocol of a push whose answer is lost.
 */
export class RemoteRepository implements Repository, RemoteSide {
  readonly url: string
  readonly #clone: LocalClone
  readonly #remote: GitRemote
  readonly #log: StoreLog
  readonly #clock: () => Date
  readonly #fetchInterval: number
  readonly #doubtTimeout: number
  readonly #probeTimeout: number
  readonly #pause: (milliseconds: number) => Promise<unknown>
  readonly #fetches = new SharedRun(() => this.#fetch())
  readonly #missing: MissingObjects
  #timer: NodeJS.Timeout | undefined
  #isClosed = false
  #head: ObjectId | undefined
  /** The branch was deleted; `#head` is where it was. It is not made anew by those who know of it. */
  #isGone = false
  #confirmedAt: Date
  #fetchProblem: string | undefined
  /** How many fetches have failed since the last that did not. */
  #failures = 0
  /** `kept` says where what was replaced can be had, until the copy is made anew. */
  #rewrite: { readonly text: string; kept: string; readonly at: Date } | undefined
  /**
   * By the commits that they would put on the branch, the oldest first. As a rule all start from its head: of them one can arrive at
   * most.
   */
  readonly #doubts = new Map<ObjectId, Doubt>()
  /** When a commit of somebody else was last found on the branch. */
  #overtakenAt: Date | undefined
  /** How long the last fetch and the last push took, in milliseconds: others take about as long. */
  #lookTime = 0
  #pushTime = 0
  /** The last push did not end as it should. */
  #mustLook = false
  /** Why the copy has to be made anew, and when it was. */
  #flaw: string | undefined
  #renewedAt: Date | undefined
  /** How often in a row the server said that the branch is no longer there, while it is. */
  #standstill: { readonly from: ObjectId | undefined; readonly pushes: number; readonly at: Date } | undefined
  #turn: Promise<unknown> = Promise.resolve()

  private constructor(clone: LocalClone, head: ObjectId | undefined, options: RemoteRepositoryOptions) {
    this.#clone = clone
    this.#head = head
    this.#remote = options.remote
    this.url = options.remote.url
    this.#log = options.log
    this.#clock = options.clock
    this.#fetchInterval = options.fetchInterval
    this.#doubtTimeout = options.doubtTimeout ?? 20_000
    this.#probeTimeout = options.probeTimeout ?? 10_000
    this.#pause = options.pause ?? ((milliseconds) => sleep(milliseconds, undefined, { ref: false }))
    this.#confirmedAt = options.clock()
    this.#missing = new MissingObjects(async (ids) => {
      await this.#remote.fetchObjects(ids)
      this.#clone.packsAdded(1)
    })
  }

  /**
   * Clones, or takes the copy that there is and brings it up to date; while the server cannot be reached, the copy alone will
   * do. Throws what `LocalClone.open` throws, and RemoteError when the server does not let us in.
   */
  static async open(options: RemoteRepositoryOptions): Promise<RemoteRepository> {
    const clone = await LocalClone.open(options)
    let repository: RemoteRepository | undefined
    try {
      const head = await clone.head()
      repository = new RemoteRepository(clone, head, options)
      await repository.#begin(await clone.lastContact())
      return repository
    } catch (error) {
      await (repository ?? clone).close()
      throw error
    }
  }

  get branch(): string {
    return this.#clone.branch
  }

  makeRoom(signal: AbortSignal): Promise<void> {
    return this.#clone.makeRoom(signal)
  }

  measurePacks(): Promise<PackFigures> {
    return this.#clone.measurePacks()
  }

  get remote(): RemoteSide {
    return this
  }

  get confirmedAt(): Date {
    return this.#confirmedAt
  }

  get problems(): readonly string[] {
    const isRecent = this.#rewrite !== undefined && this.#since(this.#rewrite.at) < rewriteLifetime
    const doubts = [...this.#doubts.keys()].map(
      (commit) => `it is not known whether the push of ${commit} arrived: the server's answer was lost`,
    )
    const rewrite = isRecent && this.#rewrite !== undefined ? `${this.#rewrite.text}${this.#rewrite.kept}` : undefined
    return [this.#fetchProblem, this.#absence, ...doubts, rewrite].filter((text) => text !== undefined)
  }

  /** Where the branch was last seen: once it is gone, its last state is what there is to read. */
  async head(): Promise<ObjectId | undefined> {
    return this.#head
  }

  /** That the branch is gone, and what to do about it. */
  get #absence(): string | undefined {
    if (!this.#isGone) return undefined
    return (
      `branch ${this.branch} has disappeared; it was at ${this.#head}. Restore it on ${this.url}. To begin anew instead, ` +
      'stop every instance, remove its SIGNALBOX_CLONE_PATH, and start'
    )
  }

  async read(id: ObjectId, reach: 'here' | 'anywhere' = 'anywhere'): Promise<StoredObject> {
    try {
      return await this.#clone.read(id)
    } catch (error) {
      if (!(error instanceof ObjectMissingError || error instanceof MalformedObjectError)) throw error
      if (error instanceof MalformedObjectError) {
        this.#renewSoon(`the copy on this machine is damaged: ${error.message}`)
      }
      if (reach === 'here') throw error
      return this.#readFromRemote(id, error)
    }
  }

  async #readFromRemote(id: ObjectId, flaw: ObjectMissingError | MalformedObjectError): Promise<StoredObject> {
    try {
      await this.#missing.get(id)
    } catch (error) {
      if (!(error instanceof RemoteError) || flaw instanceof MalformedObjectError) throw flaw
      throw new ObjectMissingError(id, { cause: error }, `it is not in the copy here, and ${error.message}`)
    }
    return this.#clone.read(id)
  }

  readShallow(): Promise<ReadonlySet<ObjectId>> {
    return this.#clone.readShallow()
  }

  get renewals(): number {
    return this.#clone.renewals
  }

  reportGap(flaw: string): void {
    this.#renewSoon(`the copy on this machine is damaged: ${flaw}`)
  }

  async fetchMissing(ids: readonly ObjectId[]): Promise<void> {
    const missing = await this.#clone.findMissing([...new Set(ids)])
    await this.#missing.getAll(missing).catch((error: unknown) => {
      // Whoever reads one of them is told.
      this.#log.warn({ err: error, objects: missing.length }, 'objects that the copy lacks could not be fetched')
    })
  }

  refresh(): Promise<void> {
    return this.#fetches.run()
  }

  async assertWritable(how?: 'by looking'): Promise<boolean> {
    const isInOrder = this.#fetchProblem === undefined && this.#doubts.size === 0 && !this.#isGone
    if (how === undefined && !this.#mustLook && isInOrder) return false
    const rewrite = this.#rewrite
    await withTimeout(this.refresh(), this.#probeTimeout, `${this.url} does not answer`)
    this.#mustLook = false
    if (this.#absence !== undefined) throw new StoreUnavailableError(this.#absence)
    if (this.#rewrite === rewrite || this.#rewrite === undefined) return true
    const { text, kept } = this.#rewrite
    throw new BranchRewrittenError(`${text}${kept}. Nothing was changed: look at what is there now, and try again`)
  }

  async giveWay(): Promise<void> {
    if (this.#isClosed || this.#overtakenAt === undefined || this.#since(this.#overtakenAt) > rivalry) return
    await this.#pause(Math.min(this.#lookTime + this.#pushTime, longestWay) * (0.5 + Math.random()))
  }

  async readTag(name: string): Promise<TagState> {
    const refs = await this.#remote.listRefs(refsAround(name))
    const found = refs.get(`${tagPrefix}${name}`)
    if (found === undefined) {
      const ref = `${tagPrefix}${name}`
      const obstacle = [...refs.keys()].find((other) => other.startsWith(`${ref}/`) || ref.startsWith(`${other}/`))
      return obstacle === undefined
        ? { kind: 'absent' }
        : { kind: 'unusable', reason: `cannot stand beside ${obstacle}` }
    }
    const id = found.peeled ?? found.id
    const isHere = async () => (await this.#clone.findMissing([id])).length === 0
    // Alone it would come without its history: what the branch has comes with it.
    if (!(await isHere())) await this.refresh()
    if (!(await isHere())) await this.#missing.get(id)
    return followTag(id, (object) => this.read(object))
  }

  async publish({
    from,
    to,
    objects,
    tags = [],
    onArrived,
    runStep = runUnwatched,
  }: BranchUpdate): Promise<'published' | 'moved'> {
    // Mostly known before anything is sent.
    if ((await this.head()) !== from) return 'moved'
    const pack = await buildPack(objects)
    // Before the push, so that a full disk is an error while nothing has happened yet.
    const written = await runStep('write-pack', () => this.#writePack(pack))
    const branch = { ref: this.#clone.ref, from, to }
    const refs = [branch, ...tags.map(({ name, id }) => ({ ref: `${tagPrefix}${name}`, from: undefined, to: id }))]
    try {
      return await this.#push({ ...branch, refs, pack, onArrived }, runStep)
    } finally {
      // Whatever became of the push, the pack stays, for `git gc` to judge: a fetch does not write what some pack has.
      await releaseQuietly(written, this.#log)
    }
  }

  async #writePack(pack: PackFile): Promise<WrittenPack> {
    try {
      return await this.#clone.write(pack)
    } catch (error) {
      // Otherwise nobody would look until the next fetch is due.
      const flaw = await this.#clone.findFlaw(this.#head).catch(() => undefined)
      if (flaw !== undefined) {
        this.#mustLook = true
        this.#renewSoon(flaw)
      }
      throw error
    }
  }

  breakOff(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
    this.#remote.close().catch(() => undefined)
  }

  async close(): Promise<void> {
    this.breakOff()
    await this.#remote.close()
    await this.#fetches.idle()
    await this.#clone.close()
  }

  async #begin(lastContact: Date | undefined): Promise<void> {
    const flaw = await this.#clone.findFlaw(this.#head)
    if (flaw !== undefined) await this.#renew(flaw)
    try {
      await this.refresh()
      if (this.#head === undefined) await this.#assertNoOtherBranch()
    } catch (error) {
      const isDown = error instanceof RemoteError && error.code === 'REMOTE_UNREACHABLE'
      if (!isDown || this.#head === undefined) throw error
      this.#confirmedAt = lastContact ?? new Date(0)
    }
    this.#fetchLater()
  }

  /** A branch that never was is only believed in a repository without any: anything else is a wrong name. */
  async #assertNoOtherBranch(): Promise<void> {
    const branches = [...(await this.#remote.listRefs(['refs/heads/'])).keys()]
    if (branches.length > 0) throw new UnknownBranchError(this.url, this.#clone.ref, branches)
  }

  #fetchLater(): void {
    if (this.#isClosed) return
    const delay = this.#fetchInterval * (0.8 + 0.4 * Math.random())
    this.#timer = setTimeout(() => {
      void this.refresh()
        .catch(() => undefined)
        .finally(() => this.#fetchLater())
    }, delay).unref()
  }

  /** One at a time. What goes wrong is logged when it begins, and told by `problems` until it is over. */
  async #fetch(): Promise<void> {
    const begun = performance.now()
    try {
      await this.#follow()
      this.#lookTime = performance.now() - begun
      if (this.#fetchProblem !== undefined) this.#log.info({ remote: this.url }, `${this.url} can be reached again`)
      this.#fetchProblem = undefined
      this.#failures = 0
    } catch (error) {
      this.#failures += 1
      const problem = `${this.url} could not be asked what is new: ${messageOf(error)}`
      if (this.#fetchProblem !== problem && !this.#isClosed) this.#log.error({ err: error }, problem)
      this.#fetchProblem = problem
      throw error
    }
  }

  /** A push of ours may be faster than a fetch that began before it: then what was fetched may be old. */
  async #follow(): Promise<void> {
    for (let look = 1; look <= maximumLooks; look += 1) {
      const before = this.#head
      const theirs = await this.#fetchBranch()
      if (await this.#inTurn(() => this.#adopt(before, theirs))) return
    }
    // Our own pushes tell where the branch is.
  }

  /** What another process has taken is left to it. Where the copy is to blame and not the server, it is made anew. */
  async #fetchBranch(): Promise<ObjectId | undefined> {
    await this.#clone.claimAgain()
    if (this.#flaw !== undefined) await this.#renew(this.#flaw)
    try {
      return await this.#remote.fetch(this.branch)
    } catch (error) {
      if (!this.#mayRenew()) throw error
      let flaw = await this.#clone.findFlaw(this.#head)
      if (flaw === undefined) {
        if (!(await this.#mayBlameCopy(error))) throw error
        try {
          // It may have been the server after all, and that is back only since.
          return await this.#remote.fetch(this.branch)
        } catch (again) {
          flaw = `git cannot fetch into the copy on this machine: ${messageOf(again)}`
        }
      }
      await this.#renew(flaw)
      return this.#remote.fetch(this.branch)
    }
  }

  /** Whether the server answers, but git cannot fetch into the copy, again and again. */
  async #mayBlameCopy(error: unknown): Promise<boolean> {
    if (this.#failures < failuresBeforeBlame) return false
    if (error instanceof RemoteError && error.code !== 'REMOTE_UNREACHABLE' && error.code !== 'REMOTE_REFUSED')
      return false
    try {
      await this.#remote.listRefs([this.#clone.ref])
      return true
    } catch {
      return false
    }
  }

  #mayRenew(): boolean {
    return !this.#isClosed && (this.#renewedAt === undefined || this.#since(this.#renewedAt) >= renewalInterval)
  }

  #renewSoon(flaw: string): void {
    if (this.#flaw !== undefined || !this.#mayRenew()) return
    this.#flaw = flaw
    this.refresh().catch(() => undefined)
  }

  async #renew(flaw: string): Promise<void> {
    this.#renewedAt = this.#clock()
    this.#flaw = undefined
    this.#log.warn({ remote: this.url }, `cloning ${this.url} anew: ${flaw}`)
    await this.#clone.renew()
    if (this.#rewrite !== undefined) this.#rewrite.kept = ''
  }

  /**
   * Makes what the server has the head of the copy: it is the truth, whatever was there before. False when the head is another
   * one than before it was asked, and what it said is not known to be older.
   */
  async #adopt(ours: ObjectId | undefined, theirs: ObjectId | undefined): Promise<boolean> {
    if (this.#head !== ours) {
      if (this.#head === undefined || theirs === undefined) return false
      return (await isInHistory((id) => this.#clone.read(id), theirs, this.#head)) === 'yes'
    }
    if (theirs === undefined) {
      if (ours !== undefined && !this.#isGone) {
        this.#log.error({ was: ours }, `branch ${this.branch} of ${this.url} has been deleted; it was at ${ours}`)
      }
      this.#isGone = ours !== undefined
    } else {
      if (ours !== theirs) {
        if (ours !== undefined) {
          this.#overtakenAt = this.#clock()
          await this.#reportRewrite(ours, theirs)
        }
        await this.#clone.moveTo(theirs)
      }
      // Also where it has not moved since: a fetch may have been faster than whoever found their answer lost.
      await this.#settle(theirs)
      this.#head = theirs
      this.#isGone = false
    }
    this.#confirmedAt = this.#clock()
    await this.#clone.rememberContact()
    return true
  }

  /** The head is moved by one at a time. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work)
    this.#turn = result.catch(() => undefined)
    return result
  }

  async #reportRewrite(ours: ObjectId, theirs: ObjectId): Promise<void> {
    const descends = await isInHistory((id) => this.#clone.read(id), ours, theirs)
    if (descends === 'yes') return
    const details = { was: ours, is: theirs }
    if (descends === 'unknown') {
      this.#log.warn(
        details,
        `branch ${this.branch} moved from ${ours} to ${theirs}, further than the history of the copy goes: ` +
          'whether anything was taken back cannot be told',
      )
      return
    }
    // git can still read it, and push it again.
    await this.#clone.moveTo(ours, `refs/signalbox/replaced/${ours}`)
    const text = `branch ${this.branch} of ${this.url} was moved by force from ${ours} to ${theirs}: commits were taken back`
    const kept = `. What it was is kept in the copy on this machine as refs/signalbox/replaced/${ours}`
    this.#rewrite = { text, kept, at: this.#clock() }
    this.#log.error(details, `${text}${kept}`)
  }

  /** A push in doubt is none any more when the branch has left the commit that it starts from: it arrived, or never will. */
  async #settle(theirs: ObjectId): Promise<void> {
    for (const { from, to, onArrived } of this.#doubts.values()) {
      if (from === theirs) continue
      const arrived = await isInHistory((id) => this.#clone.read(id), to, theirs)
      this.#settled(to, arrived)
      if (arrived === 'yes') onArrived?.()
    }
  }

  #settled(to: ObjectId, arrived: keyof typeof toVerdict): void {
    this.#doubts.delete(to)
    this.#log.warn({ commit: to, arrived }, `the push of ${to}, whose answer was lost: ${toVerdict[arrived]}`)
  }

  /** The very same commit again is the same doubt. */
  #remember({ from, to, onArrived }: Doubt): void {
    this.#doubts.delete(to)
    this.#doubts.set(to, { from, to, onArrived })
    const [oldest] = this.#doubts.keys()
    if (oldest === undefined || this.#doubts.size <= maximumDoubts) return
    this.#doubts.delete(oldest)
    this.#log.error(
      { commit: oldest },
      `the answers of more than ${maximumDoubts} pushes were lost: if that of ${oldest} arrives yet, nobody is told`,
    )
  }

  async #push(push: Push, runStep: RunStep): Promise<'published' | 'moved'> {
    // Until it says otherwise: the next write looks at the server first.
    this.#mustLook = true
    const begun = performance.now()
    const outcome = await runStep('push', () => this.#remote.push(push.refs, push.pack.pack))
    this.#pushTime = performance.now() - begun
    switch (outcome.kind) {
      case 'accepted':
        return runStep('move-branch', () => this.#published(push))
      case 'moved':
        await this.#assertMoves(push.from, outcome.reason)
        return 'moved'
      case 'refused':
        this.#mustLook = false
        throw this.#refused(outcome.reason)
      case 'failed':
        throw this.#failed(outcome.reason)
      case 'unknown':
        return runStep('push', () => this.#findOut(push, outcome.cause))
    }
  }

  /**
   * Before each push a look has shown where the branch is. Where it stays there, but is said to have moved, again and again, that is
   * not so: a hook has said words that git says, or a lock file was left on the server.
   */
  async #assertMoves(from: ObjectId | undefined, reason: string): Promise<void> {
    const last = this.#standstill
    const isSame = last !== undefined && last.from === from && this.#since(last.at) < standstillLifetime
    const pushes = isSame ? last.pushes + 1 : 1
    this.#standstill = { from, pushes, at: this.#clock() }
    if (pushes >= maximumPushesAtStandstill) {
      throw saysLocked.test(reason) ? this.#failed(reason) : this.#refused(reason)
    }
    // Whoever holds the lock may be about to move the branch.
    if (isSame) await this.#pause(100 * pushes * (0.5 + Math.random()))
  }

  /** The branch is there: what fails from here on is a matter of the copy, and the next fetch mends it. */
  #published({ from, to, pack }: Push): Promise<'published'> {
    return this.#inTurn(async (): Promise<'published'> => {
      this.#doubts.delete(to)
      // What else started from the same commit lost the race.
      for (const doubt of this.#doubts.values()) if (doubt.from === from) this.#settled(doubt.to, 'no')
      this.#mustLook = false
      this.#confirmedAt = this.#clock()
      // Otherwise a fetch has seen it already, and maybe more.
      if (this.#head !== from) return 'published'
      this.#head = to
      try {
        // The copy may have been made anew meanwhile.
        if ((await this.#clone.findMissing([to])).length > 0) await (await this.#clone.write(pack)).release()
        await this.#clone.moveTo(to)
      } catch (error) {
        this.#log.warn({ err: error, commit: to }, 'the commit is pushed, but the copy could not follow')
      }
      return 'published'
    })
  }

  #refused(reason: string): PushRefusedError {
    return new PushRefusedError(
      `could not push to manifest repository '${this.url}' on branch '${this.branch}': the server refused: ${reason}`,
    )
  }

  #failed(reason: string): RemoteError {
    return new RemoteError('REMOTE_REFUSED', `${this.url} could not take the push: ${reason}. Nothing was changed`)
  }

  /**
   * The very same push again, until it is known what became of it: whichever of them arrives first, the others start from a
   * commit that the branch has left.
   */
  async #findOut(push: Push, cause: unknown): Promise<'published' | 'moved'> {
    this.#remember(push)
    this.#log.warn({ err: cause, commit: push.to }, 'the answer to a push was lost: finding out whether it arrived')
    const end = performance.now() + this.#doubtTimeout
    let last = cause
    for (let attempt = 1; ; attempt += 1) {
      const remaining = () => Math.max(end - performance.now(), 1)
      try {
        const found = await withTimeout(this.#findPushed(push), remaining(), 'the remote does not answer')
        if (found !== 'absent') return found
        const again = this.#remote.push(push.refs, push.pack.pack)
        const outcome = await withTimeout(again, remaining(), 'the remote does not answer')
        if (outcome.kind === 'accepted') return await this.#published(push)
        if (outcome.kind === 'unknown') last = outcome.cause
        else if (outcome.kind === 'failed') last = this.#failed(outcome.reason)
        else if (outcome.kind === 'refused') {
          // Of this one. The first may still be on its way to a server that thinks better of it.
          throw this.#unknown(push, `when it was sent again, the server refused it: ${outcome.reason}`)
        }
      } catch (error) {
        if (error instanceof OutcomeUnknownError) throw error
        last = error
      }
      if (performance.now() >= end || this.#isClosed) throw this.#unknown(push, messageOf(last))
      await sleep(Math.min(50 * 2 ** attempt, 2000, remaining()) * (0.5 + Math.random() / 2))
    }
  }

  async #findPushed(doubt: Doubt): Promise<'published' | 'moved' | 'absent'> {
    const { from, to } = doubt
    await this.refresh()
    const head = await this.head()
    // Somebody may restore it where it was, while the push is still on its way.
    if (this.#isGone) throw this.#unknown(doubt, 'and the branch has been deleted meanwhile')
    if (head === from) return 'absent'
    if (head === undefined) return 'moved'
    const arrived = await isInHistory((id) => this.#clone.read(id), to, head)
    if (arrived === 'unknown') throw new Error('others have added more since than the copy of the history holds')
    return arrived === 'yes' ? 'published' : 'moved'
  }

  #unknown({ to }: Doubt, why: string): OutcomeUnknownError {
    return new OutcomeUnknownError(
      `commit ${to} was sent to ${this.url}, but its answer was lost (${why}). It may have been done, or may still be. ` +
        'To repeat the request with the same Idempotency-Key is safe; without one, look at what is there first',
    )
  }

  #since(moment: Date): number {
    return this.#clock().getTime() - moment.getTime()
  }
}

/** How often a fetch is repeated because a push was faster. */
const maximumLooks = 3

/** How often a push is repeated at most because of a move that nobody sees; and for how long it is remembered, in milliseconds. */
const maximumPushesAtStandstill = 4
const standstillLifetime = 10_000

/** The words of git and JGit for a ref that somebody else holds. */
const saysLocked = /Unable to create '.*\.lock'|lock failure/iu

/** For how long after a foreign commit others are taken to write, too, in milliseconds. */
const rivalry = 30_000

/** How long others are given way at most, before chance has its say, in milliseconds. */
const longestWay = 3000

const toVerdict = {
  yes: 'it had arrived',
  no: 'it had not, and cannot any more',
  unknown: 'whether it had cannot be told, the history of the copy does not go back that far',
} as const

/** The refs at the name of a tag, above it and below it: git keeps no two of them. */
function refsAround(name: string): readonly string[] {
  const segments = `${tagPrefix}${name}`.split('/')
  return segments.slice(2).map((_, index) => segments.slice(0, index + 3).join('/'))
}

/** Stops to wait after so many milliseconds; what is under way goes on. */
async function withTimeout<T>(work: Promise<T>, milliseconds: number, problem: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new RemoteError('REMOTE_UNREACHABLE', problem)), milliseconds)
  })
  try {
    return await Promise.race([work, timeout])
  } finally {
    clearTimeout(timer)
    work.catch(() => undefined)
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
