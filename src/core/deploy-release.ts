import type { Application } from './application.ts'
import { hasVersion } from './application.ts'
import type { Command, DecisionInput, Loaded } from './command.ts'
import { trailerKeys } from './commit-text.ts'
import type { DeploymentPlan } from './deployments.ts'
import { carryOut, readsOf, toRemovedSection } from './deployments.ts'
import type { Environment } from './environment.ts'
import { DomainError } from './errors.ts'
import { findApplication, findEnvironment } from './find.ts'
import type { ListedLock } from './list-locks.ts'
import { lockForTheRecord, locksInTheWay } from './locks-in-the-way.ts'
import { releaseDirectory } from './manifest-layout.ts'
import type { ObjectId } from './object-id.ts'
import { assertPermittedForTeam, targetOf } from './permission.ts'
import { deployedVersion } from './snapshot.ts'
import type { WriteSettings } from './write-settings.ts'

/** What becomes of a deployment when locks stand in its way: go through, be remembered, or fail. */
export type LockBehavior = 'IGNORE' | 'RECORD' | 'FAIL'

export interface DeploymentRequest {
  readonly environment: string
  readonly application: string
  readonly version: bigint
  readonly lockBehavior: LockBehavior
  readonly settings: WriteSettings
}

export interface DeploymentResult {
  readonly outcome: 'deployed' | 'queued'
  /** The version deployed before; undefined when there was none, or it cannot be read. */
  readonly from: bigint | undefined
  /** The locks that stood in the way, heeded or not. */
  readonly locks: readonly ListedLock[]
  readonly removed: readonly bigint[]
}

/**
 * Deploys a version because somebody says so: forward, back, or again (spec 6.3). Locks stop it only where that was asked for.
 *
 * Throws UNKNOWN_ENVIRONMENT, UNKNOWN_APPLICATION, UNKNOWN_RELEASE, MANIFEST_MISSING, PERMISSION_DENIED,
 * APPLICATION_UNREADABLE, and LOCKED for FAIL.
 */
export function deployRelease(request: DeploymentRequest): Command<DeploymentResult> {
  const { settings } = request
  return {
    reads: (input) => {
      const { environment, application } = findPlace(input, request)
      const path = manifestDirectory(application, request.version, environment)
      if (!input.loaded.has(path)) return [path]
      return [path, ...readsOf(toPlan(request, input).plan, input, settings)]
    },
    decide: (input) => {
      const { plan, locks, from, outcome } = toPlan(request, input)
      const { changes, removed } = carryOut(plan, input, settings)
      const { environment, application, version } = request
      const what = `${application} ${version}`
      const wasBefore = from === undefined ? '' : ` (was ${from})`
      return {
        changes,
        text: {
          subject:
            outcome === 'deployed'
              ? `Deploy ${what} to ${environment}${wasBefore}`
              : `Queue ${what} for ${environment}`,
          sections: [
            ...(locks.length === 0
              ? []
              : [{ heading: outcome === 'deployed' ? 'Past locks' : 'Held back by', lines: locks.map(toLine) }]),
            ...toRemovedSection(removed),
          ],
          trailers: [
            { key: trailerKeys.command, value: 'deploy' },
            { key: trailerKeys.target, value: `application ${application} in ${environment}` },
          ],
        },
        result: { outcome, from, locks, removed: [...removed.values()].flat() },
      }
    },
  }
}

function findPlace(
  { snapshot, principal }: DecisionInput,
  request: DeploymentRequest,
): { readonly environment: Environment; readonly application: Application } {
  const environment = findEnvironment(snapshot, request.environment)
  const application = findApplication(snapshot, request.application)
  const place = { ...targetOf(environment), application: application.name }
  assertPermittedForTeam(principal, 'DeployRelease', place, application.team)
  if (!hasVersion(application, request.version)) {
    throw new DomainError(
      { code: 'UNKNOWN_RELEASE', application: application.name },
      `application '${application.name}' has no release ${request.version}`,
    )
  }
  return { environment, application }
}

function manifestDirectory({ name }: Application, version: bigint, environment: Environment): string {
  return `${releaseDirectory(name, version)}/environments/${environment.name}`
}

function toPlan(
  request: DeploymentRequest,
  input: DecisionInput,
): Omit<DeploymentResult, 'removed'> & { readonly plan: DeploymentPlan } {
  const { environment, application } = findPlace(input, request)
  const { version, lockBehavior } = request
  const manifest = findManifest(input.loaded, application, version, environment)
  const before = deployedVersion(environment, application)
  const from = before.ok ? before.value : undefined
  const readLocks = locksInTheWay(environment, application.name, application.team, input.now)
  if (!readLocks.ok && lockBehavior !== 'IGNORE') {
    throw new DomainError(
      { code: 'ENVIRONMENT_UNREADABLE', environment: environment.name },
      `whether it is locked cannot be known: ${readLocks.reason}. Deploy with lockBehavior IGNORE to do it nevertheless`,
    )
  }
  const locks = readLocks.ok ? readLocks.value : []
  const step = { environment, application: application.name, version }
  if (locks.length === 0 || lockBehavior === 'IGNORE') {
    return { plan: { deployed: [{ ...step, manifest, from }], held: [] }, outcome: 'deployed', from, locks }
  }
  if (lockBehavior === 'FAIL') {
    throw new DomainError(
      { code: 'LOCKED', locks },
      `'${application.name}' is locked in environment '${environment.name}': ${locks.map(toLine).join(', ')}`,
    )
  }
  const held = [{ ...step, lock: lockForTheRecord(locks) }]
  return { plan: { deployed: [], held }, outcome: 'queued', from, locks }
}

function findManifest(loaded: Loaded, application: Application, version: bigint, environment: Environment): ObjectId {
  const directory = loaded.get(manifestDirectory(application, version, environment))
  const manifest = directory?.kind === 'directory' ? directory.entries.get('manifests.yaml') : undefined
  if (manifest !== undefined) return manifest
  throw new DomainError(
    { code: 'MANIFEST_MISSING', environment: environment.name, version },
    `release ${version} of '${application.name}' has no manifest for environment '${environment.name}'`,
  )
}

function toLine({ kind, lock }: ListedLock): string {
  return `${kind} lock ${lock.id}`
}
