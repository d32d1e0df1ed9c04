import { actions } from '../core/principal.ts'
import { messageType } from './messages.ts'

/** signalbox.v1.CheckPermissionResponse */
export interface CheckPermissionMessage {
  readonly action?: string | undefined
  readonly environment?: string | undefined
  readonly application?: string | undefined
  readonly team?: string | undefined
  readonly allowed?: boolean | undefined
  readonly reason?: string | undefined
}

export const checkPermissionMessageType = messageType<CheckPermissionMessage>('signalbox.v1.CheckPermissionResponse')

/** What can be asked about. */
export const actionNames: readonly string[] = actions
