import type { FastifyInstance } from 'fastify'
import { removeApplication as removeApplicationCommand } from '../../core/remove-application.ts'
import { messageType } from '../../protobuf/messages.ts'
import { toUint64 } from '../../protobuf/uint64.ts'
import { registerEndpoint } from '../endpoint.ts'
import { messageContent, messageForms, sendResult } from '../send-message.ts'
import type { ServerContext } from '../server-context.ts'
import { submitCommand } from '../submit-command.ts'
import { placeParams } from './place-params.ts'
import { writeResponses } from './write-responses.ts'

const responseType = messageType('signalbox.v1.RemoveApplicationResponse')

/** Takes an application out of one environment. */
export function removeApplication(app: FastifyInstance, context: ServerContext): void {
  registerEndpoint(app, {
    method: 'DELETE',
    url: '/api/environments/:environment/applications/:application',
    operationId: 'removeApplication',
    access: { action: 'DeleteEnvironmentApplication' },
    tag: 'Deployments',
    summary: 'Remove an application from an environment',
    description:
      'With its locks and what was queued there; its releases stay, and the next train may bring it back. An application that the ' +
      'environment does not know is as good as removed.',
    params: placeParams,
    forms: messageForms,
    responses: {
      200: { description: 'It is not there any more.', content: messageContent('RemoveApplicationResponse') },
      ...writeResponses,
      404: { description: 'There is no such environment, or nobody knows the application.' },
    },
    handle: async ({ params, form, request }, reply) => {
      const { environment, application } = params
      const command = removeApplicationCommand(environment, application, context.settings)
      const { result: version, commit } = await submitCommand(context, command, request, reply)
      const fromVersion = version === undefined ? undefined : toUint64(version)
      return sendResult(reply, form, responseType, { ...params, fromVersion, commit })
    },
  })
}
