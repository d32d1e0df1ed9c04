import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ApplicationName, EnvironmentName } from '../../src/core/names.ts'
import type { Policy } from '../../src/core/policy.ts'
import { isAmong, mayDo, parsePolicy, parseTeams, permissionsOf, rolesOf } from '../../src/core/policy.ts'
import type { Action, ActionTarget } from '../../src/core/principal.ts'

const actions: readonly Action[] = [
  'CreateLock',
  'DeleteLock',
  'CreateRelease',
  'DeployRelease',
  'CreateUndeploy',
  'DeployUndeploy',
  'CreateEnvironment',
  'DeleteEnvironment',
  'DeleteEnvironmentApplication',
  'DeployReleaseTrain',
]
const independent: readonly Action[] = ['CreateRelease', 'CreateUndeploy', 'DeployUndeploy']

function at(place: string, application?: string): ActionTarget {
  const [environmentGroup = '', environment = ''] = place.split('/')
  return {
    environmentGroup,
    environment: environment as EnvironmentName,
    ...(application !== undefined && { application: application as ApplicationName }),
  }
}

/** A policy of these lines, which must be good. */
function policyOf(...lines: readonly string[]): Policy {
  const { policy, problems } = parsePolicy(lines.join('\n'))
  expect(problems).toEqual([])
  return policy
}

describe('a policy', () => {
  const policy = policyOf(
    'p, role:Developer, CreateLock, *:*, *, allow',
    'p, role:Releaser, DeployReleaseTrain, staging:*, *, allow',
    'p,role:Cart,DeployRelease,production:production-de,cart,allow',
    'p, role:Builder, CreateRelease, development:*, cart, allow',
    'p, role:Founder, CreateEnvironment, production:*, *, allow',
    'g, my-org:my-team, role:Developer',
    'g, someone@example.com, role:Releaser',
    'g, someone@example.com, role:Developer',
  )

  it.each<[string, Action, ActionTarget, boolean]>([
    ['Developer', 'CreateLock', at('staging/staging'), true],
    ['Developer', 'CreateLock', at('any/thing', 'cart'), true],
    ['Developer', 'DeleteLock', at('staging/staging'), false],
    ['developer', 'CreateLock', at('staging/staging'), false],
    ['Releaser', 'DeployReleaseTrain', at('staging/staging-eu'), true],
    ['Releaser', 'DeployReleaseTrain', at('production/staging'), false],
    ['Cart', 'DeployRelease', at('production/production-de', 'cart'), true],
    ['Cart', 'DeployRelease', at('production/production-de', 'catalogue'), false],
    ['Cart', 'DeployRelease', at('production/production-de'), false],
    ['Cart', 'DeployRelease', at('production/production-jp', 'cart'), false],
    ['Cart', 'DeployRelease', at('production-de/production-de', 'cart'), false],
    ['Builder', 'CreateRelease', at('development/development-1', 'cart'), true],
    ['Builder', 'CreateRelease', at('*/*', 'cart'), false],
    ['Builder', 'CreateRelease', at('production/development', 'cart'), false],
    ['Founder', 'CreateEnvironment', at('production/production-fr'), true],
    ['Founder', 'CreateEnvironment', at('staging/production-fr'), false],
    // Without a group it takes the right for all.
    ['Founder', 'CreateEnvironment', at('*/production'), false],
    ['__proto__', 'CreateLock', at('staging/staging'), false],
    // Names of the repository may be any text.
    ['Cart', 'DeployRelease', at('production:production-de,cart/x', 'cart'), false],
    ['Cart', 'DeployRelease', at('production/production-de,cart'), false],
  ])('lets %s do %s there: %j %s', (role, action, target, expected) => {
    expect(mayDo(policy, [role], action, target)).toBe(expected)
    expect(mayDo(policy, ['Nobody', role], action, target)).toBe(expected)
  })

  it('lets nobody do anything without a role', () => {
    expect(mayDo(policy, [], 'CreateLock', at('staging/staging'))).toBe(false)
  })

  it('gives groups and addresses their roles, compared exactly', () => {
    expect(rolesOf(policy, ['my-org:my-team'])).toEqual(['Developer'])
    expect(rolesOf(policy, ['someone@example.com', 'my-org:my-team'])).toEqual(['Developer', 'Releaser'])
    expect(rolesOf(policy, ['my-org', 'Someone@example.com', 'constructor', ''])).toEqual([])
  })

  it('says what roles allow, each once', () => {
    const twice = policyOf('p,role:a,CreateLock,*:*,*,allow', 'p,role:b,CreateLock,*:*,*,allow')
    const everything = { action: 'CreateLock', environmentGroup: '*', environment: '*', application: '*' }
    expect(permissionsOf(twice, ['a', 'b', 'c'])).toEqual([everything])
  })

  it('decides as somebody does who compares line by line', () => {
    const names = fc.constantFrom('a', 'b', 'a-b')
    const nameOrAll = fc.constantFrom('a', 'b', 'a-b', '*')
    const line = fc
      .record({
        role: fc.constantFrom('R', 'S'),
        action: fc.constantFrom(...actions),
        group: nameOrAll,
        environment: nameOrAll,
        application: nameOrAll,
      })
      .map((of) => (independent.includes(of.action) ? { ...of, environment: '*' } : of))
    const question = fc.record({
      roles: fc.subarray(['R', 'S', 'T']),
      action: fc.constantFrom(...actions),
      group: names,
      environment: names,
      application: fc.option(names, { nil: undefined }),
    })
    fc.assert(
      fc.property(fc.array(line, { minLength: 1, maxLength: 12 }), fc.array(question), (lines, questions) => {
        const texts = lines.map(
          (of) => `p, role:${of.role}, ${of.action}, ${of.group}:${of.environment}, ${of.application}, allow`,
        )
        const { policy: parsed } = parsePolicy(texts.join('\n'))
        for (const { roles, action, group, environment, application } of questions) {
          const needsAll = independent.includes(action) || action === 'CreateEnvironment'
          const expected = lines.some(
            (of) =>
              roles.includes(of.role) &&
              of.action === action &&
              (of.group === '*' || of.group === group) &&
              (of.environment === '*' || (!needsAll && of.environment === environment)) &&
              (of.application === '*' || of.application === application),
          )
          const target = at(`${group}/${environment}`, application)
          expect(mayDo(parsed, roles, action, target)).toBe(expected)
          // Whoever may do it to all of them may do it to each.
          if (mayDo(parsed, roles, action, at(`${group}/${environment}`))) expect(expected).toBe(true)
        }
      }),
    )
  })
})

