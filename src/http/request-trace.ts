import type { FastifyInstance } from 'fastify'
import type { Trace } from '../manifest-store/manifest-store.ts'

/** Makes traces of requests. */
export interface RequestTracer {
  /** A request has arrived; the trace ends with `answered`. Undefined when this one is not traced. */
  requestArrived(request: ArrivedRequest): RequestTrace | undefined
}

export interface ArrivedRequest {
  readonly method: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

export interface RequestTrace extends Trace {
  answered(answer: TracedAnswer): void
}

export interface TracedAnswer {
  readonly method: string
  readonly route: string | undefined
  /** Undefined when the connection closed before the answer. */
  readonly status: number | undefined
  readonly requestId: string
}

declare module 'fastify' {
  interface FastifyRequest {
    trace: RequestTrace | undefined
  }
}

/** Makes a trace of each request, but for those of probes. */
export function registerTracer(app: FastifyInstance, tracer: RequestTracer | undefined): void {
  app.decorateRequest('trace')
  if (tracer === undefined) return
  app.addHook('onRequest', async (request, reply) => {
    const { method, headers, routeOptions, id: requestId } = request
    if (routeOptions.config.isProbe === true) return
    const trace = tracer.requestArrived({ method, headers })
    request.trace = trace
    reply.raw.once('close', () => {
      const status = reply.raw.writableFinished ? reply.statusCode : undefined
      trace?.answered({ method, route: routeOptions.url, status, requestId })
    })
  })
}
