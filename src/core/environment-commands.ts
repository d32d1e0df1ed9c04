import type { ArgoCdSource } from './argo-cd-file.ts'
import { argoCdFileNames } from './argo-cd-file.ts'
import type { Change } from './change.ts'
import type { Command, DecisionInput } from './command.ts'
import type { CommitText } from './commit-text.ts'
import { trailerKeys } from './commit-text.ts'
import { renderArgoCdFiles } from './deployment-changes.ts'
import type { Environment, EnvironmentConfig } from './environment.ts'
import { configWarnings, deletionWarnings, leftoverWarnings } from './environment-change-warnings.ts'
import { toEnvironmentConfigText } from './environment-config-text.ts'
import { environmentsByName, groupNameOf } from './environment-group.ts'
import type { InvalidName } from './errors.ts'
import { DomainError } from './errors.ts'
import { findEnvironment } from './find.ts'
import { noLocks } from './lock.ts'
import { argoCdDirectory, argoCdFile, configFile, environmentsDirectory } from './manifest-layout.ts'
import type { ApplicationName, EnvironmentName } from './names.ts'
import { compareNames, isValidConcreteEnvironmentName, isValidEnvironmentName, nameRule } from './names.ts'
import { assertPermitted, assertPermittedForTeam, targetOf } from './permission.ts'
import type { Principal } from './principal.ts'
import { readable } from './readable.ts'
import { assertMayRemove } from './remove-application.ts'
import type { Snapshot } from './snapshot.ts'

export interface EnvironmentRequest {
  readonly name: string
  /** Everything is decided and answered, and nothing is changed. */
  readonly isDryRun: boolean
  /** Undefined when no Argo CD files are to be written. */
  readonly argoCd: ArgoCdSource | undefined
}

export interface EnvironmentChange {
  /** What makes trains impossible or surprising, or will surprise otherwise, as sentences. */
  readonly warnings: readonly string[]
}

/**
 * Creates an environment, or gives one that exists another config (spec 3.5). A config that means what the stored one
 * means changes nothing, however that one is spelt. Throws INVALID_NAME, ARGO_CD_FILE_TAKEN or PERMISSION_DENIED.
 */
export function createEnvironment(
  request: EnvironmentRequest & { readonly config: EnvironmentConfig },
): Command<EnvironmentChange> {
  return { reads: () => [], decide: (input) => decideCreation(input, request) }
}

/**
 * Deletes an environment with all that is deployed, queued and locked in it, and its Argo CD files; releases keep their manifests
 * for it. Locks do not keep it: they stop automation, never people. Throws UNKNOWN_ENVIRONMENT, PERMISSION_DENIED, or
 * ENVIRONMENT_IN_USE when it is the upstream of another one.
 */
export function deleteEnvironment(request: EnvironmentRequest): Command<EnvironmentChange> {
  return {
    reads: () => (request.argoCd === undefined ? [] : [argoCdDirectory]),
    decide: (input) => decideDeletion(input, request),
  }
}

function decideCreation(
  { snapshot, principal }: DecisionInput,
  { name: text, config: asked, isDryRun, argoCd }: EnvironmentRequest & { readonly config: EnvironmentConfig },
) {
  const name = text as EnvironmentName
  const before = snapshot.environments.get(name)
  const stored = before?.config.ok ? before.config.value : undefined
  const isUnchanged = stored !== undefined && (isSame(stored, asked) || isSame(stored, toStored(asked)))
  const config = isUnchanged ? stored : toStored(asked)

  if (!isUnchanged) assertNames(snapshot, name, config)
  assertMayConfigure(principal, name, before, config)
  if (!isUnchanged) assertOwnFiles(snapshot, name, config)

  const after: Environment = { ...(before ?? anEmptyEnvironment(name)), config: readable(config) }
  const snapshotAfter = { ...snapshot, environments: new Map(snapshot.environments).set(name, after) }
  const changes = (): readonly Change[] => [
    { path: configFile(name), content: { kind: 'text', text: toEnvironmentConfigText(config) } },
    ...(argoCd === undefined ? [] : renderArgoCdFiles(snapshotAfter, after, {}, argoCd)),
  ]
  return {
    changes: isDryRun || isUnchanged ? [] : changes(),
    text: toCommitText('create-environment', before === undefined ? 'Create' : 'Configure', name),
    result: {
      warnings: [
        ...configWarnings(snapshot, snapshotAfter, after, asked),
        ...(argoCd === undefined ? [] : leftoverWarnings(before, after)),
      ],
    },
  }
}