describe('a line of a policy', () => {
  const good = 'p,role:a,CreateLock,*:*,*,allow'

  it.each([
    ['p, role:a, CreateLock, *:*, *', 'it has 5 fields and needs 6'],
    ['p, role:a, CreateLock, *:*, *, allow, ', 'it has 7 fields'],
    ['policy, role:a, CreateLock, *:*, *, allow', 'its first field is "policy" and must be p'],
    ['p, a, CreateLock, *:*, *, allow', 'field 2 is "a" and must be role:<role>'],
    ['p, role:, CreateLock, *:*, *, allow', 'field 2 is "role:"'],
    ['p, role:a, createlock, *:*, *, allow', 'there is no action "createlock"'],
    ['p, role:a, toString, *:*, *, allow', 'there is no action "toString"'],
    ['p, role:a, *, *:*, *, allow', 'there is no action "*"'],
    ['p, role:a, CreateLock, *, *, allow', '"*" must be <group>:<environment>'],
    ['p, role:a, CreateLock, a:b:c, *, allow', '"a:b:c" must be <group>:<environment>'],
    ['p, role:a, CreateLock, prod*:*, *, allow', '"prod*:*" must be'],
    ['p, role:a, CreateLock, Prod:*, *, allow', '"Prod:*" must be'],
    ['p, role:a, CreateLock, *:*, Cart, allow', '"Cart" is neither the name of an application nor *'],
    ['p, role:a, CreateLock, *:*, , allow', '"" is neither'],
    ['p, role:a, CreateRelease, dev:dev, *, allow', 'CreateRelease takes dev:*'],
    ['p, role:a, DeployUndeploy, dev:dev, *, allow', 'DeployUndeploy takes dev:*'],
    ['p, role:a, SkipEslEvent, dev:*, *, allow', 'SkipEslEvent takes *:* and * alone'],
    ['g, team', 'it has 2 fields and needs 3'],
    ['g, , role:a', 'it names no group'],
    ['g, team, a', 'field 3 is "a"'],
    ['group, team, role:a', 'its first field is "group" and must be g'],
    ['p, role:a, \u001b[2J, *:*, *, allow', 'there is no action "\\u001b[2J"'],
  ])('%j is reported with its number', (line, message) => {
    const { problems } = parsePolicy(`${good}\n\n${line}\r\n${good}`)
    expect(problems).toEqual([{ line: 3, message: expect.stringContaining(message) as string }])
  })

  it.each([
    ['p, role:b, CreateLock, *:*, *, deny', 'it allows nothing: its last field is "deny"'],
    ['p, role:b, CreateLock, *:*, *, disallow', 'it allows nothing'],
    [
      'p, role:b, CreateEnvironment, prod:prod-de, *, allow',
      'it allows nothing: CreateEnvironment is compared with prod:*',
    ],
    ['p, role:b, SkipEslEvent, *:*, *, allow', 'it allows nothing: there is nothing here'],
    ['p, role:b, RetryFailedEvent, *:*, *, allow', 'it allows nothing: there is nothing here'],
    ['\tp, role:b, CreateLock, *:*, *, allow', 'it is ignored'],
    ['role:b', 'it is ignored'],
  ])('%j is taken, and allows nothing', (line, message) => {
    const { policy, problems, warnings } = parsePolicy(`${good}\n${line}`)
    expect(problems).toEqual([])
    expect(warnings).toEqual([{ line: 2, message: expect.stringContaining(message) as string }])
    expect(permissionsOf(policy, ['b'])).toEqual([])
  })

  it('may be a comment or empty, and stands wherever its spaces do', () => {
    const { policy, problems, warnings } = parsePolicy(
      `# who may what\n \n  p , role:a,CreateLock , * : * ,*, al low\r\n`,
    )
    expect([problems, warnings]).toEqual([[], []])
    expect(mayDo(policy, ['a'], 'CreateLock', at('a/b'))).toBe(true)
  })

  it.each([
    ['', 'g, team, role:a'],
    ['# nothing', ''],
  ])('is missing in %j %j', (...lines) => {
    expect(parsePolicy(lines.join('\n')).problems).toEqual([{ line: 0, message: 'it allows nobody anything' }])
  })

  it('is never a reason to fail, whatever it is', () => {
    const texts = fc.array(fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[pg][ ,:*a-z]*$/u)))
    fc.assert(
      fc.property(texts, (lines) => {
        const { problems } = parsePolicy(lines.join('\n'))
        for (const { line } of problems) expect(line).toBeLessThanOrEqual(lines.join('\n').split('\n').length)
        parseTeams(lines.join('\n'))
      }),
    )
  })
})

