import type Long from 'long'
import type { MessageType } from '../protobuf/messages.ts'
import { messageType } from '../protobuf/messages.ts'
import type { ApplicationMessage } from '../protobuf/to-application-message.ts'
import type { EnvironmentGroupsMessage, EnvironmentMessage } from '../protobuf/to-environment-message.ts'
import type { HistoryMessage } from '../protobuf/to-history-message.ts'
import type { LockMessage } from '../protobuf/to-lock-message.ts'
import type { ListedLockMessage, LockListMessage } from '../protobuf/to-locks-message.ts'
import type { PrognosisMessage } from '../protobuf/to-prognosis-message.ts'
import type { CheckPermissionMessage } from '../protobuf/to-check-permission-message.ts'
import type { ReleaseTrainMessage } from '../protobuf/to-release-train-message.ts'
import type { SignInMessage } from '../protobuf/to-sign-in-message.ts'

/** signalbox.v1.Problem */
export interface ProblemMessage {
  readonly detail?: string | undefined
  readonly code?: string | undefined
  readonly requestId?: string | undefined
  readonly errors: readonly { readonly path?: string | undefined; readonly message?: string | undefined }[]
  readonly prognosis?: PrognosisMessage | undefined
  readonly locks: readonly ListedLockMessage[]
}

/** api.v1.CreateReleaseResponse as it is read, where what is at its default is absent: one of the first eight, and facts. */
export interface CreatedReleaseMessage {
  readonly success?: object | undefined
  readonly tooOld?: object | undefined
  readonly tooLong?: { readonly appName?: string; readonly regExp?: string; readonly maxLen?: number } | undefined
  readonly generalFailure?: { readonly message?: string } | undefined
  readonly alreadyExistsSame?: object | undefined
  readonly alreadyExistsDifferent?: { readonly firstDifferingField?: number; readonly diff?: string } | undefined
  readonly missingManifest?: { readonly missingManifest: readonly string[] } | undefined
  readonly isNoDownstream?: { readonly noDownstream: readonly string[] } | undefined
  readonly application?: string | undefined
  readonly version?: Long | undefined
  readonly commit?: string | undefined
  readonly deployments: readonly CreatedDeploymentMessage[]
  readonly removedVersions: readonly Long[]
}

/** api.v1.CreatedReleaseDeployment as it is read. */
export interface CreatedDeploymentMessage {
  readonly environment?: string | undefined
  readonly queued?: boolean | undefined
  readonly locks: readonly LockMessage[]
  readonly fromVersion?: Long | undefined
  readonly reason?: string | undefined
}

/** signalbox.v1.DeployReleaseResponse as it is read. */
export interface DeploymentMessage {
  readonly environment?: string | undefined
  readonly application?: string | undefined
  readonly version?: Long | undefined
  readonly outcome?: string | undefined
  readonly fromVersion?: Long | undefined
  readonly locks: readonly ListedLockMessage[]
  readonly removedVersions: readonly Long[]
  readonly commit?: string | undefined
}

/** signalbox.v1.EnvironmentChangeResponse */
export interface EnvironmentChangeMessage {
  readonly environment?: string | undefined
  readonly dryrun?: boolean | undefined
  readonly warnings: readonly string[]
  readonly commit?: string | undefined
}

/** signalbox.v1.WhoAmIResponse as it is read. */
export interface WhoAmIMessage {
  readonly name?: string | undefined
  readonly email?: string | undefined
  readonly roles: readonly string[]
}

/** The messages that the client reads, by proto/ alone: how the server makes them is none of its business. */
export const messages = {
  problem: typeOf<ProblemMessage>('signalbox.v1.Problem'),
  prognosis: typeOf<PrognosisMessage>('api.v1.GetReleaseTrainPrognosisResponse'),
  train: typeOf<ReleaseTrainMessage>('api.v1.ReleaseTrainResponse'),
  createdRelease: typeOf<CreatedReleaseMessage>('api.v1.CreateReleaseResponse'),
  deployment: typeOf<DeploymentMessage>('signalbox.v1.DeployReleaseResponse'),
  environmentChange: typeOf<EnvironmentChangeMessage>('signalbox.v1.EnvironmentChangeResponse'),
  history: typeOf<HistoryMessage>('signalbox.v1.GetDeploymentHistoryResponse'),
  locks: typeOf<LockListMessage>('signalbox.v1.ListLocksResponse'),
  environmentGroups: typeOf<EnvironmentGroupsMessage>('signalbox.v1.ListEnvironmentGroupsResponse'),
  environment: typeOf<EnvironmentMessage>('signalbox.v1.Environment'),
  application: typeOf<ApplicationMessage>('signalbox.v1.Application'),
  signIn: typeOf<SignInMessage>('signalbox.v1.SignInResponse'),
  whoAmI: typeOf<WhoAmIMessage>('signalbox.v1.WhoAmIResponse'),
  permission: typeOf<CheckPermissionMessage>('signalbox.v1.CheckPermissionResponse'),
}

function typeOf<Message extends object>(name: string): MessageType<Message> {
  return messageType<Message>(name)
}
