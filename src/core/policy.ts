import { isValidApplicationName, isValidEnvironmentName, isValidTeamName } from './names.ts'
import type { Action, ActionTarget } from './principal.ts'

/** Who may do what: Kuberpult's policy (spec 5.3), made by `parsePolicy`. Nothing is denied but by not being allowed. */
export interface Policy {
  /** What each role may do, in the order of the file. */
  readonly permissions: ReadonlyMap<string, readonly PolicyPermission[]>
  /** By role and action, where: as text, to be looked up. See `toKey`. */
  readonly keys: ReadonlyMap<string, ReadonlyMap<Action, ReadonlySet<string>>>
  /** The roles of each group and each e-mail address that a `g` line names. */
  readonly roles: ReadonlyMap<string, readonly string[]>
}

/** What one line allows. All but the action are names or `*` for all. */
export interface PolicyPermission {
  readonly action: Action
  readonly environmentGroup: string
  readonly environment: string
  readonly application: string
}

/** The teams of each e-mail address; `*` stands for all teams. */
export type Teams = ReadonlyMap<string, ReadonlySet<string>>

/** Something about a line of a file. Lines count from 1; 0 is the file as a whole. */
export interface LineNote {
  readonly line: number
  readonly message: string
}

/**
 * How a line's environment is compared:
 *
 * | Action | is asked about | and allowed by lines of its group for |
 * |---|---|---|
 * | `CreateRelease`, `CreateUndeploy`, `DeployUndeploy` | each environment that the release is for, or all there are | `*`, and no line may name another |
 * | `CreateEnvironment` | the environment, in the group it is to belong to | `*`: the environment is not there yet |
 * | all others | the environment | its name, or `*` |
 *
 * And its application: actions on an environment as a whole (its locks and those of a team, trains, creating and deleting it)
 * take a line for `*`.
 */
const comparesEnvironment = {
  CreateLock: true,
  DeleteLock: true,
  CreateRelease: false,
  DeployRelease: true,
  CreateUndeploy: false,
  DeployUndeploy: false,
  CreateEnvironment: false,
  DeleteEnvironment: true,
  DeleteEnvironmentApplication: true,
  DeployReleaseTrain: true,
} as const satisfies Record<Action, boolean>

/** Those whose lines must say `*`. Kuberpult accepts a name for CreateEnvironment, and never finds it. */
const isIndependent = (action: Action) => !comparesEnvironment[action] && action !== 'CreateEnvironment'

/** What Kuberpult knows and we have nothing for: it works off events, we have none. */
const foreignActions: readonly string[] = ['SkipEslEvent', 'RetryFailedEvent']

/** Whether one of the roles allows the action on the target. Takes at most eight lookups for each role. */
export function mayDo(
  policy: Pick<Policy, 'keys'>,
  roles: readonly string[],
  action: Action,
  target: ActionTarget,
): boolean {
  const { environmentGroup: group, application = '*' } = target
  const environment = comparesEnvironment[action] ? target.environment : '*'
  // A train asks this of each application in each environment, so it is spelt out, the likely ones first.
  return roles.some((role) => {
    const places = policy.keys.get(role)?.get(action)
    if (places === undefined) return false
    return (
      places.has('*:*,*') ||
      places.has(`${group}:*,*`) ||
      places.has(`${group}:${environment},*`) ||
      places.has(`*:${environment},*`) ||
      places.has(`*:*,${application}`) ||
      places.has(`${group}:*,${application}`) ||
      places.has(`${group}:${environment},${application}`) ||
      places.has(`*:${environment},${application}`)
    )
  })
}

/** The roles that `g` lines give to these groups and e-mail addresses, each once, sorted. Compared exactly. */
export function rolesOf(policy: Policy, subjects: readonly string[]): readonly string[] {
  return [...new Set(subjects.flatMap((subject) => policy.roles.get(subject) ?? []))].toSorted()
}

/** What these roles allow, each once. */
export function permissionsOf(policy: Policy, roles: readonly string[]): readonly PolicyPermission[] {
  const found = new Map<string, PolicyPermission>()
  for (const permission of roles.flatMap((role) => policy.permissions.get(role) ?? [])) {
    found.set(`${permission.action} ${toKey(permission)}`, permission)
  }
  return [...found.values()]
}