/** Throws PERMISSION_DENIED for who may not give that environment this config. */
export function assertMayConfigure(
  principal: Principal,
  name: EnvironmentName,
  before: Environment | undefined,
  config: Pick<EnvironmentConfig, 'environmentGroup'> | undefined,
): void {
  // Who may configure a group must not take environments out of another one.
  const stored = before?.config.ok ? before.config.value : undefined
  for (const environmentGroup of new Set([config, ...(before === undefined ? [] : [stored])].map(groupToConfigure))) {
    assertPermitted(principal, 'CreateEnvironment', { environment: name, environmentGroup })
  }
}

/** An environment that belongs to no group takes the right for all of them (spec 5.5), and so does one of which nobody knows. */
function groupToConfigure(config: Pick<EnvironmentConfig, 'environmentGroup'> | undefined): string {
  return config?.environmentGroup ?? '*'
}

/**
 * Throws PERMISSION_DENIED for who may not delete that environment, or may not remove what runs there, for want of a team, too. Its
 * locks hold nobody back from that, so they take no permission of their own.
 */
export function assertMayDelete(
  { snapshot, principal }: Pick<DecisionInput, 'snapshot' | 'principal'>,
  environment: Environment,
): void {
  const deployed = deployedApplications(environment)
  const target = targetOf(environment)
  assertPermitted(principal, 'DeleteEnvironment', target)
  // Where nobody knows the applications, it takes somebody who may remove all.
  if (deployed === undefined) {
    assertPermittedForTeam(principal, 'DeleteEnvironmentApplication', target, readable(undefined))
  }
  for (const application of deployed ?? []) assertMayRemove({ snapshot, principal }, environment, application)
}

function decideDeletion(input: DecisionInput, { name, isDryRun, argoCd }: EnvironmentRequest) {
  const { snapshot, now } = input
  const environment = findEnvironment(snapshot, name)
  const deployed = deployedApplications(environment)
  assertMayDelete(input, environment)
  assertNotUpstream(snapshot, environment)

  const changes = (): readonly Change[] => [
    { path: `${environmentsDirectory}/${environment.name}`, content: { kind: 'absent' } },
    ...(argoCd === undefined ? [] : removeArgoCdFiles(snapshot, environment)),
  ]
  return {
    changes: isDryRun ? [] : changes(),
    text: toCommitText('delete-environment', 'Delete', environment.name),
    result: {
      warnings: [
        ...deletionWarnings(snapshot, environment, deployed ?? [], now),
        ...(argoCd === undefined ? [] : findLeftovers(input, environment)).map(
          (path) => `${path} may be left from a former config of it: nothing here takes it away`,
        ),
      ],
    },
  }
}

/** Files by the names that active/active environments have (spec 1.4), which no config speaks for any more. */
function findLeftovers({ snapshot, loaded }: DecisionInput, { name, config }: Environment): readonly string[] {
  const directory = loaded.get(argoCdDirectory)
  if (directory?.kind !== 'directory') return []
  const taken = takenFileNames(snapshot, name)
  const own = config.ok && config.value.argoCd !== undefined ? argoCdFileNames(name, config.value.argoCd) : []
  return [...directory.entries.keys()]
    .map((file) => file.replace(/\.yaml$/, ''))
    .filter((file) => file.includes(`-${name}-`) && !taken.has(file) && !own.includes(file))
    .map(argoCdFile)
}

function toCommitText(command: string, verb: string, name: EnvironmentName): CommitText {
  return {
    subject: `${verb} environment ${name}`,
    sections: [],
    trailers: [
      { key: trailerKeys.command, value: command },
      { key: trailerKeys.target, value: `environment ${name}` },
    ],
  }
}

/** `latest` wins over an environment; an upstream that names neither is none (spec 3.5). */
function toStored(config: EnvironmentConfig): EnvironmentConfig {
  const { upstream } = config
  if (upstream?.latest) return { ...config, upstream: { environment: undefined, latest: true } }
  return upstream?.environment === undefined ? { ...config, upstream: undefined } : config
}

function isSame(a: EnvironmentConfig, b: EnvironmentConfig): boolean {
  return toEnvironmentConfigText(a) === toEnvironmentConfigText(b)
}

function anEmptyEnvironment(name: EnvironmentName): Omit<Environment, 'config'> {
  return {
    name,
    locks: readable(noLocks),
    teamLocks: readable(new Map()),
    applications: readable(new Map()),
  }
}

