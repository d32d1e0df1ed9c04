import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { deployRelease as deployReleaseCommand } from '../../core/deploy-release.ts'
import { parseVersion } from '../../core/manifest-layout.ts'
import { deploymentMessageType, toDeploymentMessage } from '../../protobuf/to-deployment-message.ts'
import { registerEndpoint } from '../endpoint.ts'
import { RequestError } from '../problem.ts'
import { messageContent, messageForms, sendResult } from '../send-message.ts'
import type { ServerContext } from '../server-context.ts'
import { submitCommand } from '../submit-command.ts'
import { placeParams } from './place-params.ts'
import { writeResponses } from './write-responses.ts'

const versionRule = 'must be a whole number from 0 to 2^64-1, as a number or as a string of digits'

// Numbers that JavaScript cannot hold arrive as these, too.
const digits = z.string().regex(/^(0|[1-9][0-9]{0,19})$/, { error: versionRule, abort: true })

const version = z
  .union([digits, z.int({ error: versionRule, abort: true }).min(0, { error: versionRule, abort: true })], versionRule)
  .refine((number) => parseVersion(String(number)) !== undefined, versionRule)
  .describe('The release to deploy: a number, or a string of digits.')

const deploymentBody = z
  .strictObject({
    version,
    lockBehavior: z
      .enum(['IGNORE', 'RECORD', 'FAIL'], 'must be IGNORE, RECORD or FAIL')
      .optional()
      .describe(
        'What a lock does: nothing (`IGNORE`, the default), keep it waiting (`RECORD`), or refuse it (`FAIL`).',
      ),
  })
  .meta({ examples: [{ version: '4' }] })

/** Deploys a release because somebody says so. */
export function deployRelease(app: FastifyInstance, context: ServerContext): void {
  registerEndpoint(app, {
    method: 'PUT',
    url: '/api/environments/:environment/applications/:application/deployment',
    operationId: 'deployRelease',
    access: { action: 'DeployRelease' },
    tag: 'Deployments',
    summary: 'Deploy a release, or go back to one',
    description:
      'Locks stop automation, not people: without `lockBehavior` the release is deployed past any lock. What is deployed already ' +
      'is `unchanged`.',
    params: placeParams,
    body: deploymentBody,
    isBodyRequired: true,
    forms: messageForms,
    responses: {
      200: {
        description: 'What was deployed, or what waits for a lock.',
        content: messageContent('DeployReleaseResponse'),
      },
      ...writeResponses,
      404: { description: 'There is no such environment, application or release.' },
      409: { description: 'It is locked (`LOCKED`, with the locks), or the repository does not let it be written.' },
    },
    handle: async ({ params, body, form, request }, reply) => {
      if (body === undefined) {
        throw new RequestError('INVALID_REQUEST', 'the body must say which version, such as {"version": "7"}', [
          { path: 'body.version', message: 'is missing' },
        ])
      }
      const asked = { ...params, version: BigInt(body.version) }
      const command = deployReleaseCommand({
        ...asked,
        lockBehavior: body.lockBehavior ?? 'IGNORE',
        settings: context.settings,
      })
      const { result, commit } = await submitCommand(context, command, request, reply)
      return sendResult(reply, form, deploymentMessageType, toDeploymentMessage(asked, result, commit))
    },
  })
}
