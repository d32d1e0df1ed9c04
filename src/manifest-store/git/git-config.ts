import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hasCode } from './durable-file.ts'

/** The variables of a repository's config by `section.name` in lower case, without subsections. The last value counts. */
export type GitConfig = ReadonlyMap<string, string>

/** Reads the config of a repository; one without a config has no variables. Includes are not followed. */
export async function readGitConfig(gitDirectory: string): Promise<GitConfig> {
  try {
    return parseGitConfig(await readFile(join(gitDirectory, 'config'), 'utf8'))
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return new Map()
    throw error
  }
}

/** The syntax of git-config(1). People write these files too, so a header may share its line with a variable. */
export function parseGitConfig(text: string): GitConfig {
  const variables = new Map<string, string>()
  let section: string | undefined
  for (const line of text.replaceAll(/\\\r?\n/g, '').split('\n')) {
    const header = /^\s*\[([a-z0-9.-]+)\s*("(?:[^"\\]|\\.)*")?\]/i.exec(line)
    if (header !== null) section = header[2] === undefined ? header[1]?.toLowerCase() : undefined
    const [, name, , value] = /^\s*([a-z][a-z0-9-]*)\s*($|[#;]|=(.*))/i.exec(line.slice(header?.[0].length ?? 0)) ?? []
    if (section === undefined || name === undefined) continue
    // A variable without a value is a true boolean.
    variables.set(`${section}.${name.toLowerCase()}`, value === undefined ? 'true' : parseValue(value))
  }
  return variables
}

function parseValue(text: string): string {
  let value = ''
  let isQuoted = false
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charAt(at)
    if (character === '"') isQuoted = !isQuoted
    else if (!isQuoted && (character === '#' || character === ';')) break
    else if (character === '\\') value += text.charAt((at += 1))
    else value += character
  }
  return value.trim()
}

/** What git takes for true: some words, and every number but zero. */
export function isTrue(value: string): boolean {
  return /^(true|yes|on)$/i.test(value) || (/^[-+]?\d+$/.test(value) && Number(value) !== 0)
}
