import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify'
import type { SignIn } from './admission.ts'
import type { Documentation } from './openapi.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What the OpenAPI document says of the route; one without is not listed. */
    describe?: () => object
  }
}

export interface DescribedRoute {
  readonly method: HTTPMethods | HTTPMethods[]
  readonly url: string
  readonly describe: () => object
}

/** Makes it at the first call, and answers the same from then on. */
export type OpenDocumentation = () => Promise<Documentation>

/**
 * Serves Swagger UI at /docs, with the routes that are registered after it. All of that is loaded and made when somebody first asks
 * for it: it was a seventh of the time until the process served.
 */
export function registerDocumentation(
  app: FastifyInstance,
  version: string,
  signIn: SignIn | undefined,
): OpenDocumentation {
  const routes: DescribedRoute[] = []
  app.addHook('onRoute', ({ method, url, config }) => {
    if (config?.describe !== undefined && method !== 'HEAD') routes.push({ method, url, describe: config.describe })
  })
  let documentation: Promise<Documentation> | undefined
  const open = () =>
    (documentation ??= import('./openapi.ts').then(({ buildDocumentation }) =>
      buildDocumentation(routes, version, signIn),
    ))
  const handler = async (request: FastifyRequest, reply: FastifyReply) => answerFrom(await open(), request, reply)
  app.get('/docs', { config: { access: 'public' } }, handler)
  app.get('/docs/*', { config: { access: 'public' } }, handler)
  return open
}

/** What is decided by them is what a browser need not load again. */
const passedOn = ['if-none-match', 'if-modified-since', 'range', 'if-range'] as const

/** Whoever has them decides how the answer gets to the caller. */
const ownHeaders = ['connection', 'content-length', 'date', 'keep-alive', 'transfer-encoding'] as const

/** Only what there is comes from the documentation: refusals are told as everywhere else. */
async function answerFrom({ server }: Documentation, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const given = passedOn.filter((name) => request.headers[name] !== undefined)
  const headers = Object.fromEntries(given.map((name) => [name, request.headers[name]]))
  const { statusCode, headers: answered, rawPayload } = await server.inject({ url: request.url, headers })
  if (statusCode >= 400) {
    reply.callNotFound()
    return reply
  }
  for (const name of ownHeaders) delete answered[name]
  return reply.code(statusCode).headers(answered).send(rawPayload)
}
