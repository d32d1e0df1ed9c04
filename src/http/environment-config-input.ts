import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { ArgoCdConfig, ArgoCdDestinations } from '../core/argo-cd-config.ts'
import type { EnvironmentConfig } from '../core/environment.ts'
import type { EnvironmentName } from '../core/names.ts'
import { parseJson, UnreadableBody } from './body-parser.ts'
import { toDetail, toInvalidParts } from './endpoint.ts'
import type { Form, ReadForm } from './form.ts'
import type { InvalidPart } from './problem.ts'
import { RequestError } from './problem.ts'

const maximumConfigBytes = 64 * 1024

/** The config in a request's body: the value or file `config` of a form, or the whole body as JSON. */
export async function readEnvironmentConfig(
  request: FastifyRequest,
  reply: FastifyReply,
  readForm: ReadForm,
): Promise<EnvironmentConfig> {
  return request.isMultipart() ? parseForm(await readForm(request, reply)) : parseConfig(request.body, 'body')
}

function parseForm({ values, files }: Form): EnvironmentConfig {
  const unknown = [...values.keys(), ...files.keys()].filter((name) => name !== 'config' && name !== 'signature')
  if (unknown.length > 0) {
    const errors = unknown.map((name) => ({
      path: `form.${name}`,
      message: 'is unknown here, where only config is taken',
    }))
    throw new RequestError('INVALID_REQUEST', toDetail(errors), errors)
  }
  const configs = [...(values.get('config') ?? []), ...(files.get('config') ?? []).map(toText)]
  const [text] = configs
  if (text === undefined) throw missingConfig()
  if (configs.length > 1) {
    const errors = [{ path: 'form.config', message: 'must be given at most once' }]
    throw new RequestError('INVALID_REQUEST', toDetail(errors), errors)
  }
  if (text.length > maximumConfigBytes) throw new RequestError('BODY_TOO_LARGE', 'the config is larger than 64 KB')
  return parseConfig(parseJson(text), 'config')
}

function parseConfig(json: unknown, part: string): EnvironmentConfig {
  if (json === undefined) throw missingConfig()
  if (json instanceof UnreadableBody) throw invalidBody(json.reason)
  return parseEnvironmentConfigInput(json, part)
}

function toText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw invalidBody('the config is not UTF-8')
  }
}

/** Kuberpult's words (spec 3.5). */
function missingConfig(): RequestError {
  return new RequestError('INVALID_REQUEST', 'Missing config in request body')
}

function invalidBody(reason: string): RequestError {
  return new RequestError('INVALID_REQUEST', `Invalid body: ${reason}`)
}

/**
 * Reads the config that a caller wants an environment to have: api.v1.EnvironmentConfig in JSON, its keys in camelCase, in
 * snake_case, or as `config.json` spells them. `part` is what the paths of invalid parts begin with. Throws INVALID_REQUEST with all
 * that is wrong.
 */
export function parseEnvironmentConfigInput(json: unknown, part: string): EnvironmentConfig {
  const errors: InvalidPart[] = []
  const folded = foldKeys(json, { path: part, parent: '', depth: 0, errors })
  const parsed = configSchema.safeParse(folded, { reportInput: true })
  if (!parsed.success) errors.push(...parsed.error.issues.flatMap((issue) => toInvalidParts(part, configSchema, issue)))
  const config = parsed.success ? toConfig(parsed.data, part, errors) : undefined
  if (config !== undefined && errors.length === 0) return config
  throw new RequestError('INVALID_REQUEST', toDetail(errors), errors)
}

const text = z.string().optional()
const texts = z.array(z.string()).default([])

const argoCdSchema = z.strictObject({
  destination: z
    .strictObject({
      name: text,
      server: text,
      namespace: text,
      appProjectNamespace: text,
      applicationNamespace: text,
    })
    .default({}),
  syncWindows: z.array(z.strictObject({ schedule: text, duration: text, kind: text, applications: texts })).default([]),
  accessList: z.array(z.strictObject({ group: text, kind: text })).default([]),
  applicationAnnotations: z.record(z.string(), z.string()).default({}),
  ignoreDifferences: z
    .array(
      z.strictObject({
        group: text,
        kind: text,
        name: text,
        namespace: text,
        jsonPointers: texts,
        jqPathExpressions: texts,
        managedFieldsManagers: texts,
      }),
    )
    .default([]),
  syncOptions: texts,
  concreteEnvName: text,
})

const configSchema = z.strictObject({
  upstream: z.strictObject({ environment: text, latest: z.boolean().optional() }).optional(),
  argocd: argoCdSchema.optional(),
  environmentGroup: text,
  argoConfigs: z.strictObject({ configs: z.array(argoCdSchema).default([]), commonEnvPrefix: text }).optional(),
  isActiveActive: z.boolean().optional(),
})

type ArgoCdInput = z.infer<typeof argoCdSchema>

