import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { IssuerUnavailableError } from '../../src/auth/authenticator.ts'
import { IssuerKeys } from '../../src/auth/issuer-keys.ts'

type Answer = (request: IncomingMessage, response: ServerResponse, origin: string) => void

/** The keys of an issuer that answers so. */
async function keysOf(answer: Answer) {
  const paths: string[] = []
  const server = createServer((request, response) => {
    paths.push(request.url ?? '')
    answer(request, response, origin)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const reasons: string[] = []
  const warn = (details: object) => void reasons.push((details as { reason: string }).reason)
  const log = { info: () => undefined, warn }
  const keys = new IssuerKeys({ issuer: origin, allowsHttp: false, clock: () => new Date(), log, timeout: 300 })
  return { keys, paths, reasons }
}

function json(response: ServerResponse, body: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

const ask = (keys: IssuerKeys) => keys.keyFor({ alg: 'RS256', kid: 'x' }, { payload: '', signature: '' })

describe('an issuer', () => {
  it.each<[string, Answer, RegExp]>([
    [
      'that leads elsewhere',
      (_request, response, origin) => void response.writeHead(302, { location: `${origin}/elsewhere` }).end(),
      /redirect|fetch failed/,
    ],
    ['that answers no JSON', (_request, response) => void response.end('<html>'), /answers no JSON object/],
    ['that answers null', (_request, response) => json(response, null), /answers no JSON object/],
    ['that is another one', (_request, response, origin) => json(response, { issuer: `${origin}/` }), /about another/],
    ['without keys', (_request, response, origin) => json(response, { issuer: origin }), /names no jwks_uri/],
    [
      'whose keys are on another machine without TLS',
      (_request, response, origin) => json(response, { issuer: origin, jwks_uri: 'http://keys.example.com/keys' }),
      /its jwks_uri is http: only https is safe/,
    ],
    [
      'whose keys are in a file',
      (_request, response, origin) => json(response, { issuer: origin, jwks_uri: 'file:///etc/passwd' }),
      /its jwks_uri is no address/,
    ],
    [
      'whose keys are none',
      (_request, response, origin) => json(response, { issuer: origin, jwks_uri: `${origin}/keys`, keys: 'x' }),
      /holds no keys/,
    ],
    [
      'that never stops',
      (_request, response) => {
        const chunk = Buffer.alloc(256 * 1024, ' ')
        const write = () => void (response.destroyed || response.write(chunk, write))
        write()
      },
      /answers more than|does not answer in time/,
    ],
    [
      'that stops in the middle',
      (_request, response) => void response.writeHead(200, { 'content-length': '9' }).write('{'),
      /does not answer in time/,
    ],
  ])('%s has no keys for now', async (_name, answer, reason) => {
    const { keys, paths, reasons } = await keysOf(answer)
    await expect(ask(keys)).rejects.toThrow(IssuerUnavailableError)
    expect(reasons).toEqual([expect.stringMatching(reason)])
    expect(keys.isFailing).toBe(true)
    expect(paths).not.toContain('/elsewhere')
  })

  it('is asked once for all that wait', async () => {
    const { keys, paths } = await keysOf((request, response, origin) =>
      json(response, request.url === '/keys' ? { keys: [] } : { issuer: origin, jwks_uri: `${origin}/keys` }),
    )
    const answers = await Promise.allSettled(Array.from({ length: 50 }, () => ask(keys)))
    expect(answers.every(({ status }) => status === 'rejected')).toBe(true)
    expect(paths).toEqual(['/.well-known/openid-configuration', '/keys'])
    expect(keys.isFailing).toBe(false)
  })
})
