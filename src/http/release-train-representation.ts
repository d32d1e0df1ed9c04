import type { Prognosis } from '../core/release-train-prognosis.ts'
import { prognosisFrame, releaseTrainFrame } from '../protobuf/prognosis-json.ts'
import type { ManifestDiffs, PrognosisContext, PrognosisMessage } from '../protobuf/to-prognosis-message.ts'
import { prognosisMessageType, toPrognosisMessage } from '../protobuf/to-prognosis-message.ts'
import type { ReleaseTrainMessage } from '../protobuf/to-release-train-message.ts'
import { releaseTrainMessageType, toReleaseTrainMessage } from '../protobuf/to-release-train-message.ts'
import { hashOf } from './conditional.ts'
import { toDepartureBoard, toMarkdown } from '../protobuf/departure-board.ts'
import { toBinary, toJson } from '../protobuf/messages.ts'
import { toKuberpultPrognosisJson, toKuberpultReleaseTrainJson } from '../protobuf/to-kuberpult-json.ts'
import type { ResponseDescription } from './endpoint.ts'
import type { Offer } from './negotiate.ts'
import type { Body } from './prognosis-body.ts'
import { toJsonBody } from './prognosis-body.ts'
import { binarySchema } from './send-message.ts'

/** A form in which a prognosis, and a train that ran, can be shown: the table in the design, section 6. */
export interface ReleaseTrainForm extends Offer {
  readonly contentType: string
  /** Whether it has a place for the diffs of manifests. */
  readonly showsDiffs: boolean
  readonly toPrognosisBody: (prognosis: Prognosis, details: PrognosisDetails) => Body
  readonly toTrainBody: (prognosis: Prognosis, details: PrognosisDetails) => string | Uint8Array
}

export interface PrognosisDetails extends PrognosisContext {
  readonly manifestDiffs?: ManifestDiffs | undefined
}

/** How a form is made of the message. */
interface FromMessage extends Omit<ReleaseTrainForm, 'toPrognosisBody' | 'toTrainBody'> {
  readonly prognosisToText: (message: PrognosisMessage) => string | Uint8Array
  readonly trainToText: (message: ReleaseTrainMessage) => string | Uint8Array
}

function fromMessage({ prognosisToText, trainToText, ...form }: FromMessage): ReleaseTrainForm {
  return {
    ...form,
    toPrognosisBody: (prognosis, details) => {
      const bytes = prognosisToText(toPrognosisMessage(prognosis, details))
      return { hash: hashOf(bytes), toBytes: () => bytes }
    },
    toTrainBody: (prognosis, details) => trainToText(toReleaseTrainMessage(prognosis, details)),
  }
}

const jsonForm = { mediaType: 'application/json', contentType: 'application/json; charset=utf-8', showsDiffs: true }

/** Diffs are seldom asked for, and never the same again. */
const jsonWithDiffs = fromMessage({
  ...jsonForm,
  prognosisToText: (message) => toJson(prognosisMessageType, message),
  trainToText: (message) => toJson(releaseTrainMessageType, message),
})

const json: ReleaseTrainForm = {
  ...jsonForm,
  toPrognosisBody: (prognosis, details) =>
    details.manifestDiffs === undefined
      ? toJsonBody(prognosisFrame(prognosis, details), prognosis.environments)
      : jsonWithDiffs.toPrognosisBody(prognosis, details),
  toTrainBody: (prognosis, details) =>
    toJsonBody(releaseTrainFrame(prognosis, details), prognosis.environments).toBytes(),
}

const kuberpult = (['object', 'number'] as const).map((deployedVersion): ReleaseTrainForm =>
  fromMessage({
    mediaType: 'application/vnd.kuberpult+json',
    deployedVersion,
    contentType: `application/vnd.kuberpult+json${deployedVersion === 'number' ? '; deployed-version=number' : ''}`,
    showsDiffs: false,
    prognosisToText: (message) => toKuberpultPrognosisJson(message, { deployedVersion }),
    trainToText: toKuberpultReleaseTrainJson,
  }),
)

const others: readonly ReleaseTrainForm[] = (
  [
    {
      mediaType: 'application/x-protobuf',
      contentType: 'application/x-protobuf',
      showsDiffs: true,
      prognosisToText: (message) => toBinary(prognosisMessageType, message),
      trainToText: (message) => toBinary(releaseTrainMessageType, message),
    },
    {
      mediaType: 'text/plain',
      contentType: 'text/plain; charset=utf-8',
      showsDiffs: true,
      prognosisToText: toDepartureBoard,
      trainToText: toDepartureBoard,
    },
    {
      mediaType: 'text/markdown',
      contentType: 'text/markdown; charset=utf-8',
      showsDiffs: true,
      prognosisToText: toMarkdown,
      trainToText: toMarkdown,
    },
  ] satisfies readonly FromMessage[]
).map(fromMessage)

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
