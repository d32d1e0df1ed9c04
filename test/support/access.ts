import { parseCiMapping } from '../../src/auth/ci-mapping.ts'
import type { Access } from '../../src/auth/policy-files.ts'
import { parsePolicy, parseTeams } from '../../src/core/policy.ts'

/** What good policy files of these texts say. */
export function anAccess(
  primaryIssuer: string,
  texts: { readonly policy?: string; readonly teams?: string; readonly trust?: string } = {},
): Access {
  const { policy, problems } = parsePolicy(texts.policy ?? 'p, role:Developer, CreateLock, *:*, *, allow')
  const teams = texts.teams === undefined ? undefined : parseTeams(texts.teams)
  const trust =
    texts.trust === undefined ? undefined : parseCiMapping(texts.trust, { primary: primaryIssuer, allowsHttp: false })
  const all = [...problems, ...(teams?.problems ?? []), ...(trust?.problems ?? [])]
  if (all.length > 0) throw new Error(`these files are not good: ${JSON.stringify(all)}`)
  const ciIssuers = trust?.issuers ?? []
  const ci = new Map(ciIssuers.map(({ issuer, rules }) => [issuer, rules]))
  return { policy, teams: teams?.teams, primaryIssuer, ci, ciIssuers }
}
