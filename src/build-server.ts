import { randomUUID } from 'node:crypto'
import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { fastify, LogController } from 'fastify'
import type { Admission } from './http/admission.ts'
import { registerBodyParser } from './http/body-parser.ts'
import { createProxyTrust } from './http/client-address.ts'
import { registerClosing } from './http/closing.ts'
import { registerForms } from './http/form.ts'
import { registerFreshness } from './http/freshness.ts'
import { callerOf, registerGuard } from './http/guard.ts'
import { registerHostCheck } from './http/host-check.ts'
import { registerDocumentation } from './http/documentation.ts'
import { RequestError, sendProblem } from './http/problem.ts'
import type { RateLimits } from './http/rate-limits.ts'
import { registerRateLimits } from './http/rate-limits.ts'
import type { RequestObserver } from './http/request-observer.ts'
import type { RequestTracer } from './http/request-trace.ts'
import { registerTracer } from './http/request-trace.ts'
import { checkPermission } from './http/routes/check-permission.ts'
import { createRelease } from './http/routes/create-release.ts'
import { createUndeployRelease } from './http/routes/create-undeploy-release.ts'
import { deleteApplication } from './http/routes/delete-application.ts'
import { deployRelease } from './http/routes/deploy-release.ts'
import { removeApplication } from './http/routes/remove-application.ts'
import { createEnvironment } from './http/routes/create-environment.ts'
import { createLock } from './http/routes/create-lock.ts'
import { deleteEnvironment } from './http/routes/delete-environment.ts'
import { deleteLock } from './http/routes/delete-lock.ts'
import { exchangeToken } from './http/routes/exchange-token.ts'
import { getApplication } from './http/routes/get-application.ts'
import { getCommitDeployments } from './http/routes/get-commit-deployments.ts'
import { getDeployedCommit } from './http/routes/get-deployed-commit.ts'
import { getDeploymentHistory } from './http/routes/get-deployment-history.ts'
import { getEnvironmentConfig } from './http/routes/get-environment-config.ts'
import { getEnvironment } from './http/routes/get-environment.ts'
import { getHealth } from './http/routes/get-health.ts'
import { getManifests } from './http/routes/get-manifests.ts'
import type { MetricsSource } from './http/routes/get-metrics.ts'
import { getMetrics } from './http/routes/get-metrics.ts'
import { getOpenApiDocument } from './http/routes/get-openapi-document.ts'
import { getProcessDelay } from './http/routes/get-process-delay.ts'
import { getSignIn } from './http/routes/get-sign-in.ts'
import { getReleaseTrainPrognosis } from './http/routes/get-release-train-prognosis.ts'
import { listApplications } from './http/routes/list-applications.ts'
import { listEnvironmentGroups } from './http/routes/list-environment-groups.ts'
import { listLocks } from './http/routes/list-locks.ts'
import type { PushHook } from './http/routes/receive-push-hook.ts'
import { receivePushHook } from './http/routes/receive-push-hook.ts'
import { runReleaseTrain } from './http/routes/run-release-train.ts'
import { whoAmI } from './http/routes/who-am-i.ts'
import { registerSecurityHeaders } from './http/security-headers.ts'
import type { ServerContext } from './http/server-context.ts'
import { toUnknownPathError } from './http/unknown-path.ts'
import type { LastRequests } from './http/unreadable-request.ts'
import { createUnreadableRequestHandler } from './http/unreadable-request.ts'
import { warnOfUnbelievedProxy } from './http/unbelieved-proxy.ts'
import { withoutSchemas } from './http/without-schemas.ts'
import { withoutSecrets } from './http/without-secrets.ts'
import { answerWrongMethods } from './http/wrong-method.ts'

export interface ServerOptions extends Omit<ServerContext, 'principalOf'> {
  readonly admission: Admission
  /** What browsers see, when it is known. */
  readonly publicUrl: string | undefined
  /** Addresses and networks of proxies: of their requests the address is what they say in X-Forwarded-For. */
  readonly trustedProxies: readonly string[]
  /** Who may tell of pushes; undefined for nobody. */
  readonly pushHook: PushHook | undefined
  /** What `Retry-After` says, in seconds, where nothing better is known. */
  readonly retryAfter: number
  readonly logger: FastifyBaseLogger
  readonly version: string
  /** What is served at /metrics; undefined when it is served elsewhere. */
  readonly metrics?: MetricsSource | undefined
  readonly tracer?: RequestTracer | undefined
}

/** Long enough for every name that can exist, short enough to be read by a person. */
const maximumUrlLength = 4096

