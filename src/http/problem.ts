import { STATUS_CODES } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { IssuerUnavailableError } from '../auth/authenticator.ts'
import { ExchangeFailedError, ExchangeRefusedError } from '../auth/token-exchange.ts'
import type { DomainProblem, InvalidName } from '../core/errors.ts'
import { DomainError } from '../core/errors.ts'
import { ManifestTooComplexError } from '../manifest-check/manifest-checker.ts'
import {
  AbandonedError,
  AlreadyDoneError,
  BranchRewrittenError,
  KeyReusedError,
  OutcomeUnknownError,
  PathNotWritableError,
  PushRefusedError,
  QueueFullError,
  StoreConflictError,
  StoreUnavailableError,
} from '../manifest-store/store-errors.ts'
import { messageType, toJson } from '../protobuf/messages.ts'
import type { ListedLockMessage } from '../protobuf/to-locks-message.ts'
import { toListedLockMessage } from '../protobuf/to-locks-message.ts'
import { auditRefusal } from './audit.ts'
import { prognosisBodyOf } from './prognosis-message.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** What `Retry-After` says, in seconds, where nothing better is known. */
    retryAfter: number
  }
}

export const problemMediaType = 'application/problem+json'

/** An invalid part of a request. `path` is where, such as `query.team`. */
export interface InvalidPart {
  readonly path: string
  readonly message: string
}

/** What the wire itself can object to, before any rule of the domain is asked. */
export class RequestError extends Error {
  override readonly name = 'RequestError'
  readonly code: RequestErrorCode
  readonly errors: readonly InvalidPart[]

  constructor(code: RequestErrorCode, message: string, errors: readonly InvalidPart[] = []) {
    super(message)
    this.code = code
    this.errors = errors
  }
}

/** One request too many from the same caller. `retryAfter` is in seconds. */
export class TooManyRequestsError extends RequestError {
  readonly retryAfter: number

  constructor(perMinute: number, retryAfter: number) {
    super('TOO_MANY_REQUESTS', `more than ${perMinute} requests in a minute: try again in ${retryAfter} s`)
    this.retryAfter = retryAfter
  }
}

/** The status of each code that the wire gives itself. */
const requestStatuses = {
  INVALID_REQUEST: 400,
  UNAUTHENTICATED: 401,
  CROSS_SITE: 403,
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  NOT_ACCEPTABLE: 406,
  REQUEST_TIMEOUT: 408,
  BODY_TOO_LARGE: 413,
  URL_TOO_LONG: 414,
  UNSUPPORTED_MEDIA_TYPE: 415,
  MISDIRECTED_REQUEST: 421,
  TOO_MANY_REQUESTS: 429,
  HEADERS_TOO_LARGE: 431,
  TOO_MANY_UPLOADS: 503,
  NOT_IMPLEMENTED: 501,
} as const

export type RequestErrorCode = keyof typeof requestStatuses

/** The status of each code of the domain: Kuberpult's, the newer column of spec 2.7 and 3.2. */
const domainStatuses = {
  INVALID_NAME: 400,
  UNKNOWN_TARGET: 400,
  UNKNOWN_ENVIRONMENT: 404,
  ENVIRONMENT_IN_USE: 404,
  ENVIRONMENT_UNREADABLE: 409,
  ARGO_CD_FILE_TAKEN: 409,
  UNKNOWN_APPLICATION: 404,
  UNKNOWN_RELEASE: 404,
  APPLICATION_UNREADABLE: 409,
  VERSIONS_EXHAUSTED: 400,
  MANIFEST_MISSING: 400,
  LOCKED: 409,
  NOT_UNDEPLOYED: 409,
  TAG_EXISTS: 409,
  UNKNOWN_TAG: 404,
  TAG_UNUSABLE: 409,
  UNKNOWN_COMMIT: 404,
  UNKNOWN_GROUP: 400,
  UNKNOWN_TEAM: 404,
  INVALID_END: 400,
  INVALID_CI_LINK: 404,
  PERMISSION_DENIED: 403,
  PROGNOSIS_CHANGED: 412,
} as const satisfies Record<DomainProblem['code'], number>

/** Errors of Fastify, its plugins and Node that can reach a caller, as ours. */
const foreignErrors = new Map<unknown, { readonly code: RequestErrorCode; readonly detail: string }>(
  Object.entries({
    FST_ERR_BAD_URL: {
      code: 'INVALID_REQUEST',
      detail: 'the URL has a % that does not begin the UTF-8 code of a character',
    },
    FST_ERR_CTP_BODY_TOO_LARGE: { code: 'BODY_TOO_LARGE', detail: 'the body is larger than 64 KB' },
    FST_ERR_CTP_INVALID_MEDIA_TYPE: {
      code: 'UNSUPPORTED_MEDIA_TYPE',
      detail: 'the Content-Type header names no media type: send application/json, or leave it out',
    },
    FST_ERR_CTP_INVALID_CONTENT_LENGTH: {
      code: 'INVALID_REQUEST',
      detail: 'the body is not as long as its Content-Length says',
    },
    FST_ERR_ROUTE_MISSING_CONTENT_TYPE: { code: 'NOT_FOUND', detail: 'unknown endpoint; /docs shows what there is' },
    FST_STATIC_FORBIDDEN_PATH: { code: 'NOT_FOUND', detail: 'unknown endpoint; /docs shows what there is' },
    ECONNRESET: { code: 'REQUEST_TIMEOUT', detail: 'the connection closed before the whole request had arrived' },
  }),
)

