import { z } from 'zod'
import type { ArgoCdDestinations } from '../../core/argo-cd-config.ts'
import type { EnvironmentConfig } from '../../core/environment.ts'
import type { EnvironmentName } from '../../core/names.ts'
import type { Readable } from '../../core/readable.ts'
import { readable, unreadable } from '../../core/readable.ts'

/**
 * Reads an environment's `config.json` as Kuberpult does (spec 1.4): the first JSON value counts, keys match whatever
 * their case, unknown keys are ignored. Keys are accepted in both spellings, `environmentGroup` and `environment_group`.
 */
export function parseEnvironmentConfig(text: string): Readable<EnvironmentConfig> {
  let json: unknown
  try {
    // Kuberpult refuses a byte order mark; some editors write one, and nothing else can be meant by it.
    json = JSON.parse(firstJsonValue(text.replace(/^\ufeff/u, '')))
  } catch (error) {
    return unreadable(`config.json is not JSON: ${(error as Error).message}`)
  }
  const parsed = configSchema.safeParse(foldKeys(json) ?? {})
  if (!parsed.success) {
    const issues = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
    return unreadable(`config.json does not fit: ${issues.join('; ')}`)
  }
  const { upstream, environmentgroup } = parsed.data
  const argoCd = toArgoCdDestinations(parsed.data)
  if (argoCd?.kind === 'several') {
    // They become parts of file names.
    for (const name of [argoCd.commonEnvPrefix, ...argoCd.configs.map(({ concreteEnvName }) => concreteEnvName)]) {
      if (/[/\\\p{Cc}]/u.test(name))
        return unreadable(`config.json does not fit: '${name}' cannot be part of a file's name`)
    }
  }
  return readable({
    upstream:
      upstream === undefined
        ? undefined
        : {
            environment: (upstream.environment || undefined) as EnvironmentName | undefined,
            latest: upstream.latest ?? false,
          },
    environmentGroup: environmentgroup || undefined,
    argoCd,
  })
}

/** The text of the first value: Go's decoder, and so Kuberpult, ignores what follows an object. */
function firstJsonValue(text: string): string {
  if (!text.trimStart().startsWith('{')) return text
  let depth = 0
  let isInString = false
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index]
    if (isInString) {
      if (character === '\\') index += 1
      else if (character === '"') isInString = false
    } else if (character === '"') isInString = true
    else if (character === '{') depth += 1
    else if (character === '}') {
      depth -= 1
      if (depth === 0) return text.slice(0, index + 1)
    }
  }
  return text
}

/** Deeper than anything we know can stand; what is nested without end must not exhaust the stack. */
const maximumDepth = 10

/** Keys without case and underscores, so that both spellings are one; null is the same as absent, as in Go. */
function foldKeys(json: unknown, isMap = false, depth = 0): unknown {
  if (json === null) return undefined
  if (typeof json !== 'object' || depth > maximumDepth) return json
  if (Array.isArray(json)) return json.map((item) => foldKeys(item, false, depth + 1))
  return Object.fromEntries(
    Object.entries(json).map(([key, value]) => {
      if (isMap) return [key, value ?? '']
      const folded = key.toLowerCase().replaceAll('_', '')
      return [folded, foldKeys(value, folded === 'applicationannotations', depth + 1)]
    }),
  )
}

const text = z.string().optional()
const texts = z.array(z.string()).default([])

const argoCdSchema = z.object({
  destination: z
    .object({
      name: text,
      server: text,
      namespace: text,
      appprojectnamespace: text,
      applicationnamespace: text,
    })
    .default({}),
  syncwindows: z.array(z.object({ schedule: text, duration: text, kind: text, applications: texts })).default([]),
  accesslist: z.array(z.object({ group: text, kind: text })).default([]),
  applicationannotations: z.record(z.string(), z.string()).default({}),
  ignoredifferences: z
    .array(
      z.object({
        group: text,
        kind: text,
        name: text,
        namespace: text,
        jsonpointers: texts,
        jqpathexpressions: texts,
        managedfieldsmanagers: texts,
      }),
    )
    .default([]),
  syncoptions: texts,
  name: text,
  concreteenvname: text,
})

const configSchema = z.object({
  upstream: z.object({ environment: text, latest: z.boolean().optional() }).optional(),
  environmentgroup: text,
  argocd: argoCdSchema.optional(),
  isactiveactive: z.boolean().optional(),
  argocdconfigs: z
    .object({
      argocdconfigurations: z.array(argoCdSchema).default([]),
      commonenvprefix: z.string().default(''),
    })
    .optional(),
})

function toArgoCdDestinations(config: z.infer<typeof configSchema>): ArgoCdDestinations | undefined {
  const { argocd, argocdconfigs } = config
  const configs = argocdconfigs?.argocdconfigurations ?? []
  const [first] = configs
  if (first === undefined) return argocd === undefined ? undefined : { kind: 'single', config: toArgoCdConfig(argocd) }
  const concreteNameOf = (one: z.infer<typeof argoCdSchema>) => one.concreteenvname || one.name || ''
  if (configs.length === 1 && concreteNameOf(first) === '') return { kind: 'single', config: toArgoCdConfig(first) }
  return {
    kind: 'several',
    commonEnvPrefix: argocdconfigs?.commonenvprefix ?? '',
    configs: configs.map((one) => ({ concreteEnvName: concreteNameOf(one), config: toArgoCdConfig(one) })),
  }
}

function toArgoCdConfig(config: z.infer<typeof argoCdSchema>) {
  const { destination } = config
  return {
    destination: {
      name: destination.name,
      server: destination.server,
      namespace: destination.namespace,
      appProjectNamespace: destination.appprojectnamespace,
      applicationNamespace: destination.applicationnamespace,
    },
    syncWindows: config.syncwindows,
    accessList: config.accesslist,
    applicationAnnotations: config.applicationannotations,
    ignoreDifferences: config.ignoredifferences.map((difference) => ({
      group: difference.group,
      kind: difference.kind,
      name: difference.name,
      namespace: difference.namespace,
      jsonPointers: difference.jsonpointers,
      jqPathExpressions: difference.jqpathexpressions,
      managedFieldsManagers: difference.managedfieldsmanagers,
    })),
    syncOptions: config.syncoptions,
  }
}
