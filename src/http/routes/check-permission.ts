import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { checkPermission as check, takesTeam } from '../../core/check-permission.ts'
import { actions } from '../../core/principal.ts'
import { checkPermissionMessageType } from '../../protobuf/to-check-permission-message.ts'
import { registerEndpoint } from '../endpoint.ts'
import { callerOf } from '../guard.ts'
import { RequestError } from '../problem.ts'
import { messageForms, readResponses, sendMessage } from '../send-message.ts'
import type { ServerContext } from '../server-context.ts'

const params = z.strictObject({
  action: z.enum(actions, { error: `must be one of ${actions.join(', ')}` }).describe('What is to be done.'),
  environment: z.string().describe('Where.'),
})

const query = z.strictObject({
  application: z
    .string()
    .optional()
    .describe('To which application. Without it: to the environment as a whole, or to whatever application.'),
  team: z
    .string()
    .optional()
    .describe(
      'Of a release: to which team it says that its application belongs. Of a lock without an application: whose.',
    ),
})

/** Whether who asks may do something. */
export function checkPermission(app: FastifyInstance, { store }: ServerContext): void {
  registerEndpoint(app, {
    method: 'GET',
    url: '/api/whoami/permissions/:action/:environment',
    operationId: 'checkPermission',
    access: 'authenticated',
    tag: 'Operations',
    summary: 'Whether you may do something, and why',
    description:
      'Judged as if you did it. Undeploying concerns all groups, whichever environment is named. A train with an `application` is ' +
      'asked whether it takes that one along. Creating and deleting an environment concerns all of it.',
    params,
    query,
    forms: messageForms,
    responses: {
      ...readResponses('Whether, and why.', 'CheckPermissionResponse'),
      404: { description: 'There is no such environment, application or team.' },
      409: { description: 'The application cannot be read.' },
    },
    handle: async ({ params: { action, environment }, query: { application, team }, form, request }, reply) => {
      const { principal, permissions } = callerOf(request)
      const question = { action, environment, application, team }
      if (team !== undefined && !takesTeam(question)) {
        throw new RequestError('INVALID_REQUEST', 'a team means nothing for that', [
          { path: 'query.team', message: 'is for CreateRelease with an application, or for a lock without one' },
        ])
      }
      const answer = check({ snapshot: await store.snapshot(), principal }, question, permissions)
      return sendMessage(request, reply, form, checkPermissionMessageType, { ...question, ...answer })
    },
  })
}
