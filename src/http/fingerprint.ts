import { createHash } from 'node:crypto'
import type { EnvironmentPrognosis, Prognosis } from '../core/release-train-prognosis.ts'
import { heldVersion } from '../core/release-train.ts'

/**
 * Identifies what a prognosis says: target, team, and for every environment and application the version before and the
 * version to come, or the skip cause and the version that a lock makes the train queue; the tags, and the commit of the one that is
 * replayed, since a tag that is moved changes the plan. Commits that touch none of it do not change it; nor do lock messages, times or
 * the form in which it is shown. 32 hex digits.
 */
export function fingerprintOf({ target, team, environments, gitTag, source }: Prognosis): string {
  const tags = gitTag === undefined && source === undefined ? [] : [{ gitTag, source }]
  return digestOf([target.kind, target.name, team ?? null, ...tags, ...environments.map(environmentDigest)])
}

/** Decisions about an environment stay the same object from one prognosis to the next while they are the same. */
const digests = new WeakMap<EnvironmentPrognosis, string>()

function environmentDigest(prognosis: EnvironmentPrognosis): string {
  let digest = digests.get(prognosis)
  if (digest === undefined) digests.set(prognosis, (digest = toEnvironmentDigest(prognosis)))
  return digest
}

function toEnvironmentDigest({ environment, outcome }: EnvironmentPrognosis): string {
  if (outcome.kind === 'skipped') return digestOf([environment, outcome.cause])
  const decisions = outcome.applications.map(({ application, deployedVersion, outcome: of }) => [
    application,
    String(deployedVersion ?? ''),
    of.kind === 'travels' ? String(of.release.version) : `${of.cause} ${heldVersion(of) ?? ''}`,
  ])
  return digestOf([environment, decisions])
}

function digestOf(content: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, 32)
}
