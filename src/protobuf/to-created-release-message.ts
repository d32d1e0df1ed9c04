import type { ReleaseDeployment } from '../core/automatic-deployment.ts'
import type { DifferingField, ReleaseOutcome } from '../core/create-release.ts'
import type { ObjectId } from '../core/object-id.ts'
import type { LockMessage } from './to-lock-message.ts'
import { toLockMessage } from './to-lock-message.ts'
import { messageType } from './messages.ts'
import { toUint64 } from './uint64.ts'

/** api.v1.CreateReleaseResponse */
export interface CreatedReleaseMessage {
  readonly success?: object | undefined
  readonly tooOld?: object | undefined
  readonly tooLong?: { readonly appName: string; readonly regExp: string; readonly maxLen: number } | undefined
  readonly alreadyExistsSame?: object | undefined
  readonly alreadyExistsDifferent?: { readonly firstDifferingField: number; readonly diff: string } | undefined
  readonly missingManifest?: { readonly missingManifest: readonly string[] } | undefined
  readonly isNoDownstream?: { readonly noDownstream: readonly string[] } | undefined
  readonly application?: string | undefined
  readonly version?: ReturnType<typeof toUint64> | undefined
  readonly commit?: string | undefined
  readonly deployments?: readonly CreatedReleaseDeploymentMessage[] | undefined
  readonly removedVersions?: readonly ReturnType<typeof toUint64>[] | undefined
}

/** api.v1.CreatedReleaseDeployment */
export interface CreatedReleaseDeploymentMessage {
  readonly environment: string
  readonly queued: boolean
  readonly locks: readonly LockMessage[]
  readonly fromVersion?: ReturnType<typeof toUint64> | undefined
  readonly reason?: string | undefined
}

export const createdReleaseMessageType = messageType<CreatedReleaseMessage>('api.v1.CreateReleaseResponse')

/** Kuberpult's numbers (spec 3.4). */
const fieldNumbers = {
  SOURCE_COMMIT_ID: 0,
  SOURCE_AUTHOR: 1,
  SOURCE_MESSAGE: 2,
  DISPLAY_VERSION: 4,
  TEAM: 5,
  MANIFESTS: 6,
} as const satisfies Record<DifferingField, number>

/** What Kuberpult says a name must be, in Go's syntax. */
const namePattern = String.raw`\A[a-z0-9]+(?:-[a-z0-9]+)*\z`

/** What came of a release. `diff` is that of the first difference, where there is one. */
export function toCreatedReleaseMessage(
  application: string,
  outcome: Exclude<ReleaseOutcome, { kind: 'undecided' }>,
  commit: ObjectId | undefined,
  diff: string,
): CreatedReleaseMessage {
  switch (outcome.kind) {
    case 'created':
      return {
        success: {},
        application,
        version: toUint64(outcome.version),
        commit,
        deployments: outcome.deployments.map(toDeploymentMessage),
        removedVersions: outcome.removed.map(toUint64),
      }
    case 'same':
      return { alreadyExistsSame: {}, application, version: toUint64(outcome.version) }
    case 'different':
      return {
        alreadyExistsDifferent: { firstDifferingField: fieldNumbers[outcome.field], diff },
        application,
        version: toUint64(outcome.version),
      }
    case 'too-old':
      return { tooOld: {}, application, version: toUint64(outcome.version) }
    case 'invalid-name':
      return { tooLong: { appName: application, regExp: namePattern, maxLen: outcome.maximumLength } }
    case 'missing-manifest':
      return { missingManifest: { missingManifest: outcome.environments } }
    case 'no-downstream':
      return { isNoDownstream: { noDownstream: outcome.environments } }
  }
}

/** What became of a new release in one environment. */
export function toDeploymentMessage(deployment: ReleaseDeployment): CreatedReleaseDeploymentMessage {
  const { environment, from, outcome, locks, reason } = deployment
  return {
    environment,
    queued: outcome === 'queued',
    locks: locks.map(toLockMessage),
    fromVersion: from === undefined ? undefined : toUint64(from),
    reason,
  }
}
