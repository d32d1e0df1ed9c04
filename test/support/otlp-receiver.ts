import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

export interface ReceivedSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly kind: number
  readonly attributes: Readonly<Record<string, unknown>>
  readonly links: readonly string[]
  /** Of an error 2. */
  readonly statusCode: number | undefined
}

interface Attribute {
  readonly key: string
  readonly value: Readonly<Record<string, unknown>>
}

interface TracesMessage {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] }
    readonly scopeSpans: readonly {
      readonly spans: readonly (Omit<ReceivedSpan, 'attributes' | 'links'> & {
        readonly attributes: readonly Attribute[]
        readonly links?: readonly { readonly spanId: string }[]
        readonly status?: { readonly code?: number }
      })[]
    }[]
  }[]
}

/** What a collector of OpenTelemetry would receive as JSON over HTTP. Inside of a test only. */
export async function startOtlpReceiver(): Promise<{
  readonly url: string
  readonly spans: readonly ReceivedSpan[]
  readonly resources: readonly Readonly<Record<string, unknown>>[]
  readonly requests: readonly string[]
}> {
  const spans: ReceivedSpan[] = []
  const resources: Readonly<Record<string, unknown>>[] = []
  const requests: string[] = []
  const server = createServer((request, response) => {
    let body = ''
    const { 'x-tenant': tenant } = request.headers
    requests.push([request.method, request.url, tenant].flat().join(' ').trim())
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      const message = JSON.parse(body) as TracesMessage
      for (const { resource, scopeSpans } of message.resourceSpans) {
        resources.push(toRecord(resource.attributes))
        for (const { status, links = [], attributes, ...span } of scopeSpans.flatMap(({ spans: some }) => some)) {
          spans.push({
            ...span,
            attributes: toRecord(attributes),
            links: links.map(({ spanId }) => spanId),
            statusCode: status?.code,
          })
        }
      }
      response.setHeader('Content-Type', 'application/json').end('{}')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, spans, resources, requests }
}

function toRecord(attributes: readonly Attribute[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]))
}
