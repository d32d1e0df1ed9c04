import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { lifetimePattern } from '../../core/lifetime.ts'
import { listLocks as listLocksOf, lockKinds } from '../../core/list-locks.ts'
import { lockListMessageType, toLockListMessage } from '../../protobuf/to-locks-message.ts'
import { registerEndpoint } from '../endpoint.ts'
import { messageForms, readResponses, sendMessage } from '../send-message.ts'
import type { ServerContext } from '../server-context.ts'

const lockQuery = z.strictObject({
  kind: z
    .enum(lockKinds, { error: `must be one of ${lockKinds.join(', ')}` })
    .optional()
    .describe('Only locks on this kind of thing.'),
  environment: z.string().optional().describe('Only locks in this environment.'),
  team: z.string().optional().describe("Only this team's locks, and those of its applications."),
  author: z
    .string()
    .optional()
    .describe("Only locks whose author's name or e-mail address contains this, whatever its case."),
  olderThan: z
    .string()
    .regex(lifetimePattern, 'must be a whole number and h, d or w, such as 2w')
    .optional()
    .describe('Only locks that were made longer ago than this, such as `2w`.'),
})

/** All locks of all kinds. */
export function listLocks(app: FastifyInstance, { store, clock }: ServerContext): void {
  registerEndpoint(app, {
    method: 'GET',
    url: '/api/locks',
    operationId: 'listLocks',
    access: 'authenticated',
    tag: 'Locks',
    summary: 'All locks of all kinds',
    description: 'Those that have ended are among them until the next commit to their environment takes them away.',
    query: lockQuery,
    forms: messageForms,
    responses: readResponses(
      'The locks, sorted by environment, kind, application or team, and id.',
      'ListLocksResponse',
    ),
    handle: async ({ query, form, request }, reply) => {
      const snapshot = await store.snapshot()
      const message = toLockListMessage(listLocksOf(snapshot, query, clock()), snapshot.commit)
      return sendMessage(request, reply, form, lockListMessageType, message)
    },
  })
}
