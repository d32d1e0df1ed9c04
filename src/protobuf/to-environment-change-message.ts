import type { EnvironmentChange } from '../core/environment-commands.ts'
import type { ObjectId } from '../core/object-id.ts'
import { messageType } from './messages.ts'

/** signalbox.v1.EnvironmentChangeResponse */
export interface EnvironmentChangeMessage {
  readonly environment?: string | undefined
  readonly dryrun?: boolean | undefined
  readonly warnings: readonly string[]
  readonly commit?: string | undefined
}

export const environmentChangeMessageType = messageType<EnvironmentChangeMessage>(
  'signalbox.v1.EnvironmentChangeResponse',
)

export function toEnvironmentChangeMessage(
  environment: string,
  { warnings }: EnvironmentChange,
  facts: { readonly isDryRun: boolean; readonly commit: ObjectId | undefined },
): EnvironmentChangeMessage {
  return { environment, dryrun: facts.isDryRun, warnings, commit: facts.commit }
}
