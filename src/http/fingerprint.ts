import { createHash } from 'node:crypto'
import type { Prognosis } from '../core/release-train-prognosis.ts'
import { heldVersion } from '../core/release-train.ts'

/**
 * Identifies what a prognosis says: target, team, and for every environment and application the version before and the
 * version to come, or the skip cause and the version that a lock makes the train queue. Commits that touch none of it do not change it; nor do lock messages, times or
 * the form in which it is shown. 32 hex digits.
 */
export function fingerprintOf(prognosis: Prognosis): string {
  const hash = createHash('sha256')
  hash.update(JSON.stringify([prognosis.target.kind, prognosis.target.name, prognosis.team ?? null]))
  for (const { environment, outcome } of prognosis.environments) {
    hash.update(JSON.stringify(outcome.kind === 'skipped' ? [environment, outcome.cause] : [environment]))
    if (outcome.kind === 'skipped') continue
    for (const { application, deployedVersion, outcome: of } of outcome.applications) {
      const to = of.kind === 'travels' ? String(of.release.version) : `${of.cause} ${heldVersion(of) ?? ''}`
      hash.update(JSON.stringify([application, String(deployedVersion ?? ''), to]))
    }
  }
  return hash.digest('hex').slice(0, 32)
}
