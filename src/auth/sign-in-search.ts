import type { IssuerLog, IssuerMetadata } from './issuer-keys.ts'

/** Where browsers sign in at an issuer. */
export interface SignInEndpoints {
  readonly authorizationUrl: string
  readonly tokenUrl: string
}

export interface SignInSearchOptions {
  readonly issuer: string
  readonly metadata: () => Promise<IssuerMetadata>
  readonly log: IssuerLog
  /** Milliseconds between two looks: 5,000. The issuer is asked less often while it fails. */
  readonly pause?: number
}

/** Asks an issuer where browsers sign in until it says so: one that is away when the process starts need not be there before it. */
export class SignInSearch {
  readonly #options: SignInSearchOptions
  #found: SignInEndpoints | undefined
  #timer: NodeJS.Timeout | undefined
  #isClosed = false

  private constructor(options: SignInSearchOptions) {
    this.#options = options
  }

  /** Answers after the first look, whatever came of it. */
  static async start(options: SignInSearchOptions): Promise<SignInSearch> {
    const search = new SignInSearch(options)
    await search.#look()
    const { issuer, log } = options
    if (search.#found === undefined) log.warn({ issuer }, 'Swagger UI cannot sign in until the issuer says where')
    return search
  }

  /** Undefined until the issuer has said it. */
  get endpoints(): SignInEndpoints | undefined {
    return this.#found
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
  }

  async #look(): Promise<void> {
    const { issuer, metadata, log, pause = 5000 } = this.#options
    const { authorizationEndpoint, tokenEndpoint } = (await metadata().catch(() => undefined)) ?? {}
    if (authorizationEndpoint !== undefined && tokenEndpoint !== undefined) {
      this.#found = { authorizationUrl: authorizationEndpoint, tokenUrl: tokenEndpoint }
      if (this.#timer !== undefined) log.info({ issuer }, 'Swagger UI can sign in: the issuer says where')
    } else if (!this.#isClosed) {
      this.#timer = setTimeout(() => void this.#look(), pause).unref()
    }
  }
}
