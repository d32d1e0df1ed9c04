import type { ObjectId } from '../core/object-id.ts'

/** A manifest as it was submitted. */
export interface SubmittedManifest {
  readonly environment: string
  readonly bytes: Uint8Array
  /** The blob that stands where this one is to go: when this is the same, byte for byte, nothing of it is checked. */
  readonly existing?: ObjectId | undefined
}

export interface CheckedManifest {
  readonly environment: string
  /** The id of the blob that git would make of it: equal ids are equal bytes. */
  readonly id: ObjectId
  /** The first reason why it is no YAML; absent when all its documents are. */
  readonly problem?: ManifestProblem
}

/** Line and column count from 1; a column is one UTF-16 unit wide. */
export interface ManifestProblem {
  readonly message: string
  readonly line: number
  readonly column: number
}

/**
 * What has to look into manifests. It never holds up the process; what is small never waits for what is large, and callers whose
 * manifests are large take turns. When the signal is aborted, what was asked for is dropped, and the promise fails with its reason.
 */
export interface ManifestChecker {
  /**
   * Whether each manifest is UTF-8 and YAML, in the order given. Every document must parse, keys must be unique and aliases known;
   * aliases are not followed. A manifest without any content is fine. Throws ManifestTooComplexError.
   */
  check(manifests: readonly SubmittedManifest[], signal?: AbortSignal): Promise<readonly CheckedManifest[]>
  /**
   * Whether two manifests say the same (spec 6.2): all documents are compared, comments, scalar styles and the order of keys count,
   * indentation and flow layout do not. A document that is no YAML is the same only as its own bytes. Throws ManifestTooComplexError.
   */
  isSame(existing: Uint8Array, submitted: Uint8Array, signal?: AbortSignal): Promise<boolean>
  /**
   * A unified diff with 3 lines of context; empty for equal texts. One of more than 5000 lines added and removed, or larger than
   * 256 KB, is a sentence in parentheses that says so. Throws ManifestTooComplexError.
   */
  diff(
    existing: Uint8Array | string,
    submitted: Uint8Array | string,
    names: DiffNames,
    signal?: AbortSignal,
  ): Promise<string>
}

/** What stands behind `---` and `+++`. */
export interface DiffNames {
  readonly from: string
  readonly to: string
}

/** Looking into a manifest took more memory or time than is allowed. The manifest is to blame: doing it again ends the same way. */
export class ManifestTooComplexError extends Error {
  override readonly name = 'ManifestTooComplexError'
  readonly code = 'MANIFEST_TOO_COMPLEX'
  /** Undefined where no environment is known. */
  readonly environment: string | undefined

  constructor(environment: string | undefined, message: string) {
    super(message)
    this.environment = environment
  }
}
