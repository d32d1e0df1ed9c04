import type { CommitText, Trailer } from '../core/commit-text.ts'
import { trailerKeys } from '../core/commit-text.ts'
import { cleanPerson } from './git/commit.ts'

/** 16 KB: enough for a person, little enough for `git log` over years of large trains. */
const maximumBytes = 16 * 1024

export interface CommitAuthor {
  readonly name: string
  readonly email: string
  /** Nobody has checked that it is them. */
  readonly isClaimed?: boolean
}

/**
 * The message of a commit: subject, one block for each section, and the trailers, who asked and under which request
 * among them. Lines and sections that do not fit are counted instead; each section keeps a fair share. Callers' text
 * stands only in indented lines and behind our keys, so that it can never be taken for a trailer.
 */
export function toCommitMessage(text: CommitText, author: CommitAuthor, requestId: string): string {
  const trailers: readonly Trailer[] = [
    ...text.trailers,
    { key: trailerKeys.principal, value: toPrincipalValue(author) },
    { key: trailerKeys.request, value: requestId },
  ]
  const order = Object.values(trailerKeys)
  const trailerBlock = trailers
    .toSorted((a, b) => order.indexOf(a.key) - order.indexOf(b.key))
    .map(({ key, value }) => `${key}: ${cut(toOneLine(value), 500)}`)
    .join('\n')
  const subject = cut(toOneLine(text.subject), 500)
  const room = maximumBytes - byteLength(subject) - byteLength(trailerBlock) - 8
  return `${[subject, ...toBlocks(text.sections, room), trailerBlock].join('\n\n')}\n`
}

/** How the principal ends when nobody has checked who it is. */
export const claimedMark = '> (claimed)'

/** Cleaned as in the author line: no name can look as if it were checked, or claimed. */
function toPrincipalValue(author: CommitAuthor): string {
  const { name, email } = cleanPerson(author)
  return `${cut(name, 200)} <${cut(email, 200)}>${author.isClaimed === true ? claimedMark.slice(1) : ''}`
}

/** With less, a section could not say more than its heading: then rather none of it. */
const smallestShare = 400

function toBlocks(sections: CommitText['sections'], maximum: number): readonly string[] {
  const blocks: string[] = []
  // Keeps enough for the last line.
  let room = maximum - 40
  for (const [index, { heading, lines }] of sections.entries()) {
    const remaining = sections.length - index
    const block = toBlock(heading, lines, Math.max(Math.floor(room / remaining), smallestShare))
    if (byteLength(block) + 2 > room) {
      blocks.push(`and ${remaining} more sections`)
      break
    }
    blocks.push(block)
    room -= byteLength(block) + 2
  }
  return blocks
}

function toBlock(heading: string, lines: readonly string[], maximum: number): string {
  // git ends a message at a line that begins with ---, and takes one that begins with # for a comment.
  const head = `${cut(toOneLine(heading), 80).replace(/^(?=---|#)/u, ' ')}:`
  const kept = [head]
  let room = maximum - byteLength(head) - 40
  for (const [index, line] of lines.entries()) {
    const indented = `  ${cut(toOneLine(line), 1000)}`
    room -= byteLength(indented) + 1
    if (room < 0) {
      kept.push(`  and ${lines.length - index} more`)
      break
    }
    kept.push(indented)
  }
  return kept.join('\n')
}

function toOneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim()
}

function cut(text: string, maximum: number): string {
  const characters = Array.from(text)
  return characters.length <= maximum ? text : `${characters.slice(0, maximum - 1).join('')}…`
}

function byteLength(text: string): number {
  return Buffer.byteLength(text)
}
