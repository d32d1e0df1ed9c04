import type { Policy, Teams } from '../core/policy.ts'
import { isAmong, isEmailAddress, mayDo, permissionsOf, rolesOf } from '../core/policy.ts'
import type { AuthenticatedCaller } from './authenticator.ts'
import { UnauthenticatedError } from './authenticator.ts'
import type { CheckedToken } from './check-token.ts'
import type { CiRule } from './ci-mapping.ts'
import { applyRules, toOwner } from './ci-mapping.ts'

/** What the files say about who may do what. */
export interface AccessRules {
  readonly policy: Policy
  /** Undefined without a team file: then nobody is asked for teams. */
  readonly teams: Teams | undefined
  /** The issuer of people. */
  readonly primaryIssuer: string
  /** Of the CI systems that are trusted beside it, by issuer. */
  readonly ci: ReadonlyMap<string, readonly CiRule[]>
}

type Token = Pick<CheckedToken, 'issuer' | 'subject' | 'claims'>

const everyTeam: readonly string[] = ['*']

/**
 * Who a good token is about. People of the primary issuer have the roles of the policy's `g` lines for their groups and their
 * e-mail address, and the teams of the team file for that address. Jobs of CI systems have what the mapping says, and nothing of
 * those two: who chooses the claims there could choose them to look like somebody. Throws UnauthenticatedError for a token of
 * the primary issuer without groups and address, as Kuberpult does (spec 5.2), and for a job that no rule fits.
 */
export function toCaller(token: Token, rules: AccessRules): AuthenticatedCaller {
  const isPerson = token.issuer === rules.primaryIssuer
  const { name, email, roles, teams } = isPerson ? toPerson(token, rules) : toJob(token, rules)
  return {
    principal: {
      name,
      email,
      roles,
      mayDo: (action, target) => mayDo(rules.policy, roles, action, target),
      isInTeam: (team) => isAmong(teams, team),
    },
    id: `${token.issuer} ${token.subject}`,
    budget: `${token.issuer} ${(isPerson ? undefined : toOwner(token.claims)) ?? token.subject}`,
    roles,
    teams,
    // Only who asks for it needs it, and a policy may be long.
    get permissions() {
      return permissionsOf(rules.policy, roles)
    },
  }
}

interface Identity {
  readonly name: string
  readonly email: string
  readonly roles: readonly string[]
  readonly teams: readonly string[]
}

function toPerson({ issuer, subject, claims }: Token, { policy, teams }: AccessRules): Identity {
  const groups = toGroups(claims['groups'])
  const claimed = toText(claims['email'])
  if (groups.length === 0 && claimed === undefined) {
    throw new UnauthenticatedError(
      'invalid_token',
      'the token has neither groups nor an e-mail address: ask for the scopes groups and email when you sign in',
    )
  }
  // What is no address is no e-mail address of a `g` line either: it could be made to look like a group.
  const isTaken = isVerified(claims['email_verified']) && claimed !== undefined && isEmailAddress(claimed)
  const email = isTaken ? claimed : undefined
  const subjects = email === undefined ? groups : [...groups, email]
  const names = [claims['name'], claims['preferred_username'], email, subject]
  return {
    name: names.map(toName).find((name) => name !== '') ?? subject,
    email: email ?? toAddress(subject, issuer),
    roles: rolesOf(policy, subjects),
    teams: teams === undefined ? everyTeam : [...(teams.get(email ?? '') ?? [])].toSorted(),
  }
}

function toJob({ issuer, subject, claims }: Token, { ci, teams: file }: AccessRules): Identity {
  const rights = applyRules(ci.get(issuer) ?? [], claims)
  if (rights === undefined) {
    throw new UnauthenticatedError(
      'invalid_token',
      'the token is good, but no rule for its issuer says that this job is trusted',
    )
  }
  const { roles, teams } = rights
  const ref = toText(claims['ref'])
  const repository = toText(claims['repository']) ?? toText(claims['project_path'])
  const names = [
    claims['workflow_ref'],
    repository === undefined || ref === undefined ? repository : `${repository}@${ref}`,
    subject,
  ]
  return {
    name: names.map(toName).find((name) => name !== '') ?? subject,
    email: toAddress(subject, issuer),
    roles,
    teams: teams ?? (file === undefined ? everyTeam : []),
  }
}

/** A list or one text; some connectors leave quotes around each. */
function toGroups(claim: unknown): readonly string[] {
  const groups: readonly unknown[] = Array.isArray(claim) ? claim : [claim]
  return groups
    .filter((group) => typeof group === 'string')
    .map((group) => group.replaceAll(/^"+|"+$/g, ''))
    .filter((group) => group !== '')
}

/** An issuer that says nothing of it has checked; some write their booleans as text. */
function isVerified(claim: unknown): boolean {
  return claim === undefined || claim === true || claim === 'true'
}

function toText(claim: unknown): string | undefined {
  return typeof claim === 'string' && claim !== '' ? claim : undefined
}

/** One visible line, without what git gives a meaning: it stands in commits, files, logs and answers. */
function toName(claim: unknown): string {
  const text = toText(claim) ?? ''
  return text
    .normalize('NFC')
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .replaceAll(/[<>\p{Cf}\p{Cs}]/gu, '')
    .trim()
    .slice(0, 200)
    .replace(/[\uD800-\uDBFF]$/, '')
    .trim()
}

/** An address that nobody reads, of a domain that the issuer owns: it says who it was without pretending to be a mailbox. */
function toAddress(subject: string, issuer: string): string {
  const local = subject.replaceAll(/[^\w.+/:=-]+/g, '-').slice(0, 150)
  return `${local}@${new URL(issuer).hostname}`
}
