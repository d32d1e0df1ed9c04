import { messageType, toBinary } from './messages.ts'
import type { ReleaseMessage } from './to-application-message.ts'

/** api.v1.GetManifestsResponse */
export interface ManifestsMessage {
  readonly release?: ReleaseMessage | undefined
  readonly manifests: Readonly<Record<string, ManifestMessage>>
}

/** api.v1.Manifest */
export interface ManifestMessage {
  readonly environment?: string | undefined
  readonly content?: string | undefined
}

export const manifestsMessageType = messageType<ManifestsMessage>('api.v1.GetManifestsResponse')

/**
 * A release with its manifests in protobuf's binary form, in pieces: messages one behind the other are read as one with the fields of
 * all. What of a manifest is not UTF-8 becomes U+FFFD, as in Kuberpult's JSON.
 */
export function* toManifestsBinary(
  release: ReleaseMessage,
  manifests: ReadonlyMap<string, Uint8Array>,
): Generator<Uint8Array> {
  yield toBinary(manifestsMessageType, { release, manifests: {} })
  for (const [environment, bytes] of manifests) {
    const content = [...toTexts(bytes)].join('')
    yield toBinary(manifestsMessageType, { manifests: { [environment]: { environment, content } } })
  }
}

const pieceLength = 64 * 1024

/** The text of a manifest in pieces. A byte order mark is part of it. */
export function* toTexts(bytes: Uint8Array): Generator<string> {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  for (let offset = 0; offset < bytes.length; offset += pieceLength) {
    yield decoder.decode(bytes.subarray(offset, offset + pieceLength), { stream: true })
  }
  yield decoder.decode()
}
