import type { FastifyInstance } from 'fastify'
import { createUndeployRelease as createUndeployReleaseCommand } from '../../core/undeploy.ts'
import { messageType } from '../../protobuf/messages.ts'
import { toDeploymentMessage } from '../../protobuf/to-created-release-message.ts'
import { toUint64 } from '../../protobuf/uint64.ts'
import { registerEndpoint } from '../endpoint.ts'
import { messageContent, messageForms, sendResult } from '../send-message.ts'
import type { ServerContext } from '../server-context.ts'
import { submitCommand } from '../submit-command.ts'
import { applicationParams } from './place-params.ts'
import { writeResponses } from './write-responses.ts'

const responseType = messageType('signalbox.v1.CreateUndeployReleaseResponse')

/** Prepares the end of an application: a release that runs nothing. */
export function createUndeployRelease(app: FastifyInstance, context: ServerContext): void {
  registerEndpoint(app, {
    method: 'POST',
    url: '/api/applications/:application/undeploy-release',
    operationId: 'createUndeployRelease',
    access: { action: 'CreateUndeploy' },
    tag: 'Releases',
    summary: 'Prepare to undeploy an application',
    description:
      'Creates a release that runs nothing. It goes where new releases go by themselves, and trains carry it on; when it is ' +
      'everywhere, the application can be deleted. Where the newest release is one already, nothing changes.',
    params: applicationParams,
    forms: messageForms,
    responses: {
      201: { description: 'It was created.', content: messageContent('CreateUndeployReleaseResponse') },
      200: {
        description: 'The newest release is one already.',
        content: messageContent('CreateUndeployReleaseResponse'),
      },
      ...writeResponses,
      404: { description: 'There is no such application.' },
    },
    handle: async ({ params: { application }, form, request }, reply) => {
      const command = createUndeployReleaseCommand(application, context.settings)
      const { result, commit } = await submitCommand(context, command, request, reply)
      reply.code(commit === undefined ? 200 : 201)
      return sendResult(reply, form, responseType, {
        application,
        version: toUint64(result.version),
        deployments: result.deployments.map(toDeploymentMessage),
        removedVersions: result.removed.map(toUint64),
        commit,
      })
    },
  })
}
