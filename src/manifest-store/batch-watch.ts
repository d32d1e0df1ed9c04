import type { CommandRequest } from './manifest-store.ts'
import type { BatchReport, RunStep, StoreStep, StoreTracer } from './store-observer.ts'
import type { WaitingCommand } from './write-queue.ts'

/** Takes the time of a batch and of its steps, for the log, metrics and traces. */
export class BatchWatch {
  readonly #start = performance.now()
  readonly #requests: readonly CommandRequest[]
  readonly #waited: readonly number[]
  readonly #tracer: StoreTracer | undefined
  readonly #steps = new Map<StoreStep, number>()
  readonly #stepsOfRequests = new Map<CommandRequest, Map<StoreStep, number>>()
  readonly #commits: string[] = []
  #attempts = 0
  #outcome: BatchReport['outcome'] = 'failed'

  constructor(batch: readonly WaitingCommand[], tracer: StoreTracer | undefined) {
    this.#requests = batch.map(({ request }) => request)
    this.#waited = batch.map(({ submittedAt }) => this.#start - submittedAt)
    this.#tracer = tracer
  }

  attempt(): void {
    this.#attempts += 1
  }

  /** A step that is done once for the whole batch. */
  readonly runStep: RunStep = (step, work) => this.#run(step, this.#requests, work)

  /** A step that is done for one command alone. */
  async runStepOf<T>(request: CommandRequest, step: StoreStep, work: () => Promise<T>): Promise<T> {
    const steps = this.#stepsOfRequests.get(request) ?? new Map<StoreStep, number>()
    this.#stepsOfRequests.set(request, steps)
    const start = performance.now()
    try {
      return await this.#run(step, [request], work)
    } finally {
      add(steps, step, performance.now() - start)
    }
  }

  /** What the log says of a commit. What was done for its command alone counts for it alone, everything else for all of the batch. */
  describe(index: number): object {
    const request = this.#requests[index]
    const steps = new Map([...this.#steps, ...((request && this.#stepsOfRequests.get(request)) ?? [])])
    return {
      batch: this.#requests.length,
      attempts: this.#attempts,
      milliseconds: {
        waited: Math.round(this.#waited[index] ?? 0),
        ...Object.fromEntries([...steps].map(([step, took]) => [step, Math.round(took)])),
      },
    }
  }

  committed(command: string): void {
    this.#commits.push(command)
  }

  end(outcome: 'published' | 'idle'): void {
    this.#outcome = outcome
  }

  /** Counts what was done for a part of the batch by itself. */
  add({ attempts, commits, outcome, steps }: BatchReport): void {
    this.#attempts += attempts
    this.#commits.push(...commits)
    for (const [step, took] of steps) add(this.#steps, step, took)
    // Something of it was written.
    if (this.#outcome !== 'published') this.#outcome = outcome
  }

  report(): BatchReport {
    return {
      waited: this.#waited,
      attempts: this.#attempts,
      commits: this.#commits,
      outcome: this.#outcome,
      took: performance.now() - this.#start,
      steps: this.#steps,
    }
  }

  async #run<T>(step: StoreStep, requests: readonly CommandRequest[], work: () => Promise<T>): Promise<T> {
    const start = performance.now()
    try {
      return await (this.#tracer === undefined ? work() : this.#tracer.runStep(step, requests, work))
    } finally {
      add(this.#steps, step, performance.now() - start)
    }
  }
}

function add(steps: Map<StoreStep, number>, step: StoreStep, took: number): void {
  steps.set(step, (steps.get(step) ?? 0) + took)
}
