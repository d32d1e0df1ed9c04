import { readFile } from 'node:fs/promises'
import { ConfigError } from './config.ts'

/** A secret, or the file with it, which `variable` names. Throws ConfigError when there is none in that. */
export async function readSecret(
  variable: string,
  secret: { readonly value: string } | { readonly file: string },
): Promise<string> {
  if ('value' in secret) return secret.value
  const text = await readFile(secret.file, 'utf8').catch((error: unknown) => {
    throw new ConfigError([`${variable} cannot be read: ${(error as Error).message}`])
  })
  const line = text.replace(/\r?\n$/, '')
  if (/^\P{Cc}+$/u.test(line)) return line
  throw new ConfigError([`${variable} must name a file with one line of text: ${secret.file}`])
}
