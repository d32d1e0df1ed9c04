import type { ObjectId } from '../core/object-id.ts'
import type { DiffNames, ManifestProblem } from './manifest-checker.ts'

/** What the thread is asked to do. */
export type Task =
  | { readonly kind: 'check'; readonly bytes: Uint8Array; readonly existing: ObjectId | undefined }
  | { readonly kind: 'is-same'; readonly existing: Uint8Array; readonly submitted: Uint8Array }
  | { readonly kind: 'diff'; readonly existing: Uint8Array; readonly submitted: Uint8Array; readonly names: DiffNames }

/** What it answers. */
export interface TaskResult {
  readonly check: { readonly id: ObjectId; readonly problem: ManifestProblem | undefined }
  readonly 'is-same': boolean
  readonly diff: string
}
