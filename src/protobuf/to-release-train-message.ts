import type { ObjectId } from '../core/object-id.ts'
import type { Prognosis } from '../core/release-train-prognosis.ts'
import { messageType } from './messages.ts'
import type { EnvironmentPrognosesMessage, PrognosisContext } from './to-prognosis-message.ts'
import { toEnvironmentPrognosesMessage, toTagFields } from './to-prognosis-message.ts'

/** api.v1.ReleaseTrainResponse */
export interface ReleaseTrainMessage {
  readonly target?: string | undefined
  readonly team?: string | undefined
  readonly commit?: string | undefined
  readonly fingerprint?: string | undefined
  readonly environments: EnvironmentPrognosesMessage
  readonly warnings: readonly string[]
  readonly gitTag?: string | undefined
  readonly sourceGitTag?: string | undefined
  readonly sourceCommit?: string | undefined
}

export const releaseTrainMessageType = messageType<ReleaseTrainMessage>('api.v1.ReleaseTrainResponse')

/** The message that answers a train that ran: it did what the prognosis says. */
export function toReleaseTrainMessage(
  prognosis: Prognosis,
  { fingerprint, commit }: PrognosisContext,
): ReleaseTrainMessage {
  return {
    target: prognosis.target.name,
    team: prognosis.team,
    commit,
    fingerprint,
    environments: toEnvironmentPrognosesMessage(prognosis),
    warnings: prognosis.warnings,
    ...toTagFieldsOfTrain(prognosis, commit),
  }
}

/** Without a commit there is no tag. */
export function toTagFieldsOfTrain(prognosis: Prognosis, commit: ObjectId | undefined): ReturnType<typeof toTagFields> {
  return { ...toTagFields(prognosis), ...(commit === undefined && { gitTag: undefined }) }
}
