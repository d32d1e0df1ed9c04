import type { FastifyInstance } from 'fastify'
import { stringify } from 'yaml'

const hidden = { schema: { hide: true }, config: { access: 'public' } } as const

/** The OpenAPI document in both notations. It is not listed in itself. */
export function getOpenApiDocument(app: FastifyInstance): void {
  app.get('/openapi.json', hidden, (_request, reply) =>
    reply.type('application/json; charset=utf-8').send(JSON.stringify(app.swagger())),
  )
  app.get('/openapi.yaml', hidden, (_request, reply) =>
    reply.type('application/yaml; charset=utf-8').send(stringify(app.swagger())),
  )
}
