import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import multipart from '@fastify/multipart'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { ByteShare } from './byte-budget.ts'
import { ByteBudget } from './byte-budget.ts'
import { DelimiterCounter } from './delimiter-counter.ts'
import { RequestError, sendProblem } from './problem.ts'
import { whenCallerLeaves } from './when-caller-leaves.ts'

/** What a form may hold, in bytes. */
export interface FormLimits {
  /** The whole body. */
  readonly maximumBytes: number
  readonly maximumFileBytes: number
  readonly maximumValueBytes: number
  readonly maximumParts: number
  /** What has arrived of all forms that are being read or worked on; not less than one may hold. */
  readonly maximumBytesTogether: number
  /** How long one waits for others to be done before it is refused, in milliseconds. */
  readonly maximumWait: number
  /** How long nothing of a form may arrive before it is given up, in milliseconds. */
  readonly maximumStall: number
}

/** The parts of a multipart/form-data body by name, each name's in their order. A part is a file when it has a file name. */
export interface Form {
  readonly values: ReadonlyMap<string, readonly string[]>
  readonly files: ReadonlyMap<string, readonly Uint8Array[]>
}

/**
 * Reads the body of a request as a form, within the limits. It holds nothing but memory, and counts as held until the answer is sent.
 * Throws RequestError, when what is left of the body has been read away: Kuberpult's client only tries again where the connection
 * stays (spec 4.2).
 */
export type ReadForm = (request: FastifyRequest, reply: FastifyReply) => Promise<Form>

/** The limits that follow from those that are configured. */
export function toFormLimits(releases: {
  readonly maximumBytes: number
  readonly maximumManifestBytes: number
  readonly maximumValueBytes: number
  readonly maximumParts: number
}): FormLimits {
  return {
    maximumBytes: releases.maximumBytes,
    maximumFileBytes: releases.maximumManifestBytes,
    maximumValueBytes: releases.maximumValueBytes,
    maximumParts: releases.maximumParts,
    maximumBytesTogether: 8 * releases.maximumBytes,
    maximumWait: 10_000,
    maximumStall: 10_000,
  }
}

/** A part's name must stand within these; what follows is not looked at. */
const headerLimits = { headerPairs: 50, headerSize: 16 * 1024 }

/** Registers routes whose bodies are forms, while those of all others stay JSON. */
export async function registerForms(
  app: FastifyInstance,
  limits: FormLimits,
  registerRoutes: (app: FastifyInstance, readForm: ReadForm) => void,
): Promise<void> {
  const budget = new ByteBudget(limits.maximumBytesTogether)
  await app.register(async (forms) => {
    forms.removeAllContentTypeParsers()
    await forms.register(multipart)
    // Any other body is left to readForm, which refuses it in Kuberpult's words.
    forms.addContentTypeParser('*', (_request, _payload, done) => done(null))
    forms.setErrorHandler((error, request, reply) => {
      const isUnknownType = (error as { code?: unknown }).code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE'
      return sendProblem(isUnknownType ? notMultipart() : error, request, reply)
    })
    registerRoutes(forms, (request, reply) => readForm(request, reply, limits, budget))
  })
}

async function readForm(
  request: FastifyRequest,
  reply: FastifyReply,
  limits: FormLimits,
  budget: ByteBudget,
): Promise<Form> {
  const share = budget.open()
  reply.raw.once('close', () => budget.close(share))
  try {
    const boundary = boundaryOf(request)
    if (Number(request.headers['content-length'] ?? 0) > limits.maximumBytes) throw bodyTooLarge(limits)
    return await parseForm(request, boundary, { limits, budget, share, signal: whenCallerLeaves(reply) })
  } catch (error) {
    budget.close(share)
    // What does not go on arriving is not waited for twice.
    if (error instanceof StalledError || !(await drain(request.raw, limits))) reply.header('Connection', 'close')
    throw error
  }
}

