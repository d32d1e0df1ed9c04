import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ArgoCdConfig } from '../../src/core/argo-cd-config.ts'
import type { EnvironmentConfig } from '../../src/core/environment.ts'
import { toEnvironmentConfigText } from '../../src/core/environment-config-text.ts'
import type { EnvironmentName } from '../../src/core/names.ts'
import { parseEnvironmentConfig } from '../../src/manifest-store/layout/environment-config.ts'
import { environmentConfig } from '../support/environment-config-arbitrary.ts'

const nothing: EnvironmentConfig = { upstream: undefined, environmentGroup: undefined, argoCd: undefined }
const noArgoCd: ArgoCdConfig = {
  destination: {},
  syncWindows: [],
  accessList: [],
  applicationAnnotations: {},
  ignoreDifferences: [],
  syncOptions: [],
}

describe('the text of a config', () => {
  it('that says nothing is an empty object', () => {
    expect(toEnvironmentConfigText(nothing)).toBe('{}\n')
  })

  it('has the order of keys, and escapes, of Kuberpult', () => {
    const config: ArgoCdConfig = {
      destination: {
        applicationNamespace: 'applications',
        appProjectNamespace: 'projects',
        namespace: '',
        server: 'https://k8s.example.com?a=1&b=<2>',
        name: undefined,
      },
      syncWindows: [{ applications: ['web-*'], kind: 'deny', duration: '1h', schedule: '0 1 * * *' }],
      accessList: [{ kind: 'ClusterRole', group: '*' }, {}],
      applicationAnnotations: { b: 'line\u2028', '9': '', '10': '"\t\u0001', '\u{1f682}': '', '\uffff': '' },
      ignoreDifferences: [
        {
          managedFieldsManagers: ['m'],
          jqPathExpressions: ['.spec | .a'],
          jsonPointers: ['/spec/replicas'],
          namespace: 'shop',
          name: 'cart',
          group: 'apps',
        },
      ],
      syncOptions: ['ServerSideApply=true'],
    }
    const upstream = { environment: 'staging' as EnvironmentName, latest: true }
    expect(toEnvironmentConfigText({ environmentGroup: 'production', argoCd: { kind: 'single', config }, upstream }))
      .toBe(String.raw`{
  "upstream": {
    "environment": "staging",
    "latest": true
  },
  "argocd": {
    "destination": {
      "name": "",
      "server": "https://k8s.example.com?a=1\u0026b=\u003c2\u003e",
      "namespace": "",
      "appProjectNamespace": "projects",
      "applicationNamespace": "applications"
    },
    "syncWindows": [
      {
        "schedule": "0 1 * * *",
        "duration": "1h",
        "kind": "deny",
        "applications": [
          "web-*"
        ]
      }
    ],
    "accessList": [
      {
        "group": "*",
        "kind": "ClusterRole"
      },
      {}
    ],
    "applicationAnnotations": {
      "10": "\"\t\u0001",
      "9": "",
      "b": "line\u2028",
      "${'\uffff'}": "",
      "${'\u{1f682}'}": ""
    },
    "ignoreDifferences": [
      {
        "group": "apps",
        "kind": "",
        "name": "cart",
        "namespace": "shop",
        "jsonPointers": [
          "/spec/replicas"
        ],
        "jqPathExpressions": [
          ".spec | .a"
        ],
        "managedFieldsManagers": [
          "m"
        ]
      }
    ],
    "syncOptions": [
      "ServerSideApply=true"
    ]
  },
  "environmentGroup": "production"
}
`)
  })

  it('of an active/active environment lists its configs by name', () => {
    const configs = [{ concreteEnvName: 'de-1', config: noArgoCd }]
    expect(toEnvironmentConfigText({ ...nothing, argoCd: { kind: 'several', commonEnvPrefix: 'eu', configs } })).toBe(`{
  "argocdConfigs": {
    "ArgoCdConfigurations": [
      {
        "destination": {
          "name": "",
          "server": ""
        },
        "name": "de-1"
      }
    ],
    "CommonEnvPrefix": "eu"
  },
  "isActiveActive": true
}
`)
  })

  it('is read as what was written, whatever that was', () => {
    fc.assert(
      fc.property(environmentConfig, (config) => {
        const written = toEnvironmentConfigText(config)
        const read = parseEnvironmentConfig(written)
        if (!read.ok) throw new Error(read.reason)
        expect(toEnvironmentConfigText(read.value)).toBe(written)
        expect(read.value.upstream).toEqual(config.upstream)
        expect(written).not.toMatch(/[<>&\u2028\u2029\t]/u)
      }),
      { numRuns: 500 },
    )
  })
})
