import { fileURLToPath } from 'node:url'
import protobuf from 'protobufjs'
import protojson from 'protobufjs/ext/protojson.js'
import type { MessageType } from '../../src/protobuf/messages.ts'
import { toBinary } from '../../src/protobuf/messages.ts'

const protoFolder = fileURLToPath(new URL('../../proto/', import.meta.url))

/** What a client knows that has nothing of ours but the .proto files. */
export const publishedRoot = new protobuf.Root()
publishedRoot.resolvePath = (_origin, file) => `${protoFolder}${file}`
publishedRoot.loadSync(['api/v1/api.proto', 'signalbox/v1/signalbox.proto'])

/** The message as such a client reads it from our binary, as canonical proto3 JSON text. */
export function toPublishedJson<Message extends object>(type: MessageType<Message>, message: NoInfer<Message>): string {
  const published = publishedRoot.lookupType(type.fullName)
  return protojson.toJsonString(published, published.decode(toBinary(type, message)))
}
