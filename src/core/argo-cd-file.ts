import type { ArgoCdConfig, ArgoCdDestinations } from './argo-cd-config.ts'
import type { Change } from './change.ts'
import { argoCdFile } from './manifest-layout.ts'
import type { ApplicationName, EnvironmentName, TeamName } from './names.ts'
import { compareNames } from './names.ts'
import type { YamlValue } from './yaml-text.ts'
import { toYamlTemplate, toYamlText, YamlSlot } from './yaml-text.ts'

/** Where Argo CD finds the manifests. */
export interface ArgoCdSource {
  readonly repositoryUrl: string
  readonly branch: string
}

/**
 * The Argo CD files of an environment: an AppProject and one Application for each deployed application (spec 1.6).
 * One file named like the environment, or one for each cluster of an active/active environment (spec 1.4).
 */
export function argoCdFiles(
  environment: EnvironmentName,
  destinations: ArgoCdDestinations,
  deployed: ReadonlyMap<ApplicationName, TeamName | undefined>,
  source: ArgoCdSource,
): readonly { readonly name: string; readonly text: string }[] {
  const clusters = clustersOf(environment, destinations)
  const applications = [...deployed].toSorted(([a], [b]) => compareNames(a, b))
  return clusters.map(({ name, config }) => {
    const toText = toYamlTemplate(toApplication(name, config, source))
    return {
      name,
      text: [
        toYamlText(toAppProject(name, config)),
        ...applications.map(([application, team]) => {
          const path = `environments/${environment}/applications/${application}/manifests`
          return toText({
            application,
            team: team ?? '',
            name: `${name}-${application}`,
            path,
            absolutePath: `/${path}`,
          })
        }),
      ].join('---\n'),
    }
  })
}

interface Rendered {
  readonly environment: EnvironmentName
  readonly deployed: ReadonlyMap<ApplicationName, TeamName | undefined>
  readonly source: ArgoCdSource
  readonly changes: readonly Change[]
}

/** What was rendered last from each environment's config. A config that nobody has any more takes it along. */
const lastRendered = new WeakMap<ArgoCdDestinations, Rendered>()

/**
 * The changes that write those files. Nearly every deployment leaves them as they were: then these are the very changes that the
 * deployment before it had, and nothing is rendered.
 */
export function writeArgoCdFiles(
  environment: EnvironmentName,
  destinations: ArgoCdDestinations,
  deployed: ReadonlyMap<ApplicationName, TeamName | undefined>,
  source: ArgoCdSource,
): readonly Change[] {
  const last = lastRendered.get(destinations)
  if (
    last?.environment === environment &&
    last.source.repositoryUrl === source.repositoryUrl &&
    last.source.branch === source.branch &&
    (last.deployed === deployed || hasSameEntries(last.deployed, deployed))
  ) {
    lastRendered.set(destinations, { ...last, deployed })
    return last.changes
  }
  const changes = argoCdFiles(environment, destinations, deployed, source).map(({ name, text }): Change => ({
    path: argoCdFile(name),
    content: { kind: 'text', text },
  }))
  lastRendered.set(destinations, { environment, deployed, source, changes })
  return changes
}

function hasSameEntries<K, V>(a: ReadonlyMap<K, V>, b: ReadonlyMap<K, V>): boolean {
  if (a.size !== b.size) return false
  for (const [key, value] of a) if (b.get(key) !== value || !b.has(key)) return false
  return true
}

/** The names of those files, without folder and ending. */
export function argoCdFileNames(environment: EnvironmentName, destinations: ArgoCdDestinations): readonly string[] {
  return clustersOf(environment, destinations).map(({ name }) => name)
}

function clustersOf(
  environment: EnvironmentName,
  destinations: ArgoCdDestinations,
): readonly { readonly name: string; readonly config: ArgoCdConfig }[] {
  if (destinations.kind === 'single') return [{ name: environment, config: destinations.config }]
  return destinations.configs.map(({ concreteEnvName, config }) => ({
    name: `${destinations.commonEnvPrefix}-${environment}-${concreteEnvName}`,
    config,
  }))
}

function toAppProject(name: string, config: ArgoCdConfig): YamlValue {
  const { destination } = config
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'AppProject',
    metadata: { name },
    spec: {
      clusterResourceWhitelist: orAbsent(
        config.accessList.map(({ group, kind }) => ({ group: group || undefined, kind: kind || undefined })),
      ),
      description: name,
      destinations: [toDestination(destination, destination.appProjectNamespace)],
      sourceRepos: ['*'],
      syncWindows: orAbsent(
        config.syncWindows.map((window) => ({
          applications: window.applications.length === 0 ? ['*'] : window.applications,
          duration: window.duration || undefined,
          kind: window.kind || undefined,
          manualSync: true,
          schedule: window.schedule || undefined,
        })),
      ),
    },
  }
}

/** What all applications of a cluster have in common, and slots for the rest. */
function toApplication(name: string, config: ArgoCdConfig, source: ArgoCdSource): YamlValue {
  const team = new YamlSlot('team')
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: {
      annotations: {
        ...config.applicationAnnotations,
        'argocd.argoproj.io/manifest-generate-paths': new YamlSlot('absolutePath'),
        'com.freiheit.kuberpult/application': new YamlSlot('application'),
        'com.freiheit.kuberpult/environment': name,
        'com.freiheit.kuberpult/team': team,
      },
      finalizers: ['resources-finalizer.argocd.argoproj.io'],
      labels: { 'com.freiheit.kuberpult/team': team },
      name: new YamlSlot('name'),
    },
    spec: {
      destination: toDestination(config.destination, config.destination.applicationNamespace),
      ignoreDifferences: orAbsent(
        config.ignoreDifferences.map((difference) => ({
          group: difference.group || undefined,
          jqPathExpressions: orAbsent(difference.jqPathExpressions),
          jsonPointers: orAbsent(difference.jsonPointers),
          kind: difference.kind ?? '',
          managedFieldsManagers: orAbsent(difference.managedFieldsManagers),
          name: difference.name || undefined,
          namespace: difference.namespace || undefined,
        })),
      ),
      project: name,
      source: { path: new YamlSlot('path'), repoURL: source.repositoryUrl, targetRevision: source.branch },
      syncPolicy: {
        automated: { allowEmpty: true, prune: true, selfHeal: true },
        syncOptions: orAbsent(config.syncOptions),
      },
    },
  }
}

function toDestination(destination: ArgoCdConfig['destination'], fallbackNamespace: string | undefined): YamlValue {
  return {
    name: destination.name || undefined,
    namespace: (destination.namespace ?? fallbackNamespace) || undefined,
    server: destination.server || undefined,
  }
}

/** Empty lists are left out. */
function orAbsent<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length === 0 ? undefined : list
}
