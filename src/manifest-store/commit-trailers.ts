import { trailerKeys } from '../core/commit-text.ts'
import type { ParsedCommit, Person } from './git/commit.ts'
import { formatIdentity } from './git/commit.ts'

/** What the trailers of one of our commits say, by key. */
export type Trailers = ReadonlyMap<string, string>

/**
 * The trailers of a commit as `toCommitMessage` writes them. Empty for every commit whose committer is not `committer`:
 * anybody can write such lines. Only the last block counts, and only when nothing else stands in it.
 */
export function readTrailers({ committer: of, message }: ParsedCommit, committer: Person): Trailers {
  if (!isSamePerson(of, committer)) return new Map()
  const text = message.slice(0, -1)
  const blockStart = text.lastIndexOf('\n\n')
  // The last newline is the one that every commit of ours ends with; and the trailers are never all there is.
  if (!message.endsWith('\n') || blockStart < 0) return new Map()
  const trailers = new Map<string, string>()
  for (const line of text.slice(blockStart + 2).split('\n')) {
    const [, key, value] = trailer.exec(line) ?? []
    if (key === undefined || value === undefined || trailers.has(key)) return new Map()
    trailers.set(key, value)
  }
  return trailers.has(trailerKeys.request) ? trailers : new Map()
}

/** A later Signalbox may know more keys than this one. */
const trailer = /^(Signalbox-[A-Za-z-]+): (.*)$/

/** Names are compared as they stand in commits: cleaned. */
function isSamePerson(a: Person, b: Person): boolean {
  const never = new Date(0)
  return formatIdentity(a, never) === formatIdentity(b, never)
}
