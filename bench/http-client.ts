import { Agent, request } from 'node:http'

export interface Answer {
  readonly status: number
  readonly entityTag: string | undefined
  /** Milliseconds until the head of the answer was there, and until all of it was. */
  readonly firstByteAfter: number
  readonly completeAfter: number
  text(): string
}

export interface RequestOptions {
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** Requests over connections that stay open, with little work of its own beside the server that is measured. */
export class HttpClient {
  readonly #url: string
  readonly #agent = new Agent({ keepAlive: true, maxSockets: Infinity, scheduling: 'lifo' })

  constructor(url: string) {
    this.#url = url
  }

  send(method: string, path: string, { body, headers = {} }: RequestOptions = {}): Promise<Answer> {
    const start = performance.now()
    const content =
      body === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) }
    return new Promise((resolve, reject) => {
      const sent = request(`${this.#url}${path}`, { method, agent: this.#agent, headers: { ...content, ...headers } })
      sent.once('error', reject)
      sent.once('response', (response) => {
        const firstByteAfter = performance.now() - start
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.once('error', reject)
        response.once('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            entityTag: response.headers.etag,
            firstByteAfter,
            completeAfter: performance.now() - start,
            text: () => Buffer.concat(chunks).toString('utf8'),
          }),
        )
      })
      sent.end(body)
    })
  }

  close(): void {
    this.#agent.destroy()
  }
}
