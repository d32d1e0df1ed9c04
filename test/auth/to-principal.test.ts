import { describe, expect, it } from 'vitest'
import { toCaller } from '../../src/auth/to-principal.ts'
import type { TeamName } from '../../src/core/names.ts'
import { anAccess } from '../support/access.ts'

const issuer = 'https://dex.example.com/dex'
const github = 'https://token.actions.githubusercontent.com'
const policy = `
p, role:Developer, CreateLock, *:*, *, allow
g, my-org:my-team, role:Developer
g, keeper@example.com, role:Releaser
`
const teams = 'shop,keeper@example.com\npayments,keeper@example.com\n*,root@example.com\n'
const trust = `
issuers:
  - issuer: ${github}
    audience: signalbox
    rules:
      - claims: { repository: example/shop }
        roles: [Deployer]
      - claims: { repository: example/shop, ref: refs/heads/main }
        roles: [Releaser]
        teams: [shop]
`

function callerOf(claims: Record<string, unknown>, access = anAccess(issuer, { policy, teams, trust })) {
  const { principal, ...caller } = toCaller({ issuer, subject: 'CgcyMzQ', claims }, access)
  return { ...caller, name: principal.name, email: principal.email, isInTeam: principal.isInTeam.bind(principal) }
}

describe('a person', () => {
  it.each<[string, unknown, readonly string[]]>([
    ['a list', ['my-org:my-team'], ['Developer']],
    ['one text', 'my-org:my-team', ['Developer']],
    ['quoted', ['"my-org:my-team"', '""'], ['Developer']],
    ['what else a list may hold', [7, null, ['my-org:my-team'], 'my-org:my-team'], ['Developer']],
    ['others', ['my-org', 'My-Org:my-team', 'my-org:my-team '], []],
    ['an object', { 'my-org:my-team': true }, []],
  ])('has the roles of the groups: %s', (_name, groups, expected) => {
    expect(callerOf({ groups, email: 'else@example.com' }).roles).toEqual(expected)
  })

  it.each<[unknown, boolean]>([
    [undefined, true],
    [true, true],
    ['true', true],
    [false, false],
    ['false', false],
    [null, false],
    [0, false],
  ])('with an address whose verification is %j has its roles, teams and name: %s', (verified, isTaken) => {
    const caller = callerOf({ email: 'keeper@example.com', email_verified: verified })
    expect(caller.roles).toEqual(isTaken ? ['Releaser'] : [])
    expect(caller.teams).toEqual(isTaken ? ['payments', 'shop'] : [])
    expect(caller.email).toBe(isTaken ? 'keeper@example.com' : 'CgcyMzQ@dex.example.com')
    expect(caller.name).toBe(isTaken ? 'keeper@example.com' : 'CgcyMzQ')
  })

  it('is in the teams of the file, in all without a file', () => {
    const [shop, other] = ['shop' as TeamName, 'other' as TeamName]
    const keeper = callerOf({ email: 'keeper@example.com' })
    expect([shop, other, undefined].map((team) => keeper.isInTeam(team))).toEqual([true, false, false])
    const root = callerOf({ email: 'root@example.com' })
    expect([root.teams, root.isInTeam(other), root.isInTeam(undefined)]).toEqual([['*'], true, true])
    const stranger = callerOf({ email: 'else@example.com' })
    expect([stranger.teams, stranger.isInTeam(shop)]).toEqual([[], false])
    const anybody = callerOf({ email: 'else@example.com' }, anAccess(issuer, { policy }))
    expect([anybody.teams, anybody.isInTeam(shop), anybody.isInTeam(undefined)]).toEqual([['*'], true, true])
  })

  it.each<[Record<string, unknown>, string]>([
    [{ name: 'The Keeper', preferred_username: 'keeper' }, 'The Keeper'],
    [{ preferred_username: 'keeper' }, 'keeper'],
    [{ name: '  ', preferred_username: 7 }, 'keeper@example.com'],
    [
      { name: 'Keeper\n\nSignalbox-Principal: root <root@example.com>' },
      'Keeper Signalbox-Principal: root root@example.com',
    ],
    [{ name: '\u202eKee\u0000per\ud800' }, 'Kee per'],
    [{ name: 'x'.repeat(5000) }, 'x'.repeat(200)],
    [{ name: '\u{1F682}'.repeat(5000) }, '\u{1F682}'.repeat(100)],
  ])('is named in one plain line: %j', (claims, expected) => {
    expect(callerOf({ email: 'keeper@example.com', ...claims }).name).toBe(expected)
  })

  it.each(['my-org:my-team', 'a b@example.com'])('has nothing of a `g` line by %j as an e-mail address', (email) => {
    const lines =
      'p, role:Releaser, CreateLock, *:*, *, allow\ng, my-org:my-team, role:Releaser\ng, ab@example.com, role:Releaser'
    const access = anAccess(issuer, { policy: `${lines}\ng, a b@example.com, role:Releaser` })
    expect(callerOf({ email }, access).roles).toEqual([])
  })

  it.each(['a b@example.com', 'a@example.com>\n', 'nobody', `${'a'.repeat(300)}@example.com`])(
    'with the address %j has another one in commits',
    (email) => {
      expect(callerOf({ email }).email).toBe('CgcyMzQ@dex.example.com')
    },
  )

  it.each([{}, { groups: [] }, { groups: [''], email: '' }, { groups: 7, email: ['keeper@example.com'] }])(
    'is nobody with %j',
    (claims) => {
      expect(() => callerOf(claims)).toThrow('the token has neither groups nor an e-mail address')
    },
  )
})

