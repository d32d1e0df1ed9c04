import { once } from 'node:events'
import type { Socket } from 'node:net'
import { connect } from 'node:net'
import { onTestFinished } from 'vitest'

export interface RawAnswer {
  readonly status: number
  readonly reason: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface Connection {
  readonly socket: Socket
  /** The next answer on the connection. Throws when it closes before. */
  readonly read: () => Promise<RawAnswer>
  /** Resolves when the server has closed the connection. */
  readonly closed: Promise<unknown>
}

/** A connection that sends what it is told to, byte for byte. Inside of a test only. */
export async function open({ port }: { readonly port: number }): Promise<Connection> {
  const socket = connect(port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  await once(socket, 'connect')
  // A server that has said enough may not want to hear the rest.
  socket.on('error', () => {})
  let text = ''
  let isClosed = false
  socket.setEncoding('latin1').on('data', (chunk) => (text += String(chunk)))
  const closed = once(socket, 'close').then(() => (isClosed = true))
  const read = async () => {
    for (;;) {
      const end = text.indexOf('\r\n\r\n')
      const head = end === -1 ? undefined : parseHead(text.slice(0, end))
      const length = Number(head?.headers['content-length'] ?? 0)
      if (head !== undefined && text.length >= end + 4 + length) {
        const body = text.slice(end + 4, end + 4 + length)
        text = text.slice(end + 4 + length)
        return { ...head, body }
      }
      if (isClosed) throw new Error(`the connection closed after '${text}'`)
      await Promise.race([once(socket, 'data'), closed])
    }
  }
  return { socket, read, closed }
}

function parseHead(text: string): Omit<RawAnswer, 'body'> {
  const [statusLine = '', ...lines] = text.split('\r\n')
  const [, status, reason = ''] = /^HTTP\/1\.1 (\d{3}) (.*)$/.exec(statusLine) ?? []
  const headers = lines.map((line) => [
    line.slice(0, line.indexOf(':')).toLowerCase(),
    line.slice(line.indexOf(':') + 1).trim(),
  ])
  return { status: Number(status), reason, headers: Object.fromEntries(headers) as Record<string, string> }
}

/** The text of a request. */
export function request(line: string, headers: readonly string[] = [], body = ''): string {
  return [`${line} HTTP/1.1`, 'Host: signalbox', ...headers, '', body].join('\r\n')
}
