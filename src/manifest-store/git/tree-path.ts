import { InvalidPathError } from './git-errors.ts'
import { encodeName, isNameText } from './tree-name.ts'

/** A path in a tree: the names of the directories on the way, and the last name. */
export interface TreePath {
  readonly directories: readonly string[]
  readonly name: string
  /** The directories as text, with a final slash. */
  readonly prefix: string
}

/**
 * Takes a path apart. Throws InvalidPathError when one of its names could leave its folder, cannot be checked out, or is
 * one that `git fsck --strict` takes for git's own on some file system. Long lists of paths mostly stay in a directory
 * for several: when the path before is given, its directories are shared instead of split again.
 */
export function splitPath(path: string, before?: TreePath): TreePath {
  const prefix = path.slice(0, path.lastIndexOf('/') + 1)
  const name = path.slice(prefix.length)
  assertName(name, path)
  if (prefix === before?.prefix) return { directories: before.directories, name, prefix }
  const directories = prefix.split('/').slice(0, -1)
  for (const directory of directories) assertName(directory, path)
  return { directories, name, prefix }
}

function assertName(name: string, path: string): void {
  const problem = plainName.test(name) ? undefined : problemOf(name)
  if (problem !== undefined) throw new InvalidPathError(path, problem)
}

/** Nearly all names are of this form, in which nothing can be wrong. */
const plainName = /^[\w-][\w.-]{0,254}$/

function problemOf(name: string): string | undefined {
  if (name === '') return 'it has an empty segment'
  if (name === '.' || name === '..') return `${name} is not a name`
  if (name.includes('\0') || name.includes('\\')) return 'a name cannot contain NUL or a backslash'
  if (!isNameText(name)) return 'a name must be valid Unicode'
  if (encodeName(name).length > longestName) return `a name cannot be longer than ${longestName} bytes`
  if (isOneOfGits(name)) return `${JSON.stringify(name)} is a name of git's own`
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
