import { createTwoFilesPatch, OMIT_HEADERS } from 'diff'
import type { DiffNames } from './manifest-checker.ts'

/** Lines added and removed. The time that a diff takes grows with its square; a limit of time would not give everybody the same bytes. */
const maximumEdit = 5000
const maximumLength = 256 * 1024

/** The unified diff of two manifests, or a sentence why there is none: see ManifestChecker. */
export function diffManifests(existing: string, submitted: string, { from, to }: DiffNames): string {
  if (existing === submitted) return ''
  const hunks = createTwoFilesPatch(from, to, existing, submitted, undefined, undefined, {
    context: 3,
    headerOptions: OMIT_HEADERS,
    // What is new or gone as a whole is found in no time.
    maxEditLength: existing === '' || submitted === '' ? Infinity : maximumEdit,
  })
  const left = `(the diff of ${from} and ${to} is left out: `
  if (hunks === undefined) return `${left}they differ in more than ${maximumEdit} lines)\n`
  if (hunks.length > maximumLength) return `${left}it is larger than ${maximumLength / 1024} KB)\n`
  return `--- ${from}\n+++ ${to}\n${hunks}`
}
