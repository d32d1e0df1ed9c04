import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { UnreadableBody } from './body-parser.ts'
import { stateAgeHeader } from './freshness.ts'
import type { Access } from './guard.ts'
import { keyHeader, keyRule, parseIdempotencyKey } from './idempotency.ts'
import type { Offer } from './negotiate.ts'
import { negotiate } from './negotiate.ts'
import type { InvalidPart } from './problem.ts'
import { problemMediaType, RequestError } from './problem.ts'

/** One operation of the API: what it takes, what it answers, and how it is described in OpenAPI. */
export interface Endpoint<Params, Query, Body, Form extends Offer> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly url: string
  readonly operationId: string
  readonly access: Access
  /** See `FastifyContextConfig`. */
  readonly isProbe?: boolean
  readonly provesItself?: boolean
  /** Whether the answer is about the state of the repository: GETs are, but for those of operations. */
  readonly readsState?: boolean
  readonly tag: 'Release trains' | 'Releases' | 'Deployments' | 'Locks' | 'Environments' | 'Applications' | 'Operations'
  readonly summary: string
  readonly description?: string
  readonly deprecated?: boolean
  readonly params?: z.ZodType<Params>
  readonly query?: z.ZodType<Query>
  /** The JSON body, whatever its Content-Type says: see `registerBodyParser`. An empty one is left to the handler. */
  readonly body?: z.ZodType<Body>
  /** The schema of a multipart/form-data body, for the document: the handler reads it, because it is streamed. */
  readonly multipart?: object
  /** A JSON body that the handler reads itself, and that may stand in for the multipart one. */
  readonly jsonInsteadOfMultipart?: { readonly schema: object; readonly example: object }
  /** The schema of an application/x-www-form-urlencoded body, which the handler reads itself. */
  readonly urlEncoded?: object
  /** The schema of a JSON body that the handler reads itself. */
  readonly jsonBody?: object
  /** Says so in the document; the handler refuses a request without one in its own words. */
  readonly isBodyRequired?: boolean
  /** Refuses a request whose Content-Type is anything but JSON, an absent one included. */
  readonly takesJsonOnly?: boolean
  readonly requestHeaders?: Readonly<Record<string, string>>
  /** The forms in which it answers; the first is the default. None when an answer has no content to speak of. */
  readonly forms: readonly Form[]
  readonly responses: Readonly<Record<number, ResponseDescription>>
  /** What a wrong method is told; a plain sentence by default. */
  readonly wrongMethod?: (method: string) => string
  readonly handle: (input: Input<Params, Query, Body, Form>, reply: FastifyReply) => Promise<FastifyReply>
}

export interface ResponseDescription {
  readonly description: string
  /** The schema by media type; empty for an answer without content. Where there is none it is a problem. */
  readonly content?: Readonly<Record<string, object>>
  readonly headers?: Readonly<Record<string, string>>
}

export interface Input<Params, Query, Body, Form> {
  readonly params: Params
  readonly query: Query
  readonly body: Body | undefined
  readonly form: Form
  readonly request: FastifyRequest
}

/**
 * Registers an endpoint. Its request is judged in this order: an acceptable form, a Content-Type that is taken, then every
 * part of the input, all invalid parts at once; only then the handler runs.
 */
export function registerEndpoint<Params, Query, Body, Form extends Offer>(
  app: FastifyInstance,
  endpoint: Endpoint<Params, Query, Body, Form>,
): void {
  app.route({
    method: endpoint.method,
    url: endpoint.url,
    config: {
      access: endpoint.access,
      describe: () => toFastifySchema(endpoint),
      wrongMethod: endpoint.wrongMethod,
      readsState: readsState(endpoint),
      ...(endpoint.isProbe !== undefined && { isProbe: endpoint.isProbe }),
      ...(endpoint.provesItself !== undefined && { provesItself: endpoint.provesItself }),
    },
    handler: (request, reply) => {
      const form = negotiate(request.headers.accept, endpoint.forms)
      if (form === undefined && endpoint.forms.length > 0) throw notAcceptable(endpoint.forms)
      if (endpoint.takesJsonOnly === true) assertJson(request)
      return endpoint.handle({ ...parseInput(endpoint, request), form: form as Form, request }, reply)
    },
  })
}

function readsState(
  endpoint: Pick<Endpoint<unknown, unknown, unknown, Offer>, 'method' | 'tag' | 'readsState'>,
): boolean {
  return endpoint.readsState ?? (endpoint.method === 'GET' && endpoint.tag !== 'Operations')
}

/** Kuberpult's words; its quarrel with a charset parameter is not repeated. */
function assertJson({ headers }: FastifyRequest): void {
  const contentType = headers['content-type'] ?? ''
  if (contentType.split(';', 1)[0]?.trim().toLowerCase() === 'application/json') return
  throw new RequestError('UNSUPPORTED_MEDIA_TYPE', `body must be application/json, got: '${contentType}'`)
}

