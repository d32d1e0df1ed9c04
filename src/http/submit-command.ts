import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Command } from '../core/command.ts'
import type { CommandRequest, Submitted } from '../manifest-store/manifest-store.ts'
import { audit } from './audit.ts'
import { whenCallerLeaves } from './when-caller-leaves.ts'
import type { ServerContext } from './server-context.ts'

/** Lets the store decide a command of this request's principal, and records that it was done. */
export async function submitCommand<Result>(
  context: ServerContext,
  command: Command<Result>,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<Submitted<Result>> {
  const submitted = await context.store.submit(command, toCommandRequest(context, request, reply))
  audit(request, { outcome: 'done', commit: submitted.commit })
  return submitted
}

/** Whom the command is from, and until when they wait. */
export function toCommandRequest(context: ServerContext, request: FastifyRequest, reply: FastifyReply): CommandRequest {
  const { id: requestId, trace } = request
  return { principal: context.principalOf(request), requestId, trace, signal: whenCallerLeaves(reply) }
}
