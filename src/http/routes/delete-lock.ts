import type { FastifyInstance } from 'fastify'
import type { LockTarget } from '../../core/lock-commands.ts'
import { deleteLock as deleteLockCommand } from '../../core/lock-commands.ts'
import { registerEndpoint } from '../endpoint.ts'
import type { ServerContext } from '../server-context.ts'
import { submitCommand } from '../submit-command.ts'
import { groupLockBody, groupLockContent, lockPaths, toLockTarget, unsupportedMethod } from './lock-paths.ts'

/** Takes a lock away. */
export function deleteLock(app: FastifyInstance, context: ServerContext): void {
  for (const { kind, name, url, params: paramsSchema } of lockPaths) {
    registerEndpoint(app, {
      method: 'DELETE',
      url,
      operationId: `delete${name}`,
      access: { action: 'DeleteLock' },
      tag: 'Locks',
      summary: summaries[kind],
      description:
        'A lock that does not exist is as good as deleted. Nothing is deployed by it: what was queued travels with the next train.',
      params: paramsSchema,
      // Kuberpult's client always says so, and Kuberpult insists on it here alone.
      takesJsonOnly: kind === 'group',
      forms: [],
      wrongMethod: unsupportedMethod,
      responses: {
        200: {
          description: 'There is no such lock any more.',
          content: kind === 'group' ? groupLockContent : {},
        },
        400: { description: 'A part of the request is invalid.' },
        403: { description: 'You may not delete locks there.' },
        404: { description: 'There is no such environment.' },
        409: { description: 'Others changed the repository again and again meanwhile. Nothing was done; try again.' },
        ...(kind === 'group' && { 415: { description: 'The Content-Type is not JSON.' } }),
        500: { description: 'A fault of Signalbox.' },
        503: {
          description: 'The repository cannot be written. Nothing was done; try again after `Retry-After` seconds.',
        },
      },
      handle: async ({ params, request }, reply) => {
        const command = deleteLockCommand(toLockTarget(kind, params), params.lockId)
        await submitCommand(context, command, request, reply)
        reply.header('Cache-Control', 'no-store')
        return kind === 'group'
          ? reply.type('application/json; charset=utf-8').send(groupLockBody)
          : reply.code(200).send()
      },
    })
  }
}

const summaries = {
  environment: 'Unlock an environment',
  application: 'Unlock an application in an environment',
  team: "Unlock a team's applications in an environment",
  group: 'Unlock every environment of a group',
} as const satisfies Record<LockTarget['kind'], string>
