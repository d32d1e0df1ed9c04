import type { FixedCredentials } from './credentials.ts'
import type { GitCredentialHelpers } from './git-credential.ts'

/**
 * Who we say we are to one server: what is configured, from the first request on; else what git's helpers know, from the
 * moment that the server asks.
 */
export class HttpAuthorization {
  readonly #readFixed: () => Promise<FixedCredentials | undefined>
  readonly #helpers: GitCredentialHelpers
  #fromHelper: { readonly credentials: FixedCredentials; isApproved: boolean } | undefined

  constructor(readFixed: () => Promise<FixedCredentials | undefined>, helpers: GitCredentialHelpers) {
    this.#readFixed = readFixed
    this.#helpers = helpers
  }

  /** What to send; undefined for nothing. */
  async current(): Promise<FixedCredentials | undefined> {
    return (await this.#readFixed()) ?? this.#fromHelper?.credentials
  }

  /** Others than the server has just not taken; undefined when there are none. */
  async another(refused: FixedCredentials | undefined): Promise<FixedCredentials | undefined> {
    const fixed = await this.#readFixed()
    // A file may have been written meanwhile.
    if (fixed !== undefined) return isSame(fixed, refused) ? undefined : fixed
    const wasFromHelper = this.#fromHelper !== undefined
    if (refused !== undefined) await this.#helpers.reject(refused)
    this.#fromHelper = undefined
    const filled = await this.#helpers.fill()
    // Helpers that cannot forget know the same again.
    if (filled === undefined || (wasFromHelper && isSame(filled, refused))) return undefined
    this.#fromHelper = { credentials: filled, isApproved: false }
    return filled
  }

  /** To be called when the server took them. */
  async taken(credentials: FixedCredentials | undefined): Promise<void> {
    const known = this.#fromHelper
    if (known === undefined || credentials !== known.credentials || known.isApproved) return
    known.isApproved = true
    await this.#helpers.approve(known.credentials)
  }
}

function isSame(one: FixedCredentials, other: FixedCredentials | undefined): boolean {
  return one.username === other?.username && one.password === other.password
}
