import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import type { ArgoCdConfig, ArgoCdDestinations } from '../../src/core/argo-cd-config.ts'
import { argoCdFileNames, argoCdFiles } from '../../src/core/argo-cd-file.ts'
import type { ApplicationName, EnvironmentName, TeamName } from '../../src/core/names.ts'
import { environmentConfig } from '../support/environment-config-arbitrary.ts'

const someApplications = fc.uniqueArray(
  fc.tuple(fc.constantFrom('cart', 'web', 'a-1', 'a', 'Zoo', 'true', '10'), fc.constantFrom('sre', '', undefined)),
  { selector: ([name]) => name },
)

const source = { repositoryUrl: 'git@example.com:org/manifests.git', branch: 'main' }

describe('the file of spec 1.6', () => {
  it('is written byte for byte', () => {
    const files = render(single({ destination: { server: 'https://kubernetes.default.svc' } }), { app1: 'sre' }, 'dev')
    expect(files).toEqual([
      {
        name: 'dev',
        text: `apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata:
  name: dev
spec:
  description: dev
  destinations:
  - server: https://kubernetes.default.svc
  sourceRepos:
  - '*'
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  annotations:
    argocd.argoproj.io/manifest-generate-paths: /environments/dev/applications/app1/manifests
    com.freiheit.kuberpult/application: app1
    com.freiheit.kuberpult/environment: dev
    com.freiheit.kuberpult/team: sre
  finalizers:
  - resources-finalizer.argocd.argoproj.io
  labels:
    com.freiheit.kuberpult/team: sre
  name: dev-app1
spec:
  destination:
    server: https://kubernetes.default.svc
  project: dev
  source:
    path: environments/dev/applications/app1/manifests
    repoURL: git@example.com:org/manifests.git
    targetRevision: main
  syncPolicy:
    automated:
      allowEmpty: true
      prune: true
      selfHeal: true
`,
      },
    ])
  })
})

describe('an environment with everything configured', () => {
  const config: Partial<ArgoCdConfig> = {
    destination: { name: 'cluster', server: 'https://kubernetes.example.com', namespace: 'shop' },
    syncWindows: [
      { schedule: '0 18 * * 5', duration: '60h', kind: 'deny', applications: ['cart', 'web-*'] },
      { schedule: '0 6 * * *', duration: '1h', kind: 'allow', applications: [] },
    ],
    accessList: [
      { group: '*', kind: 'ClusterSecretStore' },
      { group: 'rbac.authorization.k8s.io', kind: 'ClusterRole' },
    ],
    applicationAnnotations: { 'notifications/slack': '#deployments', 'example.com/owner': 'team: payments' },
    ignoreDifferences: [
      {
        group: 'apps',
        kind: 'Deployment',
        name: 'cart',
        namespace: 'shop',
        jsonPointers: ['/spec/replicas'],
        jqPathExpressions: ['.spec.template.spec.containers[] | select(.name == "sidecar")'],
        managedFieldsManagers: ['kube-controller-manager'],
      },
    ],
    syncOptions: ['CreateNamespace=true', 'ServerSideApply=true'],
  }

  it('is written byte for byte', () => {
    expect(render(single(config), { cart: 'payments' }, 'production')).toEqual([
      {
        name: 'production',
        text: `apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata:
  name: production
spec:
  clusterResourceWhitelist:
  - group: '*'
    kind: ClusterSecretStore
  - group: rbac.authorization.k8s.io
    kind: ClusterRole
  description: production
  destinations:
  - name: cluster
    namespace: shop
    server: https://kubernetes.example.com
  sourceRepos:
  - '*'
  syncWindows:
  - applications:
    - cart
    - web-*
    duration: 60h
    kind: deny
    manualSync: true
    schedule: 0 18 * * 5
  - applications:
    - '*'
    duration: 1h
    kind: allow
    manualSync: true
    schedule: 0 6 * * *
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  annotations:
    argocd.argoproj.io/manifest-generate-paths: /environments/production/applications/cart/manifests
    com.freiheit.kuberpult/application: cart
    com.freiheit.kuberpult/environment: production
    com.freiheit.kuberpult/team: payments
    example.com/owner: 'team: payments'
    notifications/slack: '#deployments'
  finalizers:
  - resources-finalizer.argocd.argoproj.io
  labels:
    com.freiheit.kuberpult/team: payments
  name: production-cart
spec:
  destination:
    name: cluster
    namespace: shop
    server: https://kubernetes.example.com
  ignoreDifferences:
  - group: apps
    jqPathExpressions:
    - .spec.template.spec.containers[] | select(.name == "sidecar")
    jsonPointers:
    - /spec/replicas
    kind: Deployment
    managedFieldsManagers:
    - kube-controller-manager
    name: cart
    namespace: shop
  project: production
  source:
    path: environments/production/applications/cart/manifests
    repoURL: git@example.com:org/manifests.git
    targetRevision: main
  syncPolicy:
    automated:
      allowEmpty: true
      prune: true
      selfHeal: true
    syncOptions:
    - CreateNamespace=true
    - ServerSideApply=true
`,
      },
    ])
  })
})