/** What a body is read with. */
interface Reading {
  readonly limits: FormLimits
  readonly budget: ByteBudget
  readonly share: ByteShare
  /** Aborted when the caller leaves. */
  readonly signal: AbortSignal
}

class StalledError extends RequestError {
  constructor({ maximumStall }: FormLimits) {
    super('REQUEST_TIMEOUT', `nothing more of the form arrived for ${maximumStall / 1000} s`)
  }
}

function boundaryOf(request: FastifyRequest): string {
  if (!request.isMultipart()) throw notMultipart()
  const [, quoted, plain] = /;\s*boundary=(?:"([^"]*)"|([^\s;"]+))/i.exec(request.headers['content-type'] ?? '') ?? []
  const boundary = quoted ?? plain
  // RFC 2046, section 5.1.1.
  if (boundary === undefined || !/^[\w'()+,\-./:=? ]{1,70}$/.test(boundary)) {
    throw invalidBody('no multipart boundary param in Content-Type')
  }
  return boundary
}

async function parseForm(request: FastifyRequest, boundary: string, reading: Reading): Promise<Form> {
  const counter = new DelimiterCounter(boundary)
  const form = { values: new Map<string, string[]>(), files: new Map<string, Uint8Array[]>(), parts: 0 }
  const body = Readable.from(readBody(request.raw, counter, reading), { objectMode: false })
  try {
    // The plugin reads what it takes for the raw request.
    await collectParts(
      Object.create(request, { raw: { value: body } }) as FastifyRequest,
      boundary,
      form,
      reading.limits,
    )
  } catch (error) {
    body.destroy()
    throw (error as { code?: unknown }).code === 'FST_PROTO_VIOLATION'
      ? invalidBody('a part has a name that no field has')
      : error
  }
  if (counter.parts !== form.parts) throw withoutName()
  return form
}

/** The body as far as the limits allow, and only if it is whole. Reads no more while there is no memory for it. */
async function* readBody(
  request: IncomingMessage,
  counter: DelimiterCounter,
  { limits, budget, share, signal }: Reading,
): AsyncGenerator<Buffer> {
  let bytes = 0
  const next = () => nextChunk(request, limits)
  for (let chunk = await next(); chunk !== undefined; chunk = await next()) {
    bytes += chunk.length
    counter.add(chunk)
    if (bytes > limits.maximumBytes) throw bodyTooLarge(limits)
    if (counter.parts > limits.maximumParts) {
      throw tooLarge('the form has more parts', limits.maximumParts, 'SIGNALBOX_MAXIMUM_RELEASE_PARTS')
    }
    const taken = await budget.take(share, chunk.length, limits.maximumWait, signal)
    if (taken !== 'taken') throw taken === 'refused' ? tooBusy() : callerLeft()
    yield chunk
  }
  if (!request.readableEnded) {
    throw callerLeft()
  }
  if (!counter.isClosed) throw invalidBody('multipart: NextPart: EOF')
}

/** All that has arrived; undefined at the end, or when the connection is gone. Throws StalledError. */
async function nextChunk(request: IncomingMessage, limits: FormLimits): Promise<Buffer | undefined> {
  for (;;) {
    // A megabyte may come in a million chunks. What arrives together is read together.
    await nextTurn()
    const chunk = request.read() as Buffer | null
    if (chunk !== null) return chunk
    if (request.readableEnded || request.destroyed) return undefined
    if (!(await hasMore(request, limits.maximumStall))) throw new StalledError(limits)
  }
}

/** Whether something happens to the request within that many milliseconds. */
function hasMore(request: IncomingMessage, milliseconds: number): Promise<boolean> {
  return new Promise((resolve) => {
    const settle = (happens: boolean) => {
      clearTimeout(timer)
      request.off('readable', wake).off('end', wake).off('close', wake)
      resolve(happens)
    }
    const wake = () => settle(true)
    const timer = setTimeout(() => settle(false), milliseconds)
    request.on('readable', wake).on('end', wake).on('close', wake)
  })
}

