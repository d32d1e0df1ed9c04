import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { applyRules, isMatch, parseCiMapping } from '../../src/auth/ci-mapping.ts'

const options = { primary: 'https://dex.example.com/dex', allowsHttp: false }
const github = 'https://token.actions.githubusercontent.com'

/** A file with one rule of these claims, which stands on line 5. */
function withClaims(claims: string): string {
  return `issuers:
  - issuer: ${github}
    audience: signalbox
    rules:
      - claims: ${claims}
        roles: [Deployer]
`
}

describe('the mapping of CI systems', () => {
  it('lists issuers, audiences and rules', () => {
    const { issuers, problems } = parseCiMapping(
      `# who needs no stored secret
issuers:
  - issuer: ${github}
    audience: signalbox
    rules:
      - claims:
          repository: example/shop
          ref: [refs/heads/main, refs/tags/*]
          repository_id: 0123
        roles: [Deployer, Releaser]
        teams: [shop]
      - claims: { sub: 'repo:example/*' }
        roles: [Reader]
  - issuer: https://gitlab.example.com
    audience: [a, b]
    rules:
      - claims: { project_path: example/* , ref_protected: true }
        roles: [Deployer]
        teams: ['*']
`,
      options,
    )
    expect(problems).toEqual([])
    expect(issuers).toEqual([
      {
        issuer: github,
        audiences: ['signalbox'],
        rules: [
          {
            claims: new Map([
              ['repository', ['example/shop']],
              ['ref', ['refs/heads/main', 'refs/tags/*']],
              ['repository_id', ['0123']],
            ]),
            roles: ['Deployer', 'Releaser'],
            teams: ['shop'],
          },
          { claims: new Map([['sub', ['repo:example/*']]]), roles: ['Reader'], teams: undefined },
        ],
      },
      {
        issuer: 'https://gitlab.example.com',
        audiences: ['a', 'b'],
        rules: [
          {
            claims: new Map([
              ['project_path', ['example/*']],
              ['ref_protected', ['true']],
            ]),
            roles: ['Deployer'],
            teams: ['*'],
          },
        ],
      },
    ])
  })

  it.each([
    '{ repository: example/shop }',
    '{ repository_owner_id: 65 }',
    '{ repository: example/*, ref: "*" }',
    '{ "sub": "project_path:example/shop:ref_type:branch:ref:*" }',
    '{ sub: "repo:example/shop:environment:production" }',
    '{ sub: "organization:example:project:shop:*" }',
    '{ sub: "organization:example:pipeline:deploy:ref:refs/heads/main:commit:*" }',
    '{ sub: "org/01234567-89ab/project/89abcdef-0123/user/*" }',
    '{ sub: "pull_request", repository: example/shop }',
    '{ sub: "repository_owner:example:environment:production" }',
    '{ repositoryUuid: "{01234567-89ab-cdef-0123-456789abcdef}" }',
    '{ sub: "{01234567-89ab-cdef-0123-456789abcdef}:*" }',
    '{ sub: "system:serviceaccount:ci:deployer" }',
    '{ sub: "system:serviceaccount:ci-shop2:*" }',
    '{ sub: "system:serviceaccount:c:deploy.shop-*" }',
    '{ sub: "pull_request", repository_owner: example }',
  ])('takes %s for saying whose job it is', (claims) => {
    expect(parseCiMapping(withClaims(claims), options).problems).toEqual([])
  })

  it.each([
    '{}',
    '{ ref: refs/heads/main }',
    '{ ref: refs/heads/main, environment: production, event_name: push }',
    '{ aud: signalbox }',
    '{ job_workflow_ref: example/shared/.github/workflows/deploy.yml@refs/heads/main }',
    '{ actor: somebody }',
    '{ build_branch: main }',
    '{ scope: api }',
    '{ repositroy: example/shop }',
    '{ "": x }',
    '{ repository: "*" }',
    '{ repository: "*/shop" }',
    '{ repository: "example*" }',
    '{ repository: [example/shop, "*/shop"] }',
    '{ sub: "repo:*" }',
    '{ sub: "repo:*/shop:ref:refs/heads/main" }',
    '{ sub: "https://*" }',
    '{ sub: "ref:refs/heads/*" }',
    '{ sub: "environment:production" }',
    '{ sub: pull_request }',
    '{ sub: "org/*" }',
    '{ sub: "x/*" }',
    '{ sub: "repo:-/*" }',
    '{ sub: ["repo:example/shop:*", "ref:refs/heads/main"] }',
    '{ sub: "organization:*" }',
    '{ sub: "system:serviceaccount:*" }',
    '{ sub: "system:serviceaccount:*:deployer" }',
    '{ sub: "system:serviceaccount:ci*:deployer" }',
    '{ sub: "system:serviceaccount:ci:" }',
    '{ sub: "system:serviceaccount:ci*" }',
    '{ sub: "system:serviceaccount::deployer" }',
    '{ sub: "system:serviceaccount:-:deployer" }',
    '{ sub: "system:serviceaccount:CI:deployer" }',
    '{ sub: "system:*" }',
    '{ sub: "system:node:worker-1" }',
    '{ sub: ["system:serviceaccount:ci:deployer", "system:serviceaccount:*:deployer"] }',
    '{ repository: "-/*" }',
    '{ repository: "/shop" }',
    '{ repository: shop }',
    '{ repository: " " }',
    '{ repository_owner: "-" }',
    '{ workflow_ref: "-/*" }',
    '{ project_path: "./*" }',
    '{ project_id: " " }',
  ])('refuses %s, which anybody can have', (claims) => {
    expect(parseCiMapping(withClaims(claims), options)).toEqual({
      issuers: [],
      problems: [{ line: 5, message: expect.stringMatching(/^issuers\[0\].rules\[0\].claims must say whose job/) }],
    })
  })

  const rules = `    rules:
      - claims: { repository: a/b }
        roles: [r]`

  it('says what a subject may be', () => {
    const { problems } = parseCiMapping(withClaims('{ sub: "system:serviceaccount:*" }'), options)
    expect(problems[0]?.message).toContain('or system:serviceaccount:ci:*')
  })

  it.each<[string, number, RegExp]>([
    ['', 1, /^it must be a map$/],
    ['issuers: []', 1, /^issuers must not be empty/],
    ['issuers: {}', 1, /^issuers must be a list/],
    ['issuer: []', 1, /^it|issuers|issuer means nothing here/],
    [`issuers:\n  - issuer: ${github}\n${rules}`, 2, /audience must be text or a list of texts/],
    [`issuers:\n  - issuer: ${github}\n    audience: ''\n${rules}`, 3, /audience/],
    [`issuers:\n  - issuer: ${github}\n    audience: ' '\n${rules}`, 3, /audience must not be blank/],
    [`issuers:\n  - issuer: ${github}\n    audience: [a, ' ']\n${rules}`, 3, /audience must not be blank/],
    [`issuers:\n  - issuer: ${github}\n    audience: '*'\n${rules}`, 3, /audience must be exact/],
    [`issuers:\n  - issuer: http://ci.example.com\n    audience: a\n${rules}`, 2, /issuer is http: only https is safe/],
    [`issuers:\n  - issuer: ci\n    audience: a\n${rules}`, 2, /issuer is no address/],
    [`issuers:\n  - issuer: https://dex.example.com/dex\n    audience: a\n${rules}`, 2, /is trusted already/],
    [
      `issuers:\n  - issuer: ${github}\n    audience: a\n${rules}\n  - issuer: ${github}\n    audience: a\n${rules}`,
      7,
      /stands here twice/,
    ],
    [`issuers:\n  - issuer: ${github}\n    audience: a\n    rules: []`, 4, /rules must not be empty/],
    [
      `issuers:\n  - issuer: ${github}\n    audience: a\n    algorithms: [none]\n${rules}`,
      4,
      /algorithms means nothing/,
    ],
    [`issuers:\n  - issuer: ${github}\n    audience: a\n${rules}\n        role: x`, 7, /role means nothing here/],
    [
      `issuers:\n  - issuer: ${github}\n    audience: a\n${rules}\n        teams: [Shop]`,
      7,
      /teams\[0\] must be the name/,
    ],
    [
      `issuers:\n  - issuer: ${github}\n    audience: a\n    rules:\n      - claims: { repository: a/b }`,
      5,
      /roles must be a list/,
    ],
    [`issuers:\n  - issuer: ${github}\n    audience: a\n${rules}\n        roles: [s]`, 7, /unique/],
    ['issuers: [', 1, /./],
    ['&a issuers: *a', 1, /./],
    ['--- {}\n--- {}', 2, /./],
  ])('refuses %j and says where', (source, line, message) => {
    const { issuers, problems } = parseCiMapping(source, options)
    expect(issuers).toEqual([])
    expect(problems.map((problem) => problem.message).join('\n')).toMatch(message)
    expect(problems.map((problem) => problem.line)).toContain(line)
  })

  it('is never a reason to fail, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...Array.from('issuer:-[]{}&*!|>\n \t"\'#')) }), (source) => {
        expect(parseCiMapping(source, options).issuers).toEqual([])
      }),
    )
  })
})

