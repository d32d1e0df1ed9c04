import type { FastifyInstance } from 'fastify'
import { StoreUnavailableError } from '../manifest-store/store-errors.ts'

/** What becomes of requests while the server closes. */
export interface Closing {
  readonly hasBegun: () => boolean
  /** Requests that have arrived and are not answered yet. */
  readonly openRequests: () => number
  /** How many were answered since it began to close. */
  readonly answered: () => number
}

declare module 'fastify' {
  interface FastifyInstance {
    readonly closing: Closing
  }
}

/**
 * Once the server closes, what has begun is finished, reads are answered, and writes that arrive over connections which are still open are
 * refused: their callers would wait for a process that is about to end.
 */
export function registerClosing(app: FastifyInstance): void {
  let hasBegun = false
  let open = 0
  let answered = 0
  app.decorate('closing', { hasBegun: () => hasBegun, openRequests: () => open, answered: () => answered })
  app.addHook('preClose', async () => {
    hasBegun = true
    closeIdleConnections(app)
  })
  app.addHook('onRequest', async (request, reply) => {
    open += 1
    reply.raw.once('close', () => {
      open -= 1
      if (hasBegun && reply.raw.writableFinished) answered += 1
    })
    const { access } = request.routeOptions.config
    if (hasBegun && typeof access === 'object') {
      throw new StoreUnavailableError('Signalbox is shutting down: nothing was changed. Try again')
    }
  })
}

/**
 * Fastify closes the connections that are idle when the server begins to close. One that becomes idle a moment later, after its
 * answer, would keep the process until its keep-alive ends.
 */
function closeIdleConnections(app: FastifyInstance): void {
  const timer = setInterval(() => app.server.closeIdleConnections(), 50)
  app.server.once('close', () => clearInterval(timer))
}
