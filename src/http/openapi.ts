import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'
import { fastify } from 'fastify'
import { stringify } from 'yaml'
import type { SignIn } from './admission.ts'
import type { DescribedRoute } from './documentation.ts'
import { bearerScheme } from './endpoint.ts'
import { toSwaggerUiPolicy } from './security-headers.ts'
import { withoutSchemas } from './without-schemas.ts'
import { root } from '../protobuf/messages.ts'
import { toJsonSchemas } from '../protobuf/to-json-schema.ts'

export interface Documentation {
  /** Opens no port: it answers `inject` for Swagger UI, at /docs. */
  readonly server: FastifyInstance
  /** The OpenAPI document in either notation. */
  readonly json: () => string
  readonly yaml: () => string
}

/**
 * Makes the OpenAPI document of these routes, and a Swagger UI that shows it. Schemas of answers come from proto/, those of requests
 * from zod.
 */
export async function buildDocumentation(
  routes: readonly DescribedRoute[],
  version: string,
  signIn: SignIn | undefined,
): Promise<Documentation> {
  const app = fastify({ schemaController: withoutSchemas, routerOptions: { ignoreTrailingSlash: true } })
  for (const [name, schema] of Object.entries(toJsonSchemas(root))) {
    app.addSchema({ $id: name, ...toFastifyRefs(schema), ...(name === 'Problem' && { examples: [aProblem] }) })
  }
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Signalbox',
        version,
        summary: 'Release trains over a git manifest repository',
        description:
          'Ask for a prognosis, then run exactly that: send its `ETag` as `If-Match`. Errors are RFC 9457 problems whose `code` never changes its meaning.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/', description: 'This server' }],
      tags: [
        {
          name: 'Release trains',
          description: 'Bring the versions of an upstream environment to a target, or see what that would do.',
        },
        { name: 'Releases', description: 'New versions of applications, and their manifests.' },
        { name: 'Deployments', description: 'What runs where, who brought it there, and how to change it by hand.' },
        { name: 'Locks', description: 'Stop trains and automatic deployments, never people.' },
        { name: 'Environments', description: 'What is deployed, queued and locked where.' },
        { name: 'Applications', description: 'Releases and where they are.' },
        { name: 'Operations', description: 'For probes and the people on call.' },
      ],
      components: { securitySchemes: securitySchemes },
      // Each operation says it for itself.
      security: [],
    },
    refResolver: { buildLocalReference: (json) => json['$id'] as string },
    transformObject: (document) => {
      if (!('openapiObject' in document)) return document.swaggerObject
      const { openapiObject } = document
      for (const path of Object.values(openapiObject.paths ?? {})) {
        for (const operation of Object.values(path ?? {})) {
          completeBody(operation)
          beginWithPath(operation)
        }
      }
      return openapiObject
    },
  })
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    theme: { title: 'Signalbox', css: [{ filename: 'theme.css', content: theme }] },
    uiConfig: { displayRequestDuration: true, tryItOutEnabled: true, docExpansion: 'list' },
    ...(signIn && {
      initOAuth: {
        clientId: signIn.clientId,
        scopes: [...signIn.scopes],
        usePkceWithAuthorizationCodeGrant: true,
      },
    }),
    transformSpecification: (document) => withSignIn(document as OpenApiDocument, signIn),
    staticCSP: toSwaggerUiPolicy(undefined),
    transformStaticCSP: () => toSwaggerUiPolicy(signIn?.endpoints()),
  })
  for (const { method, url, describe } of routes) {
    app.route({ method, url, schema: describe(), handler: () => {} })
  }
  await app.ready()
  // Nobody signs in to ask for the document: it is written once, and once more when the issuer has said where to sign in.
  const document = () => withSignIn(app.swagger(), signIn)
  return {
    server: app,
    json: oncePer(signIn, () => JSON.stringify(document())),
    yaml: oncePer(signIn, () => stringify(document())),
  }
}

