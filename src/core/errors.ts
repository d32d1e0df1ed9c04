import type { ListedLock } from './list-locks.ts'
import type { ObjectId } from './object-id.ts'
import type { Prognosis } from './release-train-prognosis.ts'

/**
 * What can go wrong for reasons that the caller can understand. The code is permanent; `message` is a sentence for
 * people, in Kuberpult's words where Kuberpult has some. What status this becomes is the wire's business.
 */
export class DomainError extends Error {
  override readonly name = 'DomainError'
  readonly problem: DomainProblem

  constructor(problem: DomainProblem, message: string) {
    super(message)
    this.problem = problem
  }

  get code(): DomainProblem['code'] {
    return this.problem.code
  }
}

/** A name that neither exists nor could. `rule` says what it would have to be. */
export interface InvalidName {
  readonly parameter: string
  readonly value: string
  readonly rule: string
}

export type DomainProblem =
  | { readonly code: 'INVALID_NAME'; readonly invalid: readonly InvalidName[] }
  | { readonly code: 'UNKNOWN_TARGET'; readonly target: string }
  | { readonly code: 'UNKNOWN_ENVIRONMENT'; readonly environment: string }
  | { readonly code: 'ENVIRONMENT_IN_USE'; readonly environment: string; readonly usedBy: readonly string[] }
  | { readonly code: 'ENVIRONMENT_UNREADABLE'; readonly environment: string }
  | { readonly code: 'ARGO_CD_FILE_TAKEN'; readonly file: string }
  | { readonly code: 'UNKNOWN_APPLICATION'; readonly application: string }
  | { readonly code: 'UNKNOWN_RELEASE'; readonly application: string }
  | { readonly code: 'APPLICATION_UNREADABLE'; readonly application: string }
  | { readonly code: 'VERSIONS_EXHAUSTED'; readonly application: string }
  | { readonly code: 'MANIFEST_MISSING'; readonly environment: string; readonly version: bigint }
  | { readonly code: 'LOCKED'; readonly locks: readonly ListedLock[] }
  | { readonly code: 'NOT_UNDEPLOYED'; readonly application: string }
  | { readonly code: 'TAG_EXISTS'; readonly tag: string }
  | { readonly code: 'UNKNOWN_TAG'; readonly tag: string }
  | { readonly code: 'TAG_UNUSABLE'; readonly tag: string }
  | { readonly code: 'UNKNOWN_COMMIT'; readonly commit: string }
  | { readonly code: 'UNKNOWN_GROUP'; readonly group: string }
  | { readonly code: 'UNKNOWN_TEAM'; readonly team: string }
  | { readonly code: 'INVALID_END'; readonly end: Date | undefined }
  | { readonly code: 'INVALID_CI_LINK'; readonly ciLink: string }
  | { readonly code: 'PERMISSION_DENIED'; readonly action: string; readonly environment: string }
  | { readonly code: 'PROGNOSIS_CHANGED'; readonly prognosis: Prognosis; readonly commit: ObjectId | undefined }