function toConfig(input: z.infer<typeof configSchema>, part: string, errors: InvalidPart[]): EnvironmentConfig {
  const { upstream, environmentGroup, argocd, argoConfigs, isActiveActive } = input
  if (argocd !== undefined && argoConfigs !== undefined) {
    errors.push({ path: `${part}.argocd`, message: 'and argoConfigs exclude each other' })
  }
  if (argocd?.concreteEnvName) {
    errors.push({ path: `${part}.argocd.concreteEnvName`, message: 'is only possible in argoConfigs.configs' })
  }
  const argoCd = toDestinations(argocd, argoConfigs)
  if (isActiveActive === true && argoCd?.kind !== 'several') {
    errors.push({
      path: `${part}.isActiveActive`,
      message: 'needs argoConfigs.configs, each with a concreteEnvName',
    })
  }
  return {
    upstream: upstream && {
      environment: (upstream.environment || undefined) as EnvironmentName | undefined,
      latest: upstream.latest ?? false,
    },
    environmentGroup: environmentGroup || undefined,
    argoCd,
  }
}

/** One config without a name of its own is that of the environment (spec 1.4). */
function toDestinations(
  argocd: ArgoCdInput | undefined,
  argoConfigs: z.infer<typeof configSchema>['argoConfigs'],
): ArgoCdDestinations | undefined {
  if (argocd !== undefined) return { kind: 'single', config: toArgoCdConfig(argocd) }
  const configs = argoConfigs?.configs ?? []
  const [first] = configs
  if (first === undefined) return undefined
  if (configs.length === 1 && !first.concreteEnvName) return { kind: 'single', config: toArgoCdConfig(first) }
  return {
    kind: 'several',
    commonEnvPrefix: argoConfigs?.commonEnvPrefix ?? '',
    configs: configs.map((one) => ({ concreteEnvName: one.concreteEnvName ?? '', config: toArgoCdConfig(one) })),
  }
}

function toArgoCdConfig(input: ArgoCdInput): ArgoCdConfig {
  const { concreteEnvName: _, ...config } = input
  return config
}

/** How `config.json` spells what the message calls otherwise. */
const spellingsOfFile: ReadonlyMap<string, string> = new Map([
  ['argocdConfigs', 'argoConfigs'],
  ['argoCdConfigurations', 'configs'],
  ['ArgoCdConfigurations', 'configs'],
  ['CommonEnvPrefix', 'commonEnvPrefix'],
])

const knownKeys: ReadonlySet<string> = new Set([
  ...[
    configSchema,
    configSchema.shape.upstream.unwrap(),
    configSchema.shape.argoConfigs.unwrap(),
    argoCdSchema,
  ].flatMap((schema) => Object.keys(schema.shape)),
  ...[argoCdSchema.shape.destination, argoCdSchema.shape.ignoreDifferences, argoCdSchema.shape.syncWindows].flatMap(
    (schema) => {
      const inner = schema.unwrap()
      return Object.keys(inner instanceof z.ZodArray ? inner.element.shape : inner.shape)
    },
  ),
])

interface Place {
  readonly path: string
  /** The key that leads here, as we spell it. */
  readonly parent: string
  readonly depth: number
  readonly errors: InvalidPart[]
}

/** Nothing that we know lies deeper; what is nested without end must not exhaust the stack. */
const maximumDepth = 8

/** The same with every key that we know in our spelling. Null is the same as absent, as in Go. */
function foldKeys(json: unknown, place: Place): unknown {
  if (typeof json !== 'object' || json === null || place.depth > maximumDepth) return json ?? undefined
  if (Array.isArray(json)) {
    return json.map((item, index) =>
      foldKeys(item, { ...place, path: `${place.path}.${index}`, depth: place.depth + 1 }),
    )
  }
  if (place.parent === 'applicationAnnotations') return foldAnnotations(json, place)
  const folded = new Map<string, unknown>()
  for (const [key, value] of Object.entries(json)) {
    if (value === null) continue
    const name = toOurSpelling(key, place.parent)
    const path = `${place.path}.${key}`
    if (folded.has(name)) {
      place.errors.push({ path, message: 'is given in more than one spelling' })
    }
    folded.set(name, foldKeys(value, { ...place, path, parent: name, depth: place.depth + 1 }))
  }
  return Object.fromEntries(folded)
}

/** Their keys are not ours. */
function foldAnnotations(annotations: object, { path, errors }: Place): unknown {
  if (Object.hasOwn(annotations, '__proto__')) {
    errors.push({ path: `${path}.__proto__`, message: 'cannot be the key of an annotation' })
  }
  return Object.fromEntries(Object.entries(annotations).map(([key, value]) => [key, (value as unknown) ?? '']))
}

function toOurSpelling(key: string, parent: string): string {
  const camelCase = key.replaceAll(/(?<=[a-z])_([a-z])/gu, (_, letter: string) => letter.toUpperCase())
  const name = spellingsOfFile.get(camelCase) ?? camelCase
  if (name === 'name' && (parent === 'configs' || parent === 'argocd')) return 'concreteEnvName'
  return knownKeys.has(name) ? name : key
}
