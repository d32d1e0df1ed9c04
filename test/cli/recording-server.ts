import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import type { MessageType } from '../../src/protobuf/messages.ts'
import { toBinary } from '../../src/protobuf/messages.ts'

/** What a client sent, byte for byte. */
export interface RecordedRequest {
  readonly method: string
  /** As it stands in the request, with the query. */
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

export interface CannedAnswer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
}

/** A canned answer, or what is done with the request instead. */
export type Reaction = CannedAnswer | ((request: RecordedRequest, response: ServerResponse) => void)

export interface RecordingServer {
  readonly url: string
  readonly requests: readonly RecordedRequest[]
}

/** Answers the first request with the first reaction and so on; the last one stays. Inside of a test only. */
export async function startRecordingServer(...reactions: readonly Reaction[]): Promise<RecordingServer> {
  const requests: RecordedRequest[] = []
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('end', () => {
      const { method = '', url = '', headers } = incoming
      const request = { method, url, headers, body: Buffer.concat(chunks) }
      const reaction = reactions[Math.min(requests.length, reactions.length - 1)] ?? {}
      requests.push(request)
      if (typeof reaction === 'function') reaction(request, response)
      else response.writeHead(reaction.status ?? 200, reaction.headers).end(reaction.body)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests }
}

export function aMessage<Message extends object>(
  type: MessageType<Message>,
  message: NoInfer<Message>,
  status = 200,
): CannedAnswer {
  return { status, headers: { 'Content-Type': 'application/x-protobuf' }, body: toBinary(type, message) }
}

export function aProblem(status: number, code: string, detail: string, more: object = {}): CannedAnswer {
  const body = JSON.stringify({ type: 'about:blank', status, code, detail, requestId: 'request-1', ...more })
  return { status, headers: { 'Content-Type': 'application/problem+json' }, body }
}
