import type { FastifyInstance, RouteOptions } from 'fastify'
import { RequestError } from './problem.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a request with another method than those of the route is told. */
    wrongMethod?: ((method: string) => string) | undefined
  }
}

/**
 * Answers every other method on the URLs of the API with 405 and `Allow`, and OPTIONS with `Allow` alone, where Fastify would say
 * that the URL does not exist. Call it before the routes are registered; it acts when all of them are.
 */
export function answerWrongMethods(app: FastifyInstance): () => void {
  const methods = app.supportedMethods.filter((method) => method !== 'OPTIONS')
  const routes = new Map<string, { allowed: Set<string>; wrongMethod: ((method: string) => string) | undefined }>()
  app.addHook('onRoute', ({ url, method, config }: RouteOptions) => {
    const route = routes.get(url) ?? { allowed: new Set(), wrongMethod: undefined }
    for (const one of [method].flat()) route.allowed.add(one)
    route.wrongMethod ??= config?.wrongMethod
    routes.set(url, route)
  })
  return () => {
    for (const [url, { allowed, wrongMethod }] of routes) {
      if (url.includes('*')) continue
      const allow = [...allowed, 'OPTIONS'].toSorted().join(', ')
      app.route({
        method: methods.filter((method) => !allowed.has(method)),
        url,
        config: { access: 'public' },
        // Before the body is looked at: nothing that could be wrong with it matters here.
        onRequest: async (request, reply) => {
          reply.header('Allow', allow)
          throw new RequestError(
            'METHOD_NOT_ALLOWED',
            wrongMethod?.(request.method) ?? `${request.method} is not possible here; possible: ${allow}`,
          )
        },
        handler: () => {},
      })
      app.route({
        method: 'OPTIONS',
        url,
        config: { access: 'public' },
        handler: (_request, reply) => reply.code(204).header('Allow', allow).send(),
      })
    }
  }
}
