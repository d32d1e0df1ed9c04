import type { FastifyInstance } from 'fastify'
import type { OpenDocumentation } from '../documentation.ts'

const open = { config: { access: 'public' } } as const

/** The OpenAPI document in both notations. It is not listed in itself. */
export function getOpenApiDocument(app: FastifyInstance, openDocumentation: OpenDocumentation): void {
  app.get('/openapi.json', open, async (_request, reply) =>
    reply.type('application/json; charset=utf-8').send((await openDocumentation()).json()),
  )
  app.get('/openapi.yaml', open, async (_request, reply) =>
    reply.type('application/yaml; charset=utf-8').send((await openDocumentation()).yaml()),
  )
}
