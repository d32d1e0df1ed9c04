import type { ObjectId } from '../core/object-id.ts'
import type { Prognosis } from '../core/release-train-prognosis.ts'
import type { ManifestDiffs, PrognosisMessage } from '../protobuf/to-prognosis-message.ts'
import { toPrognosisMessage } from '../protobuf/to-prognosis-message.ts'
import { fingerprintOf } from './fingerprint.ts'

/** The message of a prognosis with its fingerprint, and with diffs where some were asked for. */
export function prognosisBodyOf(
  prognosis: Prognosis,
  commit: ObjectId | undefined,
  manifestDiffs?: ManifestDiffs,
): PrognosisMessage {
  return toPrognosisMessage(prognosis, { fingerprint: fingerprintOf(prognosis), commit, manifestDiffs })
}
