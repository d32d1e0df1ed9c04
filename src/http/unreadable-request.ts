import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyBaseLogger } from 'fastify'
import { problemMediaType, RequestError, toProblem, toProblemJson } from './problem.ts'

/** The last request of each connection, and the answer to it. */
export type LastRequests = WeakMap<Socket, { readonly request: IncomingMessage; readonly response: ServerResponse }>

/**
 * What Node itself could not read never reaches a route; its answer has to be written by hand. A request that arrived
 * whole keeps its answer, whatever follows it on the connection: it may be writing already.
 */
export function createUnreadableRequestHandler(lastRequests: LastRequests, log: FastifyBaseLogger) {
  return (error: Error & { code?: string }, socket: Socket): void => {
    if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
    const last = lastRequests.get(socket)
    if (last !== undefined && last.request.complete && !last.response.writableFinished) {
      last.response.shouldKeepAlive = false
      last.response.once('finish', () => socket.destroySoon())
      return
    }
    const requestId = randomUUID()
    const problem = toProblem(toRequestError(error))
    log.info({ reqId: requestId, cause: error.code, status: problem.status }, `unreadable request ${problem.status}`)
    const body = toProblemJson(problem, requestId)
    socket.end(
      [
        `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
        `Content-Type: ${problemMediaType}`,
        `Content-Length: ${Buffer.byteLength(body)}`,
        'Cache-Control: no-store',
        'X-Content-Type-Options: nosniff',
        `X-Request-Id: ${requestId}`,
        'Connection: close',
        '',
        body,
      ].join('\r\n'),
    )
  }
}

function toRequestError({ code = '' }: { readonly code?: string }): RequestError {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new RequestError('HEADERS_TOO_LARGE', 'the URL and the headers together are larger than 16 KB')
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new RequestError('REQUEST_TIMEOUT', 'the request took too long to arrive')
    case 'HPE_INVALID_EOF_STATE':
      return new RequestError('REQUEST_TIMEOUT', 'the connection closed before the whole request had arrived')
    default:
      return new RequestError('INVALID_REQUEST', 'this is no HTTP request that can be read')
  }
}
