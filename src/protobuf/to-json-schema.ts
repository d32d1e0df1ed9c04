import type { Enum, Field, NamespaceBase, ReflectionObject, Root, Type } from 'protobufjs/light.js'
import protobuf from 'protobufjs/light.js'
import { compareNames } from '../core/names.ts'

/** The part of JSON Schema 2020-12, and so of OpenAPI 3.1, that messages need. */
export interface JsonSchema {
  readonly $ref?: string
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean'
  readonly description?: string
  readonly format?: string
  readonly pattern?: string
  readonly examples?: readonly string[]
  readonly contentEncoding?: string
  readonly minimum?: number
  readonly enum?: readonly string[]
  readonly items?: JsonSchema
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly additionalProperties?: JsonSchema
}

/**
 * The component schemas of an OpenAPI 3.1 document for canonical proto3 JSON of every message and enum, by name and
 * sorted by it. Nothing is `required`: proto3 JSON leaves out what is at its default.
 */
export function toJsonSchemas(root: Root): Record<string, JsonSchema> {
  const names = toSchemaNames(root)
  const schemas = definitionsIn(root).map((definition): [string, JsonSchema] => [
    schemaName(names, definition),
    definition instanceof protobuf.Type ? toMessageSchema(definition, names) : toEnumSchema(definition),
  ])
  return Object.fromEntries(schemas.toSorted(([a], [b]) => compareNames(a, b)))
}

/**
 * The component's name for the full name of each message and enum, such as `Lock` for `api.v1.Lock`. A nested message is
 * named together with those around it; where two would have the same name, each keeps its full one.
 */
export function toSchemaNames(root: Root): ReadonlyMap<string, string> {
  const definitions = definitionsIn(root)
  const shortNames = definitions.map(shortName)
  return new Map(
    definitions.map((definition, index) => {
      const short = shortNames[index] ?? ''
      const isAlone = shortNames.filter((name) => name === short).length === 1
      return [fullName(definition), isAlone ? short : fullName(definition)]
    }),
  )
}

/** All messages and enums; Google's own have JSON forms of their own and need no component. */
function definitionsIn(namespace: NamespaceBase): readonly (Type | Enum)[] {
  if (namespace.fullName === '.google.protobuf') return []
  return namespace.nestedArray.flatMap((nested) => [
    ...(nested instanceof protobuf.Type || nested instanceof protobuf.Enum ? [nested] : []),
    ...(nested instanceof protobuf.Namespace ? definitionsIn(nested) : []),
  ])
}

function fullName(definition: ReflectionObject): string {
  return definition.fullName.slice(1)
}

function shortName(definition: ReflectionObject): string {
  const { parent, name } = definition
  return parent instanceof protobuf.Type ? `${shortName(parent)}${name}` : name
}

function schemaName(names: ReadonlyMap<string, string>, definition: ReflectionObject): string {
  const name = names.get(fullName(definition))
  if (name === undefined) throw new Error(`${fullName(definition)} has no JSON form here`)
  return name
}

function toMessageSchema(type: Type, names: ReadonlyMap<string, string>): JsonSchema {
  const fields = type.fieldsArray.toSorted((a, b) => a.id - b.id)
  return {
    type: 'object',
    ...described(type.comment),
    properties: Object.fromEntries(fields.map((field) => [field.jsonName, toFieldSchema(field.resolve(), names)])),
  }
}

function toFieldSchema(field: Field, names: ReadonlyMap<string, string>): JsonSchema {
  const description = described(field.comment, toOneofRemark(field))
  const value = toValueSchema(field, names)
  if (field.map) return { type: 'object', ...description, additionalProperties: value }
  if (field.repeated) return { type: 'array', ...description, items: value }
  return { ...value, ...description }
}

/** In words, because code generators turn JSON Schema's `oneOf` and `not` into types that nobody can use. */
function toOneofRemark({ partOf }: Field): string | undefined {
  if (partOf === null || partOf.oneof.length < 2) return undefined
  return `At most one of ${partOf.fieldsArray.map((field) => `\`${field.jsonName}\``).join(', ')} is present.`
}

function toValueSchema(field: Field, names: ReadonlyMap<string, string>): JsonSchema {
  const type: ReflectionObject | null = field.resolvedType
  if (type === null) return scalarSchema(field.type)
  if (fullName(type) === 'google.protobuf.Timestamp') return { type: 'string', format: 'date-time' }
  return { $ref: `#/components/schemas/${schemaName(names, type)}` }
}

function scalarSchema(type: string): JsonSchema {
  switch (type) {
    case 'string':
      return { type: 'string' }
    case 'bool':
      return { type: 'boolean' }
    case 'bytes':
      return { type: 'string', contentEncoding: 'base64' }
    case 'uint64':
    case 'fixed64':
      // Pages that make up an example would show dozens of digits.
      return { type: 'string', pattern: '^[0-9]+$', examples: ['7'] }
    case 'int64':
    case 'sint64':
    case 'sfixed64':
      return { type: 'string', pattern: '^-?[0-9]+$', examples: ['7'] }
    case 'int32':
    case 'sint32':
    case 'sfixed32':
      return { type: 'integer', format: 'int32' }
    case 'uint32':
    case 'fixed32':
      return { type: 'integer', minimum: 0 }
    // `float` and `double` may also be the text NaN or Infinity, and no message has one.
    default:
      throw new Error(`no JSON schema for fields of type ${type}`)
  }
}

function toEnumSchema(definition: Enum): JsonSchema {
  const values = Object.entries(definition.values).toSorted(([, a], [, b]) => a - b)
  const remarks = values.flatMap(([name]) => {
    const comment = definition.comments[name]
    return comment ? [`\`${name}\`: ${comment}`] : []
  })
  return {
    type: 'string',
    ...described(definition.comment, ...remarks),
    enum: values.map(([name]) => name),
  }
}

/** A comment is wrapped where the line ended in the .proto file; only its paragraphs are meant. */
function described(...comments: readonly (string | null | undefined)[]): { readonly description?: string } {
  const paragraphs = comments.flatMap((comment) => comment?.split(/\n\s*\n/u) ?? [])
  const texts = paragraphs.map((paragraph) => paragraph.replaceAll(/\s+/gu, ' ').trim()).filter((text) => text !== '')
  return texts.length === 0 ? {} : { description: texts.join('\n\n') }
}
