import type { CommandRequest } from './manifest-store.ts'

/** Is told what the store has done: for metrics. Each call returns at once and throws nothing. */
export interface StoreObserver {
  /** A command has been answered, or has left without an answer. */
  commandEnded(end: CommandEnd): void
  /** A batch has been decided and, where it changed something, written; or that has failed. */
  batchEnded(batch: BatchReport): void
  /** A batch that ended as `failed`, because nobody knew whether its push had arrived, has: the kinds of its commits, one for each. */
  arrivedLate(commits: readonly string[]): void
}

/**
 * `unchanged`: there was nothing to do. `refused`: a rule of the domain, a permission, or the server that has the repository said no. `abandoned`: its caller left
 * before its turn. `queue-full`: it was not taken at all. `failed`: the repository could not be read or written, or a fault of ours.
 */
export type CommandEnd = 'committed' | 'repeated' | 'unchanged' | 'refused' | 'abandoned' | 'queue-full' | 'failed'

export interface BatchReport {
  /** For each command of the batch, how many milliseconds it waited for its turn. */
  readonly waited: readonly number[]
  /** How often it was decided: more than once when others moved the branch meanwhile. */
  readonly attempts: number
  /** The kinds of commands that made a commit, one for each commit. */
  readonly commits: readonly string[]
  /** `idle`: nothing had to be written. */
  readonly outcome: 'published' | 'idle' | 'failed'
  /** How many milliseconds the batch took, from its turn on. */
  readonly took: number
  /** How many of them each step took, in all attempts together. */
  readonly steps: ReadonlyMap<StoreStep, number>
}

/** Is told of every talk with the remote. */
export interface RemoteObserver {
  /**
   * `moved`: the branch there was no longer where it was. `refused`: the server said no. `unknown`: the answer was lost.
   * `failed`: it could not be reached, would not let us in, or could not store it.
   */
  pushEnded(outcome: 'accepted' | 'moved' | 'refused' | 'unknown' | 'failed', milliseconds: number): void
  fetchEnded(outcome: 'succeeded' | 'failed', milliseconds: number): void
}

/** What the store spends time on. `move-branch` is the local branch; `push` and `fetch` talk to the remote. */
export const storeSteps = ['decide', 'edit-tree', 'write-pack', 'move-branch', 'push', 'fetch'] as const

export type StoreStep = (typeof storeSteps)[number]

/** Does the work, watched: answers what it answers, and throws what it throws. */
export type RunStep = <T>(step: StoreStep, work: () => Promise<T>) => Promise<T>

/** Watches the steps that are done for requests, as spans of their traces. The first of them stands for all. */
export interface StoreTracer {
  readonly runStep: <T>(step: StoreStep, requests: readonly CommandRequest[], work: () => Promise<T>) => Promise<T>
}

/** The packs on this machine's disk at this moment, and how often some were combined since the start. */
export interface PackFigures {
  readonly packs: number
  readonly bytes: number
  readonly consolidations: number
  /** For how many milliseconds writes have waited since then because there were many packs. */
  readonly waited: number
}
