import type { Principal } from '../core/principal.ts'
import { messageType } from './messages.ts'

/** signalbox.v1.WhoAmIResponse */
export interface WhoAmIMessage {
  readonly name: string
  readonly email: string
  readonly claimed: boolean
  readonly id: string
  readonly roles: readonly string[]
  readonly teams: readonly string[]
  readonly permissions: readonly PermissionMessage[]
}

/** signalbox.v1.Permission */
export interface PermissionMessage {
  readonly action: string
  readonly environmentGroup: string
  readonly environment: string
  readonly application: string
}

export const whoAmIMessageType = messageType<WhoAmIMessage>('signalbox.v1.WhoAmIResponse')

/** Who asks, and what they may do. */
export function toWhoAmIMessage({
  principal: { name, email, isClaimed },
  id,
  roles,
  teams,
  permissions,
}: {
  readonly principal: Principal
  readonly id: string
  readonly roles: readonly string[]
  readonly teams: readonly string[]
  readonly permissions: readonly PermissionMessage[]
}): WhoAmIMessage {
  return { name, email, claimed: isClaimed === true, id, roles: roles.toSorted(), teams, permissions }
}
