import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import { listLocks } from '../core/list-locks.ts'
import type { Snapshot } from '../core/snapshot.ts'
import type { AnsweredRequest, RequestObserver, TrainEnd } from '../http/request-observer.ts'
import type { StoreHealth } from '../manifest-store/manifest-store.ts'
import type {
  BatchReport,
  CommandEnd,
  PackFigures,
  RemoteObserver,
  StoreObserver,
} from '../manifest-store/store-observer.ts'

/** What is looked at only when somebody asks for the figures. */
export interface MetricsSources {
  readonly snapshot: () => Promise<Snapshot>
  readonly health: () => StoreHealth
  /** Undefined when it cannot be known. */
  readonly packs: () => Promise<PackFigures | undefined>
  /** What does not work as it should beside the store. */
  readonly problems: () => readonly string[]
  readonly now: () => Date
}

/** From a read out of memory to a train into a large group. */
const secondsOfRequests = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/** From a few syncs of a fast disk to a push through a slow network. */
const secondsOfWrites = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/**
 * All figures that Signalbox has of itself, by Prometheus' conventions. docs/operations.md says what each means. Labels hold
 * names of ours, patterns of paths and environments: never what a caller can make up.
 */
export class Metrics implements RequestObserver, StoreObserver, RemoteObserver {
  readonly #registry = new Registry()
  #sources: MetricsSources | undefined

