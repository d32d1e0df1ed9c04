import { describe, expect, it } from 'vitest'
import type { EnvironmentConfig } from '../../../src/core/environment.ts'
import { parseEnvironmentConfig } from '../../../src/manifest-store/layout/environment-config.ts'

const nothing: EnvironmentConfig = { upstream: undefined, environmentGroup: undefined, argoCd: undefined }
const emptyArgoCd = {
  destination: {
    name: undefined,
    server: undefined,
    namespace: undefined,
    appProjectNamespace: undefined,
    applicationNamespace: undefined,
  },
  syncWindows: [],
  accessList: [],
  applicationAnnotations: {},
  ignoreDifferences: [],
  syncOptions: [],
}

describe('a config', () => {
  it.each(['{}', '{}\n', ' \t\r\n{ } ', '{"upstream":null,"argocd":null,"environmentGroup":null}', 'null'])(
    'that says nothing is an environment without upstream and group: %j',
    (text) => {
      expect(parseEnvironmentConfig(text)).toEqual({ ok: true, value: nothing })
    },
  )

  it.each([
    ['{"environment":"staging"}', { environment: 'staging', latest: false }],
    ['{"latest":true}', { environment: undefined, latest: true }],
    ['{"environment":"","latest":false}', { environment: undefined, latest: false }],
    ['{"environment":null,"latest":null}', { environment: undefined, latest: false }],
    ['{"environment":"staging","latest":true}', { environment: 'staging', latest: true }],
    ['{}', { environment: undefined, latest: false }],
    ['{"environment":"no such name!"}', { environment: 'no such name!', latest: false }],
  ])('has the upstream that it names, sensible or not: %s', (upstream, expected) => {
    expect(parse(`{"upstream":${upstream}}`).upstream).toEqual(expected)
  })

  it('has the group that it names, and none when that is empty', () => {
    expect(parse('{"environmentGroup":"production"}').environmentGroup).toBe('production')
    expect(parse('{"environmentGroup":""}').environmentGroup).toBeUndefined()
  })

  it.each([
    '{"UPSTREAM":{"Environment":"staging"},"ENVIRONMENTGROUP":"production"}',
    '{"Upstream":{"ENVIRONMENT":"staging"},"EnvironmentGroup":"production"}',
    '{"upstream":{"environment":"staging"},"environment_group":"production"}',
    '{"upstream":{"environment":"staging"},"ENVIRONMENT_GROUP":"production"}',
  ])('may have its keys in another case or spelling: %s', (text) => {
    expect(parse(text)).toEqual({
      ...nothing,
      upstream: { environment: 'staging', latest: false },
      environmentGroup: 'production',
    })
  })

  it('may have keys that nobody knows, with any value', () => {
    const text =
      '{"a":1,"upstream":{"latest":true,"b":[{}]},"__proto__":{"environmentGroup":"x"},"constructor":{},"toString":null,"":""}'
    expect(parse(text)).toEqual({ ...nothing, upstream: { environment: undefined, latest: true } })
  })

  it('ends with its first value', () => {
    for (const rest of ['', ' {}', '{"environmentGroup":"b"}', ' garbage', ']', '\0']) {
      expect(parse(`{"environmentGroup":"a {\\"}","x":"\\\\"}${rest}`).environmentGroup).toBe('a {"}')
    }
  })

  it('may begin with a byte order mark', () => {
    expect(parse('\ufeff{"environmentGroup":"a"}').environmentGroup).toBe('a')
    expect(parse('\ufeff {"environmentGroup":"a"} rest').environmentGroup).toBe('a')
  })
})

describe('a config that is not JSON', () => {
  it.each([
    '',
    ' ',
    '{',
    '{"a":1',
    '{"a":}',
    "{'a':1}",
    '{a:1}',
    '{"a":1,}',
    'x',
    '}',
    '{"a":"\n"}',
    '{"a":NaN}',
    '// c\n{}',
  ])('is unreadable: %j', (text) => {
    expect(parseEnvironmentConfig(text)).toEqual({
      ok: false,
      reason: expect.stringMatching(/^config\.json is not JSON: ./) as string,
    })
  })
})

