import type { Type } from 'protobufjs/light.js'
import protobuf from 'protobufjs/light.js'
import protojson from 'protobufjs/ext/protojson.js'
import { descriptor } from './generated/descriptor.ts'

/** Everything that is defined in proto/, with its comments. */
export const root = protobuf.Root.fromJSON(descriptor)

declare const shape: unique symbol

/** A message type of proto/, and what its messages look like here. */
export type MessageType<Message extends object = object> = Type & { readonly [shape]?: Message }

/**
 * The message type of that full name, such as `api.v1.Lock`. Throws when proto/ has none.
 *
 * Messages are plain objects with lowerCamelCase fields. A field that is absent or undefined is at its default. 64-bit
 * numbers are `Long`: of a bigint, protobufjs silently writes 0 in binary (see `toUint64`).
 */
export function messageType<Message extends object = object>(name: string): MessageType<Message> {
  return root.lookupType(name)
}

/** The message in protobuf's binary form. */
export function toBinary<Message extends object>(type: MessageType<Message>, message: NoInfer<Message>): Uint8Array {
  return type.encode(message).finish()
}

/** The message as canonical proto3 JSON text. */
export function toJson<Message extends object>(type: MessageType<Message>, message: NoInfer<Message>): string {
  return protojson.toJsonString(type, message)
}

/**
 * Reads protobuf's binary form. Lists and maps are there even when empty; other fields that are at their default are
 * absent. Throws when the bytes are no such message.
 */
export function fromBinary<Message extends object>(type: MessageType<Message>, bytes: Uint8Array): Message {
  // A plain object, because a decoded message answers with defaults where nothing was sent: a skip cause of 0, for one.
  return type.toObject(type.decode(bytes), { arrays: true, objects: true }) as Message
}

/**
 * Reads proto3 JSON text, with the same result as `fromBinary`. What this program does not know of it is left out. Throws
 * when the text is no such message.
 */
export function fromJson<Message extends object>(type: MessageType<Message>, json: string): Message {
  const message = protojson.fromJsonString(type, json, { ignoreUnknownFields: true })
  return type.toObject(message, { arrays: true, objects: true }) as Message
}
