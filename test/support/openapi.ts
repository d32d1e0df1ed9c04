import addFormats from 'ajv-formats'
import type { ValidateFunction } from 'ajv/dist/2020.js'
import { Ajv2020 } from 'ajv/dist/2020.js'
import type { Answer, TestServer } from './test-server.ts'

export interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: {
    readonly schemas: Readonly<Record<string, object>>
    readonly securitySchemes: Readonly<Record<string, object>>
  }
}

export interface Operation {
  readonly operationId: string
  readonly summary: string
  readonly tags: readonly string[]
  readonly security: readonly object[]
  readonly parameters?: readonly { readonly in: string; readonly name: string; readonly required: boolean }[]
  readonly requestBody?: {
    readonly required: boolean
    readonly content: Readonly<Record<string, { schema: object; example?: object }>>
  }
  readonly responses: Readonly<Record<string, Response>>
}

export interface Response {
  readonly description: string
  readonly content?: Readonly<Record<string, { readonly schema: object }>>
  readonly headers?: Readonly<Record<string, object>>
}

let document: Promise<Document> | undefined

/** It depends on the routes alone, so one server may speak for all. */
export async function documentOf({ send }: TestServer): Promise<Document> {
  document ??= send('GET /openapi.json').then(({ json }) => json as Document)
  return document
}

/** Every operation with its method and path. */
export function operationsOf({ paths }: Document) {
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  )
}

export interface LocatedOperation {
  readonly path: string
  readonly method: string
  readonly operation: Operation
}

/** The operation that answers a request such as `GET /api/locks?kind=team`. Throws when the document has none. */
export function findOperation(all: Document, request: string): LocatedOperation {
  const [method, url = ''] = request.split(' ')
  const path = url.split('?', 1)[0] ?? ''
  const found = operationsOf(all).find(
    (one) => one.method === method && new RegExp(`^${one.path.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(path),
  )
  if (found === undefined) throw new Error(`${request} is not in the document`)
  return found
}

/** What of an answer is not as the document says: its media type, its headers, its body. A status without a name of its own is `default`. */
export function contradictions(all: Document, { path, method, operation }: LocatedOperation, answer: Answer) {
  const key = operation.responses[answer.status] === undefined ? 'default' : String(answer.status)
  const { content = {}, headers = {} } = operation.responses[key] ?? {}
  const missing = Object.keys(headers).filter((name) => answer.headers[name.toLowerCase()] === undefined)
  const problems = missing.map((name) => `it has no header ${name}`)
  const mediaType = answer.headers['content-type']?.split(';', 1)[0]
  if (mediaType === undefined) {
    const isEmpty = answer.text === '' && Object.keys(content).length === 0
    return isEmpty ? problems : [...problems, 'it has no media type']
  }
  if (!Object.keys(content).includes(mediaType)) return [...problems, `${mediaType} is not named`]
  const where = ['paths', path, method.toLowerCase(), 'responses', key, 'content', mediaType, 'schema']
  return [...problems, ...violations(all, where, answer.json ?? answer.text)]
}

let ajv: Ajv2020 | undefined
const validators = new Map<string, ValidateFunction>()

/** What of the body is not as the schema at that place says; properties that it does not know, too. */
export function violations(all: Document, where: readonly string[], body: unknown): readonly string[] {
  ajv ??= createValidator(all)
  const pointer = where.map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')
  const validate = validators.get(pointer) ?? ajv.compile({ $ref: `document#/${pointer}` })
  validators.set(pointer, validate)
  return validate(body) ? [] : (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`)
}

function createValidator(all: Document): Ajv2020 {
  const validator = new Ajv2020({ strict: false, allErrors: true })
  addFormats.default(validator)
  validator.addSchema(JSON.parse(JSON.stringify(all), withoutUnknownProperties) as object, 'document')
  return validator
}

function withoutUnknownProperties(_key: string, value: unknown): unknown {
  const isMessage = typeof value === 'object' && value !== null && 'type' in value && value.type === 'object'
  return isMessage && 'properties' in value ? { additionalProperties: false, ...value } : value
}
