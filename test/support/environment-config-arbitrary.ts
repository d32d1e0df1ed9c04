import fc from 'fast-check'
import type { ArgoCdConfig, ArgoCdDestinations } from '../../src/core/argo-cd-config.ts'
import type { EnvironmentConfig } from '../../src/core/environment.ts'
import type { EnvironmentName } from '../../src/core/names.ts'

/** Also what YAML, JSON and HTML have their own ideas about. */
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.constantFrom('', ' ', '*', '<&>', '\u2028', '\b\f"\\', 'a: b', '\ufffd', '\u{1f682}', 'shop', '1e3', 'null'),
)
const optional = fc.option(text, { nil: undefined })
const texts = fc.array(text, { maxLength: 3 })

const annotations = fc
  .uniqueArray(fc.tuple(fc.oneof(text, fc.constantFrom('10', '9', 'constructor', 'a_b', '\uffff')), text), {
    selector: ([key]) => key,
    maxLength: 4,
  })
  .map((entries) => Object.fromEntries(entries.filter(([key]) => key !== '__proto__')))

const argoCdConfig: fc.Arbitrary<ArgoCdConfig> = fc.record({
  destination: fc.record({
    name: optional,
    server: optional,
    namespace: optional,
    appProjectNamespace: optional,
    applicationNamespace: optional,
  }),
  syncWindows: fc.array(fc.record({ schedule: optional, duration: optional, kind: optional, applications: texts }), {
    maxLength: 2,
  }),
  accessList: fc.array(fc.record({ group: optional, kind: optional }), { maxLength: 2 }),
  applicationAnnotations: annotations,
  ignoreDifferences: fc.array(
    fc.record({
      group: optional,
      kind: optional,
      name: optional,
      namespace: optional,
      jsonPointers: texts,
      jqPathExpressions: texts,
      managedFieldsManagers: texts,
    }),
    { maxLength: 2 },
  ),
  syncOptions: texts,
})

const partOfName = fc.oneof(
  fc.constantFrom('de-1', 'de-2', 'eu'),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 8 }).filter((name) => !/[/\\\p{Cc}]/u.test(name)),
)

const several: fc.Arbitrary<ArgoCdDestinations> = fc.record({
  kind: fc.constant('several' as const),
  commonEnvPrefix: fc.oneof(partOfName, fc.constant('')),
  configs: fc.array(fc.record({ concreteEnvName: partOfName, config: argoCdConfig }), { minLength: 1, maxLength: 3 }),
})

/** Whatever a `config.json` can say, sensible or not. */
export const environmentConfig: fc.Arbitrary<EnvironmentConfig> = fc.record({
  upstream: fc.option(
    fc.record({
      environment: fc.option(
        fc.constantFrom('development', 'staging', 'nowhere', 'No Name!') as fc.Arbitrary<EnvironmentName>,
        { nil: undefined },
      ),
      latest: fc.boolean(),
    }),
    { nil: undefined },
  ),
  environmentGroup: fc.option(
    text.filter((group) => group !== ''),
    { nil: undefined },
  ),
  argoCd: fc.oneof(
    fc.constant(undefined),
    argoCdConfig.map((config) => ({ kind: 'single' as const, config })),
    several,
  ),
})
