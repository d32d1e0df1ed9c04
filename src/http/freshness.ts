import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import type { ManifestStore } from '../manifest-store/manifest-store.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whether the answer is about the state of the repository. */
    readsState?: boolean
  }
}

/** How many seconds ago the state was last known to be that of the git server. */
export const stateAgeHeader = 'Signalbox-State-Age'

/** How long a reader waits for the git server, in milliseconds. Then it gets what there is, and is told how old that is. */
const longestWait = 10_000

/**
 * Where the repository is on a git server, its state here may be old. Reads say how old; one that sends `Cache-Control: no-cache`
 * has the server asked first. Call it before routes are registered.
 */
export function registerFreshness(app: FastifyInstance, store: ManifestStore): void {
  app.addHook('preHandler', async (request) => {
    if (request.routeOptions.config.readsState !== true || !wantsNews(request.headers['cache-control'])) return
    const asked = store.refresh().catch((error: unknown) => {
      request.log.debug({ err: error }, 'the answer may be old: the git server cannot be asked')
    })
    await Promise.race([asked, sleep(longestWait, undefined, { ref: false })])
  })
  app.addHook('onSend', async (request, reply) => {
    if (request.routeOptions.config.readsState !== true || reply.statusCode >= 400) return
    // Without a git server it is read at this moment.
    const { stateAge = 0 } = store.health()
    reply.header(stateAgeHeader, String(Math.floor(stateAge / 1000)))
  })
}

function wantsNews(cacheControl: string | undefined): boolean {
  return /(^|,)\s*no-cache\s*(,|$)/i.test(cacheControl ?? '')
}
