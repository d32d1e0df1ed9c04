/** More than any issuer's keys or answers. */
const maximumBytes = 1024 * 1024

export interface FetchOptions {
  readonly method?: 'GET' | 'POST'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** Milliseconds until the whole answer must be there. */
  readonly timeout: number
}

/** What a server answered. `body` is what its JSON says, undefined when it is none. */
export interface JsonAnswer {
  readonly status: number
  readonly body: unknown
}

/**
 * Asks a server that is trusted to be asked, and not for more: no redirect is followed, and no long answer read. Rejects with
 * what stands in the way.
 */
export async function fetchJson(url: string, { timeout, ...options }: FetchOptions): Promise<JsonAnswer> {
  const response = await fetch(url, {
    ...options,
    headers: { accept: 'application/json', ...options.headers },
    redirect: 'error',
    signal: AbortSignal.timeout(timeout),
  })
  const text = await readText(response)
  try {
    return { status: response.status, body: JSON.parse(text) as unknown }
  } catch {
    return { status: response.status, body: undefined }
  }
}

async function readText({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
    length += chunk.length
    // Leaving the loop cancels the rest.
    if (length > maximumBytes) throw new Error(`it answers more than ${maximumBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** Why it did not work, in a few words for a log: what fetch says is `fetch failed`. */
export function whyNot(error: unknown): string {
  const { cause, name, message } = error as Error & { cause?: unknown }
  if (name === 'TimeoutError') return 'it does not answer in time'
  return cause instanceof Error ? `${message}: ${cause.message}` : message
}
