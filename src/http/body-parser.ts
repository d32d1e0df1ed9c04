import type { FastifyInstance } from 'fastify'

/** A body that is not JSON. It is reported together with whatever else is wrong: see `registerEndpoint`. */
export class UnreadableBody {
  readonly reason: string

  constructor(reason: string) {
    this.reason = reason
  }
}

/**
 * Reads every body as JSON whatever its Content-Type says, as Kuberpult does with trains: `curl -d` claims a form by
 * default. An empty body is none. A body that cannot be read is no error of the parser, since Fastify would close the
 * connection, and with it Kuberpult's client loses its further tries (spec 4.2).
 */
export function registerBodyParser(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  addJsonParser(app)
}

/** The same beside forms, where one of them registers its routes: what is no form is read as JSON. */
export function registerBodyParserBesideForms(app: FastifyInstance): void {
  app.removeContentTypeParser('*')
  addJsonParser(app)
}

function addJsonParser(app: FastifyInstance): void {
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, parseJson(String(body))))
}

/** The JSON of a text; undefined when it is empty. */
export function parseJson(body: string): unknown {
  const text = body.replace(/^\u{feff}/u, '')
  if (text.trim() === '') return undefined
  try {
    return JSON.parse(withExactNumbers(text))
  } catch (error) {
    return new UnreadableBody((error as Error).message)
  }
}

/**
 * Whole numbers that JavaScript cannot hold exactly, as strings: versions have up to 64 bits. What takes a number and no string
 * then refuses them.
 */
function withExactNumbers(json: string): string {
  if (!/\d{16}/.test(json)) return json
  return json.replaceAll(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g, (token) =>
    /^-?\d{16,}$/.test(token) && !Number.isSafeInteger(Number(token)) ? `"${token}"` : token,
  )
}