function oncePer(signIn: SignIn | undefined, make: () => string): () => string {
  let made: { readonly endpoints: unknown; readonly text: string } | undefined
  return () => {
    const endpoints = signIn?.endpoints()
    if (made === undefined || made.endpoints !== endpoints) made = { endpoints, text: make() }
    return made.text
  }
}

/** What most refusals look like: with all that one may have, the page would show little else. */
const aProblem = {
  type: 'about:blank',
  title: 'Not Found',
  status: 404,
  detail: "there is no environment 'nowhere'; GET /api/environment-groups lists them",
  code: 'UNKNOWN_ENVIRONMENT',
  requestId: '7b0c9a8e-3f53-4a53-9d43-0c2f1a6f5f10',
}

/** A public client has no secret to be asked for. */
const theme = `.swagger-ui .topbar { display: none }
.swagger-ui .auth-container .wrapper:has(#client_secret_authorizationCode) { display: none }
`

/** How callers say who they are. The document depends on no issuer: see `withSignIn`. */
const securitySchemes = {
  [bearerScheme]: {
    type: 'http' as const,
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description:
      'A token of an OIDC issuer that this server trusts. Where it asks nobody who they are, none is needed.',
  },
}

/** The part of the document that says how callers are known. */
export interface OpenApiDocument {
  readonly components?: { readonly securitySchemes?: object | undefined } | undefined
  readonly paths?: Readonly<Record<string, object | undefined>> | undefined
}

/** The document with what only the issuer knows, as soon as it has said it. Whoever has signed in sends their token like any other. */
export function withSignIn(document: OpenApiDocument, signIn: SignIn | undefined): OpenApiDocument {
  const endpoints = signIn?.endpoints()
  if (signIn === undefined || endpoints === undefined) return document
  const scheme = {
    type: 'oauth2',
    description: 'Sign in at the issuer.',
    flows: {
      authorizationCode: { ...endpoints, scopes: Object.fromEntries(signIn.scopes.map((scope) => [scope, ''])) },
    },
  }
  const copy = structuredClone(document)
  for (const path of Object.values(copy.paths ?? {})) Object.values(path ?? {}).forEach(offerSignIn)
  return {
    ...copy,
    components: {
      ...copy.components,
      securitySchemes: { [signInScheme]: scheme, ...copy.components?.securitySchemes },
    },
  }
}

function offerSignIn(operation: unknown): void {
  const { security } = operation as { security?: Record<string, readonly string[]>[] }
  if (security?.some((way) => bearerScheme in way) === true) security.push({ [signInScheme]: [] })
}

const signInScheme = 'signIn'

/** The plugin calls every body required, and drops examples beside a reference; the endpoint knows. */
function completeBody(operation: unknown): void {
  const described = operation as DescribedBody | null
  if (described?.requestBody === undefined) return
  described.requestBody.required = described['x-body-required'] === true
  delete described['x-body-required']
  const json = described.requestBody.content['application/json']
  // A copy: what is the same object twice would be an alias in YAML.
  if (json !== undefined && described['x-json-example']) json.example = structuredClone(described['x-json-example'])
  delete described['x-json-example']
}

interface DescribedBody {
  requestBody?: { required?: boolean; content: Record<string, { example?: unknown }> }
  'x-body-required'?: boolean
  'x-json-example'?: object
}

/** What an operation is about comes first, where people fill it in. */
function beginWithPath(operation: unknown): void {
  const { parameters } = operation as { parameters?: { readonly in: string }[] }
  parameters?.sort((one, other) => Number(other.in === 'path') - Number(one.in === 'path'))
}

/** Fastify names a shared schema `Name#`; the plugin turns that into a reference within the document. */
function toFastifyRefs(schema: object): object {
  const text = JSON.stringify(schema)
  return JSON.parse(text.replaceAll(/"#\/components\/schemas\/([A-Za-z0-9]+)"/g, '"$1#"')) as object
}
