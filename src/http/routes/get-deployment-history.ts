import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { findEnvironment } from '../../core/find.ts'
import type { ApplicationName } from '../../core/names.ts'
import { historyMessageType, toHistoryMessage } from '../../protobuf/to-history-message.ts'
import { registerEndpoint } from '../endpoint.ts'
import { RequestError } from '../problem.ts'
import { messageForms, readResponses, sendMessage } from '../send-message.ts'
import type { ServerContext } from '../server-context.ts'

const noToken = 'must be the nextPageToken of an earlier answer'

/** Who deployed what, when, and with which train: from the git log. */
export function getDeploymentHistory(app: FastifyInstance, { store }: ServerContext): void {
  registerEndpoint(app, {
    method: 'GET',
    url: '/api/environments/:environment/applications/:application/history',
    operationId: 'getDeploymentHistory',
    access: 'authenticated',
    tag: 'Deployments',
    summary: 'Who deployed which version of an application to an environment, when, and with which train',
    description:
      'Read from the git log, newest first: along the first parents, so a merge counts as one commit. A page may be short, or empty, ' +
      'because enough commits were looked at for one answer: ask on with `nextPageToken` until there is none.',
    params: z.strictObject({
      environment: z.string().describe("The environment's name."),
      application: z.string().describe("The application's name. One that was never deployed there has no events."),
    }),
    query: z.strictObject({
      pageSize: z
        .string()
        .regex(/^([1-9]\d?|100)$/, 'must be a whole number from 1 to 100')
        .optional()
        .describe('How many events are wanted at most: 1 to 100, 20 by default.'),
      pageToken: z
        .string()
        .regex(/^[0-9a-f]{40}$/, noToken)
        .optional()
        .describe('The `nextPageToken` of the page before.'),
    }),
    forms: messageForms,
    responses: {
      ...readResponses('A page of the history, newest first.', 'GetDeploymentHistoryResponse'),
      404: { description: 'There is no such environment.' },
    },
    handle: async ({ params, query, form, request }, reply) => {
      const snapshot = await store.snapshot()
      const environment = findEnvironment(snapshot, params.environment)
      const application = params.application as ApplicationName
      const history = await store.readHistory(snapshot, {
        environment: environment.name,
        application,
        pageSize: Number(query.pageSize ?? 20),
        from: query.pageToken,
      })
      if (history === undefined) {
        throw new RequestError('INVALID_REQUEST', `query.pageToken ${noToken}`, [
          { path: 'query.pageToken', message: noToken },
        ])
      }
      const message = toHistoryMessage(environment.name, application, history)
      return sendMessage(request, reply, form, historyMessageType, message)
    },
  })
}