describe('a config whose values have the wrong type', () => {
  it.each([
    ['[]', ''],
    ['"text"', ''],
    ['1', ''],
    ['true', ''],
    ['{"upstream":"dev"}', 'upstream'],
    ['{"upstream":[]}', 'upstream'],
    ['{"upstream":{"environment":1}}', 'upstream.environment'],
    ['{"upstream":{"latest":"true"}}', 'upstream.latest'],
    ['{"upstream":{"latest":1}}', 'upstream.latest'],
    ['{"environmentGroup":["a"]}', 'environmentgroup'],
    ['{"environment_group":{}}', 'environmentgroup'],
    ['{"argocd":{"destination":"x"}}', 'argocd.destination'],
    ['{"argocd":{"syncWindows":{}}}', 'argocd.syncwindows'],
    ['{"argocd":{"syncOptions":[1]}}', 'argocd.syncoptions.0'],
    ['{"argocd":{"applicationAnnotations":{"a":1}}}', 'argocd.applicationannotations.a'],
    ['{"argocdConfigs":{"ArgoCdConfigurations":{}}}', 'argocdconfigs.argocdconfigurations'],
    ['{"isActiveActive":"yes"}', 'isactiveactive'],
  ])('is unreadable, and the reason says where: %s', (text, where) => {
    const config = parseEnvironmentConfig(text)
    expect(config).toMatchObject({ ok: false, reason: expect.stringContaining('config.json does not fit: ') as string })
    expect(config.ok ? '' : config.reason).toContain(`fit: ${where}: `.replace('fit: : ', 'fit: '))
  })

  it('names all of them at once', () => {
    const config = parseEnvironmentConfig('{"upstream":{"environment":1,"latest":2},"environmentGroup":3}')
    expect(config.ok ? '' : config.reason.split('; ')).toHaveLength(3)
  })
})

describe('a config that is nested without end', () => {
  it.each([
    ['objects', '{"a":', '}'],
    ['lists', '[', ']'],
    ['objects where a section belongs', '{"upstream":', '}'],
  ])('of %s does no harm', (_, open, close) => {
    for (const depth of [100, 10_000, 1_000_000]) {
      const nested = open.repeat(depth) + (open.startsWith('{') ? '1' : '') + close.repeat(depth)
      for (const text of [nested, `{"unknown":${nested}}`, `{"argocd":{"applicationAnnotations":{"a":${nested}}}}`]) {
        expect(['boolean']).toContain(typeof parseEnvironmentConfig(text).ok)
      }
    }
    const unknown = parseEnvironmentConfig(
      `{"environmentGroup":"a","unknown":${open.repeat(1000)}1${close.repeat(1000)}}`,
    )
    expect(unknown).toEqual({ ok: true, value: { ...nothing, environmentGroup: 'a' } })
  })

  it('is unreadable when it never closes', () => {
    expect(parseEnvironmentConfig('{"a":'.repeat(1_000_000)).ok).toBe(false)
    expect(parseEnvironmentConfig('['.repeat(1_000_000)).ok).toBe(false)
  })
})