/** Whether this line alone allows the action on the target. */
export function allows(permission: PolicyPermission, action: Action, target: ActionTarget): boolean {
  const keys = new Map([['', toKeys([permission])]])
  return mayDo({ keys }, [''], action, target)
}

/** Names in a policy hold neither comma nor colon, so what is asked for cannot look like another line. */
function toKey({ environmentGroup, environment, application }: PolicyPermission): string {
  return `${environmentGroup}:${environment},${application}`
}

/**
 * Reads Kuberpult's policy as Kuberpult does: spaces are removed, lines are told by their first character, others are
 * ignored. `problems` are what it would not start with; `warnings` what it takes in silence though it allows nothing.
 */
export function parsePolicy(text: string): {
  readonly policy: Policy
  readonly problems: readonly LineNote[]
  readonly warnings: readonly LineNote[]
} {
  const permissions = new Map<string, PolicyPermission[]>()
  const roles = new Map<string, string[]>()
  const problems: LineNote[] = []
  const warnings: LineNote[] = []
  for (const [index, raw] of toLines(text).entries()) {
    const line = raw.replaceAll(' ', '')
    const note = (message: string): LineNote => ({ line: index + 1, message })
    if (line.startsWith('p')) {
      const parsed = parsePermission(line)
      if ('problem' in parsed) problems.push(note(parsed.problem))
      else if ('warning' in parsed) warnings.push(note(parsed.warning))
      else append(permissions, parsed.role, parsed.permission)
    } else if (line.startsWith('g')) {
      const parsed = parseGroup(line)
      if ('problem' in parsed) problems.push(note(parsed.problem))
      else append(roles, parsed.subject, parsed.role)
    } else if (line.trim() !== '' && !line.startsWith('#')) {
      warnings.push(note("it is ignored, because it begins with neither 'p' nor 'g'"))
    }
  }
  if (permissions.size === 0 && problems.length === 0) {
    problems.push({ line: 0, message: 'it allows nobody anything' })
  }
  const keys = new Map([...permissions].map(([role, granted]) => [role, toKeys(granted)]))
  return { policy: { permissions, keys, roles }, problems, warnings }
}

function toKeys(granted: readonly PolicyPermission[]): ReadonlyMap<Action, ReadonlySet<string>> {
  const keys = new Map<Action, Set<string>>()
  for (const permission of granted) {
    const places = keys.get(permission.action)
    if (places === undefined) keys.set(permission.action, new Set([toKey(permission)]))
    else places.add(toKey(permission))
  }
  return keys
}

function parsePermission(
  line: string,
):
  | { readonly role: string; readonly permission: PolicyPermission }
  | { readonly problem: string }
  | { readonly warning: string } {
  const fields = line.split(',')
  const [kind, roleField = '', action = '', place = '', application = '', effect = ''] = fields
  if (fields.length !== 6) {
    return {
      problem: `it has ${fields.length} fields and needs 6: p, role:<role>, <action>, <group>:<environment>, <application>, allow`,
    }
  }
  if (kind !== 'p') return { problem: `its first field is ${quote(kind)} and must be p` }
  const role = toRole(roleField)
  if (role === undefined) return { problem: notARole(2, roleField) }
  const isForeign = foreignActions.includes(action)
  if (!isForeign && !isAction(action)) return { problem: `there is no action ${quote(action)}` }

  const places = place.split(':')
  const [environmentGroup = '', environment = ''] = places
  if (places.length !== 2 || !isNameOrAll(environmentGroup) || !isNameOrAll(environment)) {
    return { problem: `${quote(place)} must be <group>:<environment>, each a name or *` }
  }
  if (application !== '*' && !isValidApplicationName(application, true)) {
    return { problem: `${quote(application)} is neither the name of an application nor *` }
  }
  if (isForeign) {
    return place === '*:*' && application === '*'
      ? { warning: `it allows nothing: there is nothing here that ${action} could be done to` }
      : { problem: `${action} takes *:* and * alone` }
  }
  const known = action as Action
  if (isIndependent(known) && environment !== '*') {
    return { problem: `${action} takes ${environmentGroup}:*, because it is for no single environment` }
  }
  if (known === 'CreateEnvironment' && environment !== '*') {
    return { warning: `it allows nothing: ${action} is compared with ${environmentGroup}:*` }
  }
  if (effect !== 'allow') {
    return { warning: `it allows nothing: its last field is ${quote(effect)}. Nothing can be denied, only not allowed` }
  }
  return { role, permission: { action: known, environmentGroup, environment, application } }
}

