import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Release } from '../core/application.ts'
import { manifestFileIn } from '../core/manifest-layout.ts'
import type { ApplicationName, EnvironmentName } from '../core/names.ts'
import type { ObjectId } from '../core/object-id.ts'
import type { ApplicationPrognosis, Prognosis } from '../core/release-train-prognosis.ts'
import type { Snapshot } from '../core/snapshot.ts'
import type { ManifestChecker } from '../manifest-check/manifest-checker.ts'
import { ManifestTooComplexError } from '../manifest-check/manifest-checker.ts'
import type { ManifestStore } from '../manifest-store/manifest-store.ts'
import { StoreUnavailableError } from '../manifest-store/store-errors.ts'
import type { ManifestDiffs } from '../protobuf/to-prognosis-message.ts'

/** In one answer. They are counted in the order of the answer, so that the same prognosis has the same diffs. */
const maximumLength = 4 * 1024 * 1024
const maximumBytesRead = 128 * 1024 * 1024

/** How many pairs are fetched from a git server at one go: more than mostly have room in an answer. */
const maximumReadAhead = 2000

export interface DiffSources {
  readonly store: ManifestStore
  readonly manifestChecker: ManifestChecker
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal
}

/**
 * How a train would change manifests: for each application that travels, what stands in the environment against what its release
 * brings. Where that is the same there is no diff; where it cannot be told, a sentence in parentheses says why. Throws the signal's reason.
 */
export async function diffManifests(
  prognosis: Prognosis,
  snapshot: Snapshot,
  sources: DiffSources,
): Promise<ManifestDiffs> {
  const diffs = new Map<EnvironmentName, Map<ApplicationName, string>>()
  const spent = { length: 0, bytesRead: 0 }
  await sources.store.readAhead(snapshot, toWanted(prognosis))
  for (const { environment, outcome } of prognosis.environments) {
    if (outcome.kind === 'skipped') continue
    const ofEnvironment = new Map<ApplicationName, string>()
    diffs.set(environment, ofEnvironment)
    for (const application of outcome.applications) {
      if (application.outcome.kind !== 'travels') continue
      // What is cached or equal waits for nothing; others would wait for thousands of them.
      await nextTurn()
      sources.signal.throwIfAborted()
      const pair = toPair(environment, application, application.outcome.release)
      const diff = await diffPair(pair, snapshot, sources, spent)
      if (diff !== '') ofEnvironment.set(application.application, diff)
    }
  }
  return diffs
}

/** All manifests that may be compared: the first of them, where there are more than one answer has room for. */
function toWanted({ environments }: Prognosis): {
  readonly paths: readonly string[]
  readonly blobs: readonly ObjectId[]
} {
  const paths: string[] = []
  const blobs: ObjectId[] = []
  for (const { environment, outcome } of environments) {
    for (const { application, outcome: each } of outcome.kind === 'decided' ? outcome.applications : []) {
      const coming = each.kind === 'travels' ? each.release.manifests.get(environment) : undefined
      if (coming === undefined || paths.length >= maximumReadAhead) continue
      paths.push(manifestFileIn(environment, application))
      blobs.push(coming)
    }
  }
  return { paths, blobs }
}

/** The two manifests of one application. */
interface Pair {
  readonly environment: EnvironmentName
  readonly application: ApplicationName
  readonly release: Release
  /** How each is called in the diff. */
  readonly from: string
  readonly to: string
}

function toPair(
  environment: EnvironmentName,
  { application, deployedVersion }: ApplicationPrognosis,
  release: Release,
): Pair {
  const name = `${environment}/${application}`
  return {
    environment,
    application,
    release,
    from: deployedVersion === undefined ? '/dev/null' : `${name} ${deployedVersion}`,
    to: `${name} ${release.version}`,
  }
}

async function diffPair(
  pair: Pair,
  snapshot: Snapshot,
  { store, manifestChecker, signal }: DiffSources,
  spent: { length: number; bytesRead: number },
): Promise<string> {
  if (spent.length > maximumLength || spent.bytesRead > maximumBytesRead) return leftOut(pair)
  try {
    const path = manifestFileIn(pair.environment, pair.application)
    const existing = contentOf(await store.readFile(snapshot, path))
    const id = pair.release.manifests.get(pair.environment)
    const coming = contentOf(id === undefined ? undefined : await store.readBlob(id))
    spent.bytesRead += existing.length + coming.length
    if (Buffer.compare(existing, coming) === 0) return ''
    const diff = await manifestChecker.diff(existing, coming, pair, signal)
    spent.length += diff.length
    return spent.length > maximumLength ? leftOut(pair) : diff
  } catch (error) {
    if (!(error instanceof StoreUnavailableError || error instanceof ManifestTooComplexError)) throw error
    return `(there is no diff of ${pair.from} and ${pair.to}: ${error.message})\n`
  }
}

/** An empty manifest is deployed as one space (spec 6.3). */
function contentOf(bytes: Uint8Array | undefined): Uint8Array {
  return bytes === undefined || (bytes.length === 1 && bytes[0] === 0x20) ? new Uint8Array() : bytes
}

function leftOut({ from, to }: Pair): string {
  return `(the diff of ${from} and ${to} is left out, because there are too many: ask for one environment, or for one team)\n`
}
