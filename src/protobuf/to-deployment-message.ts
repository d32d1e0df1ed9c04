import type { DeploymentResult } from '../core/deploy-release.ts'
import type { ObjectId } from '../core/object-id.ts'
import { messageType } from './messages.ts'
import type { ListedLockMessage } from './to-locks-message.ts'
import { toListedLockMessage } from './to-locks-message.ts'
import { toUint64 } from './uint64.ts'

/** signalbox.v1.DeployReleaseResponse */
export interface DeploymentMessage {
  readonly environment: string
  readonly application: string
  readonly version: ReturnType<typeof toUint64>
  readonly outcome: string
  readonly fromVersion?: ReturnType<typeof toUint64> | undefined
  readonly locks: readonly ListedLockMessage[]
  readonly removedVersions: readonly ReturnType<typeof toUint64>[]
  readonly commit?: string | undefined
}

export const deploymentMessageType = messageType<DeploymentMessage>('signalbox.v1.DeployReleaseResponse')

/** What came of a deployment; without a commit nothing changed. */
export function toDeploymentMessage(
  asked: { readonly environment: string; readonly application: string; readonly version: bigint },
  { outcome, from, locks, removed }: DeploymentResult,
  commit: ObjectId | undefined,
): DeploymentMessage {
  return {
    environment: asked.environment,
    application: asked.application,
    version: toUint64(asked.version),
    // What was queued already still waits.
    outcome: commit === undefined && outcome === 'deployed' ? 'unchanged' : outcome,
    fromVersion: from === undefined ? undefined : toUint64(from),
    locks: locks.map(toListedLockMessage),
    removedVersions: removed.map(toUint64),
    commit,
  }
}
