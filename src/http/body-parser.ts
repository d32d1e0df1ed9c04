import type { FastifyInstance } from 'fastify'
import { RequestError } from './problem.ts'

/**
 * Reads every body as JSON whatever its Content-Type says, as Kuberpult does with trains: `curl -d` claims a form by
 * default. An empty body is none.
 */
export function registerBodyParser(app: FastifyInstance): void {
  const parseJson = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'string' }, (request, body, done) => {
    const text = String(body)
    if (text.trim() === '') return done(null, undefined)
    return parseJson(request, text, (error, value) => {
      if (error === null) done(null, value)
      else
        done(
          new RequestError('INVALID_REQUEST', `the body is not JSON: ${error.message}`, [
            { path: 'body', message: error.message },
          ]),
        )
    })
  })
}
