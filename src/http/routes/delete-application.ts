import type { FastifyInstance } from 'fastify'
import { deleteApplication as deleteApplicationCommand } from '../../core/undeploy.ts'
import { messageType } from '../../protobuf/messages.ts'
import { registerEndpoint } from '../endpoint.ts'
import { messageContent, messageForms, sendResult } from '../send-message.ts'
import type { ServerContext } from '../server-context.ts'
import { submitCommand } from '../submit-command.ts'
import { applicationParams } from './place-params.ts'
import { writeResponses } from './write-responses.ts'

const responseType = messageType('signalbox.v1.DeleteApplicationResponse')

/** Removes an application for good. */
export function deleteApplication(app: FastifyInstance, context: ServerContext): void {
  registerEndpoint(app, {
    method: 'DELETE',
    url: '/api/applications/:application',
    operationId: 'deleteApplication',
    access: { action: 'DeployUndeploy' },
    tag: 'Applications',
    summary: 'Delete an application that runs nowhere any more',
    description:
      'With all its releases and locks. Only when its newest release runs nothing, and no environment has another one.',
    params: applicationParams,
    forms: messageForms,
    responses: {
      200: { description: 'It is gone.', content: messageContent('DeleteApplicationResponse') },
      ...writeResponses,
      404: { description: 'There is no such application.' },
      409: { description: 'It still runs somewhere, or the repository does not let it be written. Nothing was done.' },
    },
    handle: async ({ params: { application }, form, request }, reply) => {
      const command = deleteApplicationCommand(application, context.settings)
      const { result: environments, commit } = await submitCommand(context, command, request, reply)
      return sendResult(reply, form, responseType, { application, environments, commit })
    },
  })
}
