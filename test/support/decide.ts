import { createHash } from 'node:crypto'
import type { Command, Decision, LoadedEntry } from '../../src/core/command.ts'
import { DomainError } from '../../src/core/errors.ts'
import type { ObjectId } from '../../src/core/object-id.ts'
import type { Principal } from '../../src/core/principal.ts'
import type { Snapshot } from '../../src/core/snapshot.ts'
import { aPrincipal } from './test-server.ts'
import { testTime } from './test-store.ts'

export interface Situation {
  readonly snapshot: Snapshot
  /** What stands in the repository beyond the snapshot: text by path. Directories follow from the paths. */
  readonly files?: Readonly<Record<string, string>>
  readonly principal?: Principal
  readonly now?: Date
}

/** Lets a command read and decide as the store does. */
export function decide<Result>(
  command: Command<Result>,
  { snapshot, files = {}, principal = aPrincipal({}), now = testTime }: Situation,
): Decision<Result> {
  const loaded = new Map<string, LoadedEntry>()
  const input = { snapshot, loaded, principal, now }
  for (;;) {
    const missing = command.reads(input).filter((path) => !loaded.has(path))
    if (missing.length === 0) return command.decide(input)
    for (const path of missing) loaded.set(path, toEntry(files, path))
  }
}

/** What the command throws. */
export function problemOf<Result>(command: Command<Result>, situation: Situation): DomainError['problem'] {
  try {
    decide(command, situation)
  } catch (error) {
    if (error instanceof DomainError) return error.problem
    throw error
  }
  throw new Error('nothing was thrown')
}

/** The changes as text by path: a link begins with `->`, a blob is its id, and what is removed is null. */
export function filesOf({ changes }: Pick<Decision<unknown>, 'changes'>): Record<string, string | null> {
  const files: Record<string, string | null> = {}
  for (const { path, content } of changes) {
    switch (content.kind) {
      case 'text':
        files[path] = content.text
        break
      case 'bytes':
        files[path] = new TextDecoder().decode(content.bytes)
        break
      case 'tree':
        files[path] = `tree ${content.id}`
        break
      case 'blob':
        files[path] = content.id
        break
      case 'link':
        files[path] = `-> ${content.target}`
        break
      case 'absent':
        files[path] = null
    }
  }
  return files
}

/** git's id of a file with this text. */
export function blobId(text: string): ObjectId {
  const bytes = Buffer.from(text)
  return createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex')
}

function toEntry(files: Readonly<Record<string, string>>, path: string): LoadedEntry {
  const text = files[path]
  if (text !== undefined) return { kind: 'file', bytes: Buffer.from(text) }
  const entries = new Map<string, ObjectId>()
  for (const [file, content] of Object.entries(files)) {
    if (file.startsWith(`${path}/`)) entries.set(file.slice(path.length + 1).split('/', 1)[0] ?? '', blobId(content))
  }
  return entries.size === 0 ? undefined : { kind: 'directory', entries }
}
