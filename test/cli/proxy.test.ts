import type { IncomingMessage } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { describe, expect, it, onTestFinished } from 'vitest'
import { proxyFor } from '../../src/cli/proxy.ts'
import { runCli } from './run-cli.ts'
import { startRecordingServer } from './recording-server.ts'

const read = ['get-deployment-commit', '--environment', 'staging', '--application', 'cart']
const path = '/api/environments/staging/applications/cart/commit'

describe('which proxy is gone through', () => {
  const proxy = 'http://proxy:3128'

  it.each<[url: string, environment: Record<string, string>, expected: string | undefined]>([
    ['http://a.example.com', {}, undefined],
    ['http://a.example.com', { HTTP_PROXY: proxy }, `${proxy}/`],
    ['http://a.example.com', { http_proxy: proxy }, `${proxy}/`],
    ['http://a.example.com', { HTTP_PROXY: 'proxy:3128' }, `${proxy}/`],
    ['http://a.example.com', { HTTPS_PROXY: proxy }, undefined],
    ['https://a.example.com', { HTTPS_PROXY: proxy }, `${proxy}/`],
    ['https://a.example.com', { HTTPS_PROXY: '' }, undefined],
    ['http://localhost:8080', { HTTP_PROXY: proxy }, undefined],
    ['http://127.0.0.2', { HTTP_PROXY: proxy }, undefined],
    ['http://[::1]:8080', { HTTP_PROXY: proxy }, undefined],
    ['http://127.example.com', { HTTP_PROXY: proxy }, `${proxy}/`],
  ])('for %s with %j: %s', (url, environment, expected) => {
    expect(proxyFor(new URL(url), environment)?.href).toBe(expected)
  })

  it.each<[list: string, isNamed: boolean]>([
    ['*', true],
    ['a.example.com', true],
    ['example.com', true],
    ['.example.com', true],
    ['*.example.com', true],
    ['x, A.example.com ', true],
    ['a.example.com:443', true],
    ['a.example.com:8443', false],
    ['.a.example.com', false],
    ['ample.com', false],
    ['b.example.com', false],
    ['', false],
    [',', false],
  ])('NO_PROXY=%s', (list, isNamed) => {
    const found = proxyFor(new URL('https://a.example.com'), { HTTPS_PROXY: proxy, no_proxy: list })
    expect(found === undefined).toBe(isNamed)
  })
})

describe('what needs no proxy among addresses', () => {
  it.each<[url: string, list: string, isNamed: boolean]>([
    ['http://10.1.2.3', '10.0.0.0/8', true],
    ['http://11.1.2.3', '10.0.0.0/8', false],
    ['http://10.1.2.3:8080', 'x, 10.1.2.3', true],
    ['http://10.1.2.3:8080', '10.1.2.3:8080', true],
    ['http://10.1.2.3:8080', '10.1.2.3:80', false],
    ['http://[fd00::1]', 'fd00::1', true],
    ['http://[fd00::1]', 'FD00:0::1', true],
    ['http://[fd00::1]', '[fd00::1]', true],
    ['http://[fd00::1]:81', '[fd00::1]:80', false],
    ['http://[fd00::1]', 'fd00::/8', true],
    ['http://[fe00::1]', 'fd00::/8', false],
    ['http://[fd00::1]', '10.0.0.0/8', false],
    // None of these is a network, and none may name everything.
    ['http://10.1.2.3', '10.0.0.0/', false],
    ['http://10.1.2.3', '10.0.0.0/33', false],
    ['http://10.1.2.3', '10.0.0/8', false],
    ['http://10.example.com', '10.0.0.0/8', false],
  ])('%s with NO_PROXY=%s', (url, list, isNamed) => {
    const found = proxyFor(new URL(url), { HTTP_PROXY: 'http://proxy:3128', NO_PROXY: list })
    expect(found === undefined).toBe(isNamed)
  })
})

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