describe('the Argo CD section', () => {
  const full = {
    destination: {
      name: 'cluster',
      server: 'https://example.com',
      namespace: 'shop',
      appProjectNamespace: 'projects',
      applicationNamespace: 'applications',
    },
    syncWindows: [{ schedule: '0 1 * * *', duration: '1h', kind: 'deny', applications: ['a', 'b'] }],
    accessList: [{ group: 'apps', kind: 'Deployment' }],
    applicationAnnotations: { 'example.com/Some_Key': 'value', Other: '' },
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
  }

  it('is read in full', () => {
    expect(parse(JSON.stringify({ argocd: full })).argoCd).toEqual({ kind: 'single', config: full })
  })

  it('is read in full from snake case', () => {
    const snakeCase = JSON.stringify({ argocd: full }).replaceAll(
      /"(app|application|sync|access|ignore|json|jq|managed)([A-Za-z]+)":/g,
      (_, first: string, rest: string) =>
        `"${first}${rest.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}":`,
    )
    expect(snakeCase).toContain('"managed_fields_managers":')
    expect(parse(snakeCase).argoCd).toEqual({ kind: 'single', config: full })
  })

  it.each([
    '{"argocd":{}}',
    '{"argocd":{"destination":{}}}',
    '{"argocd":{"destination":null,"syncWindows":null,"accessList":null,"applicationAnnotations":null}}',
    '{"argocd":{"ignoreDifferences":null,"syncOptions":null}}',
  ])('may say nothing: %s', (text) => {
    expect(parse(text).argoCd).toEqual({ kind: 'single', config: emptyArgoCd })
  })

  it('keeps the annotations as they are: their keys are not ours', () => {
    const annotations = '{"A_b":"1","a_B":"2","ab":"3","__proto__":"4","constructor":"5","empty":null}'
    const { argoCd } = parse(`{"argocd":{"application_Annotations":${annotations}}}`)
    const config = argoCd?.kind === 'single' ? argoCd.config : undefined
    expect(Object.entries(config?.applicationAnnotations ?? {}).filter(([key]) => key !== '__proto__')).toEqual([
      ['A_b', '1'],
      ['a_B', '2'],
      ['ab', '3'],
      ['constructor', '5'],
      ['empty', ''],
    ])
    expect(Object.getPrototypeOf(config?.applicationAnnotations)).toBe(Object.prototype)
  })

  it('fills in what a list item leaves out', () => {
    const text =
      '{"argocd":{"syncWindows":[{}],"accessList":[{}],"ignoreDifferences":[{"kind":"x","jsonPointers":null}]}}'
    expect(parse(text).argoCd).toMatchObject({
      config: {
        syncWindows: [{ applications: [] }],
        accessList: [{}],
        ignoreDifferences: [{ kind: 'x', jsonPointers: [], jqPathExpressions: [], managedFieldsManagers: [] }],
      },
    })
  })
})

describe('several Argo CD configs', () => {
  const configs = (list: string, prefix = '"eu"') =>
    `{"isActiveActive":true,"argocdConfigs":{"ArgoCdConfigurations":${list},"CommonEnvPrefix":${prefix}}}`

  it('are several destinations, each with its name', () => {
    const text = configs('[{"name":"de-1","destination":{"server":"a"}},{"name":"de-2","destination":{"server":"b"}}]')
    expect(parse(text).argoCd).toEqual({
      kind: 'several',
      commonEnvPrefix: 'eu',
      configs: [
        {
          concreteEnvName: 'de-1',
          config: { ...emptyArgoCd, destination: { ...emptyArgoCd.destination, server: 'a' } },
        },
        {
          concreteEnvName: 'de-2',
          config: { ...emptyArgoCd, destination: { ...emptyArgoCd.destination, server: 'b' } },
        },
      ],
    })
  })

  it('may have their names in the spelling of the REST API, and are preferred to the single section', () => {
    const text =
      '{"argocd":{},"argocd_configs":{"argo_cd_configurations":[{"concrete_env_name":"a"},{"concreteEnvName":"b","name":"c"}],' +
      '"common_env_prefix":"p"}}'
    expect(parse(text).argoCd).toMatchObject({
      kind: 'several',
      commonEnvPrefix: 'p',
      configs: [{ concreteEnvName: 'a' }, { concreteEnvName: 'b' }],
    })
  })

  it('count as several when there is one with a name, and as a single one without', () => {
    expect(parse(configs('[{"name":"a"}]')).argoCd).toMatchObject({
      kind: 'several',
      configs: [{ concreteEnvName: 'a' }],
    })
    expect(parse(configs('[{}]')).argoCd).toEqual({ kind: 'single', config: emptyArgoCd })
    expect(parse(configs('[{"name":""}]', 'null')).argoCd).toEqual({ kind: 'single', config: emptyArgoCd })
  })

  it('leave the single section in force when there is none', () => {
    expect(parse('{"argocdConfigs":{}}').argoCd).toBeUndefined()
    expect(parse('{"argocdConfigs":{"ArgoCdConfigurations":[]},"argocd":{}}').argoCd).toEqual({
      kind: 'single',
      config: emptyArgoCd,
    })
    expect(parse('{"argocdConfigs":null,"argocd":{}}').argoCd).toEqual({ kind: 'single', config: emptyArgoCd })
  })
})

function parse(text: string): EnvironmentConfig {
  const config = parseEnvironmentConfig(text)
  if (!config.ok) throw new Error(config.reason)
  return config.value
}
