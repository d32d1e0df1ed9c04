import type { Node } from 'yaml'
import { isNode, LineCounter, parseDocument } from 'yaml'
import { z } from 'zod'
import { isValidTeamName } from '../core/names.ts'
import type { LineNote } from '../core/policy.ts'
import { findIssuerUrlProblem } from './issuer-url.ts'

/** A CI system that mints tokens for its jobs, and what they may do. */
export interface CiIssuer {
  readonly issuer: string
  readonly audiences: readonly string[]
  readonly rules: readonly CiRule[]
}

export interface CiRule {
  /** By claim: one of these texts, in which `*` stands for any characters, must be all of its value. Each claim must fit. */
  readonly claims: ReadonlyMap<string, readonly string[]>
  readonly roles: readonly string[]
  /** Undefined where the rule says nothing of teams. */
  readonly teams: readonly string[] | undefined
}

/**
 * The claims that say whose job it is, of the CI systems that we know: GitHub, GitLab, Buildkite, CircleCI, Bitbucket, Terraform, and
 * Kubernetes, where it is `sub` alone. All others only narrow a rule: anybody can have a branch `main`, an environment
 * `production`, or call a workflow that others share, and who started a job does not make its code theirs.
 */
const identifying: ReadonlySet<string> = new Set(
  `sub repository repository_id repository_owner repository_owner_id workflow_ref
  project_path project_id namespace_path namespace_id
  organization_slug organization_id oidc.circleci.com/project-id oidc.circleci.com/org-id
  repositoryUuid workspaceUuid terraform_organization_id terraform_organization_name terraform_workspace_id`.split(
    /\s+/,
  ),
)

/** Of these those that stay the same whatever branch, workflow or run a job is for. */
const isLasting = (claim: string) => claim !== 'sub' && claim !== 'workflow_ref'

/**
 * Whose job it is, by the claims that say so: the same text for all jobs of a repository, or of what else the CI system names.
 * Undefined where only the subject does.
 */
export function toOwner(claims: Readonly<Record<string, unknown>>): string | undefined {
  const lasting = [...identifying]
    .filter((claim) => isLasting(claim) && ['string', 'number'].includes(typeof claims[claim]))
    .map((claim) => `${claim}=${String(claims[claim])}`)
  return lasting.length === 0 ? undefined : lasting.join(' ')
}

const text = z.string({ error: 'must be text' }).min(1, 'must not be empty')
const texts = z
  .union([text.transform((one) => [one]), z.array(text).min(1, 'must not be empty')], {
    error: 'must be text or a list of texts',
  })
  .readonly()
const list = z.array(text, { error: 'must be a list' }).min(1, 'must not be empty').readonly()

const teamName = text.refine((name) => name === '*' || isValidTeamName(name), 'must be the name of a team or *')

const isMap = { error: 'must be a map' }

const rule = z.strictObject(
  {
    claims: z
      .record(z.string(), texts, { error: 'must be a map of claims to what they must be' })
      .refine(
        (claims) => Object.entries(claims).some(([name, patterns]) => isIdentifying(name, patterns)),
        'must say whose job it is by a claim such as repository, repository_id, project_path or sub, with at most a * ' +
          'after an owner, as in example/*; a sub must name the owner, as in repo:example/* or system:serviceaccount:ci:*: ' +
          'what anybody can have identifies nobody',
      ),
    roles: list,
    teams: z.array(teamName, { error: 'must be a list' }).readonly().optional(),
  },
  isMap,
)

const schemaFor = (allowsHttp: boolean) =>
  z.strictObject(
    {
      issuers: z
        .array(
          z.strictObject(
            {
              issuer: text.superRefine((url, context) => {
                const problem = findIssuerUrlProblem(url, allowsHttp)
                if (problem !== undefined) context.addIssue(problem)
              }),
              audience: texts
                .refine((names) => names.every((name) => name.trim() !== ''), 'must not be blank')
                .refine((names) => !names.some((name) => name.includes('*')), 'must be exact: no *'),
              rules: z.array(rule, { error: 'must be a list' }).min(1, 'must not be empty'),
            },
            isMap,
          ),
          { error: 'must be a list' },
        )
        .min(1, 'must not be empty'),
    },
    isMap,
  )

/**
 * Reads which CI systems are trusted, and what for. With any problem the file is not to be used. `primary` is the issuer whose
 * people have their roles from the policy: it cannot stand here too.
 */