  readonly #requests = this.#counter(
    'http_requests_total',
    'Requests by the pattern of their path, and their answers',
    ['route', 'method', 'status'],
  )
  readonly #requestSeconds = this.#histogram(
    'http_request_duration_seconds',
    'From the arrival of a request until its answer is written',
    ['route', 'method'],
    secondsOfRequests,
  )
  readonly #commands = this.#counter('write_commands_total', 'Commands by how they ended', ['outcome'])
  readonly #commits = this.#counter('commits_total', 'Commits by the command that made them', ['command'])
  readonly #waited = this.#histogram(
    'write_queue_wait_seconds',
    'How long a command waited for its turn',
    [],
    secondsOfWrites,
  )
  readonly #batchSize = this.#histogram(
    'write_batch_size',
    'How many commands were decided and written together',
    [],
    [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024],
  )
  readonly #commitSeconds = this.#histogram(
    'commit_duration_seconds',
    'From the turn of a batch until its commits are durable',
    [],
    secondsOfWrites,
  )
  readonly #stepSeconds = this.#histogram(
    'write_step_duration_seconds',
    'What the time of a batch goes to',
    ['step'],
    secondsOfWrites,
  )
  readonly #retries = this.#counter(
    'write_retries_total',
    'How often a batch was decided again, because others moved the branch',
  )
  readonly #failures = this.#counter('write_failures_total', 'Batches that could not be written')
  readonly #pushes = this.#counter('pushes_total', 'Pushes to the remote by what it said', ['outcome'])
  readonly #pushSeconds = this.#histogram('push_duration_seconds', 'How long a push took', [], secondsOfWrites)
  readonly #fetches = this.#counter('fetches_total', 'Fetches from the remote by what became of them', ['outcome'])
  readonly #fetchSeconds = this.#histogram('fetch_duration_seconds', 'How long a fetch took', [], secondsOfWrites)
  readonly #stateAge = this.#gauge(
    'state_age_seconds',
    'Since the state that is served was last known to be that of the remote; 0 without a remote',
  )
  readonly #trains = this.#counter('release_trains_total', 'Release trains by how they ended', ['outcome'])
  readonly #trainApplications = this.#counter(
    'release_train_applications_total',
    'What release trains did to applications; the cause is empty for those that travelled',
    ['outcome', 'cause'],
  )
  readonly #trainEnvironments = this.#counter(
    'release_train_environments_skipped_total',
    'Environments that release trains left out as a whole',
    ['cause'],
  )
  readonly #queueLength = this.#gauge('write_queue_length', 'Commands that wait for their turn')
  readonly #packs = this.#gauge('packs', 'Packs of the repository on this machine')
  readonly #packBytes = this.#gauge('pack_bytes', 'How large these packs are together, without their indexes')
  readonly #consolidations = this.#counter('pack_consolidations_total', 'How often small packs became a larger one')
  readonly #packWait = this.#counter('pack_wait_seconds_total', 'How long writes waited because there were many packs')
  readonly #locks = this.#gauge('locks', 'Locks that hold', ['kind', 'environment'])
  readonly #problems = this.#gauge('problems', 'How many things do not work as they should: /readyz says which')
  readonly #readable = this.#gauge('readable', 'Whether reads can be served: 1 or 0')
  readonly #build = this.#gauge('build_info', 'Always 1', ['version', 'node_version'])

  constructor(version: string) {
    this.#build.set({ version, node_version: process.versions.node }, 1)
  }

  /** Adds what Node knows of the process: memory, event loop delay, garbage collection. Once for a process. */
  collectProcess(): void {
    collectDefaultMetrics({ register: this.#registry })
  }

  setSources(sources: MetricsSources): void {
    this.#sources = sources
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  async text(): Promise<string> {
    await this.#look()
    return this.#registry.metrics()
  }

  requestAnswered({ route = 'none', method, status, milliseconds }: AnsweredRequest): void {
    this.#requests.inc({ route, method, status })
    this.#requestSeconds.observe({ route, method }, milliseconds / 1000)
  }

  trainEnded(end: TrainEnd): void {
    this.#trains.inc({ outcome: toTrainOutcome(end) })
    if (end.kind === 'refused') return
    for (const { outcome } of end.prognosis.environments) {
      if (outcome.kind === 'skipped') {
        this.#trainEnvironments.inc({ cause: outcome.cause })
        continue
      }
      for (const { outcome: of } of outcome.applications) {
        if (of.kind === 'travels') this.#trainApplications.inc({ outcome: 'deployed', cause: '' })
        else this.#trainApplications.inc({ outcome: 'skipped', cause: of.cause })
      }
    }
  }

  commandEnded(outcome: CommandEnd): void {
    this.#commands.inc({ outcome })
  }

  arrivedLate(commits: readonly string[]): void {
    for (const command of commits) this.#commits.inc({ command })
  }

  batchEnded({ waited, attempts, commits, outcome, took, steps }: BatchReport): void {
    this.#batchSize.observe(waited.length)
    for (const milliseconds of waited) this.#waited.observe(milliseconds / 1000)
    for (const command of commits) this.#commits.inc({ command })
    for (const [step, milliseconds] of steps) this.#stepSeconds.observe({ step }, milliseconds / 1000)
    this.#retries.inc(Math.max(attempts - 1, 0))
    if (outcome === 'published') this.#commitSeconds.observe(took / 1000)
    if (outcome === 'failed') this.#failures.inc()
  }

  pushEnded(outcome: Parameters<RemoteObserver['pushEnded']>[0], milliseconds: number): void {
    this.#pushes.inc({ outcome })
    this.#pushSeconds.observe(milliseconds / 1000)
  }

  fetchEnded(outcome: Parameters<RemoteObserver['fetchEnded']>[0], milliseconds: number): void {
    this.#fetches.inc({ outcome })
    this.#fetchSeconds.observe(milliseconds / 1000)
  }

  async #look(): Promise<void> {
    const sources = this.#sources
    if (sources === undefined) return
    // Looks at the repository, so that `health` is about this moment.
    const snapshot = await sources.snapshot().catch(() => undefined)
    const { problems, isReadable, waitingCommands, stateAge = 0 } = sources.health()
    this.#queueLength.set(waitingCommands)
    this.#problems.set(problems.length + sources.problems().length)
    this.#readable.set(isReadable ? 1 : 0)
    this.#stateAge.set(stateAge / 1000)
    await this.#lookAtPacks(sources)
    this.#locks.reset()
    if (snapshot === undefined) return
    for (const { kind, environment, hasEnded } of listLocks(snapshot, {}, sources.now()).locks) {
      if (!hasEnded) this.#locks.inc({ kind, environment })
    }
  }

  async #lookAtPacks(sources: MetricsSources): Promise<void> {
    const figures = await sources.packs().catch(() => undefined)
    if (figures === undefined) return
    this.#packs.set(figures.packs)
    this.#packBytes.set(figures.bytes)
    this.#consolidations.reset()
    this.#consolidations.inc(figures.consolidations)
    this.#packWait.reset()
    this.#packWait.inc(figures.waited / 1000)
  }

  #counter<Label extends string = never>(
    name: string,
    help: string,
    labelNames: readonly Label[] = [],
  ): Counter<Label> {
    return new Counter({ name: `signalbox_${name}`, help, labelNames, registers: [this.#registry] })
  }

  #gauge<Label extends string = never>(name: string, help: string, labelNames: readonly Label[] = []): Gauge<Label> {
    return new Gauge({ name: `signalbox_${name}`, help, labelNames, registers: [this.#registry] })
  }

  #histogram<Label extends string = never>(
    name: string,
    help: string,
    labelNames: readonly Label[],
    buckets: number[],
  ): Histogram<Label> {
    return new Histogram({ name: `signalbox_${name}`, help, labelNames, buckets, registers: [this.#registry] })
  }
}

function toTrainOutcome(end: TrainEnd): string {
  if (end.kind === 'ran') return end.hasCommitted ? 'deployed' : 'nothing-to-do'
  if (end.status === 412) return 'prognosis-changed'
  if (end.status === 408) return 'abandoned'
  return end.status >= 500 ? 'failed' : 'refused'
}
