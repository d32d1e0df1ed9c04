import type { InvalidName } from './errors.ts'
import { DomainError } from './errors.ts'
import { byteLengthOf } from './names.ts'
import type { ObjectId } from './object-id.ts'
import type { Snapshot } from './snapshot.ts'

/** What stands at the name of a git tag. */
export type TagState =
  /** Nothing: it can be created. */
  | { readonly kind: 'absent' }
  /** A commit, annotated tags followed to their end. */
  | { readonly kind: 'commit'; readonly commit: ObjectId }
  /** What is no tag of a commit, and in the way of one. `reason` goes on after the tag's name: `names a tree`. */
  | { readonly kind: 'unusable'; readonly reason: string }

/** The tags that a decision asks about. */
export interface TagNames {
  /** What it makes is to get this tag. */
  readonly created: string | undefined
  /** It goes back to the commit of this one. */
  readonly source: string | undefined
}

/** What is known of them. */
export interface KnownTags {
  readonly created?: TagState
  readonly source?: SourceTag
}

export type SourceTag =
  | Exclude<TagState, { kind: 'commit' }>
  /** With everything known at that commit. */
  | { readonly kind: 'commit'; readonly commit: ObjectId; readonly snapshot: Snapshot }

/** The tag's name as it stands in a request: with or without `refs/tags/`. Undefined when it is empty or absent. */
export function toTagName(text: string | undefined): string | undefined {
  return text?.replace(/^refs\/tags\//u, '') || undefined
}

/**
 * Whether a tag may have this name: the rules of `git check-ref-format` and of `git tag`, no white space beyond ASCII's either, and
 * short enough for a file and a line.
 */
export function isValidTagName(name: string): boolean {
  return name !== '' && name !== '@' && name !== 'HEAD' && byteLengthOf(name) <= 200 && !forbidden.test(name)
}

const forbidden = /[\p{Cc}\p{Cs}\s~^:?*[\\]|\.\.|@\{|\/\/|(^|\/)\.|\.lock(\/|$)|[/.]$|^[-/]/u

const tagRule =
  'at most 200 bytes, as git takes it: without spaces and any of ~^:?*[\\, without `..`, `@{` and `//`, no part beginning with a ' +
  'dot or ending in .lock, not beginning with - or /, and not ending with / or a dot'

/** What is wrong with the names. */
export function invalidTagNames(names: TagNames): readonly InvalidName[] {
  const given = [
    { parameter: 'gitTag', value: names.created },
    { parameter: 'sourceGitTag', value: names.source },
  ]
  return given.flatMap(({ parameter, value }) =>
    value === undefined || isValidTagName(value) ? [] : [{ parameter, value, rule: tagRule }],
  )
}

/** Throws TAG_EXISTS unless the tag can be created. */
export function assertFree(name: string, state: TagState | undefined): void {
  if (state?.kind === 'absent') return
  if (state === undefined) throw new Error(`nobody looked whether there is a tag '${name}'`)
  const what = state.kind === 'commit' ? `exists already, at commit ${state.commit}` : state.reason
  throw new DomainError({ code: 'TAG_EXISTS', tag: name }, `the git tag '${name}' ${what}: nothing was done`)
}

/** The commit that the tag leads to, and what was known there. Throws UNKNOWN_TAG and TAG_UNUSABLE. */
export function findSource(name: string, tag: SourceTag | undefined): Extract<SourceTag, { kind: 'commit' }> {
  switch (tag?.kind) {
    case 'commit':
      return tag
    case 'absent':
      throw new DomainError({ code: 'UNKNOWN_TAG', tag: name }, `there is no git tag '${name}'`)
    case 'unusable':
      throw new DomainError({ code: 'TAG_UNUSABLE', tag: name }, `the git tag '${name}' ${tag.reason}`)
    case undefined:
      throw new Error(`nobody looked where the tag '${name}' leads`)
  }
}
