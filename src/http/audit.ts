import type { FastifyRequest } from 'fastify'
import { DomainError } from '../core/errors.ts'
import type { ObjectId } from '../core/object-id.ts'
import { addressOf } from './client-address.ts'
import { withoutTokens } from './without-secrets.ts'

/** What became of a wish. */
type AuditOutcome =
  /** The commit is absent when nothing had to change, or nothing was to be. `repeated`: an earlier request with the same key made it. */
  | { readonly outcome: 'done'; readonly commit: ObjectId | undefined; readonly repeated?: true }
  /** The reason is that of a denial, and holds nothing of what was sent but names. */
  | { readonly outcome: 'refused'; readonly code: string; readonly reason?: string }

/** Requests whose line is written. */
const audited = new WeakSet<FastifyRequest>()

/**
 * One line of the log for a decision about a write: who wanted what, and what became of it. The line has the request's id, like
 * all of its lines. Nothing is written about routes that change nothing: see `auditRefusal`. `target` completes what the path says.
 */
export function audit(
  request: FastifyRequest,
  outcome: AuditOutcome,
  target: Readonly<Record<string, string>> = {},
): void {
  const { access } = request.routeOptions.config
  if (access !== undefined && typeof access !== 'string') write(request, access.action, outcome, target)
}

/** The line for what somebody did on a route that is not bound to an action. Nothing of what was sent or answered stands in it. */
export function auditDone(request: FastifyRequest, action: 'ExchangeToken' | 'ReceivePushHook'): void {
  write(request, action, { outcome: 'done', commit: undefined })
}

/** What says that somebody may not do something, or that nobody knows who it is. All else that can be wrong with a read is no decision. */
const denials: readonly string[] = ['UNAUTHENTICATED', 'PERMISSION_DENIED', 'MISDIRECTED_REQUEST', 'TOKEN_REFUSED']

/** The line for a request that was refused: for any reason when it is a write, else when it was denied. */
export function auditRefusal(request: FastifyRequest, code: string, error: unknown): void {
  const isDenied = denials.includes(code)
  const hasSafeReason = code === 'UNAUTHENTICATED' || code === 'PERMISSION_DENIED'
  const outcome: AuditOutcome = {
    outcome: 'refused',
    code,
    ...(hasSafeReason && error instanceof Error && { reason: withoutTokens(error.message) }),
  }
  const { access } = request.routeOptions.config
  if (access === undefined || typeof access !== 'string') return audit(request, outcome)
  if (!isDenied || (access === 'public' && code === 'MISDIRECTED_REQUEST')) return
  const action = error instanceof DomainError && error.problem.code === 'PERMISSION_DENIED' && error.problem.action
  write(request, action || (access === 'public' ? 'Authenticate' : 'Read'), outcome)
}

function write(
  request: FastifyRequest,
  action: string,
  outcome: AuditOutcome,
  target: Readonly<Record<string, string>> = {},
): void {
  // What goes wrong with the answer afterwards is no second decision.
  if (audited.has(request)) return
  audited.add(request)
  const { caller } = request
  const all = { ...(request.params as Record<string, string>), ...target }
  const line = {
    action,
    principal: caller?.id,
    name: caller?.principal.name,
    email: caller?.principal.email,
    ...(caller?.principal.isClaimed === true && { claimed: true }),
    address: addressOf(request),
    ...((request.query as { readonly dryrun?: unknown } | undefined)?.dryrun === 'true' && { dryRun: true }),
    target: Object.fromEntries(Object.entries(all).map(([name, value]) => [name, withoutTokens(value)])),
    ...outcome,
  }
  request.log.info({ audit: line }, `${action} ${outcome.outcome}`)
}
