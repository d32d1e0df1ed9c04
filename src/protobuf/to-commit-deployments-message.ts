import type { CommitDeployment, findCommitDeployments } from '../core/commit-deployments.ts'
import { messageType } from './messages.ts'

/** api.v1.GetCommitDeploymentInfoResponse */
export interface CommitDeploymentsMessage {
  readonly deploymentStatus: Readonly<Record<string, { readonly deploymentStatus: Readonly<Record<string, number>> }>>
}

export const commitDeploymentsMessageType = messageType<CommitDeploymentsMessage>(
  'api.v1.GetCommitDeploymentInfoResponse',
)

/** Where the releases made from a commit have arrived. */
export function toCommitDeploymentsMessage(
  deployments: ReturnType<typeof findCommitDeployments>,
): CommitDeploymentsMessage {
  return {
    deploymentStatus: Object.fromEntries(
      [...deployments].map(([application, environments]) => [
        application,
        {
          deploymentStatus: Object.fromEntries(
            [...environments].map(([environment, status]) => [environment, numbers[status]]),
          ),
        },
      ]),
    ),
  }
}

/** api.v1.CommitDeploymentStatus */
const numbers = { UNKNOWN: 0, PENDING: 1, DEPLOYED: 2 } as const satisfies Record<CommitDeployment, number>
