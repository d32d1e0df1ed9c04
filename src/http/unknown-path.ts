import type { RequestErrorCode } from './problem.ts'
import { RequestError } from './problem.ts'

interface KnownMistake {
  readonly path: RegExp
  readonly detail: string
  /** NOT_FOUND unless it says otherwise. */
  readonly code?: RequestErrorCode
}

/**
 * Paths that lack a part, have one too many, or belong to what Kuberpult offers and Signalbox does not, and Kuberpult's
 * words about them (spec 3.1, 3.3). The first match counts.
 */
const knownMistakes: readonly KnownMistake[] = [
  { path: /^(\/api)?\/environments$/, detail: 'missing environment ID' },
  { path: /^\/environment-groups$/, detail: 'missing group ID' },
  { path: /^\/environments\/[^/]+\/locks$/, detail: 'missing ID for env lock' },
  {
    path: /^\/environments\/[^/]+\/locks\/[^/]+\/(?<rest>.+)$/,
    detail: "env locks does not accept additional path arguments after the lock ID, got: '<rest>'",
  },
  { path: /^(\/api)?\/environments\/[^/]+\/applications$/, detail: 'missing application ID' },
  { path: /^\/environments\/[^/]+\/applications\/[^/]+\/locks$/, detail: 'missing lock ID' },
  { path: /^\/environment-groups\/[^/]+\/locks$/, detail: 'missing lock ID' },
  { path: /^\/api\/environments\/[^/]+\/lock$/, detail: 'Missing team path' },
  { path: /^\/api\/environments\/[^/]+\/lock\/team$/, detail: 'Missing team name' },
  { path: /^\/api\/environments\/[^/]+\/lock\/team\/[^/]+$/, detail: 'Missing LockID' },
  { path: /^\/api\/commit-deployments$/, detail: 'missing commit hash', code: 'INVALID_REQUEST' },
  { path: /^\/environment-groups\/[^/]+\/rollout-status$/, detail: 'not implemented', code: 'NOT_IMPLEMENTED' },
  {
    path: /^\/api\/environments\/[^/]+\/cluster(\/[^/]+)?$/,
    detail: 'not implemented: the clusters of an environment stand in its config',
    code: 'NOT_IMPLEMENTED',
  },
  { path: /^(\/api)?\/environment(s|-groups)\/[^/]+\/(?<rest>[^/]+)$/, detail: "unknown function '<rest>'" },
]

/** What a path that is none is told. */
export function toUnknownPathError(url: string): RequestError {
  const path = (url.split('?', 1)[0] ?? '').replace(/(?<=[^/])\/$/, '')
  for (const { path: pattern, detail, code = 'NOT_FOUND' } of knownMistakes) {
    const match = pattern.exec(path)
    if (match !== null)
      return new RequestError(
        code,
        detail.replace('<rest>', () => match.groups?.['rest'] ?? ''),
      )
  }
  return new RequestError('NOT_FOUND', `unknown endpoint '${path.slice(1)}'; /docs shows what there is`)
}