describe('a team file', () => {
  it('says who is in which teams', () => {
    const { teams, problems } = parseTeams(
      'shop,a@example.com b@example.com\r\n\n# who sees to all\n*,root@example.com\npayments,a@example.com a@example.com\n',
    )
    expect(problems).toEqual([])
    expect(Object.fromEntries([...teams].map(([email, of]) => [email, [...of]]))).toEqual({
      'a@example.com': ['shop', 'payments'],
      'b@example.com': ['shop'],
      'root@example.com': ['*'],
    })
  })

  it.each([
    ['shop', 'it has 1 fields and needs 2'],
    ['shop,a@example.com,b@example.com', 'it has 3 fields'],
    ['shop, a@example.com', 'single spaces between them and none before'],
    ['shop,a@example.com  b@example.com', 'single spaces'],
    ['shop,', 'it needs e-mail addresses'],
    ['shop,somebody', '"somebody" is no e-mail address'],
    ['Shop,a@example.com', '"Shop" is neither the name of a team nor *'],
    ['first,a@example.com', 'team "first" is on line 1 already'],
  ])('%j is reported with its number', (line, message) => {
    const { problems } = parseTeams(`first,x@example.com\n${line}`)
    expect(problems).toEqual([{ line: 2, message: expect.stringContaining(message) as string }])
  })

  it.each<[readonly string[], string | undefined, boolean]>([
    [['shop'], 'shop', true],
    [['shop'], 'payments', false],
    [['shop'], undefined, false],
    [['*'], undefined, true],
    [['*'], 'payments', true],
    [[], 'shop', false],
  ])('whoever is in %j may act for %s: %s', (teams, team, expected) => {
    expect(isAmong(teams, team)).toBe(expected)
  })
})
