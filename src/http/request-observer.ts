import type { Prognosis } from '../core/release-train-prognosis.ts'
import type { Trace } from '../manifest-store/manifest-store.ts'

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

/** Makes traces of requests. */
export interface RequestTracer {
  /** A request has arrived; the trace ends with `answered`. Undefined when this one is not traced. */
  requestArrived(request: ArrivedRequest): RequestTrace | undefined
}

export interface ArrivedRequest {
  readonly method: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

export interface RequestTrace extends Trace {
  /** `status` is undefined when the connection closed before the answer. */
  answered(answer: {
    readonly route: string | undefined
    readonly status: number | undefined
    readonly requestId: string
  }): void
}
