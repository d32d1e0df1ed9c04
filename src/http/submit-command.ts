import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Command } from '../core/command.ts'
import type { CommandRequest, Submitted } from '../manifest-store/manifest-store.ts'
import { audit } from './audit.ts'
import { replayedHeader, toIdempotency } from './idempotency.ts'
import { whenCallerLeaves } from './when-caller-leaves.ts'
import type { ServerContext } from './server-context.ts'

/**
 * Lets the store decide a command of this request's principal, and records that it was done. `content` is what of the request the
 * handler has read itself: see `toIdempotency`.
 */
export async function submitCommand<Result>(
  context: ServerContext,
  command: Command<Result>,
  request: FastifyRequest,
  reply: FastifyReply,
  content?: unknown,
): Promise<Submitted<Result>> {
  const submitted = await context.store.submit(command, toCommandRequest(context, request, reply, content))
  audit(request, { outcome: 'done', commit: submitted.commit, ...markRepeated(submitted, reply) })
  return submitted
}

/** Whom the command is from, until when they wait, and how a repeat is recognised. */
export function toCommandRequest(
  context: ServerContext,
  request: FastifyRequest,
  reply: FastifyReply,
  content?: unknown,
): CommandRequest {
  const { id: requestId, trace } = request
  const idempotency = toIdempotency(request, content)
  return {
    principal: context.principalOf(request),
    requestId,
    trace,
    signal: whenCallerLeaves(reply),
    ...(idempotency && { idempotency }),
  }
}

/** Has the answer, and what is recorded of it, say that an earlier request did it. */
export function markRepeated({ isRepeated }: Submitted<unknown>, reply: FastifyReply): { readonly repeated?: true } {
  if (isRepeated !== true) return {}
  reply.header(replayedHeader, 'true')
  return { repeated: true }
}
