import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Command } from '../core/command.ts'
import type { Submitted } from '../manifest-store/manifest-store.ts'
import { whenCallerLeaves } from './when-caller-leaves.ts'
import type { ServerContext } from './server-context.ts'

/** Submits what a request wishes, in the name of its caller. It is dropped when the caller leaves before its turn. */
export function submit<Result>(
  { store, principalOf }: ServerContext,
  command: Command<Result>,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<Submitted<Result>> {
  return store.submit(command, {
    principal: principalOf(request),
    requestId: request.id,
    signal: whenCallerLeaves(reply),
  })
}