describe('a destination', () => {
  it.each([
    ['nothing is configured', {}, {}, {}],
    ['everything is empty text', { name: '', server: '' }, {}, {}],
    ['only a name is', { name: 'cluster', server: '' }, { name: 'cluster' }, { name: 'cluster' }],
    ['one namespace is', { namespace: 'shop' }, { namespace: 'shop' }, { namespace: 'shop' }],
    [
      'namespaces of their own are',
      { appProjectNamespace: 'projects', applicationNamespace: 'applications' },
      { namespace: 'projects' },
      { namespace: 'applications' },
    ],
    ['only that of projects is', { appProjectNamespace: 'projects' }, { namespace: 'projects' }, {}],
    ['only that of applications is', { applicationNamespace: 'applications' }, {}, { namespace: 'applications' }],
    [
      'all namespaces are: the common one counts',
      { namespace: 'shop', appProjectNamespace: 'projects', applicationNamespace: 'applications' },
      { namespace: 'shop' },
      { namespace: 'shop' },
    ],
  ])('when %s', (_, destination, ofProject, ofApplication) => {
    const [project, application] = documentsOf(single({ destination }), { cart: 'payments' })
    expect(project).toMatchObject({ spec: { destinations: [ofProject] } })
    expect(specOf(project)['destinations']).toEqual([ofProject])
    expect(specOf(application)['destination']).toEqual(ofApplication)
  })

  it('without anything is written as an empty mapping', () => {
    const [file] = render(single({}), { cart: 'payments' })
    expect(file?.text).toContain('\n  destinations:\n  - {}\n')
    expect(file?.text).toContain('\n  destination: {}\n')
  })
})

describe('what is empty or absent', () => {
  const [project, application] = documentsOf(single({}), { cart: undefined })

  it.each(['syncWindows', 'clusterResourceWhitelist'])('%s is left out of the project', (key) => {
    expect(specOf(project)).not.toHaveProperty(key)
  })

  it.each(['ignoreDifferences', 'syncOptions'])('%s is left out of the application', (key) => {
    expect(specOf(application)).not.toHaveProperty(key)
    expect(specOf(application)['syncPolicy']).not.toHaveProperty(key)
  })

  it('in a sync window is left out, but applications are all and manual syncs allowed', () => {
    const window = { applications: [], schedule: '', duration: '', kind: '' }
    const [ofWindow] = documentsOf(single({ syncWindows: [{ applications: [] }, window] }), {})
    const expected = { applications: ['*'], manualSync: true }
    expect(specOf(ofWindow)['syncWindows']).toEqual([expected, expected])
  })

  it('in an entry of the access list is left out', () => {
    const accessList = [{ kind: 'ClusterRole' }, { group: '*' }, {}, { group: '', kind: '' }]
    const [ofList] = documentsOf(single({ accessList }), {})
    expect(specOf(ofList)['clusterResourceWhitelist']).toEqual([{ kind: 'ClusterRole' }, { group: '*' }, {}, {}])
  })

  it('in an ignored difference is left out, but its kind never is', () => {
    const lists = { jsonPointers: [], jqPathExpressions: [], managedFieldsManagers: [] }
    const ignoreDifferences = [lists, { ...lists, group: '', kind: '', name: '', namespace: '' }]
    const [, ofDifference] = documentsOf(single({ ignoreDifferences }), { cart: undefined })
    expect(specOf(ofDifference)['ignoreDifferences']).toEqual([{ kind: '' }, { kind: '' }])
  })

  it('as a team is empty text', () => {
    const [file] = render(single({}), { cart: undefined })
    expect(file?.text.match(/com\.freiheit\.kuberpult\/team: ""\n/g)).toHaveLength(2)
  })
})

