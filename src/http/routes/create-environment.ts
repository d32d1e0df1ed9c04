import type { FastifyInstance } from 'fastify'
import { createEnvironment as createEnvironmentCommand } from '../../core/environment-commands.ts'
import { registerBodyParserBesideForms } from '../body-parser.ts'
import { registerEndpoint } from '../endpoint.ts'
import { readEnvironmentConfig } from '../environment-config-input.ts'
import type { ReadForm } from '../form.ts'
import { sendProblem } from '../problem.ts'
import { messageForms } from '../send-message.ts'
import type { ServerContext } from '../server-context.ts'
import { changeResponses, dryRunQuery, environmentParams, submitChange } from './environment-change.ts'

const paths = [
  { url: '/api/environments/:environment', operationId: 'createEnvironment', deprecated: false },
  { url: '/environments/:environment', operationId: 'createEnvironmentOnOldPath', deprecated: true },
]

/** What Swagger UI begins with. */
const example = { upstream: { environment: 'staging' } }

/** Creates an environment, or gives it another config. */
export function createEnvironment(forms: FastifyInstance, context: ServerContext, readForm: ReadForm): void {
  forms.register(async (app) => {
    registerBodyParserBesideForms(app)
    app.setErrorHandler((error, request, reply) => sendProblem(error, request, reply))
    registerPaths(app, context, readForm)
  })
}

function registerPaths(app: FastifyInstance, context: ServerContext, readForm: ReadForm): void {
  for (const { url, operationId, deprecated } of paths) {
    registerEndpoint(app, {
      method: 'POST',
      url,
      operationId,
      access: { action: 'CreateEnvironment' },
      deprecated,
      tag: 'Environments',
      summary: 'Create an environment, or replace its config',
      description:
        'The config is JSON, as a form value or file `config`, or as the whole body; its keys may be in camelCase or snake_case, or ' +
        'as `config.json` spells them. What `GET /api/environments/{environment}/config` answers changes nothing when it is sent back. ' +
        'Where the upstream names both an environment and latest, latest is stored. The warnings say what makes trains to it, or ' +
        'because of it, impossible or surprising.',
      params: environmentParams,
      query: dryRunQuery,
      multipart: {
        type: 'object',
        properties: {
          config: {
            type: 'string',
            description: 'The config as JSON.',
            example: JSON.stringify(example),
          },
          signature: { type: 'string', description: 'Accepted, and not looked at.', example: '' },
        },
        required: ['config'],
      },
      jsonInsteadOfMultipart: { schema: { $ref: 'EnvironmentConfig#' }, example },
      forms: messageForms,
      responses: {
        ...changeResponses('The environment has this config.'),
        413: { description: 'The body is too large.' },
      },
      handle: async ({ params: { environment }, query, form, request }, reply) => {
        const isDryRun = query.dryrun === 'true'
        const config = await readEnvironmentConfig(request, reply, readForm)
        const command = createEnvironmentCommand({
          name: environment,
          config,
          isDryRun,
          argoCd: context.settings.argoCd,
        })
        return submitChange(context, { request, form, environment, isDryRun, content: config }, command, reply)
      },
    })
  }
}
