import type { EnvironmentPrognosis } from '../core/release-train-prognosis.ts'
import { environmentJson } from '../protobuf/prognosis-json.ts'
import { hashOf } from './conditional.ts'

/** A representation whose hash is known before it is put together: mostly nobody needs more than the hash. */
export interface Body {
  readonly hash: string
  readonly toBytes: () => string | Uint8Array
}

/** One environment as it stands in the body. */
interface Piece {
  readonly bytes: Buffer
  readonly hash: string
}

const pieces = new WeakMap<EnvironmentPrognosis, Piece>()

/** The JSON of a prognosis or a train: what stands before its environments, and behind them, and they themselves. */
export function toJsonBody(
  [head, tail]: readonly [string, string],
  environments: readonly EnvironmentPrognosis[],
): Body {
  const known = environments.map(toPiece)
  // Of the hashes of the pieces instead of the pieces themselves, which are large and mostly what they were.
  const hash = hashOf(JSON.stringify([head, ...known.map((piece) => piece.hash), tail]))
  return {
    hash,
    toBytes: () => {
      if (last?.hash !== hash)
        last = { hash, bytes: Buffer.concat([Buffer.from(head), ...joined(known), Buffer.from(tail)]) }
      return last.bytes
    },
  }
}

/** The last one that was put together: many wait for the same. */
let last: Piece | undefined

function joined(parts: readonly Piece[]): readonly Buffer[] {
  return parts.flatMap(({ bytes }, index) => (index === 0 ? [bytes] : [comma, bytes]))
}

const comma = Buffer.from(',')

function toPiece(environment: EnvironmentPrognosis): Piece {
  let piece = pieces.get(environment)
  if (piece === undefined) {
    const bytes = Buffer.from(environmentJson(environment))
    piece = { bytes, hash: hashOf(bytes) }
    pieces.set(environment, piece)
  }
  return piece
}
