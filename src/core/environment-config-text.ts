import type { ArgoCdConfig, ArgoCdDestinations } from './argo-cd-config.ts'
import type { EnvironmentConfig } from './environment.ts'

/**
 * The text of a `config.json`, byte for byte as Kuberpult writes it (spec 1.4): its order of keys, two spaces, `<`, `>` and
 * `&` escaped, nothing that is empty, a newline at the end. Configs that mean the same have the same text.
 */
export function toEnvironmentConfigText(config: EnvironmentConfig): string {
  return `${toText(toJson(config), '')}\n`
}

/** A map is an object: its order counts, also where keys look like numbers. What is undefined is left out. */
type Json = string | boolean | readonly Json[] | ReadonlyMap<string, Json | undefined>

function toJson({ upstream, argoCd, environmentGroup }: EnvironmentConfig): Json {
  return anObject({
    upstream:
      upstream && anObject({ environment: upstream.environment || undefined, latest: upstream.latest || undefined }),
    argocd: argoCd?.kind === 'single' ? fromArgoCdConfig(argoCd.config) : undefined,
    environmentGroup: environmentGroup || undefined,
    argocdConfigs: argoCd?.kind === 'several' ? fromSeveral(argoCd) : undefined,
    isActiveActive: argoCd?.kind === 'several' || undefined,
  })
}

function fromSeveral({ commonEnvPrefix, configs }: Extract<ArgoCdDestinations, { kind: 'several' }>): Json {
  return anObject({
    ArgoCdConfigurations: configs.map(({ concreteEnvName, config }) => fromArgoCdConfig(config, concreteEnvName)),
    CommonEnvPrefix: commonEnvPrefix,
  })
}

function fromArgoCdConfig(config: ArgoCdConfig, concreteEnvName?: string): Json {
  const { destination } = config
  return anObject({
    destination: anObject({
      name: destination.name ?? '',
      server: destination.server ?? '',
      // An empty namespace is not the same as none: it keeps the others from taking its place.
      namespace: destination.namespace,
      appProjectNamespace: destination.appProjectNamespace,
      applicationNamespace: destination.applicationNamespace,
    }),
    syncWindows: unlessEmpty(
      config.syncWindows.map((window) =>
        anObject({
          schedule: window.schedule || undefined,
          duration: window.duration || undefined,
          kind: window.kind || undefined,
          applications: unlessEmpty(window.applications),
        }),
      ),
    ),
    accessList: unlessEmpty(
      config.accessList.map(({ group, kind }) => anObject({ group: group || undefined, kind: kind || undefined })),
    ),
    applicationAnnotations: fromAnnotations(config.applicationAnnotations),
    ignoreDifferences: unlessEmpty(
      config.ignoreDifferences.map((difference) =>
        anObject({
          group: difference.group || undefined,
          kind: difference.kind ?? '',
          name: difference.name || undefined,
          namespace: difference.namespace || undefined,
          jsonPointers: unlessEmpty(difference.jsonPointers),
          jqPathExpressions: unlessEmpty(difference.jqPathExpressions),
          managedFieldsManagers: unlessEmpty(difference.managedFieldsManagers),
        }),
      ),
    ),
    syncOptions: unlessEmpty(config.syncOptions),
    name: concreteEnvName || undefined,
  })
}

function fromAnnotations(annotations: ArgoCdConfig['applicationAnnotations']): Json | undefined {
  const entries = Object.entries(annotations).toSorted(([a], [b]) => compareCodePoints(a, b))
  return entries.length === 0 ? undefined : new Map(entries)
}

/** Go sorts the keys of a map by their bytes in UTF-8, which is by code point. */
function compareCodePoints(a: string, b: string): number {
  const [left, right] = [Array.from(a), Array.from(b)]
  for (const [index, character] of left.entries()) {
    const difference = (character.codePointAt(0) ?? 0) - (right[index]?.codePointAt(0) ?? -1)
    if (difference !== 0) return difference
  }
  return left.length - right.length
}

function anObject(members: Readonly<Record<string, Json | undefined>>): Json {
  return new Map(Object.entries(members))
}

function unlessEmpty(list: readonly Json[]): Json | undefined {
  return list.length === 0 ? undefined : list
}

function toText(json: Json, indentation: string): string {
  if (typeof json === 'string') return toQuoted(json)
  if (typeof json === 'boolean') return String(json)
  const inner = `${indentation}  `
  const items = isList(json)
    ? json.map((item) => toText(item, inner))
    : [...json].flatMap(([key, value]) => (value === undefined ? [] : [`${toQuoted(key)}: ${toText(value, inner)}`]))
  const [open, close] = isList(json) ? '[]' : '{}'
  if (items.length === 0) return `${open}${close}`
  return `${open}\n${inner}${items.join(`,\n${inner}`)}\n${indentation}${close}`
}

function isList(json: Json): json is readonly Json[] {
  return Array.isArray(json)
}

/** Half a character cannot be stored: Go reads it as U+FFFD. */
function toQuoted(text: string): string {
  return JSON.stringify(text.replaceAll(/\p{Cs}/gu, '\ufffd')).replaceAll(
    /[<>&\u2028\u2029]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