/** The HTTP server with all its routes. It opens no port: `listen` or `inject` do. */
export async function buildServer(options: ServerOptions): Promise<FastifyInstance> {
  const { admission, publicUrl, trustedProxies } = options
  const context: ServerContext = { ...options, principalOf: (request) => callerOf(request).principal }
  const lastRequests: LastRequests = new WeakMap()
  let limits: RateLimits | undefined
  const app = fastify({
    loggerInstance: options.logger,
    schemaController: withoutSchemas,
    genReqId: ({ headers }) => acceptedRequestId(headers['x-request-id']) ?? randomUUID(),
    trustProxy: trustedProxies.length > 0 && createProxyTrust(trustedProxies),
    // One line for each request, with its answer: see the onResponse hook.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: 64 * 1024,
    // Outlasts the pauses between the retries of Kuberpult's client, which loses its body with the connection (spec 4.2).
    keepAliveTimeout: 75_000,
    requestTimeout: 60_000,
    // What still arrives while the server closes is answered, and its connection closed after that.
    return503OnClosing: false,
    // The length of the whole URL is what counts, and no name is longer than Node lets a URL be.
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 16 * 1024 },
    // No hook runs for these.
    frameworkErrors: (error, request, reply) => {
      identify(request, reply)
      reply.raw.once('finish', () => tellAnswer(request, reply, options.observer))
      const send = (problem: unknown) => void sendProblem(problem, request, reply)
      void (limits?.countAddress(request) ?? Promise.resolve()).then(() => send(error), send)
    },
    clientErrorHandler: createUnreadableRequestHandler(lastRequests, options.logger),
  })
  app.setErrorHandler((error, request, reply) => sendProblem(error, request, reply))
  app.setNotFoundHandler((request, reply) => sendProblem(toUnknownPathError(request.url), request, reply))
  app.decorate('retryAfter', options.retryAfter)
  registerBodyParser(app)
  await registerSecurityHeaders(app, publicUrl)
  app.addHook('onRequest', async (request, reply) => {
    lastRequests.set(request.raw.socket, { request: request.raw, response: reply.raw })
    identify(request, reply)
    if (request.url.length > maximumUrlLength) {
      throw new RequestError('URL_TOO_LONG', `the URL is longer than ${maximumUrlLength} characters`)
    }
  })

  registerTracer(app, options.tracer)
  registerClosing(app)
  app.addHook('onResponse', async (request, reply) => tellAnswer(request, reply, options.observer))

  registerHostCheck(app, admission, publicUrl)
  if (admission.mode === 'oidc') warnOfUnbelievedProxy(app, trustedProxies)
  limits = admission.mode === 'none' ? undefined : await registerRateLimits(app, admission.requestsPerMinute)
  registerGuard(app, admission, limits)
  const signIn = admission.mode === 'none' ? undefined : admission.signIn
  const openDocumentation = registerDocumentation(app, options.version, signIn)
  registerFreshness(app, options.store)
  const finish = answerWrongMethods(app)
  runReleaseTrain(app, context)
  getReleaseTrainPrognosis(app, context)
  await registerForms(app, options.formLimits, (forms, readForm) => {
    createRelease(forms, context, readForm)
    createEnvironment(forms, context, readForm)
  })
  deployRelease(app, context)
  removeApplication(app, context)
  createUndeployRelease(app, context)
  deleteApplication(app, context)
  createLock(app, context)
  deleteLock(app, context)
  listLocks(app, context)
  listEnvironmentGroups(app, context)
  getEnvironment(app, context)
  getEnvironmentConfig(app, context)
  deleteEnvironment(app, context)
  listApplications(app, context)
  getApplication(app, context)
  getManifests(app, context)
  getDeployedCommit(app, context)
  getDeploymentHistory(app, context)
  getCommitDeployments(app, context)
  whoAmI(app)
  checkPermission(app, context)
  getSignIn(app, admission)
  await exchangeToken(app, admission.mode === 'none' ? undefined : admission.exchange)
  getProcessDelay(app)
  await receivePushHook(app, context, options.pushHook)
  getHealth(app, context)
  getMetrics(app, options.metrics)
  getOpenApiDocument(app, openDocumentation)
  app.get('/', { config: { access: 'public' } }, (_request, reply) => reply.redirect('/docs'))
  finish()
  return app
}

function identify(request: FastifyRequest, reply: FastifyReply): void {
  reply.header('X-Request-Id', request.id).header('X-Content-Type-Options', 'nosniff')
}

function tellAnswer(request: FastifyRequest, reply: FastifyReply, observer: RequestObserver | undefined): void {
  const { method } = request
  const url = withoutSecrets(request.url)
  const route = request.routeOptions.url
  const { statusCode: status, elapsedTime } = reply
  const { traceId } = request.trace ?? {}
  const details = { method, url, route, status, milliseconds: Math.round(elapsedTime), ...(traceId && { traceId }) }
  request.log.info(details, `${method} ${url} ${status}`)
  observer?.requestAnswered({ method, route, status, milliseconds: elapsedTime })
}

/** A caller's own id is kept when it can stand in logs and commits as it is. */
function acceptedRequestId(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' && /^[A-Za-z0-9._-]{1,64}$/.test(header) ? header : undefined
}
