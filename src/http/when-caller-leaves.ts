import type { FastifyReply } from 'fastify'
import { AbandonedError } from '../manifest-store/store-errors.ts'

/**
 * Aborted with an AbandonedError when the connection closes before the answer is written: what still waits, or is done for the caller
 * alone, is then dropped.
 */
export function whenCallerLeaves(reply: FastifyReply): AbortSignal {
  const controller = new AbortController()
  const abort = () => controller.abort(new AbandonedError('the caller left before the answer'))
  if (reply.raw.destroyed) abort()
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) abort()
  })
  return controller.signal
}
