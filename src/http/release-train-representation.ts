import type { PrognosisMessage } from '../protobuf/to-prognosis-message.ts'
import { prognosisMessageType } from '../protobuf/to-prognosis-message.ts'
import type { ReleaseTrainMessage } from '../protobuf/to-release-train-message.ts'
import { releaseTrainMessageType } from '../protobuf/to-release-train-message.ts'
import { toDepartureBoard, toMarkdown } from '../protobuf/departure-board.ts'
import { toBinary, toJson } from '../protobuf/messages.ts'
import { toKuberpultPrognosisJson, toKuberpultReleaseTrainJson } from '../protobuf/to-kuberpult-json.ts'
import type { ResponseDescription } from './endpoint.ts'
import type { Offer } from './negotiate.ts'
import { binarySchema } from './send-message.ts'

/** A form in which a prognosis, and a train that ran, can be shown: the table in the design, section 6. */
export interface ReleaseTrainForm extends Offer {
  readonly contentType: string
  /** Whether it has a place for the diffs of manifests. */
  readonly showsDiffs: boolean
  readonly toPrognosisBody: (message: PrognosisMessage) => string | Uint8Array
  readonly toTrainBody: (message: ReleaseTrainMessage) => string | Uint8Array
}

const json: ReleaseTrainForm = {
  mediaType: 'application/json',
  contentType: 'application/json; charset=utf-8',
  showsDiffs: true,
  toPrognosisBody: (message) => toJson(prognosisMessageType, message),
  toTrainBody: (message) => toJson(releaseTrainMessageType, message),
}

const kuberpult = (['object', 'number'] as const).map((deployedVersion): ReleaseTrainForm => ({
  mediaType: 'application/vnd.kuberpult+json',
  deployedVersion,
  contentType: `application/vnd.kuberpult+json${deployedVersion === 'number' ? '; deployed-version=number' : ''}`,
  showsDiffs: false,
  toPrognosisBody: (message) => toKuberpultPrognosisJson(message, { deployedVersion }),
  toTrainBody: toKuberpultReleaseTrainJson,
}))

const others: readonly ReleaseTrainForm[] = [
  {
    mediaType: 'application/x-protobuf',
    contentType: 'application/x-protobuf',
    showsDiffs: true,
    toPrognosisBody: (message) => toBinary(prognosisMessageType, message),
    toTrainBody: (message) => toBinary(releaseTrainMessageType, message),
  },
  {
    mediaType: 'text/plain',
    contentType: 'text/plain; charset=utf-8',
    showsDiffs: true,
    toPrognosisBody: toDepartureBoard,
    toTrainBody: toDepartureBoard,
  },
  {
    mediaType: 'text/markdown',
    contentType: 'text/markdown; charset=utf-8',
    showsDiffs: true,
    toPrognosisBody: toMarkdown,
    toTrainBody: toMarkdown,
  },
]

/** All forms, the one that clients without a preference get first. */
export function releaseTrainForms(preferred: 'proto' | 'kuberpult'): readonly ReleaseTrainForm[] {
  return preferred === 'proto' ? [json, ...others, ...kuberpult] : [...kuberpult, json, ...others]
}

/** How the forms of a message are described in OpenAPI. */
export function releaseTrainContent(schema: string): NonNullable<ResponseDescription['content']> {
  const text = { type: 'string' }
  return {
    'application/json': { $ref: `${schema}#` },
    'application/x-protobuf': binarySchema,
    'application/vnd.kuberpult+json': {
      description:
        "The body of Kuberpult's own server. With `deployed-version=number` in Accept, of its releases up to v13.22.",
    },
    'text/plain': { ...text, description: 'A departure board for the terminal.' },
    'text/markdown': { ...text, description: 'The same as a table, to paste into a ticket or chat.' },
  }
}
