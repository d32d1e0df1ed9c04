import type Long from 'long'
import type { DeploymentEvent, DeploymentHistory } from '../core/deployment-history.ts'
import { messageType } from './messages.ts'
import type { TimestampMessage } from './to-timestamp-message.ts'
import { toTimestampMessage } from './to-timestamp-message.ts'
import { toUint64 } from './uint64.ts'

/** signalbox.v1.GetDeploymentHistoryResponse */
export interface HistoryMessage {
  readonly environment?: string | undefined
  readonly application?: string | undefined
  readonly events: readonly DeploymentEventMessage[]
  readonly nextPageToken?: string | undefined
  readonly truncated?: boolean | undefined
}

/** signalbox.v1.DeploymentEvent */
export interface DeploymentEventMessage {
  readonly version?: Long | undefined
  readonly fromVersion?: Long | undefined
  readonly at?: TimestampMessage | undefined
  readonly by?: { readonly name?: string | undefined; readonly email?: string | undefined } | undefined
  readonly commit?: string | undefined
  readonly command?: string | undefined
  readonly trainTarget?: string | undefined
  readonly trainTeam?: string | undefined
  readonly requestId?: string | undefined
  readonly subject?: string | undefined
  readonly claimed?: boolean | undefined
  readonly gitTag?: string | undefined
  readonly sourceGitTag?: string | undefined
}

export const historyMessageType = messageType<HistoryMessage>('signalbox.v1.GetDeploymentHistoryResponse')

/** A page of the history of an application in an environment. */
export function toHistoryMessage(
  environment: string,
  application: string,
  { events, next, isTruncated }: DeploymentHistory,
): HistoryMessage {
  return { environment, application, events: events.map(toEventMessage), nextPageToken: next, truncated: isTruncated }
}

function toEventMessage({ version, fromVersion, at, isClaimed, ...event }: DeploymentEvent): DeploymentEventMessage {
  return {
    ...event,
    version: version === undefined ? undefined : toUint64(version),
    fromVersion: fromVersion === undefined ? undefined : toUint64(fromVersion),
    at: toTimestampMessage(at),
    claimed: isClaimed,
  }
}
