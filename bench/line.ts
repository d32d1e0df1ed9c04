import type { RepositorySize } from './manifest-repository.ts'
import type { RepositoryCache } from './repository-cache.ts'
import type { Result } from './result.ts'

/** What a line needs to be measured. */
export interface Bench {
  readonly size: RepositorySize
  /** How often a measurement and its yardstick take turns. */
  readonly alternations: number
  readonly repositories: RepositoryCache
  /** Where servers leave their CPU profiles. */
  readonly profileFolder: string | undefined
}

/** One line of the design's section on speed: one or more rows of the table. */
export interface Line {
  /** What `--only` takes. */
  readonly name: string
  /** Whether it is a ratio that a few seconds can tell: see `--quick`. */
  readonly isQuick: boolean
  readonly measure: (bench: Bench) => Promise<readonly Result[]>
}