describe('a job', () => {
  const claims = {
    repository: 'example/shop',
    ref: 'refs/heads/main',
    // Whoever writes the workflow may be able to choose claims: these must mean nothing.
    groups: ['my-org:my-team'],
    email: 'keeper@example.com',
    name: 'The Keeper',
  }
  const subject = 'repo:example/shop:ref:refs/heads/main'

  function jobOf(different: Record<string, unknown>, access = anAccess(issuer, { policy, teams, trust })) {
    return toCaller({ issuer: github, subject, claims: { ...claims, ...different } }, access)
  }

  it('has what the rules say, and nothing of the policy or the team file', () => {
    expect(jobOf({})).toMatchObject({
      id: `${github} ${subject}`,
      roles: ['Deployer', 'Releaser'],
      teams: ['shop'],
      principal: {
        name: 'example/shop@refs/heads/main',
        email: 'repo:example/shop:ref:refs/heads/main@token.actions.githubusercontent.com',
      },
    })
    // At an issuer that everybody may use, everybody has a good token.
    expect(() => jobOf({ repository: 'evil/shop' })).toThrow('no rule for its issuer')
  })

  it('of a rule without teams is in none, in all where there is no team file', () => {
    expect(jobOf({ ref: 'refs/heads/other' })).toMatchObject({ roles: ['Deployer'], teams: [] })
    const withoutFile = anAccess(issuer, { policy, trust })
    expect(jobOf({ ref: 'refs/heads/other' }, withoutFile)).toMatchObject({ teams: ['*'] })
    expect(jobOf({}, withoutFile)).toMatchObject({ teams: ['shop'] })
  })

  it.each<[Record<string, unknown>, string]>([
    [
      { workflow_ref: 'example/shop/.github/workflows/d.yml@refs/heads/main' },
      'example/shop/.github/workflows/d.yml@refs/heads/main',
    ],
    [{ ref: undefined }, 'example/shop'],
    [{ repository: undefined, project_path: 'example/gitlab', ref: 'main' }, 'example/gitlab@main'],
    [{ repository: undefined }, subject],
  ])('is named after its workflow: %j', (different, expected) => {
    const rule = { claims: new Map([['sub', [subject]]]), roles: ['Deployer'], teams: undefined }
    const access = { ...anAccess(issuer, { policy }), ci: new Map([[github, [rule]]]) }
    expect(jobOf({ sub: subject, ...different }, access).principal.name).toBe(expected)
  })

  it('shares its budget with all jobs of its repository, and with no others', () => {
    const rule = { claims: new Map([['sub', ['*']]]), roles: ['Deployer'], teams: undefined }
    const access = { ...anAccess(issuer, { policy }), ci: new Map([[github, [rule]]]) }
    const budgetOf = (sub: string, more: Record<string, unknown>) =>
      toCaller({ issuer: github, subject: sub, claims: { sub, ...more } }, access).budget
    const main = budgetOf('a', {
      repository: 'example/shop',
      ref: 'refs/heads/main',
      workflow_ref: 'example/shop/a@main',
    })
    const branch = { repository: 'example/shop', ref: 'refs/heads/x', workflow_ref: 'example/shop/a@x' }
    expect(budgetOf('b', branch)).toBe(main)
    expect(budgetOf('a', { ...branch, repository: 'example/other' })).not.toBe(main)
    // Where nothing but the subject says who it is, it is that.
    expect(budgetOf('a', { repository: { hidden: true } })).toBe(`${github} a`)
    expect(budgetOf('b', {})).toBe(`${github} b`)
    // What a person's token says of repositories means nothing.
    expect(callerOf({ email: 'a@example.com', repository: 'example/shop' }).budget).toBe(`${issuer} CgcyMzQ`)
  })

  it('in Kubernetes is its service account', () => {
    const cluster = 'https://kubernetes.default.svc.cluster.local'
    const trustsCluster = `issuers: [{ issuer: ${cluster}, audience: signalbox, rules:
      [{ claims: { sub: 'system:serviceaccount:ci:*' }, roles: [Deployer], teams: [shop] }] }]`
    const access = anAccess(issuer, { policy, teams, trust: trustsCluster })
    const inNamespace = (namespace: string) => {
      const account = { name: 'deployer', uid: '0b7a2c5e-4f55-4f0e-9f0c-8b2f0a4b6d1e' }
      const sub = `system:serviceaccount:${namespace}:deployer`
      const token = { sub, 'kubernetes.io': { namespace, serviceaccount: account } }
      return toCaller({ issuer: cluster, subject: sub, claims: token }, access)
    }
    expect(inNamespace('ci')).toMatchObject({
      budget: `${cluster} system:serviceaccount:ci:deployer`,
      roles: ['Deployer'],
      teams: ['shop'],
      principal: {
        name: 'system:serviceaccount:ci:deployer',
        email: 'system:serviceaccount:ci:deployer@kubernetes.default.svc.cluster.local',
      },
    })
    expect(() => inNamespace('ci-of-others')).toThrow('no rule for its issuer')
  })

  it('of an issuer that no rule is about is nobody', () => {
    const token = { issuer: 'https://x.example.com', subject, claims }
    expect(() => toCaller(token, anAccess(issuer, { policy, trust }))).toThrow('no rule for its issuer')
  })
})