export function parseCiMapping(
  source: string,
  { primary, allowsHttp }: { readonly primary: string; readonly allowsHttp: boolean },
): { readonly issuers: readonly CiIssuer[]; readonly problems: readonly LineNote[] } {
  const lines = new LineCounter()
  // Without types each value is the text that stands there: 0123 and true are claims like any other.
  const document = parseDocument(source, { schema: 'failsafe', lineCounter: lines, prettyErrors: false })
  const refuse = (problems: readonly LineNote[]) => ({ issuers: [], problems })
  const lineAt = (offset: number) => lines.linePos(offset).line
  if (document.errors.length > 0) {
    return refuse(document.errors.map(({ pos: [offset], message }) => ({ line: lineAt(offset), message })))
  }
  const content = toContent(document)
  if (content === undefined) return refuse([{ line: 0, message: 'it repeats too much by aliases' }])
  const parsed = schemaFor(allowsHttp).safeParse(content)
  if (!parsed.success) {
    return refuse(
      parsed.error.issues.flatMap((issue) => {
        const notes = issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...issue.path, key]) : [issue.path]
        const message = issue.code === 'unrecognized_keys' ? 'means nothing here' : issue.message
        return notes.map((path) => ({
          line: lineAt(offsetOf(document, path)),
          message: `${toName(path)} ${message}`,
        }))
      }),
    )
  }
  const problems: LineNote[] = []
  const seen = new Set<string>([primary])
  for (const [index, { issuer }] of parsed.data.issuers.entries()) {
    const line = lineAt(offsetOf(document, ['issuers', index, 'issuer']))
    if (issuer === primary) problems.push({ line, message: `${issuer} is trusted already, for what the policy says` })
    else if (seen.has(issuer)) problems.push({ line, message: `${issuer} stands here twice` })
    seen.add(issuer)
  }
  if (problems.length > 0) return refuse(problems)
  return {
    problems,
    issuers: parsed.data.issuers.map(({ issuer, audience, rules }) => ({
      issuer,
      audiences: audience,
      rules: rules.map(({ claims, roles, teams }) => ({ claims: new Map(Object.entries(claims)), roles, teams })),
    })),
  }
}

/** The name of an owner on any of these systems, spelt out, or Bitbucket's id of one. */
const owner = String.raw`(?:\w[\w.-]*|\{[\da-f-]{36}\})`

/** What belongs to an owner, with any `*` after that. */
const ownedPath = new RegExp(`^${owner}/.`)

/** Without a `*` anything that may be a name or an id. */
const exact = /^[\w{][^*]*$/

/** These name an owner and what belongs to it, or they name nothing. */
const paths: readonly string[] = ['repository', 'project_path', 'workflow_ref']

/**
 * How a subject begins that says whose job it is. What else it may be put together of, a branch or an environment, is anybody's, and
 * an issuer of whom nothing is known may make any.
 */
const ownedSubject = new RegExp(
  `^(?:(?:repo|repository|project_path|workflow_ref):${owner}/.|` +
    `(?:organization|repository_owner|repository_owner_id|repository_id|project_id):${owner}(?::|$)|org/${owner}/.|` +
    String.raw`\{[\da-f-]{36}\}(?:[:/]|$)|` +
    // Of Kubernetes: whoever may make service accounts in a namespace may call them anything.
    'system:serviceaccount:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?:.)',
)

function isIdentifying(claim: string, patterns: readonly string[]): boolean {
  if (!identifying.has(claim)) return false
  return patterns.every((pattern) => {
    if (claim === 'sub') return ownedSubject.test(pattern)
    return ownedPath.test(pattern) || (!paths.includes(claim) && exact.test(pattern))
  })
}

/**
 * What a token's claims get by the rules: roles and teams of each rule that fits, each once, sorted. Undefined when none fits:
 * at an issuer that everybody may use, everybody has a good token.
 */
export function applyRules(
  rules: readonly CiRule[],
  claims: Readonly<Record<string, unknown>>,
): { readonly roles: readonly string[]; readonly teams: readonly string[] | undefined } | undefined {
  const fitting = rules.filter((candidate) => fits(candidate, claims))
  if (fitting.length === 0) return undefined
  const teams = fitting.flatMap(({ teams: named }) => named ?? [])
  const saysTeams = fitting.some(({ teams: named }) => named !== undefined)
  return {
    roles: [...new Set(fitting.flatMap(({ roles }) => roles))].toSorted(),
    teams: saysTeams ? [...new Set(teams)].toSorted() : undefined,
  }
}

function fits({ claims: conditions }: CiRule, claims: Readonly<Record<string, unknown>>): boolean {
  return [...conditions].every(([name, patterns]) => {
    const value = Object.hasOwn(claims, name) ? claims[name] : undefined
    const isComparable = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    return isComparable && patterns.some((pattern) => isMatch(pattern, String(value)))
  })
}

/** Whether `*` for any characters makes the pattern the whole text. Takes no longer for hostile texts. */
export function isMatch(pattern: string, value: string): boolean {
  const [first = '', ...parts] = pattern.split('*')
  const last = parts.pop()
  if (last === undefined) return pattern === value
  if (!value.startsWith(first)) return false
  let position = first.length
  for (const part of parts) {
    const found = value.indexOf(part, position)
    if (found === -1) return false
    position = found + part.length
  }
  return value.length - last.length >= position && value.endsWith(last)
}

function toContent(document: ReturnType<typeof parseDocument>): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 }) as unknown
  } catch {
    return undefined
  }
}

/** Where the innermost thing on that path stands that is there at all. */
function offsetOf(document: ReturnType<typeof parseDocument>, path: readonly PropertyKey[]): number {
  for (let length = path.length; length >= 0; length -= 1) {
    const node: unknown = length === 0 ? document.contents : document.getIn(path.slice(0, length), true)
    if (isNode(node)) return (node as Node).range?.[0] ?? 0
  }
  return 0
}

function toName(path: readonly PropertyKey[]): string {
  const name = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('')
  return name === '' ? 'it' : name.replace(/^\./, '')
}