describe('a rule', () => {
  const rule = {
    claims: new Map([
      ['repository', ['example/shop', 'example/cart']],
      ['ref', ['refs/heads/*']],
    ]),
    roles: ['Deployer'],
    teams: undefined,
  }

  it.each<[Record<string, unknown>, boolean]>([
    [{ repository: 'example/shop', ref: 'refs/heads/main' }, true],
    [{ repository: 'example/cart', ref: 'refs/heads/a/b', more: 1 }, true],
    [{ repository: 'example/shop', ref: 'refs/tags/main' }, false],
    [{ repository: 'example/shop' }, false],
    [{ ref: 'refs/heads/main' }, false],
    [{ repository: 'example/shop ', ref: 'refs/heads/main' }, false],
    [{ repository: 'Example/shop', ref: 'refs/heads/main' }, false],
    [{ repository: ['example/shop'], ref: 'refs/heads/main' }, false],
    [{ repository: { toString: 'example/shop' }, ref: 'refs/heads/main' }, false],
    [{ repository: null, ref: undefined }, false],
  ])('fits %j: %s', (claims, expected) => {
    expect(applyRules([rule], claims)?.roles).toEqual(expected ? ['Deployer'] : undefined)
  })

  it.each([
    ['system:serviceaccount:ci:deployer', true],
    ['system:serviceaccount:ci-2:deployer', false],
    ['system:serviceaccount:shop:ci:deployer', false],
    ['system:serviceaccount:ci', false],
    ['system:node:ci', false],
  ])('for a namespace of Kubernetes fits %s: %s', (sub, expected) => {
    const ofNamespace = { claims: new Map([['sub', ['system:serviceaccount:ci:*']]]), roles: ['a'], teams: undefined }
    expect(applyRules([ofNamespace], { sub })).toEqual(expected ? { roles: ['a'], teams: undefined } : undefined)
  })

  it('gives roles and teams together with the others that fit', () => {
    const claims = { sub: 'x', id: 7, isProtected: true }
    const one = { claims: new Map([['id', ['7']]]), roles: ['b', 'a'], teams: ['shop'] }
    const two = { claims: new Map([['isProtected', ['true']]]), roles: ['b', 'c'], teams: undefined }
    const none = { claims: new Map([['toString', ['*']]]), roles: ['d'], teams: ['payments'] }
    expect(applyRules([one, two, none], claims)).toEqual({ roles: ['a', 'b', 'c'], teams: ['shop'] })
    expect(applyRules([two, none], claims)).toEqual({ roles: ['b', 'c'], teams: undefined })
    expect(applyRules([none], claims)).toBeUndefined()
  })

  it('compares as a regular expression would', () => {
    const texts = fc.string({ unit: fc.constantFrom('a', 'b', '.', '/'), maxLength: 8 })
    const patterns = fc.string({ unit: fc.constantFrom('a', 'b', '.', '/', '*'), maxLength: 6 })
    fc.assert(
      fc.property(patterns, texts, (pattern, text) => {
        const expression = pattern
          .split('*')
          .map((part) => part.replaceAll('.', '\\.'))
          .join('.*')
        expect(isMatch(pattern, text)).toBe(new RegExp(`^${expression}$`).test(text))
      }),
      { numRuns: 1000 },
    )
  })

  it('takes no time for a hostile claim', () => {
    const begin = performance.now()
    expect(isMatch('a/*a*a*a*a*a*a*a*b', `a/${'a'.repeat(16_000)}`)).toBe(false)
    expect(performance.now() - begin).toBeLessThan(1000)
  })
})