interface CollectedForm {
  readonly values: Map<string, string[]>
  readonly files: Map<string, Uint8Array[]>
  parts: number
}

async function collectParts(
  request: FastifyRequest,
  boundary: string,
  form: CollectedForm,
  limits: FormLimits,
): Promise<void> {
  const options = {
    // The parser must not find another boundary than we did.
    headers: { 'content-type': `multipart/form-data; boundary="${boundary}"` },
    limits: { ...headerLimits, fileSize: Infinity, parts: Infinity, files: Infinity },
    throwFileSizeLimit: false,
    // Values too: else those that claim to be JSON would not arrive as they were sent.
    isPartAFile: () => true,
  }
  for await (const part of request.parts(options)) {
    if (part.type !== 'file') throw new Error('the parser does not do as it was told')
    form.parts += 1
    const name = part.fieldname as string | undefined
    if (name === undefined || name === '') throw withoutName()
    const { filename } = part as { readonly filename: string | undefined }
    if (filename === undefined || filename === '') {
      const value = await readAll(part.file, limits.maximumValueBytes, () =>
        tooLarge(`the value of '${name}' is larger`, limits.maximumValueBytes, 'SIGNALBOX_MAXIMUM_RELEASE_VALUE_BYTES'),
      )
      append(form.values, name, toValue(name, value))
    } else {
      const file = await readAll(part.file, limits.maximumFileBytes, () =>
        tooLarge(`the file '${name}' is larger`, limits.maximumFileBytes, 'SIGNALBOX_MAXIMUM_MANIFEST_BYTES'),
      )
      append(form.files, name, file)
    }
  }
}

async function readAll(stream: AsyncIterable<Buffer>, limit: number, refusal: () => RequestError): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of stream) {
    length += chunk.length
    if (length > limit) throw refusal()
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function toValue(name: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw invalidBody(`the value of '${name}' is not UTF-8`)
  }
}

function append<T>(map: Map<string, T[]>, name: string, item: T): void {
  const items = map.get(name)
  if (items === undefined) map.set(name, [item])
  else items.push(item)
}

/** Reads away what is left of the body; what is more than a form may hold, after the answer. False when it stops arriving. */
async function drain(request: IncomingMessage, limits: FormLimits): Promise<boolean> {
  let bytes = 0
  try {
    const next = () => nextChunk(request, limits)
    for (let chunk = await next(); chunk !== undefined && bytes <= limits.maximumBytes; chunk = await next()) {
      bytes += chunk.length
    }
  } catch {
    return false
  }
  request.resume()
  return true
}

function notMultipart(): RequestError {
  return invalidBody("request Content-Type isn't multipart/form-data")
}

function withoutName(): RequestError {
  return invalidBody('a part has no Content-Disposition: form-data; name="..."')
}

/** In the words of Kuberpult (spec 3.4), where it has some. */
function invalidBody(reason: string): RequestError {
  return new RequestError('INVALID_REQUEST', `Invalid body: ${reason}`)
}

function bodyTooLarge({ maximumBytes }: FormLimits): RequestError {
  return tooLarge('the form is larger', maximumBytes, 'SIGNALBOX_MAXIMUM_RELEASE_BYTES')
}

function tooLarge(what: string, limit: number, variable: string): RequestError {
  const unit = variable.endsWith('_BYTES') ? `${limit} bytes` : String(limit)
  return new RequestError('BODY_TOO_LARGE', `${what} than the ${unit} that ${variable} allows in any form`)
}

function callerLeft(): RequestError {
  return new RequestError('REQUEST_TIMEOUT', 'the connection closed before the whole request had arrived')
}

function tooBusy(): RequestError {
  return new RequestError('TOO_MANY_UPLOADS', 'too many large uploads at once; try again')
}
