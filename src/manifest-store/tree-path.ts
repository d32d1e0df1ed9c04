import { InvalidPathError } from './git-errors.ts'
import { encodeName, isNameText } from './tree-name.ts'

/**
 * The segments of a path. Throws InvalidPathError when one of them could leave its folder, cannot be checked out, or
 * is a name that `git fsck --strict` takes for git's own on some file system.
 */
export function splitPath(path: string): string[] {
  const segments = path.split('/')
  for (const segment of segments) {
    const problem = plainSegment.test(segment) ? undefined : problemOf(segment)
    if (problem !== undefined) throw new InvalidPathError(path, problem)
  }
  return segments
}

/** Nearly all segments are of this form, in which nothing can be wrong. */
const plainSegment = /^[\w-][\w.-]{0,254}$/

function problemOf(segment: string): string | undefined {
  if (segment === '') return 'it has an empty segment'
  if (segment === '.' || segment === '..') return `${segment} is not a name`
  if (segment.includes('\0') || segment.includes('\\')) return 'a name cannot contain NUL or a backslash'
  if (!isNameText(segment)) return 'a name must be valid Unicode'
  if (encodeName(segment).length > longestName) return `a name cannot be longer than ${longestName} bytes`
  if (isOneOfGits(segment)) return `${JSON.stringify(segment)} is a name of git's own`
  return undefined
}

/** What Linux's file systems take: a tree with a longer name cannot be checked out. */
const longestName = 255

/**
 * `.git`, and `.gitmodules` and `.gitattributes`, which we never write and of which git checks the content; also in the
 * spellings that lead to the same files on Windows (trailing dots, streams, short names) and macOS (invisible characters).
 */
function isOneOfGits(name: string): boolean {
  // git ends a name at its first invalid byte when it compares in the way of macOS.
  const visible = name.replaceAll(invisible, '').replace(/[\udc80-\udcff].*$/su, '')
  return ownName.test(visible) || ownNameOnWindows.test(name)
}

const ownName = /^\.git(modules|attributes)?$/i
const ownNameOnWindows =
  /^(\.git(modules|attributes)?|git~1|git(mod|att)~[1-4]|(g(i(7[a-z0-9]{0,3})?)?)?~[1-9]\d*)[. ]*(:.*)?$/is
const invisible = /[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g
