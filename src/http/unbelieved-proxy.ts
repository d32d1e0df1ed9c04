import type { FastifyInstance } from 'fastify'
import { createProxyTrust } from './client-address.ts'

/**
 * Says once that a proxy seems to be there which nobody has named: to the rate limits all who come through it are one address, and that
 * is in the log. Anybody may send the header, so it is no more than a hint.
 */
export function warnOfUnbelievedProxy(app: FastifyInstance, trustedProxies: readonly string[]): void {
  const isTrusted = createProxyTrust(trustedProxies)
  let isKnown = false
  app.addHook('onRequest', async ({ headers, socket, log }) => {
    if (isKnown || headers['x-forwarded-for'] === undefined) return
    const address = socket.remoteAddress ?? ''
    if (isTrusted(address)) return
    isKnown = true
    log.warn(
      { address },
      'X-Forwarded-For of this address is not believed, so all who come through it share one rate limit: if it is a proxy of yours, ' +
        'name it in SIGNALBOX_TRUSTED_PROXIES',
    )
  })
}