describe('annotations', () => {
  it('of ours win over configured ones', () => {
    const mine = 'com.freiheit.kuberpult/'
    const applicationAnnotations = {
      [`${mine}application`]: 'x',
      [`${mine}environment`]: 'x',
      [`${mine}team`]: 'x',
      'argocd.argoproj.io/manifest-generate-paths': '/',
      'example.com/kept': 'yes',
    }
    const [, application] = documentsOf(single({ applicationAnnotations }), { cart: 'payments' })
    expect(application).toMatchObject({
      metadata: {
        annotations: {
          [`${mine}application`]: 'cart',
          [`${mine}environment`]: 'staging',
          [`${mine}team`]: 'payments',
          'argocd.argoproj.io/manifest-generate-paths': '/environments/staging/applications/cart/manifests',
          'example.com/kept': 'yes',
        },
      },
    })
  })

  it('are sorted by key, wherever they come from', () => {
    const applicationAnnotations = { zebra: '1', 'com.freiheit.kuberpult/b': '2', 'aa.example.com/x': '3' }
    const [file] = render(single({ applicationAnnotations }), { cart: 'payments' })
    const keys = [...(file?.text ?? '').matchAll(/^ {4}(\S+): /gmu)].map(([, key]) => key).slice(0, 7)
    expect(keys).toEqual([
      'aa.example.com/x',
      'argocd.argoproj.io/manifest-generate-paths',
      'com.freiheit.kuberpult/application',
      'com.freiheit.kuberpult/b',
      'com.freiheit.kuberpult/environment',
      'com.freiheit.kuberpult/team',
      'zebra',
    ])
  })
})

describe('applications', () => {
  it('follow the project, sorted by name', () => {
    const documents = documentsOf(single({}), { web: 'search', 'a-b': undefined, ab: undefined, cart: 'payments' })
    expect(documents.map(({ kind, metadata }) => [kind, metadata.name])).toEqual([
      ['AppProject', 'staging'],
      ['Application', 'staging-a-b'],
      ['Application', 'staging-ab'],
      ['Application', 'staging-cart'],
      ['Application', 'staging-web'],
    ])
  })

  it('may be none', () => {
    const [file] = render(single({}), {})
    expect(file?.text).not.toContain('---')
    expect(documentsOf(single({}), {})).toHaveLength(1)
  })
})

describe('text that YAML could read as something else', () => {
  it.each([
    'true',
    'no',
    '0123',
    '1e3',
    '2024-07-01',
    '*',
    '',
    ' padded ',
    '- item',
    'a: b',
    "it's #1",
    'ü',
    '🚂',
    'a\nb',
  ])('is quoted: %j', (team) => {
    const [, application] = documentsOf(single({ applicationAnnotations: { [`x${team}`]: team } }), { cart: team })
    expect(application?.metadata.labels).toEqual({ 'com.freiheit.kuberpult/team': team })
    expect(application?.metadata.annotations).toMatchObject({ [`x${team}`]: team })
  })
})

