import type { FastifyInstance } from 'fastify'
import { deleteEnvironment as deleteEnvironmentCommand } from '../../core/environment-commands.ts'
import { registerEndpoint } from '../endpoint.ts'
import { messageForms } from '../send-message.ts'
import type { ServerContext } from '../server-context.ts'
import { changeResponses, dryRunQuery, environmentParams, submitChange } from './environment-change.ts'

/** Deletes an environment with all that is in it. */
export function deleteEnvironment(app: FastifyInstance, context: ServerContext): void {
  registerEndpoint(app, {
    method: 'DELETE',
    url: '/api/environments/:environment',
    operationId: 'deleteEnvironment',
    access: { action: 'DeleteEnvironment' },
    tag: 'Environments',
    summary: 'Delete an environment with all that is in it',
    description:
      'What is deployed, queued and locked there goes, and so do its Argo CD files, so that Argo CD deletes what it applied because of ' +
      'them. Releases keep their manifests for it. Locks do not stand in the way; the warnings name what goes.',
    params: environmentParams,
    query: dryRunQuery,
    forms: messageForms,
    responses: {
      ...changeResponses('There is no such environment any more.'),
      404: { description: 'There is no such environment, or it is the upstream of another one.' },
    },
    handle: async ({ params: { environment }, query, form, request }, reply) => {
      const isDryRun = query.dryrun === 'true'
      const command = deleteEnvironmentCommand({ name: environment, isDryRun, argoCd: context.settings.argoCd })
      return submitChange(context, { request, form, environment, isDryRun }, command, reply)
    },
  })
}
