import { once } from 'node:events'
import type { IncomingHttpHeaders, RequestListener, Server } from 'node:http'
import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { BranchUpdate, WebhookLog, WebhookOptions } from '../src/argo-cd-webhook.ts'
import { ArgoCdWebhook } from '../src/argo-cd-webhook.ts'
import { selfSigned } from './support/self-signed.ts'

interface Push {
  readonly ref: string
  readonly before: string
  readonly after: string
  readonly repository: { readonly html_url: string; readonly default_branch: string }
  readonly commits: readonly { readonly id: string; readonly modified: readonly string[] }[]
}

interface Received {
  readonly request: string
  readonly headers: IncomingHttpHeaders
  readonly push: Push
}

/** A server in the place of Argo CD; `answer` comes after the whole request was read. */
async function serve(answer: RequestListener = (_, response) => response.end(), isTls = false) {
  const received: Received[] = []
  const listener: RequestListener = (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const push = JSON.parse(Buffer.concat(chunks).toString()) as Push
      received.push({ request: `${request.method} ${request.url}`, headers: request.headers, push })
      answer(request, response)
    })
  }
  const server: Server = isTls ? createTlsServer(selfSigned, listener) : createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { received, url: `${isTls ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

function aWebhook(server: string, options: Partial<WebhookOptions> = {}) {
  const log = { info: vi.fn<WebhookLog['info']>(), warn: vi.fn<WebhookLog['warn']>() }
  const webhook = new ArgoCdWebhook({
    server,
    isInsecure: false,
    webUrl: 'https://git.example.com/shop/manifests',
    log,
    ...options,
  })
  onTestFinished(() => webhook.close(0))
  return { webhook, problems: () => log.warn.mock.calls.map(([, message]) => message), log }
}

function anUpdate(number: number, ...changedPaths: readonly string[]): BranchUpdate {
  const commit = (of: number) => String(of).padStart(40, '0')
  return { branch: 'main', before: number === 1 ? undefined : commit(number - 1), after: commit(number), changedPaths }
}

const cart = 'environments/staging/applications/cart/manifests/manifests.yaml'
const web = 'environments/staging/applications/web/manifests/manifests.yaml'

describe('a push', () => {
  it('is told as GitHub tells one', async () => {
    const { received, url } = await serve()
    const { webhook, problems } = aWebhook(`${url}/argo/`)
    webhook.announce(anUpdate(1, cart))
    await webhook.close()
    expect(received).toEqual([
      {
        request: 'POST /argo/api/webhook',
        headers: expect.objectContaining({ 'content-type': 'application/json', 'x-github-event': 'push' }) as object,
        push: {
          ref: 'refs/heads/main',
          before: '0000000000000000000000000000000000000000',
          after: '0000000000000000000000000000000000000001',
          repository: { html_url: 'https://git.example.com/shop/manifests', default_branch: 'main' },
          commits: [{ id: '0000000000000000000000000000000000000001', added: [], removed: [], modified: [cart] }],
        },
      },
    ])
    expect(problems()).toEqual([])
  })

  it('is told together with all others that came while one was being told', async () => {
    const held: (() => void)[] = []
    const { received, url } = await serve((_, response) => void held.push(() => response.end()))
    const { webhook } = aWebhook(url)
    webhook.announce(anUpdate(1, cart))
    await vi.waitFor(() => expect(held).toHaveLength(1))
    for (const number of [2, 3, 4]) webhook.announce(anUpdate(number, number === 3 ? web : cart))
    await sleep(50)
    expect(received).toHaveLength(1)
    held[0]?.()
    await vi.waitFor(() => expect(held).toHaveLength(2))
    held[1]?.()
    await webhook.close()
    expect(
      received.map(({ push }) => [push.before.slice(-1), push.after.slice(-1), push.commits[0]?.modified]),
    ).toEqual([
      ['0', '1', [cart]],
      ['1', '4', [cart, web]],
    ])
  })

  it('that changes too much to be listed lists nothing, which means everything', async () => {
    const held: (() => void)[] = []
    const { received, url } = await serve((_, response) => void held.push(() => response.end()))
    const { webhook } = aWebhook(url)
    const paths = Array.from({ length: 10_001 }, (_, index) => `environments/e/applications/a${index}/manifests`)
    webhook.announce(anUpdate(1, ...paths.slice(1)))
    await vi.waitFor(() => expect(held).toHaveLength(1))
    webhook.announce(anUpdate(2, ...paths))
    webhook.announce(anUpdate(3, cart))
    held[0]?.()
    await vi.waitFor(() => expect(held).toHaveLength(2))
    held[1]?.()
    await webhook.close()
    expect(received.map(({ push }) => push.commits[0]?.modified.length)).toEqual([10_000, 0])
    expect(received.at(-1)?.push.after).toBe('0000000000000000000000000000000000000003')
  })
})

describe('a server that does not take it', () => {
  it.each<[string, RequestListener, string]>([
    ['answers 500', (_, response) => response.writeHead(500).end('x'.repeat(1_000_000)), 'it answered 500'],
    [
      'sends elsewhere',
      (_, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
      'it answered 302',
    ],
    ['closes the connection', (request) => request.socket.destroy(), 'ECONNRESET'],
    ['never answers', () => {}, 'it did not answer within 200 ms'],
  ])('because it %s is logged, once', async (_name, answer, problem) => {
    const { received, url } = await serve(answer)
    const { webhook, problems } = aWebhook(url, { timeout: 200 })
    for (const number of [1, 2]) {
      webhook.announce(anUpdate(number, cart))
      await vi.waitFor(() => expect(received).toHaveLength(number))
      await vi.waitFor(() => expect(problems()).toHaveLength(1))
    }
    await webhook.close()
    expect(problems()).toEqual([expect.stringContaining(problem) as string])
  })

  it('because nobody listens is logged, and again when it is another problem or none', async () => {
    const statuses = [500, 500, 503, 200, 500]
    const { received, url } = await serve((_, response) =>
      response.writeHead(statuses[received.length - 1] ?? 200).end(),
    )
    const { webhook, problems, log } = aWebhook(url)
    for (const [index] of statuses.entries()) {
      webhook.announce(anUpdate(index + 1, cart))
      await vi.waitFor(() => expect(received).toHaveLength(index + 1))
      await sleep(20)
    }
    await webhook.close()
    expect(problems().map((problem) => problem.slice(-3))).toEqual(['500', '503', '500'])
    expect(log.info).toHaveBeenCalledTimes(1)

    const nobody = aWebhook('http://127.0.0.1:1')
    nobody.webhook.announce(anUpdate(1, cart))
    await nobody.webhook.close()
    expect(nobody.problems()).toEqual([expect.stringMatching(/ECONNREFUSED|EACCES|bad port/) as string])
  })

  it('does not keep Signalbox from ending', async () => {
    const { received, url } = await serve(() => {})
    const { webhook } = aWebhook(url)
    webhook.announce(anUpdate(1, cart))
    await vi.waitFor(() => expect(received).toHaveLength(1))
    webhook.announce(anUpdate(2, web))
    const begin = performance.now()
    await webhook.close(100)
    expect(performance.now() - begin).toBeLessThan(2000)
    webhook.announce(anUpdate(3, web))
    await sleep(20)
    expect(received).toHaveLength(1)
  })
})

describe('a certificate that nobody else signed', () => {
  it('is refused, unless it is said to be good enough; then for this connection alone', async () => {
    const { received, url } = await serve(undefined, true)
    const strict = aWebhook(url)
    strict.webhook.announce(anUpdate(1, cart))
    await strict.webhook.close()
    expect(strict.problems()).toEqual([expect.stringContaining('DEPTH_ZERO_SELF_SIGNED_CERT') as string])
    expect(received).toEqual([])

    const insecure = aWebhook(url, { isInsecure: true })
    insecure.webhook.announce(anUpdate(1, cart))
    await insecure.webhook.close()
    expect(insecure.problems()).toEqual([])
    expect(received).toHaveLength(1)
    await expect(fetch(url)).rejects.toThrow('fetch failed')
    expect(process.env['NODE_TLS_REJECT_UNAUTHORIZED']).toBeUndefined()
  })
})
