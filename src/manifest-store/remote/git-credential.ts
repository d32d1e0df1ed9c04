import type { FixedCredentials } from './credentials.ts'
/** Runs `git credential <verb>` with this input, and answers what it printed. */
export type RunCredential = (verb: 'fill' | 'approve' | 'reject', input: string) => Promise<string>

/**
 * Git's own credential helpers (gitcredentials(7)), for what we ask of a server ourselves. Which ones is written in the user's git
 * config, as for every git on this machine.
 */
export class GitCredentialHelpers {
  readonly #run: RunCredential
  readonly #description: string

  /** `username` chooses among several accounts; undefined when there is one. */
  constructor(run: RunCredential, base: URL, username: string | undefined) {
    this.#run = run
    this.#description = [
      `protocol=${base.protocol.replace(/:$/u, '')}`,
      `host=${base.host}`,
      `path=${base.pathname.replace(/^\//u, '')}`,
      ...(username === undefined ? [] : [`username=${username}`]),
      '',
    ].join('\n')
  }

  /** What they know; undefined when they know nothing. */
  async fill(): Promise<FixedCredentials | undefined> {
    const end = await this.#run('fill', this.#description).catch(() => undefined)
    const values = new Map(
      (end ?? '').split('\n').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    )
    const username = values.get('username')
    const password = values.get('password')
    return username === undefined || password === undefined ? undefined : { username, password }
  }

  /** Lets them keep what the server took. */
  async approve(credentials: FixedCredentials): Promise<void> {
    await this.#tell('approve', credentials)
  }

  /** Lets them forget what the server did not take. */
  async reject(credentials: FixedCredentials): Promise<void> {
    await this.#tell('reject', credentials)
  }

  /** Whether they listen is their affair. */
  async #tell(verb: 'approve' | 'reject', { username, password }: FixedCredentials): Promise<void> {
    const lines = this.#description.split('\n').filter((line) => line !== '' && !line.startsWith('username='))
    const input = [...lines, `username=${username}`, `password=${password}`, ''].join('\n')
    await this.#run(verb, input).catch(() => undefined)
  }
}
