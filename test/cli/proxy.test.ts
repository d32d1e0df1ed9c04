import type { IncomingMessage } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { describe, expect, it, onTestFinished } from 'vitest'
import { runCli } from './run-cli.ts'
import { startRecordingServer } from './recording-server.ts'

const read = ['get-deployment-commit', '--environment', 'staging', '--application', 'cart']
const path = '/api/environments/staging/applications/cart/commit'

describe('a request through a proxy', () => {
  it('names the whole address, and says who asks the proxy', async () => {
    const proxy = await startRecordingServer({ body: '{}' })
    const result = await runCli(['--url', 'http://signalbox.example.com/base', ...read], {
      environment: { HTTP_PROXY: proxy.url.replace('//', '//me:secret@') },
    })
    expect(result).toMatchObject({ code: 0, stdout: '{}\n' })
    expect(proxy.requests).toHaveLength(1)
    expect(proxy.requests[0]).toMatchObject({
      url: `http://signalbox.example.com/base${path}`,
      headers: {
        host: 'signalbox.example.com',
        'proxy-authorization': `Basic ${Buffer.from('me:secret').toString('base64')}`,
      },
    })
  })

  it('to an https address speaks TLS with the server itself', async () => {
    let hello: Buffer = Buffer.alloc(0)
    const proxy = await startTunnel((_request, socket) => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      socket.once('data', (chunk: Buffer) => {
        hello = chunk
        socket.destroy()
      })
    })
    const { code } = await runCli(['--url', 'https://signalbox.example.com', ...read], {
      environment: { HTTPS_PROXY: proxy.url, SIGNALBOX_TOKEN: 'for-the-server-only' },
    })
    expect(code).toBe(1)
    expect(proxy.asked).toEqual([{ target: 'signalbox.example.com:443', authorization: undefined }])
    // A TLS handshake that names the server.
    expect(hello[0]).toBe(0x16)
    expect(hello.includes('signalbox.example.com')).toBe(true)
  })

  it('fails with what the proxy said', async () => {
    const proxy = await startTunnel((_request, socket) => void socket.end('HTTP/1.1 403 Forbidden\r\n\r\n'))
    const { code, stderr } = await runCli(['--url', 'https://signalbox.example.com', ...read], {
      environment: { HTTPS_PROXY: proxy.url },
    })
    expect(code).toBe(1)
    expect(stderr).toContain(`failed: the proxy ${new URL(proxy.url).host} answered 403 instead of connecting`)
  })
})

/** A proxy that is asked for tunnels. */
async function startTunnel(react: (request: IncomingMessage, socket: Duplex) => void) {
  const asked: { target: string | undefined; authorization: string | undefined }[] = []
  const server = createServer()
  server.on('connect', (request, socket) => {
    asked.push({ target: request.url, authorization: request.headers.authorization })
    react(request, socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}
