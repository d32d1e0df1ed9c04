import type { FastifyInstance } from 'fastify'
import { stringify } from 'yaml'
import type { SignIn } from '../admission.ts'
import { withSignIn } from '../openapi.ts'

const hidden = { schema: { hide: true }, config: { access: 'public' } } as const

/** The OpenAPI document in both notations. It is not listed in itself. */
export function getOpenApiDocument(app: FastifyInstance, signIn: SignIn | undefined): void {
  // Routes do not change once the server is ready, and nobody signs in to ask for this: each is written once, and once more when
  // the issuer has said where to sign in.
  const document = () => withSignIn(app.swagger(), signIn)
  const json = oncePer(signIn, () => JSON.stringify(document()))
  const yaml = oncePer(signIn, () => stringify(document()))
  app.get('/openapi.json', hidden, (_request, reply) => reply.type('application/json; charset=utf-8').send(json()))
  app.get('/openapi.yaml', hidden, (_request, reply) => reply.type('application/yaml; charset=utf-8').send(yaml()))
}

function oncePer(signIn: SignIn | undefined, make: () => string): () => string {
  let made: { readonly endpoints: unknown; readonly text: string } | undefined
  return () => {
    const endpoints = signIn?.endpoints()
    if (made === undefined || made.endpoints !== endpoints) made = { endpoints, text: make() }
    return made.text
  }
}
