import type { ArgoCdSource } from './argo-cd-file.ts'

/** How the repository is kept, whatever a request says. */
export interface WriteSettings {
  /** Undefined when no Argo CD files are to be written. */
  readonly argoCd: ArgoCdSource | undefined
  /** Of the releases that are older than the oldest deployed one, one less than this many are kept (spec 6.5). */
  readonly releaseVersionsLimit: number
  /** Whether `commits/` records which commits of the sources were released and deployed (spec 1.7). */
  readonly writesCommitData: boolean
}
