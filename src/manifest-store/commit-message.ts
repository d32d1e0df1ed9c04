import type { CommitText, Trailer } from '../core/commit-text.ts'
import { trailerKeys } from '../core/commit-text.ts'

/** 16 KB: enough for a person, little enough for `git log` over years of large trains. */
const maximumBytes = 16 * 1024

export interface CommitAuthor {
  readonly name: string
  readonly email: string
}

/**
 * The message of a commit: subject, one block for each section, and the trailers, who asked and under which request
 * among them. Lines that do not fit are counted instead; each section keeps a fair share. Callers' text stands only in
 * indented lines, so that it can never be taken for a trailer.
 */
export function toCommitMessage(text: CommitText, author: CommitAuthor, requestId: string): string {
  const trailers: readonly Trailer[] = [
    ...text.trailers,
    { key: trailerKeys.principal, value: `${author.name} <${author.email}>` },
    { key: trailerKeys.request, value: requestId },
  ]
  const order = Object.values(trailerKeys)
  const trailerBlock = trailers
    .toSorted((a, b) => order.indexOf(a.key) - order.indexOf(b.key))
    .map(({ key, value }) => `${key}: ${cut(toOneLine(value), 500)}`)
    .join('\n')
  const subject = cut(toOneLine(text.subject), 500)
  let room = maximumBytes - byteLength(subject) - byteLength(trailerBlock) - 8
  const blocks = text.sections.map(({ heading, lines }, index) => {
    const share = Math.floor(room / (text.sections.length - index))
    const block = toBlock(heading, lines, share)
    room -= byteLength(block) + 2
    return block
  })
  return `${[subject, ...blocks.filter((block) => block !== ''), trailerBlock].join('\n\n')}\n`
}

function toBlock(heading: string, lines: readonly string[], maximum: number): string {
  // A colon at its end, and the indented lines below it, keep a heading from being read as a trailer.
  const head = `${cut(toOneLine(heading), 200)}:`
  const kept = [head]
  let room = maximum - byteLength(head) - 40
  if (room < 0) return ''
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
