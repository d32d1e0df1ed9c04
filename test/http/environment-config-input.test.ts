import { describe, expect, it } from 'vitest'
import { toEnvironmentConfigText } from '../../src/core/environment-config-text.ts'
import { parseEnvironmentConfigInput } from '../../src/http/environment-config-input.ts'
import { RequestError } from '../../src/http/problem.ts'
import { parseEnvironmentConfig } from '../../src/manifest-store/layout/environment-config.ts'

const camelCase = {
  upstream: { environment: 'staging', latest: true },
  argocd: {
    destination: {
      name: 'cluster',
      server: 'https://k8s.example.com',
      namespace: 'shop',
      appProjectNamespace: 'projects',
      applicationNamespace: 'applications',
    },
    syncWindows: [{ schedule: '0 1 * * *', duration: '1h', kind: 'deny', applications: ['a'] }],
    accessList: [{ group: 'apps', kind: 'Deployment' }],
    applicationAnnotations: { 'example.com/some_key': 'a', camelCase: 'b', snake_case: 'c' },
    ignoreDifferences: [
      {
        group: 'apps',
        kind: 'Deployment',
        name: 'cart',
        namespace: 'shop',
        jsonPointers: ['/spec/replicas'],
        jqPathExpressions: ['.spec'],
        managedFieldsManagers: ['manager'],
      },
    ],
    syncOptions: ['ServerSideApply=true'],
  },
  environmentGroup: 'production',
}

/** All keys but those of annotations. */
function toSnakeCase(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(toSnakeCase)
  if (typeof json !== 'object' || json === null) return json
  return Object.fromEntries(
    Object.entries(json).map(([key, value]) => [
      key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      key === 'applicationAnnotations' ? value : toSnakeCase(value),
    ]),
  )
}

function problemsOf(json: unknown): readonly string[] {
  try {
    parseEnvironmentConfigInput(json, 'config')
  } catch (error) {
    if (error instanceof RequestError) return error.errors.map(({ path, message }) => `${path} ${message}`)
    throw error
  }
  return []
}

function textOf(json: unknown): string {
  return toEnvironmentConfigText(parseEnvironmentConfigInput(json, 'config'))
}

describe('a config', () => {
  it('means the same in camelCase, in snake_case, and as the file has it', () => {
    const snakeCase = toSnakeCase(camelCase)
    expect(JSON.stringify(snakeCase)).toContain('"managed_fields_managers"')
    expect(textOf(snakeCase)).toBe(textOf(camelCase))
    const file = parseEnvironmentConfig(JSON.stringify(camelCase))
    expect(parseEnvironmentConfigInput(snakeCase, 'config')).toEqual(file.ok && file.value)
  })

  it.each([
    { argoConfigs: { configs: [{ concreteEnvName: 'de' }, { concreteEnvName: 'fr' }], commonEnvPrefix: 'eu' } },
    { argo_configs: { configs: [{ concrete_env_name: 'de' }, { concrete_env_name: 'fr' }], common_env_prefix: 'eu' } },
    { argocdConfigs: { ArgoCdConfigurations: [{ name: 'de' }, { name: 'fr' }], CommonEnvPrefix: 'eu' } },
    { argocd_configs: { argo_cd_configurations: [{ name: 'de' }, { name: 'fr' }], commonEnvPrefix: 'eu' } },
  ])('of an active/active environment may be spelt as %j', (config) => {
    for (const flag of [{}, { isActiveActive: true }, { is_active_active: true }, { isActiveActive: null }]) {
      expect(parseEnvironmentConfigInput({ ...config, ...flag }, 'config').argoCd).toMatchObject({
        kind: 'several',
        commonEnvPrefix: 'eu',
        configs: [{ concreteEnvName: 'de' }, { concreteEnvName: 'fr' }],
      })
    }
  })

  it.each([
    { argocd: { destination: { server: 'x' } } },
    { argoConfigs: { configs: [{ destination: { server: 'x' } }] } },
    { argo_configs: { configs: [{ destination: { server: 'x' }, concrete_env_name: '' }], common_env_prefix: 'eu' } },
  ])('with one destination without a name of its own has it for the environment: %j', (config) => {
    expect(textOf(config)).toBe(
      '{\n  "argocd": {\n    "destination": {\n      "name": "",\n      "server": "x"\n    }\n  }\n}\n',
    )
  })

  it.each([
    {},
    { upstream: null, argocd: null, environmentGroup: null, isActiveActive: false },
    { argoConfigs: {} },
    { argoConfigs: { configs: [] }, environment_group: '' },
  ])('may say nothing: %j', (config) => {
    expect(textOf(config)).toBe('{}\n')
  })
})

describe('a config that is refused', () => {
  it.each<[unknown, readonly string[]]>([
    [null, ['config is missing']],
    [[], ['config must be an object']],
    ['{}', ['config must be an object']],
    [{ upstream: 'staging' }, ['config.upstream must be an object']],
    [{ upstream: { latest: 'true' } }, ['config.upstream.latest must be a boolean']],
    [{ upstream: { env: 'x' } }, ['config.upstream.env is unknown here']],
    [{ EnvironmentGroup: 'x' }, ['config.EnvironmentGroup is unknown here, where only upstream, ']],
    [{ toString: 'x' }, ['config.toString is unknown here']],
    [JSON.parse('{"__proto__": {}}'), ['config.__proto__ is unknown here']],
    [{ argocd: { sync_windows: [{ Kind: 'deny' }] } }, ['config.argocd.syncWindows.0.Kind is unknown here']],
    [
      { environmentGroup: 'a', environment_group: 'a' },
      ['config.environment_group is given in more than one spelling'],
    ],
    [{ argoConfigs: {}, argocdConfigs: {} }, ['config.argocdConfigs is given in more than one spelling']],
    [{ argocd: {}, argoConfigs: {} }, ['config.argocd and argoConfigs exclude each other']],
    [{ argocd: { concreteEnvName: 'a' } }, ['config.argocd.concreteEnvName is only possible in argoConfigs.configs']],
    [{ isActiveActive: true, argocd: {} }, ['config.isActiveActive needs argoConfigs.configs']],
    [{ argocd: { applicationAnnotations: { a: 1 } } }, ['config.argocd.applicationAnnotations.a must be a string']],
    [
      { argocd: JSON.parse('{"applicationAnnotations": {"__proto__": "x"}}') },
      ['config.argocd.applicationAnnotations.__proto__ cannot be the key'],
    ],
    [
      { a: 1, upstream: { latest: 1 }, argocd: { b: 1 }, environment_group: 2 },
      ['config.upstream.latest', 'config.argocd.b', 'config.environmentGroup must be a string', 'config.a is unknown'],
    ],
  ])('%j', (config, expected) => {
    const problems = problemsOf(config)
    expect(problems).toHaveLength(expected.length)
    expect(problems).toEqual(expect.arrayContaining(expected.map((one) => expect.stringContaining(one) as string)))
  })

  it('because it is nested without end', () => {
    for (const [open, close] of [
      ['{"upstream":', '}'],
      ['{"argocd":', '}'],
      ['[', ']'],
    ] as const) {
      const json: unknown = JSON.parse(`${open.repeat(5000)}1${close.repeat(5000)}`)
      expect(problemsOf(json).length).toBeGreaterThan(0)
    }
  })
})
