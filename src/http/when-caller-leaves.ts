import type { FastifyReply } from 'fastify'

/** Aborted when the connection closes before the answer is written: a command that still waits is then dropped. */
export function whenCallerLeaves(reply: FastifyReply): AbortSignal {
  const controller = new AbortController()
  if (reply.raw.destroyed) controller.abort()
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort()
  })
  return controller.signal
}
