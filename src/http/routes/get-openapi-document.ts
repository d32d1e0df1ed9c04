import type { FastifyInstance } from 'fastify'
import { stringify } from 'yaml'

const hidden = { schema: { hide: true }, config: { access: 'public' } } as const

/** The OpenAPI document in both notations. It is not listed in itself. */
export function getOpenApiDocument(app: FastifyInstance): void {
  // Routes do not change once the server is ready, and nobody signs in to ask for this: each is written once.
  const json = once(() => JSON.stringify(app.swagger()))
  const yaml = once(() => stringify(app.swagger()))
  app.get('/openapi.json', hidden, (_request, reply) => reply.type('application/json; charset=utf-8').send(json()))
  app.get('/openapi.yaml', hidden, (_request, reply) => reply.type('application/yaml; charset=utf-8').send(yaml()))
}

function once<T>(make: () => T): () => T {
  let made: T | undefined
  return () => (made ??= make())
}
