import { messageType } from './messages.ts'

/** signalbox.v1.SignInResponse */
export interface SignInMessage {
  readonly mode?: string | undefined
  readonly issuer?: string | undefined
  readonly clientId?: string | undefined
  readonly scopes: readonly string[]
}

export const signInMessageType = messageType<SignInMessage>('signalbox.v1.SignInResponse')
