import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Server } from 'node:net'
import { connect } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Exchange } from '../../src/network/exchange.ts'
import { exchange } from '../../src/network/exchange.ts'
import { startRecordingServer } from '../cli/recording-server.ts'
import { selfSigned } from '../support/self-signed.ts'

describe('a request', () => {
  it('says when it is connected, and when all of it has left', async () => {
    const { url, requests } = await startRecordingServer({ body: 'ok' })
    const events: string[] = []
    const answer = await exchange(
      aRequest(url, {
        body: Buffer.from('hello'),
        onConnect: () => events.push('connected'),
        onSent: () => events.push('sent'),
      }),
    )
    expect(answer).toMatchObject({ status: 200, body: Buffer.from('ok') })
    expect(requests.map(({ body }) => body.toString())).toEqual(['hello'])
    expect(events).toEqual(['connected', 'sent'])
  })

  it('does not say that it has left when nobody took it', async () => {
    const server = createServer((incoming) => incoming.once('data', () => incoming.destroy()))
    const events: string[] = []
    const request = aRequest(await listen(server), {
      body: Buffer.alloc(30_000_000),
      onSent: () => events.push('sent'),
    })
    await expect(exchange(request)).rejects.toThrow(/EPIPE|ECONNRESET|hang up/)
    expect(events).toEqual([])
  })

  it('can be broken off from outside', async () => {
    const closing = new AbortController()
    const { url } = await startRecordingServer(() => closing.abort())
    await expect(exchange(aRequest(url, { signal: closing.signal }))).rejects.toMatchObject({ name: 'AbortError' })
  })

  it.each(['directly', 'through a proxy'])('believes the certificates that it is told to believe, %s', async (way) => {
    const url = await listen(
      createTlsServer(selfSigned, (_, response) => response.end('ok')),
      'https',
    )
    const proxy = way === 'directly' ? undefined : new URL(await startTunnel())
    await expect(exchange(aRequest(url, { proxy }))).rejects.toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' })
    const answer = await exchange(aRequest(url, { proxy, certificateAuthorities: selfSigned.cert }))
    expect(answer.body.toString()).toBe('ok')
  })
})

function aRequest(url: string, more: Partial<Exchange> = {}): Exchange {
  return {
    url: new URL(url),
    method: 'POST',
    headers: {},
    body: undefined,
    timeoutSeconds: 30,
    maximumAnswerBytes: 1000,
    proxy: undefined,
    onConnect: () => undefined,
    ...more,
  }
}

async function listen(server: Server, scheme = 'http'): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** A proxy that connects with whatever it is asked for. */
function startTunnel(): Promise<string> {
  const server = createServer()
  server.on('connect', ({ url = '' }, socket) => {
    const target = connect(Number(url.split(':')[1]), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      socket.pipe(target).pipe(socket)
    })
    target.on('error', () => socket.destroy())
    socket.on('error', () => target.destroy())
  })
  return listen(server)
}
