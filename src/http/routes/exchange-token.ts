import type { FastifyInstance } from 'fastify'
import type { TokenExchange } from '../../auth/token-exchange.ts'
import { auditDone } from '../audit.ts'
import { registerEndpoint } from '../endpoint.ts'
import { RequestError } from '../problem.ts'

/** Kuberpult's words, in which its clients may look for them. */
const unavailable = 'Dex not enabled, /token unavailable.'

/** Gets a token of the issuer for one that it has no say in: for pipelines that Google knows (spec 5.2). */
export async function exchangeToken(parent: FastifyInstance, exchange: TokenExchange | undefined): Promise<void> {
  // All other bodies are JSON.
  await parent.register(async (app) => {
    app.removeAllContentTypeParsers()
    app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, String(body)))
    registerEndpoint(app, {
      method: 'POST',
      url: '/token',
      operationId: 'exchangeToken',
      access: 'public',
      tag: 'Operations',
      summary: "Exchange a token of the issuer's connector for one that is taken here",
      description: 'The issuer judges the token. Where none is configured for this, nothing is exchanged.',
      urlEncoded: {
        type: 'object',
        properties: { subject_token: { type: 'string', description: 'An access token that the connector knows.' } },
        required: ['subject_token'],
      },
      forms: [{ mediaType: 'text/plain' }],
      responses: {
        200: { description: 'The access token.', content: { 'text/plain': { type: 'string' } } },
        400: { description: 'There is no subject_token, or the issuer does not take it.' },
        401: { description: 'Nothing is exchanged here.', headers: { 'WWW-Authenticate': 'How to send credentials.' } },
        406: { description: 'None of the forms is acceptable.' },
        415: { description: 'The body is no form.' },
        502: { description: 'The issuer does not do as it should.' },
        503: { description: 'The issuer cannot be asked.' },
      },
      handle: async ({ request }, reply) => {
        if (exchange === undefined) {
          reply.header('WWW-Authenticate', 'Bearer realm="signalbox"')
          throw new RequestError('UNAUTHENTICATED', unavailable)
        }
        const token = await exchange.exchange(readSubjectToken(request.headers['content-type'], request.body))
        auditDone(request, 'ExchangeToken')
        return reply.header('Cache-Control', 'no-store').type('text/plain; charset=utf-8').send(token)
      },
    })
  })
}

/** Nothing of what was sent is repeated: it may be a secret that stands in the wrong place. */
function readSubjectToken(contentType: string | undefined, body: unknown): string {
  if (contentType?.split(';', 1)[0]?.trim().toLowerCase() !== 'application/x-www-form-urlencoded') {
    throw new RequestError('UNSUPPORTED_MEDIA_TYPE', 'the body must be application/x-www-form-urlencoded')
  }
  const [token, ...more] = new URLSearchParams(typeof body === 'string' ? body : '').getAll('subject_token')
  if (token !== undefined && token !== '' && more.length === 0) return token
  throw new RequestError('INVALID_REQUEST', 'the form must have one value subject_token', [
    { path: 'body.subject_token', message: 'must be there once' },
  ])
}