function parseGroup(line: string): { readonly subject: string; readonly role: string } | { readonly problem: string } {
  const fields = line.split(',')
  const [kind, subject = '', roleField = ''] = fields
  if (fields.length !== 3) {
    return { problem: `it has ${fields.length} fields and needs 3: g, <group or e-mail>, role:<role>` }
  }
  if (kind !== 'g') return { problem: `its first field is ${quote(kind)} and must be g` }
  if (subject === '') return { problem: 'it names no group and no e-mail address' }
  const role = toRole(roleField)
  return role === undefined ? { problem: notARole(3, roleField) } : { subject, role }
}

/**
 * Reads Kuberpult's team file: `<team or *>,<e-mail> <e-mail> ...`, without a space after the comma. `problems` are what
 * Kuberpult would not start with, except that lines beginning with # are comments here.
 */
export function parseTeams(text: string): { readonly teams: Teams; readonly problems: readonly LineNote[] } {
  const teams = new Map<string, Set<string>>()
  const seen = new Map<string, number>()
  const problems: LineNote[] = []
  for (const [index, line] of toLines(text).entries()) {
    if (line === '' || line.startsWith('#')) continue
    const complain = (message: string) => problems.push({ line: index + 1, message })
    const fields = line.split(',')
    const [team = '', people = ''] = fields
    if (fields.length !== 2) {
      complain(`it has ${fields.length} fields and needs 2: <team or *>,<e-mail> <e-mail> ...`)
      continue
    }
    if (team !== '*' && !isValidTeamName(team)) complain(`${quote(team)} is neither the name of a team nor *`)
    const earlier = seen.get(team)
    if (earlier !== undefined) complain(`team ${quote(team)} is on line ${earlier} already`)
    else seen.set(team, index + 1)
    for (const email of people.split(' ')) {
      if (!isEmailAddress(email)) complain(notAnAddress(email))
      const known = teams.get(email)
      if (known === undefined) teams.set(email, new Set([team]))
      else known.add(team)
    }
  }
  return { teams, problems }
}

function notAnAddress(text: string): string {
  return text === ''
    ? 'it needs e-mail addresses after the comma, with single spaces between them and none before'
    : `${quote(text)} is no e-mail address`
}

/** Whether a text could be the e-mail address of somebody. */
export function isEmailAddress(text: string): boolean {
  return text.length <= 254 && /^[^\s@,<>\p{Cc}]+@[^\s@,<>\p{Cc}]+$/u.test(text)
}

/** Whether who has these teams may act for that one; undefined is an application without a team. `*` stands for all. */
export function isAmong(teams: readonly string[], team: string | undefined): boolean {
  return teams.includes('*') || (team !== undefined && teams.includes(team))
}

/** As a program reads them that knows nothing of the file's origin: with or without carriage returns. */
function toLines(text: string): readonly string[] {
  return text.split('\n').map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line))
}

function toRole(field: string): string | undefined {
  return field.startsWith('role:') && field.length > 'role:'.length ? field.slice('role:'.length) : undefined
}

function notARole(position: number, field: string): string {
  return `field ${position} is ${quote(field)} and must be role:<role>`
}

function isNameOrAll(text: string): boolean {
  return text === '*' || isValidEnvironmentName(text)
}

function isAction(text: string): text is Action {
  return Object.hasOwn(comparesEnvironment, text)
}

/** Files may hold anything, and these texts stand in logs. */
function quote(text = ''): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}...` : text)
}

function append<Value>(map: Map<string, Value[]>, key: string, value: Value): void {
  const values = map.get(key)
  if (values === undefined) map.set(key, [value])
  else values.push(value)
}
