import helmet from '@fastify/helmet'
import type { FastifyInstance } from 'fastify'
import type { SignInEndpoints } from '../auth/sign-in-search.ts'

/** For everything but Swagger UI: no answer of the API is a page, whatever it holds. */
const nothingAtAll = { defaultSrc: ["'none'"], frameAncestors: ["'none'"], baseUri: ["'none'"], formAction: ["'none'"] }

/** Half a year, in seconds. */
const strictTransportAge = 180 * 24 * 60 * 60

/**
 * What browsers are to do with answers. HSTS only where `publicUrl` is https: it would lock people out of a server that has no
 * certificate.
 */
export async function registerSecurityHeaders(app: FastifyInstance, publicUrl: string | undefined): Promise<void> {
  await app.register(helmet, {
    contentSecurityPolicy: { useDefaults: false, directives: nothingAtAll },
    // Swagger UI signs in with a window of the issuer, which has to find back.
    crossOriginOpenerPolicy: false,
    referrerPolicy: { policy: 'no-referrer' },
    frameguard: { action: 'deny' },
    strictTransportSecurity:
      publicUrl?.startsWith('https:') === true ? { maxAge: strictTransportAge, includeSubDomains: false } : false,
  })
  app.addHook('onRequest', async (_request, reply) => {
    reply.header('Permissions-Policy', 'camera=(), geolocation=(), microphone=(), payment=(), usb=()')
  })
}

/** What Swagger UI's page may load: its own files, the API, and the issuer's answers to those who sign in. */
export function toSwaggerUiPolicy(endpoints: SignInEndpoints | undefined): string {
  const issuers = endpoints === undefined ? [] : [new URL(endpoints.tokenUrl).origin]
  const directives = {
    'default-src': "'none'",
    'script-src': "'self'",
    // A library in it writes a style element into the page.
    'style-src': "'self' 'unsafe-inline'",
    // Its icons are in its stylesheet.
    'img-src': "'self' data:",
    'font-src': "'self'",
    'connect-src': [...new Set(["'self'", ...issuers])].join(' '),
    'form-action': "'self'",
    'base-uri': "'none'",
    'frame-ancestors': "'none'",
  }
  return Object.entries(directives)
    .map(([name, value]) => `${name} ${value};`)
    .join(' ')
}
