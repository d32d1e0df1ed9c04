import type { Prognosis } from '../core/release-train-prognosis.ts'

/** Is told what is asked and answered: for metrics. Each call returns at once and throws nothing. */
export interface RequestObserver {
  requestAnswered(answer: AnsweredRequest): void
  /** A train has ended. */
  trainEnded(end: TrainEnd): void
}

export interface AnsweredRequest {
  readonly method: string
  /** The pattern of its path; undefined for a path that is none. */
  readonly route: string | undefined
  readonly status: number
  readonly milliseconds: number
}

export type TrainEnd =
  /** `hasCommitted` is false when it found nothing to do. */
  | { readonly kind: 'ran'; readonly prognosis: Prognosis; readonly hasCommitted: boolean }
  /** `status` is that of the answer. */
  | { readonly kind: 'refused'; readonly status: number }