describe('any config', () => {
  it('is rendered to the same bytes whatever order its applications and annotations come in, and those are YAML', () => {
    fc.assert(
      fc.property(environmentConfig, someApplications, ({ argoCd }, applications) => {
        fc.pre(argoCd !== undefined)
        const inOrder = (pairs: typeof applications) =>
          argoCdFiles(
            'qa' as EnvironmentName,
            argoCd,
            new Map(pairs.map(([name, team]) => [name as ApplicationName, team as TeamName | undefined])),
            source,
          )
        const files = inOrder(applications)
        expect(inOrder(applications.toReversed())).toEqual(files)
        expect(argoCdFileNames('qa' as EnvironmentName, argoCd)).toEqual(files.map(({ name }) => name))
        for (const { text } of files) {
          const documents = parseAllDocuments(text)
          expect(documents).toHaveLength(1 + applications.length)
          expect(documents.flatMap(({ errors }) => errors)).toEqual([])
        }
      }),
      { numRuns: 200 },
    )
  })
})

describe('an active/active environment', () => {
  const destinations: ArgoCdDestinations = {
    kind: 'several',
    commonEnvPrefix: 'aa',
    configs: [
      { concreteEnvName: 'de-2', config: configured({ destination: { server: 'https://de-2.example.com' } }) },
      { concreteEnvName: 'de-1', config: configured({ destination: { server: 'https://de-1.example.com' } }) },
    ],
  }

  it('has one file for each cluster, under a name of its own', () => {
    const files = render(destinations, { cart: 'payments' }, 'production')
    expect(files.map(({ name }) => name)).toEqual(['aa-production-de-2', 'aa-production-de-1'])
    expect(files.map(({ text }) => /server: (\S+)/.exec(text)?.[1])).toEqual([
      'https://de-2.example.com',
      'https://de-1.example.com',
    ])
  })

  it('has that name everywhere but in the path of the manifests', () => {
    const [, file] = render(destinations, { cart: 'payments' }, 'production')
    const [project, application] = parse(file?.text ?? '')
    expect(project).toMatchObject({
      metadata: { name: 'aa-production-de-1' },
      spec: { description: 'aa-production-de-1' },
    })
    expect(application).toMatchObject({
      metadata: {
        name: 'aa-production-de-1-cart',
        annotations: {
          'argocd.argoproj.io/manifest-generate-paths': '/environments/production/applications/cart/manifests',
          'com.freiheit.kuberpult/environment': 'aa-production-de-1',
        },
      },
      spec: {
        project: 'aa-production-de-1',
        source: { path: 'environments/production/applications/cart/manifests' },
      },
    })
  })
})

interface ParsedDocument {
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly annotations?: Record<string, string>
    readonly labels?: Record<string, string>
  }
  readonly spec: Record<string, unknown>
}

function configured(config: Partial<ArgoCdConfig>): ArgoCdConfig {
  return {
    destination: {},
    syncWindows: [],
    accessList: [],
    applicationAnnotations: {},
    ignoreDifferences: [],
    syncOptions: [],
    ...config,
  }
}

function single(config: Partial<ArgoCdConfig>): ArgoCdDestinations {
  return { kind: 'single', config: configured(config) }
}

/** The files for these applications with their teams. */
function render(
  destinations: ArgoCdDestinations,
  deployed: Readonly<Record<string, string | undefined>>,
  environment = 'staging',
) {
  const applications = new Map(Object.entries(deployed) as [ApplicationName, TeamName | undefined][])
  return argoCdFiles(environment as EnvironmentName, destinations, applications, source)
}

function documentsOf(
  destinations: ArgoCdDestinations,
  deployed: Readonly<Record<string, string | undefined>>,
): readonly ParsedDocument[] {
  const files = render(destinations, deployed)
  expect(files.map(({ name }) => name)).toEqual(['staging'])
  return parse(files[0]?.text ?? '')
}

function parse(text: string): readonly ParsedDocument[] {
  return parseAllDocuments(text).map((document) => {
    expect(document.errors).toEqual([])
    return document.toJS() as ParsedDocument
  })
}

function specOf(document: ParsedDocument | undefined): Record<string, unknown> {
  return document?.spec ?? {}
}