function notAcceptable(forms: readonly Offer[]): RequestError {
  const offered = new Set(forms.map(({ mediaType }) => mediaType))
  return new RequestError(
    'NOT_ACCEPTABLE',
    `nothing that the Accept header names can be given; there is: ${[...offered].join(', ')}`,
  )
}

function parseInput<Params, Query, Body, Form extends Offer>(
  endpoint: Endpoint<Params, Query, Body, Form>,
  request: FastifyRequest,
): { readonly params: Params; readonly query: Query; readonly body: Body | undefined } {
  const errors: InvalidPart[] = []
  const parse = <T>(part: string, schema: z.ZodType<T>, value: unknown): T | undefined => {
    const parsed = schema.safeParse(value, { reportInput: true })
    if (parsed.success) return parsed.data
    errors.push(...parsed.error.issues.flatMap((issue) => toInvalidParts(part, schema, issue)))
    return undefined
  }
  const params = parse('path', endpoint.params ?? nothing<Params>(), request.params)
  const query = parse('query', endpoint.query ?? nothing<Query>(), request.query)
  const body = parseBody()
  const key = isWrite(endpoint) ? parseKey() : undefined
  if (errors.length > 0) throw new RequestError('INVALID_REQUEST', toDetail(errors), errors)
  if (key !== undefined) request.keyed = { key, said: { params, query, body } }
  return { params: params as Params, query: query as Query, body }

  function parseKey(): string | undefined {
    const header = request.headers[keyHeader]
    if (header === undefined) return undefined
    const parsed = parseIdempotencyKey(String(header))
    if (parsed === undefined) errors.push({ path: `header.${keyHeader}`, message: keyRule })
    return parsed
  }

  function parseBody(): Body | undefined {
    if (endpoint.body === undefined || request.body === undefined) return undefined
    if (!(request.body instanceof UnreadableBody)) return parse('body', endpoint.body, request.body)
    errors.push({ path: 'body', message: `is not JSON: ${request.body.reason}` })
    return undefined
  }
}

/** Whether it may change the repository, so that a caller whose answer got lost needs to know what became of it. */
function isWrite({ access }: Pick<Endpoint<never, never, never, Offer>, 'access'>): boolean {
  return typeof access === 'object'
}

/** All of it is in `errors`: a sentence for people ends before nobody reads it any more. */
export function toDetail(errors: readonly InvalidPart[]): string {
  const sentences = errors.slice(0, 10).map(({ path, message }) => `${path} ${message}`)
  if (errors.length > sentences.length) sentences.push(`and ${errors.length - sentences.length} more`)
  return sentences.join('; ')
}

function nothing<T>(): z.ZodType<T> {
  return z.strictObject({}) as unknown as z.ZodType<T>
}

/** What zod objects to, as a caller is told it; `part` is what its path begins with. */
export function toInvalidParts(part: string, schema: z.ZodType, issue: z.core.$ZodIssue): readonly InvalidPart[] {
  const path = [part, ...issue.path].join('.')
  if (issue.code === 'unrecognized_keys') {
    const message = `is unknown here${issue.path.length === 0 ? whatIsTaken(schema) : ''}`
    return issue.keys.map((key) => ({ path: `${path}.${key}`, message }))
  }
  return [{ path, message: issue.code === 'invalid_type' ? toTypeMessage(part, issue) : issue.message }]
}

function toTypeMessage(part: string, { input, expected, message }: z.core.$ZodIssueInvalidType): string {
  if (part === 'query' && Array.isArray(input)) return 'must be given at most once'
  if (!message.startsWith('Invalid input: ')) return message
  return input === undefined ? 'is missing' : `must be ${/^[aeiou]/.test(expected) ? 'an' : 'a'} ${expected}`
}

function whatIsTaken(schema: z.ZodType): string {
  const known = schema instanceof z.ZodObject ? Object.keys(schema.shape) : []
  return `, where ${known.length === 0 ? 'nothing' : `only ${known.join(', ')}`} is taken`
}