interface Problem {
  readonly status: number
  readonly code: string
  readonly detail: string
  readonly errors?: readonly InvalidPart[]
  /** In seconds, or as configured. */
  readonly retryAfter?: number | 'as-configured'
  readonly prognosis?: ReturnType<typeof prognosisBodyOf>
  readonly locks?: readonly ListedLockMessage[]
}

/**
 * The one place where errors become answers. What the caller can do something about is told; anything else is a 500
 * that says nothing and is logged in full.
 */
export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = toProblem(error)
  if (problem.status >= 500 && problem.status !== 501) request.log.error({ err: error }, `answered ${problem.status}`)
  // Nobody is there to be answered, so this is the only trace of the request.
  else if (error instanceof AbandonedError) request.log.info({ code: problem.code }, error.message)
  // What was wrong with a request may quote it, secrets included: that is for its caller alone.
  else request.log.debug({ code: problem.code }, `answered ${problem.status}`)
  auditRefusal(request, problem.code, error)
  const { retryAfter } = problem
  if (retryAfter !== undefined) {
    reply.header('Retry-After', String(retryAfter === 'as-configured' ? request.server.retryAfter : retryAfter))
  }
  return reply
    .code(problem.status)
    .header('Cache-Control', 'no-store')
    .type(problemMediaType)
    .send(toProblemJson(problem, request.id))
}

/** The body of a problem as text. */
export function toProblemJson(problem: Problem, requestId: string): string {
  return toJson(problemType, {
    type: 'about:blank',
    title: STATUS_CODES[problem.status] ?? 'Error',
    status: problem.status,
    detail: problem.detail,
    code: problem.code,
    requestId,
    errors: problem.errors ?? [],
    locks: problem.locks ?? [],
    ...(problem.prognosis && { fingerprint: problem.prognosis.fingerprint, prognosis: problem.prognosis }),
  })
}

export function toProblem(error: unknown): Problem {
  if (error instanceof RequestError) {
    const problem = {
      status: requestStatuses[error.code],
      code: error.code,
      detail: error.message,
      errors: error.errors,
    }
    if (error instanceof TooManyRequestsError) return { ...problem, retryAfter: error.retryAfter }
    return error.code === 'TOO_MANY_UPLOADS' ? { ...problem, retryAfter: 'as-configured' } : problem
  }
  if (error instanceof DomainError) {
    const problem: Problem = { status: domainStatuses[error.code], code: error.code, detail: error.message }
    if (error.problem.code === 'PROGNOSIS_CHANGED') {
      return { ...problem, prognosis: prognosisBodyOf(error.problem.prognosis, error.problem.commit) }
    }
    if (error.problem.code === 'LOCKED') return { ...problem, locks: error.problem.locks.map(toListedLockMessage) }
    return error.problem.code === 'INVALID_NAME'
      ? { ...problem, errors: error.problem.invalid.map(toInvalidPart) }
      : problem
  }
  if (error instanceof ManifestTooComplexError) return { status: 400, code: error.code, detail: error.message }
  if (error instanceof StoreUnavailableError || error instanceof QueueFullError) {
    return { status: 503, code: error.code, detail: error.message, retryAfter: 'as-configured' }
  }
  if (error instanceof ExchangeRefusedError) return { status: 400, code: 'TOKEN_REFUSED', detail: error.message }
  if (error instanceof ExchangeFailedError) return { status: 502, code: 'EXCHANGE_FAILED', detail: error.message }
  if (error instanceof IssuerUnavailableError) {
    return { status: 503, code: 'ISSUER_UNAVAILABLE', detail: error.message, retryAfter: 'as-configured' }
  }
  if (
    error instanceof StoreConflictError ||
    error instanceof PathNotWritableError ||
    error instanceof AlreadyDoneError ||
    error instanceof BranchRewrittenError
  ) {
    return { status: 409, code: error.code, detail: error.message }
  }
  if (error instanceof KeyReusedError) return { status: 422, code: error.code, detail: error.message }
  // Kuberpult's status (spec 2.7).
  if (error instanceof PushRefusedError) return { status: 400, code: error.code, detail: error.message }
  if (error instanceof OutcomeUnknownError) return { status: 504, code: error.code, detail: error.message }
  if (error instanceof AbandonedError) return { status: 408, code: error.code, detail: error.message }
  const foreign = foreignErrors.get((error as { code?: unknown } | null | undefined)?.code)
  if (foreign !== undefined) return { status: requestStatuses[foreign.code], ...foreign }
  return { status: 500, code: 'INTERNAL_ERROR', detail: 'Internal Server Error' }
}

function toInvalidPart({ parameter, value, rule }: InvalidName): InvalidPart {
  if (parameter === 'lock id')
    return { path: 'lockId', message: `${JSON.stringify(value)} is none: a lock id is ${rule}` }
  return { path: parameter, message: `${JSON.stringify(value)} neither exists nor can: a name is ${rule}` }
}

const problemType = messageType('signalbox.v1.Problem')
