import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { unknownApplication } from '../../core/find.ts'
import type { ApplicationName } from '../../core/names.ts'
import { applicationMessageType, toApplicationMessage } from '../../protobuf/to-application-message.ts'
import { registerEndpoint } from '../endpoint.ts'
import { messageForms, readResponses, sendMessage } from '../send-message.ts'
import type { ServerContext } from '../server-context.ts'

/** One application with all its releases. */
export function getApplication(app: FastifyInstance, { store }: ServerContext): void {
  registerEndpoint(app, {
    method: 'GET',
    url: '/api/applications/:application',
    operationId: 'getApplication',
    access: 'authenticated',
    tag: 'Applications',
    summary: 'An application with its releases and where each is deployed',
    params: z.strictObject({ application: z.string().describe("The application's name.") }),
    forms: messageForms,
    responses: {
      ...readResponses('The application, its newest release first.', 'Application'),
      404: { description: 'There is no such application.' },
    },
    handle: async ({ params, form, request }, reply) => {
      const snapshot = await store.snapshot()
      const name = params.application as ApplicationName
      const application = snapshot.applications.get(name)
      if (application === undefined) throw unknownApplication(name)
      const message = application.ok
        ? toApplicationMessage(snapshot, application.value, await store.readReleases(snapshot, name))
        : { name, releases: [], deployments: [], unreadable: [application.reason], commit: snapshot.commit }
      return sendMessage(request, reply, form, applicationMessageType, message)
    },
  })
}