/** What the OpenAPI document is told. Nothing is validated or serialised by it. */
function toFastifySchema<Params, Query, Body, Form extends Offer>(
  endpoint: Endpoint<Params, Query, Body, Form>,
): object {
  const requestHeaders = {
    ...endpoint.requestHeaders,
    ...(isWrite(endpoint) && keyRequestHeader),
    ...(readsState(endpoint) && { 'Cache-Control': freshnessRequest }),
  }
  return {
    operationId: endpoint.operationId,
    tags: [endpoint.tag],
    summary: endpoint.summary,
    ...(endpoint.description !== undefined && { description: endpoint.description }),
    ...(endpoint.deprecated === true && { deprecated: true }),
    security: endpoint.access === 'public' ? [] : [{ [bearerScheme]: [] }],
    ...(endpoint.params && { params: toSchema(endpoint.params) }),
    ...(endpoint.query && { querystring: toSchema(endpoint.query) }),
    ...(endpoint.body && { body: toSchema(endpoint.body), 'x-body-required': endpoint.isBodyRequired === true }),
    ...(endpoint.multipart && {
      body: {
        content: {
          ...(endpoint.jsonInsteadOfMultipart && {
            'application/json': { schema: endpoint.jsonInsteadOfMultipart.schema },
          }),
          'multipart/form-data': { schema: endpoint.multipart },
        },
      },
      'x-body-required': true,
      ...(endpoint.jsonInsteadOfMultipart && { 'x-json-example': endpoint.jsonInsteadOfMultipart.example }),
    }),
    ...(endpoint.urlEncoded && {
      body: { content: { 'application/x-www-form-urlencoded': { schema: endpoint.urlEncoded } } },
      'x-body-required': true,
    }),
    ...(endpoint.jsonBody && {
      body: { content: { 'application/json': { schema: endpoint.jsonBody } } },
      'x-body-required': true,
    }),
    ...(Object.keys(requestHeaders).length > 0 && {
      headers: { type: 'object', properties: describeAll(requestHeaders) },
    }),
    response: Object.fromEntries(
      Object.entries({
        ...endpoint.responses,
        ...(isWrite(endpoint) && keyResponses),
        ...(endpoint.access !== 'public' && guardResponses),
        default: anyOther,
      }).map(([status, { description, content, headers }]) => [
        status,
        {
          description,
          ...describeHeaders(
            readsState(endpoint) && (status === '200' || status === '304')
              ? { ...headers, [stateAgeHeader]: freshnessAnswer }
              : headers,
          ),
          // The plugin takes what says nothing of its content for JSON.
          ...(status === '304' || isEmpty(content)
            ? { type: 'null' }
            : { content: toContent(content ?? { [problemMediaType]: problemSchema }) }),
        },
      ]),
    ),
  }
}

const freshnessRequest =
  'With `no-cache` the git server that has the repository, where it is on one, is asked what is new before this is answered.'
const freshnessAnswer =
  'How many seconds ago this was last known to be the state of the git server that has the repository; 0 where it is on none.'

function describeHeaders(headers: ResponseDescription['headers']): object {
  return headers === undefined ? {} : { headers: describeAll(headers) }
}

/** An answer that has no content, by its description. */
function isEmpty(content: ResponseDescription['content']): boolean {
  return content !== undefined && Object.keys(content).length === 0
}

/** The name of the security scheme in the document. */
export const bearerScheme = 'bearer'

/** What everyone who is asked who they are can be answered. */
const guardResponses: Readonly<Record<number, ResponseDescription>> = {
  401: {
    description: 'Nobody is known by the credentials, where callers are asked who they are.',
    headers: { 'WWW-Authenticate': 'How to send credentials, and what is wrong with those that were sent (RFC 6750).' },
  },
  429: {
    description: 'Too many requests in a minute, where callers are asked who they are.',
    headers: { 'Retry-After': 'Seconds until it makes sense to try again.' },
  },
}

const keyRequestHeader = {
  'Idempotency-Key':
    'Up to 255 visible ASCII characters, bare or in double quotes, that you choose anew for each wish. A repeat with the same key is ' +
    'not carried out again: it gets the answer that the first one got, with `Idempotency-Replayed: true`, or, where that cannot be ' +
    'told any more, 409 `ALREADY_DONE` with the commit. A request that made no commit is not remembered, and carried out again.',
}

/** What every write can answer to one, or tells to use it for. */
const keyResponses: Readonly<Record<number, ResponseDescription>> = {
  422: { description: 'The `Idempotency-Key` belongs to another request, which was carried out. Nothing was done.' },
  504: {
    description:
      'It may have been done, or may still be: the answer of the git server was lost, or the disk does not confirm it ' +
      '(`OUTCOME_UNKNOWN`). To repeat it with the same `Idempotency-Key` is safe.',
  },
}

const problemSchema = { $ref: 'Problem#' }

const anyOther: ResponseDescription = { description: 'Any other refusal: what HTTP itself makes impossible.' }

function toContent(content: Readonly<Record<string, object>>): object {
  return Object.fromEntries(Object.entries(content).map(([mediaType, schema]) => [mediaType, { schema }]))
}

function describeAll(texts: Readonly<Record<string, string>>): object {
  return Object.fromEntries(Object.entries(texts).map(([name, description]) => [name, { type: 'string', description }]))
}

function toSchema(schema: z.ZodType): object {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io: 'input' })
  return json
}
