import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { fastify, LogController } from 'fastify'
import { registerBodyParser } from './http/body-parser.ts'
import { registerOpenApi } from './http/openapi.ts'
import { RequestError, sendProblem, toProblem, toProblemJson, problemMediaType } from './http/problem.ts'
import { getApplication } from './http/routes/get-application.ts'
import { getEnvironment } from './http/routes/get-environment.ts'
import { getHealth } from './http/routes/get-health.ts'
import { getOpenApiDocument } from './http/routes/get-openapi-document.ts'
import { getReleaseTrainPrognosis } from './http/routes/get-release-train-prognosis.ts'
import { listApplications } from './http/routes/list-applications.ts'
import { listEnvironmentGroups } from './http/routes/list-environment-groups.ts'
import { runReleaseTrain } from './http/routes/run-release-train.ts'
import type { ServerContext } from './http/server-context.ts'
import { answerWrongMethods } from './http/wrong-method.ts'

export interface ServerOptions extends ServerContext {
  readonly logger: FastifyBaseLogger
  readonly version: string
}

/** Long enough for every name that can exist, short enough to be read by a person. */
const maximumUrlLength = 4096

/** The HTTP server with all its routes. It opens no port: `listen` or `inject` do. */
export async function buildServer(options: ServerOptions): Promise<FastifyInstance> {
  const app = fastify({
    loggerInstance: options.logger,
    genReqId: ({ headers }) => acceptedRequestId(headers['x-request-id']) ?? randomUUID(),
    // One line for each request, with its answer: see the onResponse hook.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: 64 * 1024,
    // Outlasts the pauses between the retries of Kuberpult's client, which loses its body with the connection (spec 4.2).
    keepAliveTimeout: 75_000,
    requestTimeout: 60_000,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: maximumUrlLength },
    frameworkErrors: (error, request, reply) => void sendProblem(error, request, reply),
    clientErrorHandler: answerUnreadableRequest,
  })
  // Input is validated by registerEndpoint, which lists every invalid part at once; bodies leave as they were made.
  app.setValidatorCompiler(() => () => true)
  app.setSerializerCompiler(() => (body) => JSON.stringify(body))
  app.setErrorHandler((error, request, reply) => sendProblem(error, request, reply))
  app.setNotFoundHandler((request, reply) =>
    sendProblem(
      new RequestError(
        'NOT_FOUND',
        `unknown endpoint '${request.url.split('?', 1)[0]?.slice(1)}'; /docs shows what there is`,
      ),
      request,
      reply,
    ),
  )
  registerBodyParser(app)
  closeConnectionsWithServer(app)
  app.addHook('onRequest', async (request, reply) => {
    reply.header('X-Request-Id', request.id).header('X-Content-Type-Options', 'nosniff')
    if (request.url.length > maximumUrlLength) {
      throw new RequestError('URL_TOO_LONG', `the URL is longer than ${maximumUrlLength} characters`)
    }
  })

  app.addHook('onResponse', async (request, reply) => {
    const { method, url, routeOptions } = request
    const details = {
      method,
      url,
      route: routeOptions.url,
      status: reply.statusCode,
      milliseconds: Math.round(reply.elapsedTime),
    }
    request.log.info(details, `${method} ${url} ${reply.statusCode}`)
  })

  await registerOpenApi(app, options.version)
  const finish = answerWrongMethods(app)
  runReleaseTrain(app, options)
  getReleaseTrainPrognosis(app, options)
  listEnvironmentGroups(app, options)
  getEnvironment(app, options)
  listApplications(app, options)
  getApplication(app, options)
  getHealth(app, options)
  getOpenApiDocument(app)
  app.get('/', { schema: { hide: true } }, (_request, reply) => reply.redirect('/docs'))
  finish()
  return app
}

/**
 * Fastify closes the connections that are idle when the server begins to close. One that becomes idle a moment later, after its
 * answer, would keep the process until its keep-alive ends.
 */
function closeConnectionsWithServer(app: FastifyInstance): void {
  app.addHook('preClose', async () => {
    const timer = setInterval(() => app.server.closeIdleConnections(), 50)
    app.server.once('close', () => clearInterval(timer))
  })
}

/** A caller's own id is kept when it can stand in logs and commits as it is. */
function acceptedRequestId(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' && /^[A-Za-z0-9._-]{1,64}$/.test(header) ? header : undefined
}

/** What Node itself could not read never reaches a route; its answer has to be written by hand. */
function answerUnreadableRequest(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const problem = toProblem(
    error.code === 'HPE_HEADER_OVERFLOW'
      ? new RequestError('HEADERS_TOO_LARGE', 'the URL and the headers together are larger than 16 KB')
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? new RequestError('REQUEST_TIMEOUT', 'the request took too long to arrive')
        : new RequestError('INVALID_REQUEST', 'this is no HTTP request that can be read'),
  )
  const body = toProblemJson(problem, randomUUID())
  socket.end(
    `HTTP/1.1 ${problem.status} Bad Request\r\nContent-Type: ${problemMediaType}\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  )
}