/** Names that exist are accepted, whatever they look like. */
function assertNames(snapshot: Snapshot, name: EnvironmentName, config: EnvironmentConfig): void {
  const { environmentGroup, argoCd } = config
  const invalid: InvalidName[] = []
  if (!snapshot.environments.has(name) && !isValidEnvironmentName(name)) {
    invalid.push({ parameter: 'environment', value: name, rule: nameRule('environment') })
  }
  if (environmentGroup !== undefined && !isValidEnvironmentName(environmentGroup)) {
    const isKnown = environmentsByName(snapshot).some((environment) => groupNameOf(environment) === environmentGroup)
    if (!isKnown) {
      invalid.push({ parameter: 'environmentGroup', value: environmentGroup, rule: nameRule('environment') })
    }
  }
  if (argoCd?.kind === 'several') {
    const rule = nameRule('concreteEnvironment')
    for (const [parameter, value] of [
      ['argoConfigs.commonEnvPrefix', argoCd.commonEnvPrefix] as const,
      ...argoCd.configs.map(
        ({ concreteEnvName }, index) => [`argoConfigs.configs.${index}.concreteEnvName`, concreteEnvName] as const,
      ),
    ]) {
      if (!isValidConcreteEnvironmentName(value)) invalid.push({ parameter, value, rule })
    }
  }
  if (invalid.length === 0) return
  const wrong = invalid.map(({ parameter, value }) => `${parameter}: '${value}'`)
  throw new DomainError({ code: 'INVALID_NAME', invalid }, `cannot create environment: invalid ${wrong.join(', ')}`)
}

/** Two configs that are rendered to one file would take it from each other with every deployment. */
function assertOwnFiles(snapshot: Snapshot, name: EnvironmentName, { argoCd }: EnvironmentConfig): void {
  if (argoCd === undefined) return
  const taken = takenFileNames(snapshot, name)
  for (const file of argoCdFileNames(name, argoCd)) {
    const owner = taken.get(file)
    if (owner !== undefined) {
      throw new DomainError(
        { code: 'ARGO_CD_FILE_TAKEN', file: argoCdFile(file) },
        owner === name
          ? `two of the configs would be written to ${argoCdFile(file)}: each needs a concreteEnvName of its own`
          : `${argoCdFile(file)} belongs to environment '${owner}' already`,
      )
    }
    taken.set(file, name)
  }
}

/** The names of the Argo CD files of all environments but this one, and whose they are. */
function takenFileNames(snapshot: Snapshot, except: EnvironmentName): Map<string, EnvironmentName> {
  const taken = new Map<string, EnvironmentName>()
  for (const { name, config } of snapshot.environments.values()) {
    if (name === except || !config.ok || config.value.argoCd === undefined) continue
    for (const file of argoCdFileNames(name, config.value.argoCd)) taken.set(file, name)
  }
  return taken
}

function assertNotUpstream(snapshot: Snapshot, { name }: Environment): void {
  const usedBy = environmentsByName(snapshot)
    .filter((other) => other.name !== name && other.config.ok && other.config.value.upstream?.environment === name)
    .map((other) => other.name)
  if (usedBy.length === 0) return
  throw new DomainError(
    { code: 'ENVIRONMENT_IN_USE', environment: name, usedBy },
    `environment '${name}' is upstream from ${usedBy.map((other) => `'${other}'`).join(', ')}: ` +
      'give them another upstream first',
  )
}

/** Where something runs, or may run as far as anybody can tell; undefined when nobody knows the applications. Sorted. */
function deployedApplications({ applications }: Environment): readonly ApplicationName[] | undefined {
  if (!applications.ok) return undefined
  return [...applications.value]
    .filter(([, entry]) => {
      if (!entry.ok) return true
      const { version, hasManifestOnly } = entry.value
      return !version.ok || version.value !== undefined || hasManifestOnly
    })
    .map(([name]) => name)
    .toSorted(compareNames)
}

/** Also the one that a config of former days may have left. */
function removeArgoCdFiles(snapshot: Snapshot, { name, config }: Environment): readonly Change[] {
  const taken = takenFileNames(snapshot, name)
  const own = config.ok && config.value.argoCd !== undefined ? argoCdFileNames(name, config.value.argoCd) : []
  return [...new Set([name, ...own])]
    .filter((file) => !taken.has(file))
    .map((file) => ({ path: argoCdFile(file), content: { kind: 'absent' } }))
}
