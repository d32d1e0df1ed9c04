import type { ObjectId } from '../../core/object-id.ts'
import { MalformedObjectError } from './git-errors.ts'
import { isObjectId } from './git-object.ts'

export interface Person {
  readonly name: string
  readonly email: string
}

/** A person in a commit, and when. */
export interface Identity extends Person {
  /** The epoch when the commit says nothing that is a time: what git shows then. */
  readonly time: Date
  /** Minutes east of Greenwich where it was written. */
  readonly offsetMinutes: number
}

export interface ParsedCommit {
  readonly tree: ObjectId
  readonly parents: readonly ObjectId[]
  readonly author: Identity
  readonly committer: Identity
  /** Everything after the headers, final newline included. */
  readonly message: string
}

export interface CommitFields {
  readonly tree: ObjectId
  readonly parents: readonly ObjectId[]
  readonly author: Person
  readonly authoredAt: Date
  readonly committer: Person
  readonly committedAt: Date
  readonly message: string
}

/**
 * Reads a commit object, whoever made it: unknown headers are passed over, text in another encoding than UTF-8 is read
 * in that, and an odd time is no failure. Throws MalformedObjectError when there is no tree, author or committer, or
 * an id is none.
 */
export function parseCommit(data: Uint8Array): ParsedCommit {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.length)
  const headerEnd = bytes.indexOf('\n\n')
  const headerBytes = headerEnd < 0 ? bytes : bytes.subarray(0, headerEnd)
  const encoding = /^encoding (.+)$/m.exec(headerBytes.toString('latin1'))?.[1]
  const headers = decode(headerBytes, encoding).split('\n')
  const tree = headers[0]?.startsWith('tree ') ? headers[0].slice(5) : ''
  const parents: ObjectId[] = []
  while (headers[parents.length + 1]?.startsWith('parent ')) parents.push(headers[parents.length + 1]?.slice(7) ?? '')
  if (![tree, ...parents].every(isObjectId)) throw new MalformedObjectError('malformed commit: no id where one must be')
  return {
    tree,
    parents,
    author: parseIdentity(headers, 'author '),
    committer: parseIdentity(headers, 'committer '),
    message: headerEnd < 0 ? '' : decode(bytes.subarray(headerEnd + 2), encoding),
  }
}

function decode(bytes: Buffer, encoding: string | undefined): string {
  if (encoding === undefined) return bytes.toString('utf8')
  try {
    return new TextDecoder(encoding, { ignoreBOM: true }).decode(bytes)
  } catch {
    // An encoding nobody knows: what is ASCII in it is readable still.
    return bytes.toString('utf8')
  }
}

function parseIdentity(headers: readonly string[], field: string): Identity {
  const line = headers.find((header) => header.startsWith(field))?.slice(field.length)
  const mailStart = line?.indexOf('<') ?? -1
  const mailEnd = line?.indexOf('>', mailStart) ?? -1
  if (line === undefined || mailStart < 0 || mailEnd < 0) {
    throw new MalformedObjectError(`malformed commit: no ${field.trim()}`)
  }
  // Like git, look for the time behind the last bracket: broken addresses contain several.
  const when = /^ *(\d+)(?: +([+-])(\d{2})(\d{2}))?/.exec(line.slice(line.lastIndexOf('>') + 1))
  const time = new Date(Number(when?.[1] ?? 0) * 1000)
  const offset = Number(when?.[3] ?? 0) * 60 + Number(when?.[4] ?? 0)
  return {
    name: line.slice(0, mailStart).trim(),
    email: line.slice(mailStart + 1, mailEnd),
    time: Number.isNaN(time.getTime()) ? new Date(0) : time,
    offsetMinutes: when?.[2] === '-' ? -offset : offset,
  }
}

/**
 * A commit object that `git fsck --strict` accepts, whatever the names and the message hold: names are cleaned (see
 * `formatIdentity`), the message loses its NULs and ends with exactly one newline. Throws MalformedObjectError when an
 * id is none, RangeError for an invalid date.
 */
export function serializeCommit(fields: CommitFields): Uint8Array {
  const { tree, parents } = fields
  if (![tree, ...parents].every(isObjectId))
    throw new MalformedObjectError('a commit needs the ids of tree and parents')
  const lines = [
    `tree ${tree}`,
    ...parents.map((parent) => `parent ${parent}`),
    `author ${formatIdentity(fields.author, fields.authoredAt)}`,
    `committer ${formatIdentity(fields.committer, fields.committedAt)}`,
    '',
    `${withoutFinalNewlines(fields.message.replaceAll('\0', ''))}\n`,
  ]
  return Buffer.from(lines.join('\n'), 'utf8')
}

/** A regular expression would take quadratic time for a message with many newlines. */
function withoutFinalNewlines(text: string): string {
  let end = text.length
  while (text[end - 1] === '\n') end -= 1
  return text.slice(0, end)
}

/**
 * `name <email> seconds +0000`, as it stands in commits and reflogs. Name and e-mail are cleaned the way git cleans
 * them; a name of which nothing is left becomes what stands before the @, or else `unknown`. Times before 1970 become
 * 1970, which is as early as git goes. Throws RangeError for an invalid date.
 */
export function formatIdentity(person: Person, time: Date): string {
  const seconds = Math.max(0, Math.floor(time.getTime() / 1000))
  if (Number.isNaN(seconds)) throw new RangeError('a commit needs a valid date')
  const { name, email } = cleanPerson(person)
  return `${name} <${email}> ${seconds} +0000`
}

/** Name and e-mail as `formatIdentity` writes them. */
export function cleanPerson(person: Person): Person {
  const email = clean(person.email)
  const name = clean(person.name) || clean(email.split('@')[0] ?? '') || 'unknown'
  return { name, email }
}

/** git's rule (ident.c): some characters may not stand anywhere, and "crud" may not stand at either end. */
function clean(text: string): string {
  const allowed = text.replaceAll(/[<>\p{Cc}]/gu, '')
  let start = 0
  let end = allowed.length
  while (start < end && isCrud(allowed, start)) start += 1
  while (start < end && isCrud(allowed, end - 1)) end -= 1
  return allowed.slice(start, end)
}

function isCrud(text: string, at: number): boolean {
  return text.charCodeAt(at) <= 0x20 || '.,:;<>"\\\''.includes(text[at] ?? '')
}
