import type { ClientRequest, IncomingMessage, OutgoingHttpHeaders, RequestOptions } from 'node:http'
import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { Socket } from 'node:net'
import { isIP } from 'node:net'
import { connect, TLSSocket } from 'node:tls'
import { withoutBrackets } from './proxy.ts'

/** The server ran out of the time that `--timeout` gives it. */
export class TimeoutError extends Error {
  override readonly name = 'TimeoutError'
}

export class AnswerTooLargeError extends Error {
  override readonly name = 'AnswerTooLargeError'
}

/** What a server answered, whatever it is. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Buffer
}

/** One request on the wire. */
export interface Exchange {
  readonly url: URL
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | undefined
  /** For all of it, from the connection to the end of the answer. */
  readonly timeoutSeconds: number
  readonly maximumAnswerBytes: number
  /** The proxy to go through; undefined for none. */
  readonly proxy: URL | undefined
  /** Told when there is a connection: from then on the server may do what it is asked for, whatever is heard of it. */
  readonly onConnect: () => void
  /** Told when the last byte of the request has left: until then the server cannot have all of it. */
  readonly onSent?: () => void
  /** In PEM, whose certificates are believed instead of those that Node believes by itself. */
  readonly certificateAuthorities?: string
  /** Ends it from outside. */
  readonly signal?: AbortSignal
}

/**
 * Asks, and reads the whole answer, whatever its status. Throws TimeoutError, AnswerTooLargeError, or what Node throws
 * when there is no answer.
 */
export async function exchange(request: Exchange): Promise<Answer> {
  const { timeoutSeconds, maximumAnswerBytes } = request
  // A timer takes at most 2^31 milliseconds.
  const timeout = AbortSignal.timeout(Math.min(timeoutSeconds * 1000, 2 ** 31 - 1))
  const signal = request.signal === undefined ? timeout : AbortSignal.any([timeout, request.signal])
  try {
    const response = await send(request, signal)
    const chunks: Buffer[] = []
    let length = 0
    for await (const chunk of response as AsyncIterable<Buffer>) {
      length += chunk.length
      if (length > maximumAnswerBytes) {
        throw new AnswerTooLargeError(`the answer is larger than ${maximumAnswerBytes} bytes`)
      }
      chunks.push(chunk)
    }
    return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }
  } catch (error) {
    if (timeout.aborted) throw new TimeoutError(`no answer within ${timeoutSeconds} s`, { cause: error })
    throw error
  }
}

/**
 * Not `fetch`: it gives up after five minutes whatever the timeout, knows no proxies, and adds headers of its own. Each
 * request has its own connection, because servers may close theirs after an error (spec 4.2).
 */
async function send(exchanged: Exchange, signal: AbortSignal): Promise<IncomingMessage> {
  const { url, method, headers, proxy, certificateAuthorities: ca } = exchanged
  const options = { method, headers: headers as OutgoingHttpHeaders, signal }
  if (url.protocol === 'https:') {
    const socket = proxy && (await openTunnel(url, proxy, signal))
    // An agent, even none, would open a connection of its own.
    const connection =
      socket === undefined
        ? { agent: false, ...(ca !== undefined && { ca }) }
        : { defaultPort: 443, createConnection: () => connectTls(url, socket, ca) }
    return answerOf(requestHttps(url, { ...options, ...connection }), exchanged)
  }
  if (proxy === undefined) return answerOf(requestHttp(url, { ...options, agent: false }), exchanged)
  const proxied = { ...headers, Host: url.host, ...proxyHeaders(proxy) }
  return answerOf(startAtProxy(proxy, { ...options, headers: proxied, path: url.href }), exchanged)
}

function answerOf(outgoing: ClientRequest, { body, onConnect, onSent }: Exchange): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    if (onSent !== undefined) outgoing.on('finish', onSent)
    outgoing.on('socket', (socket) => socket.once(socket instanceof TLSSocket ? 'secureConnect' : 'connect', onConnect))
    outgoing.on('response', resolve).on('error', reject).end(body)
  })
}

/** A connection to the server of an https address through the proxy. */
function openTunnel(url: URL, proxy: URL, signal: AbortSignal): Promise<Socket> {
  const path = `${url.hostname}:${url.port || 443}`
  const headers = { Host: path, ...proxyHeaders(proxy) }
  const outgoing = startAtProxy(proxy, { method: 'CONNECT', path, headers, signal })
  return new Promise((resolve, reject) => {
    outgoing
      .on('connect', ({ statusCode }, socket) => {
        if (statusCode === 200) return resolve(socket)
        socket.destroy()
        return reject(new Error(`the proxy ${proxy.host} answered ${statusCode ?? 0} instead of connecting`))
      })
      .on('error', reject)
      .end()
  })
}

function startAtProxy(proxy: URL, options: RequestOptions): ClientRequest {
  const start = proxy.protocol === 'https:' ? requestHttps : requestHttp
  return start({ ...options, agent: false, host: withoutBrackets(proxy.hostname), port: proxy.port })
}

function connectTls(url: URL, socket: Socket, ca: string | undefined): Socket {
  const host = withoutBrackets(url.hostname)
  return connect({ socket, host, ...(isIP(host) === 0 && { servername: host }), ...(ca !== undefined && { ca }) })
}

function proxyHeaders({ username, password }: URL): Readonly<Record<string, string>> {
  if (username === '') return {}
  const auth = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')
  return { 'Proxy-Authorization': `Basic ${auth}` }
}
