import type { FastifyRequest } from 'fastify'
import type { ObjectId } from '../core/object-id.ts'
import { addressOf } from './client-address.ts'
import { withoutTokens } from './without-secrets.ts'

/** What became of a wish to change something. */
type AuditOutcome =
  /** The commit is absent when nothing had to change, or nothing was to be. */
  | { readonly outcome: 'done'; readonly commit: ObjectId | undefined }
  | { readonly outcome: 'refused'; readonly code: string }

/**
 * One line of the log for each decision about a write: who wanted what, and what became of it. The line has the request's
 * id, like all of its lines. Nothing is written about routes that change nothing. `target` completes what the path says.
 */
export function audit(
  request: FastifyRequest,
  outcome: AuditOutcome,
  target: Readonly<Record<string, string>> = {},
): void {
  const { access } = request.routeOptions.config
  if (access === undefined || typeof access === 'string') return
  const { caller } = request
  const all = { ...(request.params as Record<string, string>), ...target }
  const line = {
    action: access.action,
    principal: caller?.id,
    name: caller?.principal.name,
    email: caller?.principal.email,
    ...(caller?.principal.isClaimed === true && { claimed: true }),
    address: addressOf(request),
    target: Object.fromEntries(Object.entries(all).map(([name, value]) => [name, withoutTokens(value)])),
    ...outcome,
  }
  request.log.info({ audit: line }, `${access.action} ${outcome.outcome}`)
}
