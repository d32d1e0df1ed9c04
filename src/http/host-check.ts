import { isIP, isIPv4 } from 'node:net'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Admission } from './admission.ts'
import { headerCount } from './header-count.ts'
import { RequestError } from './problem.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whether its callers prove in a way of their own who they are, so that the name under which they ask does not matter. */
    provesItself?: boolean
  }
}

/**
 * Keeps web pages away from a server that asks nobody who they are. A browser on the same machine reaches it, and whatever page is
 * open there can make the browser send requests:
 *
 * - A page under a name of its own can let that name point to 127.0.0.1 once it is loaded (DNS rebinding). For the browser the
 *   server is then the page's own, so that it may read answers, too. But the Host header still has the page's name.
 * - Any other page can send a form, though not read the answer. The browser says so in Origin or Sec-Fetch-Site.
 *
 * Where callers send tokens neither matters: a page has none to send. `publicUrl` is what browsers see.
 */
export function registerHostCheck(app: FastifyInstance, admission: Admission, publicUrl: string | undefined): void {
  const publicHosts = publicUrl === undefined ? [] : [new URL(publicUrl).hostname]
  app.addHook('onRequest', async (request) => {
    // Which of them a proxy before this server has looked at, nobody knows.
    if (headerCount(request, 'host') > 1) {
      throw new RequestError('INVALID_REQUEST', 'there is more than one Host header')
    }
    if (admission.mode !== 'none' || request.routeOptions.config.provesItself === true) return
    const host = request.headers.host ?? ''
    const isKnown = isThisMachine(host) || [...admission.hosts, ...publicHosts].includes(nameOf(host))
    if (!isKnown && !admission.hosts.includes('*') && !(admission.acceptsAddresses && isAddress(nameOf(host)))) {
      throw new RequestError(
        'MISDIRECTED_REQUEST',
        `nobody is asked who they are here, so requests under other names than its own are not answered: ${JSON.stringify(host)}. ` +
          'Name the host in SIGNALBOX_ALLOWED_HOSTS if it is meant, or make callers sign in (SIGNALBOX_AUTH=oidc)',
      )
    }
    if (isWrite(request) && isCrossSite(request, host, publicUrl)) {
      throw new RequestError('CROSS_SITE', 'a page of another site may not change anything here')
    }
  })
}

function isWrite({ method }: FastifyRequest): boolean {
  return !['GET', 'HEAD', 'OPTIONS'].includes(method)
}

/** No page comes from an address by a name that it could let point elsewhere. */
function isAddress(name: string): boolean {
  return isIP(name.replace(/^\[(.*)\]$/, '$1')) !== 0
}

function isThisMachine(host: string): boolean {
  const name = nameOf(host)
  return name === 'localhost' || name === '[::1]' || (isIPv4(name) && name.startsWith('127.'))
}

/** The Host header without its port; an IPv6 address keeps its brackets. */
function nameOf(host: string): string {
  return host.replace(/:\d*$/, '').toLowerCase()
}

function isCrossSite({ headers }: FastifyRequest, host: string, publicUrl: string | undefined): boolean {
  const { origin } = headers
  if (headers['sec-fetch-site'] === 'cross-site') return true
  // curl and pipelines send none; a browser does with everything but GET and HEAD.
  if (origin === undefined) return false
  // `null` is what pages without an origin of their own send: sandboxed ones, for example.
  if (!URL.canParse(origin)) return true
  const { origin: normalOrigin, protocol, host: originHost } = new URL(origin)
  if (publicUrl !== undefined && normalOrigin === new URL(publicUrl).origin) return false
  const own = `${protocol}//${host}`
  return !URL.canParse(own) || new URL(own).host !== originHost
}
