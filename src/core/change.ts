import type { ObjectId } from './object-id.ts'

/** One path of the repository and what it holds after a command. */
export interface Change {
  /** Relative, `/`-separated, without `.`, `..` or empty segments. */
  readonly path: string
  readonly content: Content
}

export type Content =
  /** A file with this UTF-8 text. */
  | { readonly kind: 'text'; readonly text: string }
  /** A file with these bytes, which have this id as a blob. */
  | { readonly kind: 'bytes'; readonly id: ObjectId; readonly bytes: Uint8Array }
  /** A file whose bytes are an object that exists already. */
  | { readonly kind: 'blob'; readonly id: ObjectId }
  /** A directory that is an object already, in the place of nothing. */
  | { readonly kind: 'tree'; readonly id: ObjectId }
  /** A symbolic link. */
  | { readonly kind: 'link'; readonly target: string }
  /** Nothing: the file, or the whole directory, is removed. */
  | { readonly kind: 'absent' }
