import { open } from 'node:fs/promises'
import { RemoteError } from './git-remote.ts'

/** What we are known by, when it is configured. */
export interface FixedCredentials {
  readonly username: string
  readonly password: string
}

export interface CredentialOptions {
  /** Undefined where any name will do beside a token, and for helpers to choose. */
  readonly username: string | undefined
  readonly token: { readonly value: string } | { readonly file: string } | undefined
}

/** GitHub, GitLab, Gitea and others look at the token alone; Basic authentication must have some name. */
const anyUsername = 'x-access-token'
const maximumTokenBytes = 64 * 1024

/** Reads the file each time: a token that is rotated is used from then on. Throws RemoteError when there is none in it. */
export async function readFixedCredentials({
  username = anyUsername,
  token,
}: CredentialOptions): Promise<FixedCredentials | undefined> {
  if (token === undefined) return undefined
  return { username, password: 'value' in token ? token.value : await readToken(token.file) }
}

async function readToken(path: string): Promise<string> {
  const text = await readStart(path).catch((cause: unknown) => {
    const { code = 'unreadable' } = cause as NodeJS.ErrnoException
    throw new RemoteError(
      'REMOTE_DENIED',
      `the file ${path} in SIGNALBOX_GIT_TOKEN_FILE cannot be read (${code}). It must hold the token, and be readable for this user`,
      { cause },
    )
  })
  const token = text.trim()
  if (/^[\u0021-\u007e]+$/u.test(token) && text.length < maximumTokenBytes) return token
  throw new RemoteError(
    'REMOTE_DENIED',
    `the file ${path} in SIGNALBOX_GIT_TOKEN_FILE must hold a token and nothing else: one line without spaces`,
  )
}

/** Not all of it: it may be any file. */
async function readStart(path: string): Promise<string> {
  const file = await open(path)
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(maximumTokenBytes), 0, maximumTokenBytes, 0)
    return buffer.toString('utf8', 0, bytesRead)
  } finally {
    await file.close()
  }
}

/** The forms in which they may be seen, and must not be. */
export function secretsOf(credentials: FixedCredentials | undefined): readonly string[] {
  if (credentials === undefined) return []
  const { password } = credentials
  return [password, encodeURIComponent(password), toBasic(credentials)]
}

export function toBasic({ username, password }: FixedCredentials): string {
  return Buffer.from(`${username}:${password}`).toString('base64')
}
